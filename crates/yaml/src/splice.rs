//! Replacing scalars in place, so that comments, order and every other byte stay.

mod check;
mod plan;
mod write;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use zeroize::Zeroizing;

use crate::buffer::Buffer;
use crate::document::{Document, Limits, Stream};
use crate::error::{ErrorKind, YamlError};
use crate::json::escape_json;
use crate::node::{Node, Span};
use crate::scalar::ScalarType;
use plan::Target;

/// What takes the place of a scalar.
pub enum Replacement {
    /// Text that reads back as exactly this string.
    Text(Zeroizing<String>),
    /// JSON: a map, list, number, boolean or `null`.
    Json(Zeroizing<String>),
}

/// Replaces scalars of a text by others. Whatever is not replaced keeps its bytes.
///
/// Inside `[…]` and `{…}` everything is written as JSON, so a JSON document stays one.
pub struct Splice<'a> {
    source: &'a str,
    stream: &'a Stream,
    values: Values<'a>,
}

/// The replaced nodes by where they start.
type Values<'a> = BTreeMap<usize, (&'a Node, Value)>;

enum Value {
    Text(Zeroizing<String>),
    Tree(Document),
}

/// One change of the source text.
struct Edit {
    range: Range<usize>,
    text: Zeroizing<String>,
}

impl<'a> Splice<'a> {
    /// Starts with `source`, of which `stream` was parsed.
    pub fn new(stream: &'a Stream, source: &'a str) -> Self {
        Self {
            source,
            stream,
            values: Values::new(),
        }
    }

    /// Replaces a scalar; the last of several replacements of one node holds.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Splice`] if the node is no scalar or has no text of its own, if the JSON is
    /// invalid, or if JSON would follow a tag.
    pub fn replace(&mut self, node: &'a Node, replacement: Replacement) -> Result<(), YamlError> {
        let refused = |message| Err(node.span.error(ErrorKind::Splice, message));
        if node.scalar().is_none() {
            return refused("only a text can be replaced");
        }
        if node.span.start == node.span.end {
            return refused("an absent value cannot be replaced");
        }
        let value = match replacement {
            Replacement::Text(text) => Value::Text(text),
            Replacement::Json(_) if node.tagged => {
                return refused("a value with a tag (`!`) can only become text");
            }
            Replacement::Json(json) => match Document::parse(&escape_json(&json), Limits::OWN) {
                Ok(document) => Value::of(document),
                Err(_) => return refused("the replacement cannot be read as JSON"),
            },
        };
        self.values.insert(node.span.start, (node, value));
        Ok(())
    }

    /// The text with all replacements.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Splice`] if the result would not read back as the old tree with the new
    /// values; then nothing of it is released.
    pub fn finish(self) -> Result<Zeroizing<String>, YamlError> {
        let mut edits = Vec::new();
        for (node, value) in self.values.values() {
            let Some(scalar) = node.scalar() else {
                continue;
            };
            let target = Target {
                source: self.source,
                node,
                scalar,
            };
            let planned = target.plan(value).ok_or_else(|| mismatch(node.span))?;
            edits.extend(planned);
        }
        let text = apply(self.source, &edits).ok_or_else(|| mismatch(Span::START))?;
        check::reads_back(&text, self.stream, &self.values)?;
        Ok(text)
    }
}

impl Value {
    /// A JSON string is text, so that it gets the style of what it replaces.
    fn of(document: Document) -> Self {
        match document.root.scalar() {
            Some(scalar) if document.root.scalar_type() == Some(ScalarType::String) => {
                Self::Text(scalar.text.clone())
            }
            _ => Self::Tree(document),
        }
    }
}

fn apply(source: &str, edits: &[Edit]) -> Option<Zeroizing<String>> {
    let inserted: usize = edits.iter().map(|edit| edit.text.len()).sum();
    let mut out = Buffer::with_capacity(source.len() + inserted);
    let mut done = 0;
    for edit in edits {
        out.push_str(source.get(done..edit.range.start)?);
        out.push_str(&edit.text);
        done = edit.range.end;
    }
    out.push_str(source.get(done..)?);
    Some(out.into_text())
}

fn mismatch(span: Span) -> YamlError {
    span.error(
        ErrorKind::Splice,
        "the new value cannot be written here so that it reads back",
    )
}

impl Span {
    const START: Self = Self {
        start: 0,
        end: 0,
        line: 1,
        column: 1,
    };
}

impl fmt::Debug for Replacement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(…)",
            Self::Json(_) => "Json(…)",
        })
    }
}

impl fmt::Debug for Splice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Splice")
            .field("replaced", &self.values.len())
            .finish_non_exhaustive()
    }
}
