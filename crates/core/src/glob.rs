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
    let body_start = usize::from(chars.first() == Some(&'!'));
    let body = chars.get(body_start..)?;
    let end = body_start + 1 + body.iter().skip(1).position(|&c| c == ']')?;
    let (members, after) = (chars.get(..end)?, chars.get(end + 1..)?);
    Some((members_of(members), after))
}

/// The class with these members, a leading `!` among them.
///
/// A range whose ends are the wrong way round is empty. Python drops those before it looks for the
/// `!`, so that `[b-a!c]` is `[!c]`.
fn members_of(text: &[char]) -> Part {
    let mut chunks = chunks(text);
    for index in (1..chunks.len()).rev() {
        if let [.., before, after] = chunks.get_mut(..=index).unwrap_or_default()
            && before.last() > after.first()
        {
            before.pop();
            before.extend(after.drain(..).skip(1));
            chunks.remove(index);
        }
    }
    let negated = chunks.first().and_then(|chunk| chunk.first()) == Some(&'!');
    let mut ranges = Vec::new();
    let mut before: Option<char> = None;
    for (index, chunk) in chunks.iter().enumerate() {
        let skipped = usize::from(index == 0 && negated);
        let chunk = chunk.get(skipped..).unwrap_or_default();
        match (before, chunk.first()) {
            (Some(low), Some(&high)) => ranges.push((low, high)),
            // The `!` was the lower end, and leaves the hyphen alone.
            _ if index > 0 => ranges.push(('-', '-')),
            _ => {}
        }
        ranges.extend(chunk.iter().map(|&one| (one, one)));
        before = chunk.last().copied();
    }
    Part::Class { negated, ranges }
}

/// What stands between the hyphens that make ranges; a first or last hyphen is a member.
fn chunks(text: &[char]) -> Vec<Vec<char>> {
    let mut chunks: Vec<Vec<char>> = Vec::new();
    let mut start = 0;
    let mut from = if text.first() == Some(&'!') { 2 } else { 1 };
    let hyphen = |from: usize| text.iter().skip(from).position(|&c| c == '-');
    while let Some(length) = hyphen(from) {
        let at = from + length;
        chunks.push(text.get(start..at).unwrap_or_default().to_vec());
        start = at + 1;
        from = at + 3;
    }
    match (text.get(start..).unwrap_or_default(), chunks.last_mut()) {
        ([], Some(last)) => last.push('-'),
        (rest, _) => chunks.push(rest.to_vec()),
    }
    chunks
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
        assert!(matches("[b-a!c]", "x") && !matches("[b-a!c]", "c"));
        assert!(!matches("[b-a!--z]", "-") && matches("[b-a!--z]", "a"));
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
