//! Long secrets in several entries: one credential of Windows holds 2,560 bytes, and a token may be longer.
//!
//! A short secret is its entry. A long one is in `name#0`, `name#1` and so on, and its entry says how many there are and
//! what they amount to, so that a half-written one is found out.

use sha2::{Digest, Sha256};

/// Most bytes in one entry; half of what Windows takes, since some stores keep two bytes a character.
pub(super) const MAX_BYTES: usize = 1200;

/// Most entries of one secret.
const MAX_PARTS: usize = 64;

/// No token begins with it.
const MARK: &str = "\u{1}parts:";

/// What to store.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Split<'a> {
    /// For the entry itself.
    pub(super) head: String,
    /// For `name#0` and so on.
    pub(super) parts: Vec<&'a str>,
}

/// How many parts there are, and the hash of them all.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) count: usize,
    hash: String,
}

/// None if the secret is longer than anything that could be meant.
pub(super) fn split(secret: &str) -> Option<Split<'_>> {
    if secret.len() <= MAX_BYTES && !secret.starts_with(MARK) {
        return Some(Split { head: secret.to_owned(), parts: Vec::new() });
    }
    let mut parts = Vec::new();
    let mut rest = secret;
    while !rest.is_empty() {
        let (part, after) = rest.split_at(boundary(rest));
        parts.push(part);
        rest = after;
    }
    if parts.len() > MAX_PARTS {
        return None;
    }
    Some(Split { head: format!("{MARK}{}:{}", parts.len(), hash(secret)), parts })
}

/// The last place within the limit at which no character is cut.
fn boundary(text: &str) -> usize {
    let mut end = MAX_BYTES.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}

/// Reads an entry; none if it is the secret itself.
pub(super) fn head(entry: &str) -> Option<Head> {
    let (count, hash) = entry.strip_prefix(MARK)?.split_once(':')?;
    let count = count.parse().ok().filter(|count| *count <= MAX_PARTS)?;
    Some(Head { count, hash: hash.to_owned() })
}

/// Whether this is what was stored.
pub(super) fn is_whole(head: &Head, secret: &str) -> bool {
    head.hash == hash(secret)
}

pub(super) fn name(entry: &str, part: usize) -> String {
    format!("{entry}#{part}")
}

fn hash(secret: &str) -> String {
    Sha256::digest(secret.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_token_of_ordinary_length_is_one_entry() {
        let token = "e".repeat(MAX_BYTES);

        assert_eq!(split(&token).unwrap(), Split { head: token.clone(), parts: vec![] });
        assert_eq!(head(&token), None);
    }

    #[test]
    fn a_longer_one_is_several() {
        let token = "e".repeat(MAX_BYTES + 1);

        let split = split(&token).unwrap();

        assert_eq!(split.parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [MAX_BYTES, 1]);
        assert!(!split.head.contains("eee"));
    }

    #[test]
    fn no_token_is_a_hundred_kilobytes() {
        assert_eq!(split(&"e".repeat(100_000)), None);
    }

    #[test]
    fn parts_of_two_different_secrets_are_found_out() {
        let token = "a".repeat(3000);
        let head = head(&split(&token).unwrap().head).unwrap();

        assert!(is_whole(&head, &token));
        assert!(!is_whole(&head, &format!("{}b", &token[1..])));
    }

    proptest! {
        #[test]
        fn every_secret_is_put_together_again(secret in "\\PC{0,4000}") {
            let split = split(&secret).unwrap();

            match head(&split.head) {
                None => prop_assert_eq!(&split.head, &secret),
                Some(head) => {
                    let whole = split.parts.concat();
                    prop_assert_eq!(head.count, split.parts.len());
                    prop_assert!(is_whole(&head, &whole));
                    prop_assert!(split.parts.iter().all(|part| part.len() <= MAX_BYTES));
                    prop_assert_eq!(whole, secret);
                }
            }
        }
    }
}
