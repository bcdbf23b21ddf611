//! The file's bytes as text, whatever program wrote them, and its lines where it is no TOML.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use toml::{Table, Value};

/// No file of settings is longer; what is beyond is not read.
const LONGEST: u64 = 16 * 1024 * 1024;

/// What the file says.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// With plain line ends, and nothing in front.
    pub(super) text: String,
    /// The bytes say the same as this text: nothing was replaced, left out or written in another way.
    pub(super) is_whole: bool,
    /// Something cannot be read at all, and it is not known what it was about.
    pub(super) is_unsure: bool,
    /// What is odd about the whole.
    pub(super) oddity: Option<&'static str>,
}

/// Reads the file; none if there is none. What is not a file, such as a pipe, is not waited for.
pub(super) fn read(path: &Path) -> io::Result<Option<Text>> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
        Ok(what) if !what.is_file() => return Err(io::Error::other("it is not a file")),
        Ok(_) => {}
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
    let is_cut = bytes.len() as u64 > LONGEST;
    let mut read = decode(&bytes);
    if is_cut {
        read.is_unsure = true;
        read.is_whole = false;
        read.oddity = Some("is longer than 16 MiB; what is beyond is not read");
    }
    Ok(Some(read))
}

/// As UTF-8, with or without a mark in front, or as UTF-16, which old editors of Windows write.
fn decode(bytes: &[u8]) -> Text {
    let wide: Option<fn([u8; 2]) -> u16> = match bytes {
        [0xFF, 0xFE, ..] | [1..=0x7F, 0, ..] => Some(u16::from_le_bytes),
        [0xFE, 0xFF, ..] | [0, 1..=0x7F, ..] => Some(u16::from_be_bytes),
        _ => None,
    };
    let (text, oddity) = match wide {
        Some(unit) => {
            let units: Vec<u16> = bytes.as_chunks().0.iter().map(|pair| unit(*pair)).collect();
            (String::from_utf16_lossy(&units), Some("is written as UTF-16; it is read all the same"))
        }
        None => (String::from_utf8_lossy(bytes).into_owned(), None),
    };
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
    let is_unsure = text.contains(['\u{FFFD}', '\0']);
    let plain = text.replace("\r\n", "\n").replace('\r', "\n");
    Text { is_whole: wide.is_none() && !is_unsure, is_unsure, oddity, text: plain }
}

/// One line that says something.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) number: usize,
    /// The table in which it stands; empty for the file itself.
    pub(super) section: String,
    /// What is left of the equals sign, or the whole line where there is none.
    pub(super) key: String,
    pub(super) said: Said,
}

#[derive(Debug)]
pub(super) enum Said {
    /// A value of TOML.
    Value(Value),
    /// A text that is no TOML, as it stands there.
    AsWritten(String),
    /// Nothing that can be made out.
    Nothing,
}

/// The one table that is read.
pub(super) const CAMERAS: &str = "camera_names";

/// Reads a text that is no TOML line by line; each for itself.
pub(super) fn lines(text: &str) -> Vec<Line> {
    let mut section = String::new();
    let mut lines = Vec::new();
    for (number, whole) in (1..).zip(text.lines()) {
        let line: String = whole.chars().filter(|letter| !letter.is_control() || *letter == '\t').collect();
        let line = line.replace(['\u{201C}', '\u{201D}', '\u{201E}'], "\"");
        let line = line.trim();
        // A line of nothing but what was filtered out said something once.
        if line.starts_with('#') || (line.is_empty() && whole.trim().is_empty()) {
            continue;
        }
        if let Some(header) = header(line) {
            if header != CAMERAS {
                lines.push(Line {
                    number,
                    section: String::new(),
                    key: line.to_owned(),
                    said: Said::Nothing,
                });
            }
            section = header;
            continue;
        }
        let (key, said) = match line.parse::<Table>() {
            Ok(table) => match table.into_iter().next() {
                Some((key, value)) => (key, Said::Value(value)),
                None => continue,
            },
            Err(_) => as_written(line),
        };
        lines.push(Line { number, section: section.clone(), key, said });
    }
    lines
}

fn header(line: &str) -> Option<String> {
    let line = line.split('#').next().unwrap_or(line).trim();
    let name = line.strip_prefix('[')?.strip_suffix(']')?;
    Some(name.trim_matches(['[', ']', ' ', '\t', '"', '\'']).to_owned())
}

/// `"C:\Users"` is no text of TOML, and yet everybody can see what was meant.
fn as_written(line: &str) -> (String, Said) {
    let Some((key, value)) = line.split_once('=') else { return (line.to_owned(), Said::Nothing) };
    let key = key.trim().trim_matches(['"', '\'']).to_owned();
    let value = value.trim();
    let inner = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => match value[1..].split_once(quote) {
            Some((_, rest)) if super::stray::goes_on(rest) => value,
            Some((inner, _)) => inner,
            None => &value[1..],
        },
        Some(_) => value.split(" #").next().unwrap_or_default().trim(),
        None => "",
    };
    let said = if inner.is_empty() { Said::Nothing } else { Said::AsWritten(inner.to_owned()) };
    (key, said)
}

/// The line on which a key of a good file stands, or the table in which it is.
pub(super) fn line_of(text: &str, section: &str, key: &str) -> Option<usize> {
    let mut current = String::new();
    for (number, line) in (1..).zip(text.lines()) {
        let header = header(line);
        let is_there = match &header {
            Some(_) => section.is_empty(),
            None => current == section,
        };
        if is_there && is_of(line, key) {
            return Some(number);
        }
        current = header.unwrap_or(current);
    }
    let (table, _) = section.split_once('.').unwrap_or((section, ""));
    if table.is_empty() { None } else { line_of(text, "", table) }
}

fn is_of(line: &str, key: &str) -> bool {
    let line = line.trim_start().trim_start_matches(['[', '"', '\'']).trim_start();
    line.strip_prefix(key)
        .is_some_and(|rest| rest.trim_start_matches(['"', '\'']).trim_start().starts_with(['=', '.', ']']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_every_editor_are_the_same_text() {
        let text = "blur = true\nsound = false\n";
        let wide = |unit: fn(u16) -> [u8; 2], mark: bool| {
            let marked = if mark { format!("\u{FEFF}{text}") } else { text.to_owned() };
            marked.encode_utf16().flat_map(unit).collect::<Vec<u8>>()
        };
        let written = [
            text.as_bytes().to_vec(),
            format!("\u{FEFF}{text}").into_bytes(),
            text.replace('\n', "\r\n").into_bytes(),
            text.replace('\n', "\r").into_bytes(),
            wide(u16::to_le_bytes, true),
            wide(u16::to_be_bytes, true),
            wide(u16::to_le_bytes, false),
            wide(u16::to_be_bytes, false),
        ];

        for bytes in written {
            let read = decode(&bytes);

            assert_eq!((read.text.as_str(), read.is_unsure), (text, false), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_text_is_not_passed_over() {
        assert!(decode(b"blur = tr\xFFe\n").is_unsure);
        assert!(decode(&[0; 64]).is_unsure);
    }
}
