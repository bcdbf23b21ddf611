//! Text as glyphs: which font, which direction, where lines end.

use std::ops::Range;

use krilla::text::{GlyphId, KrillaGlyph};
use unicode_bidi::{BidiInfo, ParagraphInfo};

use super::fonts::{Face, Fonts, is_ignored};

/// What stands where no font has the characters.
pub(super) const ELSEWHERE: &str = "[see report.html]";

/// Glyphs of one font, one after the other.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) face: Face,
    pub(super) text: String,
    pub(super) glyphs: Vec<KrillaGlyph>,
    /// In ems.
    pub(super) width: f32,
}

/// What stands on one line, from left to right.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    pub(super) runs: Vec<Run>,
    /// In ems.
    pub(super) width: f32,
}

impl Line {
    pub(super) fn is_tall(&self) -> bool {
        self.runs.iter().any(|run| run.face.is_tall())
    }
}

/// The lines of a text, none wider than `width` ems; what has no font is replaced. Says whether anything was.
pub(super) fn lines(fonts: &Fonts, text: &str, wanted: Face, width: f32) -> (Vec<Line>, bool) {
    let (text, replaced) = printable(fonts, text, wanted);
    let lines = text.lines().flat_map(|text| wrapped(fonts, text, wanted, width)).collect();
    (lines, replaced)
}

/// The text with words in the place of what cannot be drawn.
fn printable(fonts: &Fonts, text: &str, wanted: Face) -> (String, bool) {
    let can_draw = |word: &str| {
        faces(fonts, word, wanted).is_some_and(|parts| {
            parts.into_iter().all(|(range, face)| {
                let glyphs = fonts.shape(face, &word[range], face == Face::Arabic);
                glyphs.glyph_infos().iter().all(|glyph| glyph.glyph_id != 0)
            })
        })
    };
    let (mut all, mut replaced) = (String::with_capacity(text.len()), false);
    for part in text.split_inclusive([' ', '\n']) {
        let word = part.trim_end_matches([' ', '\n']);
        if can_draw(word) {
            all.push_str(part);
            continue;
        }
        replaced = true;
        // Marks of direction stay in pairs, and what follows on the next words is said once.
        let (before, after) =
            (marks(word.chars().take_while(|char| is_ignored(*char))), marks(trailing(word)));
        if !all.trim_end_matches([' ', '\u{2068}']).ends_with(ELSEWHERE) {
            all.push_str(&before);
            all.push_str(ELSEWHERE);
        }
        all.push_str(&after);
        all.push_str(&part[word.len()..]);
    }
    (all, replaced)
}

fn trailing(word: &str) -> impl Iterator<Item = char> {
    word.chars().rev().take_while(|char| is_ignored(*char))
}

fn marks(chars: impl Iterator<Item = char>) -> String {
    chars.filter(|char| matches!(char, '\u{2068}' | '\u{2069}')).collect()
}

/// Which font has which part; none where a character is in no font.
fn faces(fonts: &Fonts, text: &str, wanted: Face) -> Option<Vec<(Range<usize>, Face)>> {
    let mut parts: Vec<(Range<usize>, Face)> = Vec::new();
    for (at, char) in text.char_indices() {
        let before = parts.last().map(|(_, face)| *face);
        let face = fonts.face_for(char, before, wanted)?;
        let end = at + char.len_utf8();
        match parts.last_mut() {
            Some((range, last)) if *last == face => range.end = end,
            _ => parts.push((at..end, face)),
        }
    }
    Some(parts)
}

fn wrapped(fonts: &Fonts, text: &str, wanted: Face, width: f32) -> Vec<Line> {
    let Some(parts) = faces(fonts, text, wanted) else { return Vec::new() };
    let bidi = BidiInfo::new(text, None);
    let Some(paragraph) = bidi.paragraphs.first() else { return vec![Line::default()] };
    let setting = Setting { fonts, bidi: &bidi, paragraph, parts: &parts };
    setting.breaks(width).into_iter().map(|range| setting.line(range)).collect()
}

/// A paragraph that is being set.
struct Setting<'a> {
    fonts: &'a Fonts,
    bidi: &'a BidiInfo<'a>,
    paragraph: &'a ParagraphInfo,
    parts: &'a [(Range<usize>, Face)],
}

impl Setting<'_> {
    /// Where the lines are: after words, and within one only where it is longer than a line.
    fn breaks(&self, width: f32) -> Vec<Range<usize>> {
        let text = self.bidi.text;
        let (mut lines, mut start, mut used) = (Vec::new(), 0, 0.0);
        let mut at = 0;
        for word in text.split_inclusive(' ') {
            let whole = at..at + word.len();
            let wide = self.width(at..at + word.trim_end().len());
            if start < at && used + wide > width {
                lines.push(start..at);
                (start, used) = (at, 0.0);
            }
            if wide > width {
                for cut in self.cuts(whole.clone(), width) {
                    lines.push(start..cut);
                    start = cut;
                }
                used = self.width(start..whole.end);
            } else {
                used += self.width(whole.clone());
            }
            at = whole.end;
        }
        lines.push(start..text.len());
        lines
    }

    /// Where a word that is longer than a line is cut: between clusters, never before a mark.
    fn cuts(&self, word: Range<usize>, width: f32) -> Vec<usize> {
        let mut clusters: Vec<(usize, f32)> = Vec::new();
        for (at, run) in self.runs(word.clone(), None) {
            clusters.extend(run.glyphs.iter().map(|glyph| (at + glyph.text_range.start, glyph.x_advance)));
        }
        clusters.sort_by_key(|(at, _)| *at);
        let (mut cuts, mut used) = (Vec::new(), 0.0);
        for cluster in clusters.chunk_by(|one, next| one.0 == next.0) {
            let advance: f32 = cluster.iter().map(|(_, advance)| advance).sum();
            let at = cluster[0].0;
            if used + advance > width && at > word.start {
                cuts.push(at);
                used = 0.0;
            }
            used += advance;
        }
        cuts
    }

    fn width(&self, range: Range<usize>) -> f32 {
        self.runs(range, None).iter().map(|(_, run)| run.width).sum()
    }

    /// One line, its runs in the order in which they are seen.
    fn line(&self, range: Range<usize>) -> Line {
        let text = &self.bidi.text[range.clone()];
        let range = range.start..range.start + text.trim_end().len();
        if range.is_empty() {
            return Line::default();
        }
        let (levels, seen) = self.bidi.visual_runs(self.paragraph, range);
        let mut runs = Vec::new();
        for level_run in seen {
            let is_rtl = levels.get(level_run.start).is_some_and(|level| level.is_rtl());
            let mut of_level: Vec<Run> =
                self.runs(level_run, Some(is_rtl)).into_iter().map(|(_, run)| run).collect();
            if is_rtl {
                of_level.reverse();
            }
            runs.extend(of_level);
        }
        let width = runs.iter().map(|run| run.width).sum();
        Line { runs, width }
    }

    /// The runs of a part of the text in the order in which it is read, with where each begins.
    fn runs(&self, range: Range<usize>, is_rtl: Option<bool>) -> Vec<(usize, Run)> {
        let within = self.parts.iter().filter_map(|(part, face)| {
            let (start, end) = (part.start.max(range.start), part.end.min(range.end));
            (start < end).then_some((start..end, *face))
        });
        within
            .map(|(part, face)| {
                let is_rtl = is_rtl.unwrap_or(face == Face::Arabic);
                (part.start, run(self.fonts, face, &self.bidi.text[part], is_rtl))
            })
            .collect()
    }
}

fn run(fonts: &Fonts, face: Face, text: &str, is_rtl: bool) -> Run {
    let shaped = fonts.shape(face, text, is_rtl);
    let em = fonts.units_per_em(face);
    let ems = |units: i32| units as f32 / em;
    let mut starts: Vec<usize> = shaped.glyph_infos().iter().map(|glyph| glyph.cluster as usize).collect();
    starts.sort_unstable();
    starts.dedup();
    let end_of = |start: usize| {
        let next = starts.partition_point(|other| *other <= start);
        starts.get(next).copied().unwrap_or(text.len())
    };
    let glyphs = shaped.glyph_infos().iter().zip(shaped.glyph_positions()).map(|(glyph, position)| {
        let start = glyph.cluster as usize;
        KrillaGlyph::new(
            GlyphId::new(glyph.glyph_id),
            ems(position.x_advance),
            ems(position.x_offset),
            ems(position.y_offset),
            ems(position.y_advance),
            start..end_of(start),
            None,
        )
    });
    let glyphs: Vec<KrillaGlyph> = glyphs.collect();
    let width = glyphs.iter().map(|glyph| glyph.x_advance).sum();
    Run { face, text: text.to_owned(), glyphs, width }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fonts() -> Fonts {
        Fonts::load().unwrap()
    }

    fn text_of(line: &Line) -> String {
        line.runs.iter().map(|run| run.text.as_str()).collect()
    }

    #[test]
    fn latin_arabic_and_bengali_each_have_their_font() {
        let (lines, replaced) = lines(
            &fonts(),
            "Till \u{2068}\u{627}\u{644}\u{628}\u{627}\u{628}\u{2069} \u{995}\u{9cd}\u{9b7}",
            Face::Bold,
            99.0,
        );

        let faces: Vec<Face> = lines[0].runs.iter().map(|run| run.face).collect();
        assert!(!replaced && lines.len() == 1);
        assert!(
            faces.contains(&Face::Bold) && faces.contains(&Face::Arabic) && faces.contains(&Face::Bengali),
            "{faces:?}"
        );
    }

    #[test]
    fn arabic_letters_join_and_bengali_ones_form_conjuncts() {
        let fonts = fonts();
        let glyphs = |face, text, is_rtl| {
            let shaped = fonts.shape(face, text, is_rtl);
            shaped.glyph_infos().iter().map(|glyph| glyph.glyph_id).collect::<Vec<_>>()
        };

        let alone = glyphs(Face::Arabic, "\u{628}", true);
        let joined = glyphs(Face::Arabic, "\u{628}\u{628}\u{628}", true);
        assert!(
            joined.len() == 3 && joined.iter().all(|glyph| !alone.contains(glyph)),
            "{alone:?} {joined:?}"
        );
        assert_eq!(glyphs(Face::Bengali, "\u{995}\u{9cd}\u{9b7}", false).len(), 1);
    }

    #[test]
    fn a_line_of_arabic_is_read_from_the_right() {
        let (lines, _) = lines(&fonts(), "\u{628}\u{627}\u{628} 12 \u{628}", Face::Regular, 99.0);

        let seen = text_of(&lines[0]);
        assert!(seen.find("12").unwrap() > 0 && seen.starts_with([' ', '\u{628}']), "{seen}");
        // The last word is seen first.
        assert!(seen.chars().filter(|char| *char == '\u{628}').count() == 3);
    }

    #[test]
    fn what_no_font_has_sends_to_the_report_once() {
        let (lines, replaced) =
            lines(&fonts(), "A \u{2068}\u{6f22}\u{5b57} \u{6f22}\u{5b57}\u{2069} B", Face::Regular, 99.0);

        let text: String = text_of(&lines[0]).chars().filter(|char| !is_ignored(*char)).collect();
        assert!(replaced);
        assert_eq!(text, format!("A {ELSEWHERE}  B"));
        assert!(lines[0].runs.iter().flat_map(|run| &run.glyphs).all(|glyph| glyph.glyph_id.to_u32() != 0));
    }

    #[test]
    fn no_line_is_wider_than_it_may_be_and_nothing_is_lost() {
        let long =
            "Till ".repeat(30) + &"W".repeat(90) + " \u{2068}" + &"\u{995}\u{9bf}".repeat(60) + "\u{2069}";

        let (lines, replaced) = lines(&fonts(), &long, Face::Regular, 20.0);

        assert!(!replaced);
        assert!(
            lines.iter().all(|line| line.width <= 20.01),
            "{:?}",
            lines.iter().map(|line| line.width).collect::<Vec<_>>()
        );
        let without = |text: &str| text.chars().filter(|char| !char.is_whitespace()).collect::<String>();
        assert_eq!(without(&lines.iter().map(text_of).collect::<String>()), without(&long));
    }
}
