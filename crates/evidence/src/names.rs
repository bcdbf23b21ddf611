//! The files of a zip, and which names of files are safe to unpack anywhere.

pub(crate) const PDF: &str = "READ-ME-FIRST.pdf";
pub(crate) const HTML: &str = "report.html";
pub(crate) const JSON: &str = "incident.json";
pub(crate) const CUSTODY: &str = "custody.csv";
pub(crate) const KEY: &str = "device.pub";
pub(crate) const SUMS: &str = "SHA256SUMS";
pub(crate) const SIGNATURE: &str = "SHA256SUMS.minisig";

/// The picture with this number, of so many; numbers begin at 1.
pub(crate) fn frame(number: usize, of: usize) -> String {
    let digits = of.to_string().len().max(4);
    format!("frames/{number:0digits$}.jpg")
}

/// Whether a name stays below the folder it is unpacked into, on every system.
pub(crate) fn is_safe(name: &str) -> bool {
    let parts = name.strip_suffix('/').unwrap_or(name).split('/');
    name.len() <= 512
        && parts.into_iter().all(is_safe_part)
        && !name.chars().any(|char| char.is_control() || is_bidi_control(char))
}

fn is_safe_part(part: &str) -> bool {
    !part.is_empty()
        && part != "."
        && part != ".."
        && !part.contains(['\\', ':', '*', '?', '"', '<', '>', '|'])
        && !part.ends_with(['.', ' '])
}

/// Characters that turn the text around them: a name with one reads otherwise than it is.
pub(crate) fn is_bidi_control(char: char) -> bool {
    matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_names_are_safe_and_pictures_sort_as_they_are_numbered() {
        for name in [PDF, HTML, JSON, CUSTODY, KEY, SUMS, SIGNATURE, "frames/"] {
            assert!(is_safe(name), "{name}");
        }
        assert_eq!(frame(7, 12), "frames/0007.jpg");
        assert_eq!(frame(7, 12_345), "frames/00007.jpg");
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_not_safe() {
        for name in [
            "",
            "/",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a//b",
            "a\\b",
            "C:x",
            "a\0b",
            "a\nb",
            "x.",
            "x ",
            "./x",
            "\u{202e}gpj.exe",
            "nul:",
            "a/..",
        ] {
            assert!(!is_safe(name), "{name:?}");
        }
    }
}
