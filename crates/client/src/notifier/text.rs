//! Words for a place that we do not control: bounded, without control characters, escaped where markup is read.

/// Characters of a title.
const TITLE_LIMIT: usize = 120;
/// Characters of a body: more go past the edge of a screen, where a popup is as high as its words.
const BODY_LIMIT: usize = 300;
/// Marks that may follow one character; more are a way to paint over the neighbours.
const MARKS_LIMIT: usize = 4;

/// One line, at most 120 characters.
pub(super) fn title(text: &str) -> String {
    bounded(text, TITLE_LIMIT).replace('\n', " ")
}

/// At most 300 characters; escaped if the service reads markup.
pub(super) fn body(text: &str, markup: bool) -> String {
    let text = bounded(text, BODY_LIMIT);
    if markup { escaped(&text) } else { text }
}

fn bounded(text: &str, limit: usize) -> String {
    let mut kept = String::with_capacity(text.len().min(limit * 4));
    let (mut count, mut marks) = (0, 0);
    for character in text.chars() {
        if is_hidden(character) {
            continue;
        }
        marks = if is_mark(character) { marks + 1 } else { 0 };
        if marks > MARKS_LIMIT {
            continue;
        }
        if count == limit {
            kept.truncate(kept.trim_end().len());
            kept.push('…');
            break;
        }
        kept.push(if character == '\t' { ' ' } else { character });
        count += 1;
    }
    kept.trim().to_owned()
}

/// Controls, direction overrides and characters without a face: they can make text read as something else.
fn is_hidden(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' => true,
        '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' => true,
        '\u{e0000}'..='\u{e007f}' => true,
        _ => character.is_control(),
    }
}

fn is_mark(character: char) -> bool {
    matches!(character,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}')
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped_only_for_a_service_that_reads_it() {
        let hostile = "<img src=x onerror=\"a\"> Tom & Sons";

        assert_eq!(body(hostile, true), "&lt;img src=x onerror=\"a\"&gt; Tom &amp; Sons");
        assert_eq!(body(hostile, false), hostile);
    }

    #[test]
    fn controls_and_direction_overrides_are_removed() {
        assert_eq!(title("a\u{202e}b\u{1b}[31mc\u{0}\r\nd\u{200b}"), "ab[31mc d");
        assert_eq!(body("one\ntwo\u{2066}", false), "one\ntwo");
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        let cut = title(&"🛒".repeat(1_000));

        assert_eq!(cut.chars().count(), TITLE_LIMIT + 1);
        assert!(cut.ends_with("🛒…"));
        assert_eq!(body(&"&".repeat(100_000), true).matches("&amp;").count(), BODY_LIMIT);
    }

    #[test]
    fn a_tower_of_marks_keeps_its_first_four() {
        let tower: String =
            std::iter::once('a').chain(std::iter::repeat_n('\u{301}', 1_000)).chain(['b']).collect();

        assert_eq!(title(&tower), "a\u{301}\u{301}\u{301}\u{301}b");
    }
}
