//! The fonts that the sheet is set in, which come with the program, and which of them has a character.
//!
//! Latin, Greek, Cyrillic, Arabic and Bengali. What is in no font is not drawn as a box or as another letter: words in its place send to
//! `report.html`, where the reader's own fonts show it.

use std::cell::RefCell;
use std::collections::HashMap;

use harfrust::{Direction, FontRef, GlyphBuffer, ShapeOptions, ShaperData, UnicodeBuffer};
use krilla::Data;
use krilla::text::Font;

const FILES: [&[u8]; 5] = [
    include_bytes!("../../fonts/NotoSans-Regular.ttf"),
    include_bytes!("../../fonts/NotoSans-Bold.ttf"),
    include_bytes!("../../fonts/NotoSansMono-Regular.ttf"),
    include_bytes!("../../fonts/NotoSansArabic-Regular.ttf"),
    include_bytes!("../../fonts/NotoSansBengali-Regular.ttf"),
];

/// One of the fonts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Face {
    Regular,
    Bold,
    Mono,
    Arabic,
    Bengali,
}

/// In the order in which they are asked for a character.
const ALL: [Face; 5] = [Face::Regular, Face::Arabic, Face::Bengali, Face::Bold, Face::Mono];

impl Face {
    /// Whether its letters stand higher and lower than Latin ones.
    pub(super) fn is_tall(self) -> bool {
        matches!(self, Face::Arabic | Face::Bengali)
    }
}

/// All fonts, ready.
pub(super) struct Fonts {
    faces: Vec<Loaded>,
    known: RefCell<HashMap<(Face, char), bool>>,
}

struct Loaded {
    font: FontRef<'static>,
    data: ShaperData,
    drawn: Font,
}

impl Fonts {
    /// None where a font that comes with the program cannot be read, which a test rules out.
    pub(super) fn load() -> Option<Fonts> {
        let faces = FILES.iter().map(|bytes| {
            let font = FontRef::new(bytes).ok()?;
            Some(Loaded { data: ShaperData::new(&font), font, drawn: Font::new(Data::from(*bytes), 0)? })
        });
        Some(Fonts { faces: faces.collect::<Option<_>>()?, known: RefCell::default() })
    }

    fn loaded(&self, face: Face) -> &Loaded {
        &self.faces[face as usize]
    }

    /// For drawing with it.
    pub(super) fn drawn(&self, face: Face) -> Font {
        self.loaded(face).drawn.clone()
    }

    pub(super) fn units_per_em(&self, face: Face) -> f32 {
        self.loaded(face).drawn.units_per_em()
    }

    /// The glyphs of a text of one font and one direction, in the order in which they stand.
    pub(super) fn shape(&self, face: Face, text: &str, is_rtl: bool) -> GlyphBuffer {
        let loaded = self.loaded(face);
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.guess_segment_properties();
        buffer.set_direction(if is_rtl { Direction::RightToLeft } else { Direction::LeftToRight });
        loaded.data.shaper(&loaded.font).build().shape(buffer, ShapeOptions::new())
    }

    /// Whether a font has a character.
    pub(super) fn has(&self, face: Face, char: char) -> bool {
        if let Some(known) = self.known.borrow().get(&(face, char)) {
            return *known;
        }
        let glyphs = self.shape(face, char.encode_utf8(&mut [0; 4]), false);
        let has = glyphs.glyph_infos().iter().all(|glyph| glyph.glyph_id != 0);
        self.known.borrow_mut().insert((face, char), has);
        has
    }

    /// The font for a character: that of the text before it where it has it and the character belongs to no script of
    /// its own, else the wanted one, else any that has it.
    pub(super) fn face_for(&self, char: char, before: Option<Face>, wanted: Face) -> Option<Face> {
        let goes_along = is_ignored(char) || !char.is_alphabetic();
        if let Some(before) =
            before.filter(|before| goes_along && (is_ignored(char) || self.has(*before, char)))
        {
            return Some(before);
        }
        if is_ignored(char) || self.has(wanted, char) {
            return Some(wanted);
        }
        ALL.into_iter().find(|face| self.has(*face, char))
    }
}

/// Characters that are never seen themselves: joiners, and marks of direction.
pub(super) fn is_ignored(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        | '\u{fe00}'..='\u{fe0f}')
}
