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
/// | a quoted value that goes over several lines | malformed, all of its lines |
///
/// Nothing is expanded, and no value goes over the end of its line: the lines of one that tries to
/// are parts of a value, so none of them may be taken for a key. Where a key is repeated, the last
/// value counts.
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
        let lines: Vec<&str> = lines(text)
            .map(|line| line.trim_matches(is_space))
            .collect();
        let ends = Ends::of(&lines);
        let mut over = 0;
        for (index, &line) in lines.iter().enumerate() {
            if index >= over {
                over = ends.over(index).unwrap_or(0);
            }
            if index < over {
                parsed.malformed.push(index + 1);
                continue;
            }
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

/// The lines that end quoted values which started before them.
struct Ends<'t> {
    lines: &'t [&'t str],
    // The last of them for each quote: whoever starts behind it has no end to look for.
    last: [(char, Option<usize>); 2],
}

impl<'t> Ends<'t> {
    fn of(lines: &'t [&'t str]) -> Self {
        let last = |quote| (quote, lines.iter().rposition(|line| ends(line, quote)));
        Self {
            lines,
            last: [last('"'), last('\'')],
        }
    }

    /// The line behind the value that starts in line `index`, if it goes over the end of that line.
    /// One that nothing closes does not: it is no quoted value.
    fn over(&self, index: usize) -> Option<usize> {
        let quote = opened(self.lines.get(index)?)?;
        let (_, last) = self.last.iter().find(|(of, _)| *of == quote)?;
        last.filter(|last| *last > index)?;
        let rest = self.lines.get(index + 1..)?;
        let after = rest.iter().position(|line| ends(line, quote))?;
        Some(index + after + 2)
    }
}

/// Whether a line can be the last of a quoted value. An entry with quotes of its own cannot.
fn ends(line: &str, quote: char) -> bool {
    line.ends_with(quote) && value_of(line).is_none_or(|value| !value.starts_with(quote))
}

/// The quote that opens the value of a line and is not closed in it.
fn opened(line: &str) -> Option<char> {
    let value = value_of(line).filter(|_| !line.starts_with('#'))?;
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    between(value, quote).is_none().then_some(quote)
}

fn value_of(line: &str) -> Option<&str> {
    line.split_once('=')
        .map(|(_, value)| value.trim_matches(is_space))
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
    fn the_lines_of_a_value_that_goes_over_several_are_no_keys() {
        let pem = "K=\"-----BEGIN KEY-----\nMIIcanary==\n-----END KEY-----\"\nA=1\nB='x\nC=2";
        let parsed = DotenvText::parse(pem);
        let entries: Vec<_> = parsed
            .entries
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        // A quote that nothing closes is part of the value.
        assert_eq!(entries, [("A", "1"), ("B", "'x"), ("C", "2")]);
        assert_eq!(parsed.malformed, [1, 2, 3]);
        let parsed = DotenvText::parse("A=\"x\nB=\"y\"");
        assert_eq!((parsed.entries.len(), parsed.malformed.len()), (2, 0));
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
