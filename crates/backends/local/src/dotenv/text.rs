//! The syntax of `.env` files.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use zeroize::Zeroizing;

/// A `.env` file taken apart, line by line.
///
/// | in the file | is |
/// |---|---|
/// | `KEY=value` | white space around key and value is dropped |
/// | `export KEY=value` | the same |
/// | `KEY='value'`, `KEY="value"` | the text between the quotes |
/// | `\n` `\t` `\r` `\"` `\\` in double quotes | the character; every other `\` stays |
/// | `#` as the first character of a line, an empty line | nothing; a later `#` belongs to the value |
/// | a line without `=`, or without a key | malformed, and skipped |
///
/// Nothing is expanded, and no value goes over the end of its line. Where a key is repeated, the
/// last value counts.
///
/// ```
/// let text = keyferry_local::DotenvText::parse("export A='x y'\nB=\n?\n");
/// let entries: Vec<_> = text.entries.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
/// assert_eq!(entries, [("A", "x y"), ("B", "")]);
/// assert_eq!(text.malformed, [3]);
/// ```
pub struct DotenvText {
    /// Keys and values, each key once, in the order of their first lines.
    pub entries: Vec<(String, Zeroizing<String>)>,
    /// The numbers of the lines that could not be read, from 1.
    pub malformed: Vec<usize>,
}

impl DotenvText {
    /// Takes a text apart. Every text can be: what is no entry is [`malformed`](Self::malformed).
    pub fn parse(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut parsed = Self {
            entries: Vec::new(),
            malformed: Vec::new(),
        };
        let mut places = HashMap::new();
        for (index, line) in lines(text).enumerate() {
            let line = line.trim_matches(is_space);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match entry(line) {
                Some((key, value)) => {
                    let place = *places.entry(key).or_insert(parsed.entries.len());
                    match parsed.entries.get_mut(place) {
                        Some(entry) => entry.1 = value,
                        None => parsed.entries.push((key.to_owned(), value)),
                    }
                }
                None => parsed.malformed.push(index + 1),
            }
        }
        parsed
    }
}

/// Lines end in `\n`, `\r\n` or `\r`.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some((line, after)) = text.split_once(['\n', '\r']) else {
            rest = None;
            return Some(text);
        };
        let crlf = text.as_bytes().get(line.len()) == Some(&b'\r');
        let after = after.strip_prefix('\n').filter(|_| crlf).unwrap_or(after);
        rest = Some(after);
        Some(line)
    })
}

fn entry(line: &str) -> Option<(&str, Zeroizing<String>)> {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (key, value) = line.split_once('=')?;
    let key = key.trim_matches(is_space);
    if key.is_empty() {
        return None;
    }
    let value = value.trim_matches(is_space);
    let value = if let Some(quoted) = between(value, '"') {
        unescaped(quoted)
    } else {
        Cow::Borrowed(between(value, '\'').unwrap_or(value))
    };
    Some((key, Zeroizing::new(value.into_owned())))
}

fn between(value: &str, quote: char) -> Option<&str> {
    value.strip_prefix(quote)?.strip_suffix(quote)
}

fn unescaped(quoted: &str) -> Cow<'_, str> {
    if !quoted.contains('\\') {
        return Cow::Borrowed(quoted);
    }
    // The result is never longer, so the buffer does not move.
    let mut out = String::with_capacity(quoted.len());
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        let escaped = match (c, chars.as_str().chars().next()) {
            ('\\', Some('n')) => '\n',
            ('\\', Some('t')) => '\t',
            ('\\', Some('r')) => '\r',
            ('\\', Some('"')) => '"',
            ('\\', Some('\\')) => '\\',
            _ => {
                out.push(c);
                continue;
            }
        };
        out.push(escaped);
        chars.next();
    }
    Cow::Owned(out)
}

/// White space as Python's `str.strip` has it: Unicode's, and the four separators of ASCII.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

impl fmt::Debug for DotenvText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self.entries.iter().map(|(key, _)| key).collect();
        f.debug_struct("DotenvText")
            .field("keys", &keys)
            .field("malformed", &self.malformed)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(line: &str) -> String {
        let parsed = DotenvText::parse(line);
        assert_eq!((parsed.entries.len(), parsed.malformed.len()), (1, 0));
        parsed.entries[0].1.to_string()
    }

    #[test]
    fn quotes_and_white_space_are_dropped_once() {
        assert_eq!(value("A =  x y \t"), "x y");
        assert_eq!(value("A=' x '"), " x ");
        assert_eq!(value("A='\"x\"'"), "\"x\"");
        assert_eq!(value("A=\"x"), "\"x");
        assert_eq!(value("A=\""), "\"");
        assert_eq!(value("A="), "");
        assert_eq!(value("A=b=c"), "b=c");
    }

    #[test]
    fn escapes_count_in_double_quotes_alone() {
        assert_eq!(value(r#"A="a\nb\tc\rd\"e\\f""#), "a\nb\tc\rd\"e\\f");
        assert_eq!(value(r#"A="\\n\x""#), r"\n\x");
        assert_eq!(value(r"A='\n'"), r"\n");
        assert_eq!(value(r"A=\n"), r"\n");
        assert_eq!(value(r#"A="a\""#), r"a\");
    }

    #[test]
    fn nothing_is_expanded_and_a_later_hash_belongs_to_the_value() {
        assert_eq!(value("A=$B ${C} # d"), "$B ${C} # d");
        assert_eq!(value("  # not\nA=1"), "1");
    }

    #[test]
    fn malformed_lines_are_counted_whatever_ends_a_line() {
        let parsed = DotenvText::parse("\u{feff}A=1\r\noops\rB=2\n\n=x\nexport C=3");
        let keys: Vec<_> = parsed.entries.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["A", "B", "C"]);
        assert_eq!(parsed.malformed, [2, 5]);
    }

    #[test]
    fn the_last_of_several_values_counts() {
        let parsed = DotenvText::parse("A=1\nB=2\nA=3");
        assert_eq!(parsed.entries.len(), 2);
        assert_eq!(*parsed.entries[0].1, "3");
    }

    #[test]
    fn values_and_malformed_lines_are_not_shown() {
        let parsed = DotenvText::parse("A=canary\ncanary");
        assert!(!format!("{parsed:?}").contains("canary"));
    }

    proptest! {
        #[test]
        fn every_value_can_be_written_in_double_quotes(text in "[^\r\n]{0,40}") {
            let escaped = text.replace('\\', r"\\").replace('"', r#"\""#);
            prop_assert_eq!(value(&format!("A=\"{escaped}\"")), text);
        }

        #[test]
        fn every_line_is_an_entry_or_malformed_or_nothing(text: String) {
            let parsed = DotenvText::parse(&text);
            let count = lines(&text).count();
            prop_assert!(parsed.entries.len() + parsed.malformed.len() <= count);
            prop_assert!(parsed.malformed.iter().all(|line| (1..=count).contains(line)));
        }
    }
}
