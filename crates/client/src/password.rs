//! The ways in which one and the same password may have been typed.
//!
//! A letter with an accent is one character on one keyboard and two on another, and looks the same. The composed form is
//! sent first, which our server expects; the original compares bytes, so that what was registered elsewhere may be
//! another form.

use icu_normalizer::{ComposingNormalizer, DecomposingNormalizer};
use secrecy::{ExposeSecret, SecretString};

/// Each way once: composed, as it was typed, taken apart. A single one for a password of plain letters.
pub(crate) fn forms(password: &SecretString) -> Vec<SecretString> {
    let typed = password.expose_secret();
    let composed = ComposingNormalizer::new_nfc().normalize(typed);
    let apart = DecomposingNormalizer::new_nfd().normalize(typed);
    let mut forms: Vec<&str> = vec![&composed];
    for form in [typed, &*apart] {
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms.into_iter().map(SecretString::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_31_a_password_is_tried_in_each_form_that_looks_the_same() {
        let of = |typed: &str| -> Vec<String> {
            forms(&typed.into()).iter().map(|form| form.expose_secret().to_owned()).collect()
        };

        assert_eq!(of("plain"), ["plain"]);
        assert_eq!(of("caf\u{e9}"), ["caf\u{e9}", "cafe\u{301}"]);
        assert_eq!(of("cafe\u{301}"), ["caf\u{e9}", "cafe\u{301}"]);
        assert_eq!(of("\u{e9}e\u{301}"), ["\u{e9}\u{e9}", "\u{e9}e\u{301}", "e\u{301}e\u{301}"]);
    }
}
