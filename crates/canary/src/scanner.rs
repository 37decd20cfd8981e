//! The search.

use std::collections::BTreeMap;
use std::fmt;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::canary::{Canary, Form};
use crate::encoding::Encoding;

/// Looks for canaries in bytes.
///
/// It finds every piece of 12 bytes of what is secret in a canary, in every encoding.
pub struct Scanner {
    search: AhoCorasick,
    /// What each pattern of the search stands for.
    meanings: Vec<(Form, Encoding)>,
}

/// A canary that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// Which one.
    pub canary: Form,
    /// How it is written there.
    pub encoding: Encoding,
    /// Where the first piece of it starts.
    pub at: usize,
}

/// The shortest piece that is found, in bytes of the secret.
const FRAGMENT: usize = 12;

impl Scanner {
    /// Prepares to look for `canaries`.
    ///
    /// # Panics
    /// When the canaries are too many for memory.
    #[expect(
        clippy::expect_used,
        reason = "the crate is for tests, which fail by panicking"
    )]
    pub fn new(canaries: &[Canary]) -> Self {
        let mut patterns = BTreeMap::new();
        // What is the same in two encodings counts as the plainer one.
        for encoding in Encoding::ALL {
            for canary in canaries {
                for piece in canary.secrets().iter().flat_map(|secret| pieces(secret)) {
                    for spelling in encoding.spellings(piece) {
                        patterns
                            .entry(spelling)
                            .or_insert((canary.form(), encoding));
                    }
                }
            }
        }
        let (patterns, meanings): (Vec<_>, Vec<_>) = patterns.into_iter().unzip();
        let search = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(patterns)
            .expect("the patterns fit into memory");
        Self { search, meanings }
    }

    /// What is found, each canary once in each encoding, in the order of the bytes.
    pub fn scan(&self, bytes: &[u8]) -> Vec<Hit> {
        let mut hits: Vec<Hit> = Vec::new();
        for found in self.search.find_overlapping_iter(bytes) {
            let Some(&(canary, encoding)) = self.meanings.get(found.pattern().as_usize()) else {
                continue;
            };
            let known = |hit: &Hit| (hit.canary, hit.encoding) == (canary, encoding);
            if !hits.iter().any(known) {
                let at = found.start();
                hits.push(Hit {
                    canary,
                    encoding,
                    at,
                });
            }
        }
        hits
    }
}

/// Every piece of the length that is found; a piece of text starts and ends between characters.
fn pieces(secret: &[u8]) -> impl Iterator<Item = &[u8]> {
    let text = std::str::from_utf8(secret).ok();
    let between = move |at: usize| text.is_none_or(|text| text.is_char_boundary(at));
    (0..secret.len())
        .filter(move |start| between(*start))
        .filter_map(move |start| {
            let end = (start + FRAGMENT..=secret.len()).find(|end| between(*end))?;
            secret.get(start..end)
        })
}

impl fmt::Debug for Scanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scanner")
            .field("patterns", &self.meanings.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            canary,
            encoding,
            at,
        } = self;
        write!(
            f,
            "the canary `{}` as {encoding:?} at byte {at}",
            canary.name()
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    fn found(bytes: &[u8]) -> Vec<(Form, Encoding)> {
        static SCANNER: LazyLock<Scanner> = LazyLock::new(|| Scanner::new(&Canary::all(3)));
        let hits = SCANNER.scan(bytes);
        hits.iter().map(|hit| (hit.canary, hit.encoding)).collect()
    }

    #[test]
    fn every_form_is_found_in_every_encoding() {
        for canary in Canary::all(3) {
            for encoding in Encoding::ALL {
                let spellings = encoding.spellings(canary.bytes());
                if encoding == Encoding::JsonEscaped && canary.form() == Form::Binary {
                    assert!(spellings.is_empty());
                    continue;
                }
                for spelling in spellings {
                    let text = [b"<".as_slice(), &spelling, b">"].concat();
                    assert!(!found(&text).is_empty(), "{canary:?} {encoding:?}");
                }
            }
        }
    }

    #[test]
    fn a_piece_is_found_and_a_shorter_one_is_not() {
        let canary = Canary::new(Form::Word, 3);
        for start in 0..=canary.bytes().len() - FRAGMENT {
            let piece = &canary.bytes()[start..start + FRAGMENT];
            assert_eq!(found(piece), [(Form::Word, Encoding::Raw)]);
            assert_eq!(found(&piece[1..]), []);
        }
    }

    #[test]
    fn names_of_fields_and_other_canaries_are_no_hits() {
        assert_eq!(
            found(br#"{"login":"x","password":"y","more":{"token":["z"]}}"#),
            []
        );
        for other in Canary::all(4) {
            assert_eq!(found(other.bytes()), []);
        }
    }

    #[test]
    fn each_canary_is_reported_once_in_each_encoding_where_it_starts() {
        let canary = Canary::new(Form::Word, 3);
        let text = format!("ab {} {}", canary.text(), canary.text());
        let hits = Scanner::new(std::slice::from_ref(&canary)).scan(text.as_bytes());
        assert_eq!(hits.len(), 1);
        assert_eq!(hits[0].to_string(), "the canary `word` as Raw at byte 3");
    }
}
