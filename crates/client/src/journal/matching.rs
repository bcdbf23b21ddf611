//! How a word that somebody looks for is found in what an incident says, and what an index of that has to know.
//!
//! `ui/listing.js` has the same rule for what comes while a search stands.

use std::sync::LazyLock;

use visionguard_proto::Kind;

use crate::policy;
use crate::words;

/// Words of so many letters or digits are found where one begins.
const FEW: usize = 3;
/// What stands before the beginning of words and numbers in the index, so that three characters tell of a single letter that it
/// begins one.
const MARK: char = '\u{2}';
/// The index keeps pieces of so many characters.
const PIECE: usize = 3;
/// So many pieces of a word narrow the search down; the rest is read.
const MOST_PIECES: usize = 12;

/// Where a word is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    /// In the middle of words, too.
    Anywhere,
    /// A few letters, where a word begins.
    AtTheBeginning,
    /// A number, where a number begins: "till 1" is not "Till 2, 21 Main Street".
    AsANumber,
}

/// A word that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    folded: String,
    place: Where,
}

/// What an incident says, as it is looked through.
#[derive(Debug)]
pub(super) struct Said {
    /// The camera's name or place, the store, what was written about it, what came of it.
    plain: Vec<String>,
    /// What was detected.
    kind: &'static [String],
    /// The server's sentence: a number in it means nothing to anybody.
    text: Option<String>,
    /// The stream's id: a part of it means nothing to anybody, unless it is a long one.
    stream: Option<String>,
}

/// The kinds as notifications and the page say them.
static KINDS: LazyLock<[[String; 2]; 3]> = LazyLock::new(|| {
    [
        (Kind::Theft, "page.kind.theft"),
        (Kind::Intrusion, "page.kind.intrusion"),
        (Kind::Other, "page.kind.other"),
    ]
    .map(|(kind, on_page)| [fold(&policy::kind(kind)), fold(&words::text(on_page, &[]))])
});

impl Said {
    /// Of these, each as it is stored.
    pub(super) fn new(
        kind: Kind,
        plain: [Option<&str>; 6],
        text: Option<&str>,
        stream: Option<&str>,
    ) -> Said {
        let [theft, intrusion, other] = &*KINDS;
        let kind = match kind {
            Kind::Theft => theft,
            Kind::Intrusion => intrusion,
            Kind::Other => other,
        };
        let plain = plain.into_iter().flatten().map(fold).collect();
        Said { plain, kind, text: text.map(fold), stream: stream.map(fold) }
    }

    /// Whether all of these words are in it.
    pub(super) fn has(&self, words: &[Word]) -> bool {
        words.iter().all(|word| {
            let (text, stream) = match word.place {
                Where::Anywhere => (&self.text, &self.stream),
                Where::AtTheBeginning => (&self.text, &None),
                Where::AsANumber => (&None, &None),
            };
            self.plain.iter().chain(self.kind).chain(text).chain(stream).any(|said| word.is_in(said))
        })
    }

    /// What an index of it is made of.
    pub(super) fn marked(&self) -> String {
        let all: Vec<&str> =
            self.plain.iter().chain(self.kind).chain(&self.text).map(String::as_str).collect();
        marked(&all.join("\n"), ' ')
    }
}

impl Word {
    pub(super) fn new(word: &str) -> Word {
        let is_short = word.len() <= FEW && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let place = match is_short {
            true if word.bytes().all(|byte| byte.is_ascii_digit()) => Where::AsANumber,
            true => Where::AtTheBeginning,
            false => Where::Anywhere,
        };
        Word { folded: fold(word), place }
    }

    /// Whether a stream of this name or id is meant by it.
    pub(super) fn names(&self, stream: &str, name: Option<&str>) -> bool {
        let by_id = self.place == Where::Anywhere && self.is_in(&fold(stream));
        by_id || name.is_some_and(|name| self.is_in(&fold(name)))
    }

    /// What an index of [`Said::marked`] holds of whatever says this word, and perhaps of others; none where it is too short to
    /// tell.
    pub(super) fn pieces(&self) -> Option<Vec<String>> {
        // What is looked for in the middle of a word may begin anywhere in it.
        let marked: Vec<char> = match self.place {
            Where::Anywhere => {
                let first = self.folded.chars().next()?;
                let rest = &self.folded[first.len_utf8()..];
                std::iter::once(first).chain(marked(rest, first).chars()).collect()
            }
            Where::AtTheBeginning | Where::AsANumber => marked(&self.folded, ' ').chars().collect(),
        };
        let last = marked.len().checked_sub(PIECE)?;
        let mut places: Vec<usize> = (0..last).step_by(PIECE).take(MOST_PIECES).collect();
        places.push(last);
        Some(places.into_iter().map(|at| marked[at..at + PIECE].iter().collect()).collect())
    }

    /// Whether folded text has it.
    fn is_in(&self, text: &str) -> bool {
        let begins =
            |at: usize, goes_on: fn(char) -> bool| !text[..at].chars().next_back().is_some_and(goes_on);
        let mut places = text.match_indices(&self.folded).map(|(at, _)| at);
        match self.place {
            Where::Anywhere => text.contains(&self.folded),
            Where::AtTheBeginning => places.any(|at| begins(at, char::is_alphanumeric)),
            Where::AsANumber => places.any(|at| begins(at, |before| before.is_ascii_digit())),
        }
    }
}

/// Capital letters are like small ones, each for itself, whatever stands beside it.
fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// With marks before the words and numbers that begin in it, after this character.
fn marked(text: &str, before: char) -> String {
    let mut marked = String::with_capacity(text.len() * 2);
    let mut before = before;
    for c in text.chars() {
        let begins = c.is_alphanumeric() && !before.is_alphanumeric();
        if begins || (c.is_ascii_digit() && !before.is_ascii_digit()) {
            marked.extend([MARK, MARK]);
        }
        marked.push(c);
        before = c;
    }
    marked
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn said(location: &str) -> Said {
        Said::new(
            Kind::Theft,
            [Some(location), Some("Harbour Road"), None, None, None, None],
            Some("Person ID: 21"),
            Some("4e1637a8"),
        )
    }

    fn has(said: &Said, search: &str) -> bool {
        said.has(&search.split_whitespace().map(Word::new).collect::<Vec<_>>())
    }

    #[test]
    fn few_letters_and_numbers_are_found_where_they_begin() {
        let second = said("Till 2, 21 Main Street");

        for (search, found) in [
            ("till 1", false),
            ("till 2", true),
            ("21", true),
            ("ain", false),
            ("mai", true),
            ("main", true),
            ("ARBOUR", true),
            ("the", true),
            ("pattern", true),
            ("per", true),
            ("4e1637a8", true),
            ("4e1", false),
            ("163", false),
        ] {
            assert_eq!(has(&second, search), found, "{search}");
        }
        assert!(has(&said("Kasse12"), "12"));
        assert!(!has(&said("Kasse12"), "2"));
    }

    #[test]
    fn a_word_that_is_too_short_for_the_index_says_so() {
        assert_eq!(Word::new("é").pieces(), None);
        assert_eq!(Word::new("🛒").pieces(), None);
        assert_eq!(Word::new("1").pieces(), Some(vec!["\u{2}\u{2}1".to_owned()]));
        assert!(
            Word::new(&"long".repeat(2_500)).pieces().is_some_and(|pieces| pieces.len() <= MOST_PIECES + 1)
        );
    }

    proptest! {
        #[test]
        fn the_index_knows_of_every_word_that_is_said(
            parts in prop::collection::vec("[a-zA-Z0-9ÉéßİΣس🛒 .,'\"%_-]{0,6}", 1..6),
            from in 0..20_usize,
            length in 1..9_usize,
        ) {
            let location = parts.concat();
            let said = said(&location);
            let chars: Vec<char> = location.chars().collect();
            let part: String = chars.iter().skip(from).take(length).collect();
            let index: HashSet<String> = {
                let marked: Vec<char> = said.marked().chars().collect();
                marked.windows(PIECE).map(|piece| piece.iter().collect()).collect()
            };

            for word in part.split_whitespace().map(Word::new) {
                if said.has(std::slice::from_ref(&word)) {
                    let missing = word.pieces().unwrap_or_default().into_iter().find(|piece| !index.contains(piece));
                    prop_assert_eq!(missing, None, "{:?} in {:?}", word, location);
                }
            }
        }
    }
}
