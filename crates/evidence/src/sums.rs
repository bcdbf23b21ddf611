//! `SHA256SUMS`, as `sha256sum` of coreutils writes and checks it: a digest in lower case, two spaces, a name.

use std::collections::BTreeMap;

use ring::digest::{Context, SHA256};

use crate::names;

/// A digest in lower-case hexadecimal.
pub(crate) type Digest = String;

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(crate) fn digest(bytes: &[u8]) -> Digest {
    let mut running = Running::new();
    running.update(bytes);
    running.finish()
}

/// A digest of bytes that come one after the other.
pub(crate) struct Running(Context);

impl Running {
    pub(crate) fn new() -> Running {
        Running(Context::new(&SHA256))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> Digest {
        hex(self.0.finish().as_ref())
    }
}

/// The file's text; the names are ours and hold nothing that must be escaped.
pub(crate) fn to_text(sums: &[(String, Digest)]) -> String {
    sums.iter().map(|(name, digest)| format!("{digest}  {name}\n")).collect()
}

/// Why a text is no list of sums.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SumsError {
    #[error("it is not UTF-8")]
    NotText,
    #[error("line {0} is not a SHA-256 sum, two spaces and a file's name")]
    NotASum(usize),
    #[error("line {0} names a file that has a sum already")]
    Twice(usize),
}

/// Reads the file: names with their digests.
pub(crate) fn from_text(bytes: &[u8]) -> Result<BTreeMap<String, Digest>, SumsError> {
    let text = std::str::from_utf8(bytes).map_err(|_| SumsError::NotText)?;
    let mut sums = BTreeMap::new();
    for (index, line) in text.split_terminator('\n').enumerate() {
        let (digest, name) = sum(line).ok_or(SumsError::NotASum(index + 1))?;
        if sums.insert(name.to_owned(), digest.to_owned()).is_some() {
            return Err(SumsError::Twice(index + 1));
        }
    }
    Ok(sums)
}

fn sum(line: &str) -> Option<(&str, &str)> {
    let (digest, name) = line.split_once("  ")?;
    let is_digest =
        digest.len() == 64 && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (is_digest && names::is_safe(name) && !name.ends_with('/')).then_some((digest, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let sums = vec![("a.txt".to_owned(), digest(b"a")), ("frames/0001.jpg".to_owned(), digest(b""))];

        let read = from_text(to_text(&sums).as_bytes());

        assert_eq!(read, Ok(sums.into_iter().collect()));
        assert!(to_text(&[("x".to_owned(), digest(b""))]).starts_with("e3b0c44298fc1c149afbf4c8996fb924"));
    }

    #[test]
    fn a_line_that_is_no_sum_is_refused() {
        let good = to_text(&[("a".to_owned(), digest(b"a"))]);
        assert_eq!(from_text(format!("{good}nonsense\n").as_bytes()), Err(SumsError::NotASum(2)));
        assert_eq!(from_text(format!("{good}{good}").as_bytes()), Err(SumsError::Twice(2)));
        assert_eq!(from_text(b"\xff"), Err(SumsError::NotText));
        assert_eq!(from_text(good.replace("  a", "  ../a").as_bytes()), Err(SumsError::NotASum(1)));
        assert_eq!(from_text(b"").map(|sums| sums.len()), Ok(0));
    }
}
