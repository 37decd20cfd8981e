//! A tree as JSON: typed for configuration, as wiped text for secrets.

use serde_json::{Map, Number, Value};
use zeroize::Zeroizing;

use crate::buffer::Buffer;
use crate::error::{ErrorKind, YamlError};
use crate::node::{Content, Node};
use crate::scalar::{ScalarType, json_number};

impl Node {
    /// The tree as a value to deserialize a configuration from.
    ///
    /// What a JSON number cannot hold becomes a string as written, so that nothing is rounded
    /// in silence: an integer over 64 bits, `.inf`, `.nan` and a float out of range. The value
    /// is not wiped; for secrets use [`Node::to_json_text`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Anchor`] or [`ErrorKind::Tag`] at an alias or a tag, which only
    /// [`Stream::parse`](crate::Stream::parse) lets pass.
    pub fn to_json(&self) -> Result<Value, YamlError> {
        self.refuse_uninterpreted()?;
        match &self.content {
            Content::Scalar(scalar) => Ok(self.scalar_value(scalar.text())),
            Content::Sequence(items) => items
                .iter()
                .map(Self::to_json)
                .collect::<Result<_, _>>()
                .map(Value::Array),
            Content::Mapping(entries) => entries
                .iter()
                .map(|entry| Ok((entry.key.clone(), entry.value.to_json()?)))
                .collect::<Result<Map<_, _>, _>>()
                .map(Value::Object),
            Content::Alias => Ok(Value::Null),
        }
    }

    /// The tree as compact JSON: keys in the order of the document, numbers with all their
    /// digits, `.inf` and `.nan` as strings.
    ///
    /// # Errors
    ///
    /// As for [`Node::to_json`].
    pub fn to_json_text(&self) -> Result<Zeroizing<String>, YamlError> {
        let mut out = Buffer::default();
        write_json(self, &mut out)?;
        Ok(out.into_text())
    }

    fn scalar_value(&self, text: &str) -> Value {
        let as_written = || Value::from(text);
        match self.scalar_type() {
            None | Some(ScalarType::String) => as_written(),
            Some(ScalarType::Null) => Value::Null,
            Some(ScalarType::Bool) => Value::Bool(is_true(text)),
            Some(ScalarType::Int) => json_number(text)
                .and_then(|number| {
                    let signed = number.parse::<i64>().ok().map(Value::from);
                    signed.or_else(|| number.parse::<u64>().ok().map(Value::from))
                })
                .unwrap_or_else(as_written),
            Some(ScalarType::Float) => json_number(text)
                .and_then(|number| number.parse::<f64>().ok())
                .and_then(Number::from_f64)
                .map_or_else(as_written, Value::Number),
        }
    }

    fn refuse_uninterpreted(&self) -> Result<(), YamlError> {
        if self.tagged {
            return Err(self.span.error(
                ErrorKind::Tag,
                "a value with a tag (`!`) cannot be read here",
            ));
        }
        if matches!(self.content, Content::Alias) {
            return Err(self
                .span
                .error(ErrorKind::Anchor, "an alias cannot be read here"));
        }
        Ok(())
    }
}

/// Writes any tree as compact JSON.
pub(crate) fn write_json(node: &Node, out: &mut Buffer) -> Result<(), YamlError> {
    node.refuse_uninterpreted()?;
    match &node.content {
        Content::Scalar(scalar) => write_json_scalar(node, scalar.text(), out),
        Content::Sequence(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write_json(item, out)?;
            }
            out.push(']');
        }
        Content::Mapping(entries) => {
            out.push('{');
            for (index, entry) in entries.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write_json_string(&entry.key, out);
                out.push(':');
                write_json(&entry.value, out)?;
            }
            out.push('}');
        }
        Content::Alias => {}
    }
    Ok(())
}

fn write_json_scalar(node: &Node, text: &str, out: &mut Buffer) {
    match node.scalar_type() {
        Some(ScalarType::Null) => out.push_str("null"),
        Some(ScalarType::Bool) => out.push_str(if is_true(text) { "true" } else { "false" }),
        Some(ScalarType::Int | ScalarType::Float) => match json_number(text) {
            Some(number) => out.push_str(&number),
            None => write_json_string(text, out),
        },
        None | Some(ScalarType::String) => write_json_string(text, out),
    }
}

/// Writes a string that JSON, YAML 1.2 and YAML 1.1 read alike: whatever one of them does not
/// allow, or takes for the end of a line, is escaped.
pub(crate) fn write_json_string(text: &str, out: &mut Buffer) {
    out.push('"');
    write_escaped(text, |c| matches!(c, '"' | '\\') || !is_printable(c), out);
    out.push('"');
}

/// JSON with escapes for the characters that JSON may hold as they are and YAML may not. They
/// stand in strings, where an escape means the same.
pub(crate) fn escape_json(json: &str) -> Zeroizing<String> {
    let mut out = Buffer::with_capacity(json.len());
    let layout = |c: char| matches!(c, '\t' | '\n' | '\r');
    write_escaped(json, |c| !layout(c) && !is_printable(c), &mut out);
    out.into_text()
}

/// Characters that stand for themselves on one line of every kind of scalar, for every reader.
pub(crate) fn is_printable(c: char) -> bool {
    !matches!(c, '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}')
        && !matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

fn write_escaped(text: &str, needs_escape: impl Fn(char) -> bool, out: &mut Buffer) {
    let mut clean = 0;
    for (position, c) in text.char_indices().filter(|(_, c)| needs_escape(*c)) {
        out.push_str(text.get(clean..position).unwrap_or_default());
        clean = position + c.len_utf8();
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ => write_escape(c, out),
        }
    }
    out.push_str(text.get(clean..).unwrap_or_default());
}

/// Every character that is not printable is below U+10000, so one `\uXXXX` says it.
fn write_escape(c: char, out: &mut Buffer) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    let code = u32::from(c);
    out.push_str("\\u");
    for shift in [12, 8, 4, 0] {
        let digit = DIGITS.get((code >> shift & 0xf) as usize).copied();
        out.push(digit.unwrap_or('0'));
    }
}

fn is_true(text: &str) -> bool {
    text.starts_with(['t', 'T'])
}
