//! Patterns over names, exactly Python's `fnmatch.fnmatchcase`.

use std::fmt;

/// A glob pattern: `*` any run of characters (also `/`), `?` one character, `[…]` a class,
/// `[!…]` its complement. Case counts. There is no escape; `[*]` is a literal `*`.
///
/// ```
/// use keyferry_core::Pattern;
/// assert!(Pattern::new("db_*").matches("db_password"));
/// assert!(Pattern::new("[!a]pi?key").matches("Api/key"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, PartialEq, Eq)]
enum Part {
    Literal(char),
    AnyOne,
    AnyRun,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Pattern {
    /// Reads a pattern. Every text is one: a `[` without its `]` stands for itself.
    pub fn new(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let mut parts = Vec::with_capacity(chars.len());
        let mut rest = chars.as_slice();
        while let Some((&first, tail)) = rest.split_first() {
            rest = tail;
            match first {
                '*' => {
                    if parts.last() != Some(&Part::AnyRun) {
                        parts.push(Part::AnyRun);
                    }
                }
                '?' => parts.push(Part::AnyOne),
                '[' => match class(tail) {
                    Some((part, after)) => {
                        parts.push(part);
                        rest = after;
                    }
                    None => parts.push(Part::Literal('[')),
                },
                literal => parts.push(Part::Literal(literal)),
            }
        }
        Self {
            text: text.to_owned(),
            parts,
        }
    }

    /// The spelling of a text that matches only itself.
    pub fn literal(text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '*' | '?' | '[' => out.extend(['[', c, ']']),
                c => out.push(c),
            }
        }
        out
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The one name the pattern can match, if it holds no `*`, `?` or `[`.
    pub fn exact(&self) -> Option<&str> {
        (!self.text.contains(['*', '?', '['])).then_some(self.text.as_str())
    }

    /// Whether the whole of `name` fits the pattern. Linear in time but for the number of `*`.
    pub fn matches(&self, name: &str) -> bool {
        let mut parts = self.parts.as_slice();
        let mut chars = name.chars();
        // Where to go on when a later part fails: after the last `*`, one character further.
        let mut retry: Option<(&[Part], std::str::Chars<'_>)> = None;
        loop {
            let ahead = chars.clone();
            match (parts.split_first(), chars.next()) {
                (None, None) => return true,
                (Some((Part::AnyRun, after)), _) => {
                    chars = ahead;
                    retry = Some((after, chars.clone()));
                    parts = after;
                    continue;
                }
                (Some((part, after)), Some(c)) if part.fits(c) => {
                    parts = after;
                    continue;
                }
                _ => {}
            }
            let Some((after, from)) = retry.as_mut() else {
                return false;
            };
            if from.next().is_none() {
                return false;
            }
            parts = after;
            chars = from.clone();
        }
    }
}

impl Part {
    fn fits(&self, c: char) -> bool {
        match self {
            Self::Literal(literal) => *literal == c,
            Self::AnyOne | Self::AnyRun => true,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|&(low, high)| low <= c && c <= high) != *negated
            }
        }
    }
}

/// Reads a class after its `[`. A `]` that comes first, also after `!`, is a member.
fn class(chars: &[char]) -> Option<(Part, &[char])> {
    let negated = chars.first() == Some(&'!');
    let body_start = usize::from(negated);
    let body = chars.get(body_start..)?;
    let length = body.iter().skip(1).position(|&c| c == ']')? + 1;
    let (members, after) = (body.get(..length)?, body.get(length + 1..)?);
    Some((
        Part::Class {
            negated,
            ranges: ranges(members),
        },
        after,
    ))
}

/// The members of a class. A range whose ends are the wrong way round is empty, as in Python.
fn ranges(members: &[char]) -> Vec<(char, char)> {
    let mut ranges = Vec::new();
    let mut rest = members;
    loop {
        match rest {
            [] => return ranges,
            [low, '-', high, after @ ..] => {
                if low <= high {
                    ranges.push((*low, *high));
                }
                rest = after;
            }
            [one, after @ ..] => {
                ranges.push((*one, *one));
                rest = after;
            }
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.text).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Pattern::new(pattern).matches(name)
    }

    #[test]
    fn star_crosses_slashes_and_may_be_empty() {
        assert!(matches("*", "") && matches("prod*", "prod/db/x") && matches("a*b*c", "a/b/b/c"));
        assert!(!matches("a*b", "a/c"));
    }

    #[test]
    fn classes_follow_python() {
        assert!(matches("[]]", "]") && matches("[!]]", "a") && !matches("[!]]", "]"));
        assert!(matches("[a-c-]", "-") && matches("[--a]", "0") && matches("[^a]", "^"));
        assert!(!matches("[c-a]", "b") && matches("[!c-a]", "b"));
        assert!(matches("[", "[") && matches("[!", "[!") && matches("[!]", "[!]"));
    }

    #[test]
    fn case_counts_and_the_whole_name_is_matched() {
        assert!(!matches("api_key", "API_KEY") && !matches("api", "api_key"));
        assert!(matches("é?", "éß"));
    }

    #[test]
    fn only_patterns_without_glob_characters_are_exact() {
        assert_eq!(Pattern::new("API_KEY").exact(), Some("API_KEY"));
        assert_eq!(Pattern::new("API_[K]EY").exact(), None);
    }

    #[test]
    fn a_literal_matches_only_itself() {
        let text = "a*[b]?";
        assert!(
            matches(&Pattern::literal(text), text) && !matches(&Pattern::literal(text), "axb?")
        );
    }

    #[test]
    fn many_stars_stay_fast() {
        let pattern = Pattern::new(&"*a".repeat(200));
        assert!(!pattern.matches(&"a".repeat(199)));
        assert!(pattern.matches(&"a".repeat(5000)));
    }
}
