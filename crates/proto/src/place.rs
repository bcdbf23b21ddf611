//! A host and port as they are shown to a person, small enough to be copied with a [`Cause`](crate::Cause).

use std::fmt;

/// Longest that is kept whole, in bytes.
const LONGEST: usize = 62;
/// What of a longer one is kept: its beginning, and its end with the port.
const KEPT: (usize, usize) = (29, 30);
/// Between the two.
const CUT: &str = "…";

/// `host:port` of a proxy on this computer's way out. Never a user name or a password.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    bytes: [u8; LONGEST],
    length: u8,
}

impl Place {
    /// Of an authority as it stands in an address; whatever is before an `@` is left out, and what no host name can
    /// hold, too. A long one loses its middle.
    pub fn new(authority: &str) -> Place {
        let shown = authority.rsplit('@').next().unwrap_or_default();
        let shown: String = shown.chars().filter(char::is_ascii_graphic).collect();
        let shown = match shown.len() {
            0..=LONGEST => shown,
            length => format!("{}{CUT}{}", &shown[..KEPT.0], &shown[length - KEPT.1..]),
        };

        let mut bytes = [0; LONGEST];
        let length = shown.len().min(LONGEST);
        bytes[..length].copy_from_slice(&shown.as_bytes()[..length]);
        Place { bytes, length: u8::try_from(length).unwrap_or(0) }
    }

    /// As it is shown.
    pub fn as_str(&self) -> &str {
        let kept = self.bytes.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(kept).unwrap_or_default()
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_password_is_never_part_of_a_place() {
        assert_eq!(Place::new("till:se@cret@proxy.shop.example:3128").as_str(), "proxy.shop.example:3128");
    }

    #[test]
    fn a_long_name_keeps_its_port() {
        let place = Place::new(&format!("{}.example:3128", "proxy".repeat(40)));

        assert!(place.as_str().starts_with("proxyproxy") && place.as_str().ends_with("xy.example:3128"));
    }

    proptest! {
        #[test]
        fn any_text_makes_a_place_that_can_be_shown(text: String) {
            let place = Place::new(&text);

            prop_assert!(place.as_str().len() <= LONGEST);
            prop_assert!(text.is_ascii() || !place.as_str().contains(char::is_control));
            prop_assert_eq!(place, Place::new(&text));
        }
    }
}
