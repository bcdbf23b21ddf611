//! Text that a person's editor or shell wrote: passwords and tokens in files, the same for both ends.

use zeroize::Zeroizing;

/// UTF-8, with or without a byte order mark, or UTF-16 with one; none if it is neither. What is read along the way is not left
/// in memory.
pub fn decode(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => String::from_utf16(&units(rest, u16::from_le_bytes)?).ok()?,
        [0xfe, 0xff, rest @ ..] => String::from_utf16(&units(rest, u16::from_be_bytes)?).ok()?,
        [0xef, 0xbb, 0xbf, rest @ ..] | rest => String::from_utf8(rest.to_vec()).ok()?,
    };
    Some(Zeroizing::new(text))
}

fn units(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<Zeroizing<Vec<u16>>> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    rest.is_empty().then(|| Zeroizing::new(pairs.iter().map(|pair| unit(*pair)).collect()))
}
