//! The proof that a spliced text says what it should, before anyone sees it.

use crate::buffer::Buffer;
use crate::document::{Limits, Stream};
use crate::error::YamlError;
use crate::json::write_json;
use crate::node::{Content, Node, Scalar, Span};
use crate::scalar::ScalarType;
use crate::splice::{Value, Values, mismatch};

/// Parses the result and compares it with the old trees and the new values.
pub(super) fn reads_back(text: &str, old: &Stream, values: &Values<'_>) -> Result<(), YamlError> {
    let new = Stream::parse(text, Limits::OWN).map_err(|_| mismatch(Span::START))?;
    if new.documents().len() != old.documents().len() {
        return Err(mismatch(Span::START));
    }
    let mut pairs = old.documents().iter().zip(new.documents());
    pairs.try_for_each(|(old, new)| compare(old.root(), new.root(), values))
}

fn compare(old: &Node, new: &Node, values: &Values<'_>) -> Result<(), YamlError> {
    if let Some((node, value)) = values
        .get(&old.span.start)
        .filter(|(node, _)| std::ptr::eq(*node, old))
    {
        return if is_value(new, value) {
            Ok(())
        } else {
            Err(mismatch(node.span))
        };
    }
    let same = match (&old.content, &new.content) {
        (Content::Scalar(old), Content::Scalar(new)) => is_same(old, new),
        (Content::Alias, Content::Alias) => true,
        (Content::Sequence(old), Content::Sequence(new)) if old.len() == new.len() => {
            return old
                .iter()
                .zip(new)
                .try_for_each(|(old, new)| compare(old, new, values));
        }
        (Content::Mapping(old), Content::Mapping(new)) if old.len() == new.len() => {
            return old.iter().zip(new).try_for_each(|(old, new)| {
                if old.key != new.key {
                    return Err(mismatch(old.key_span));
                }
                compare(&old.value, &new.value, values)
            });
        }
        _ => false,
    };
    if same {
        Ok(())
    } else {
        Err(mismatch(old.span))
    }
}

fn is_same(old: &Scalar, new: &Scalar) -> bool {
    old.style == new.style && old.text == new.text
}

fn is_value(new: &Node, value: &Value) -> bool {
    match value {
        Value::Text(text) => {
            new.text() == Some(text) && new.scalar_type() == Some(ScalarType::String)
        }
        Value::Tree(tree) => is_same_tree(&tree.root, new),
    }
}

/// Compares by meaning: both trees as JSON text.
fn is_same_tree(expected: &Node, new: &Node) -> bool {
    let (mut left, mut right) = (Buffer::default(), Buffer::default());
    write_json(expected, &mut left).is_ok()
        && write_json(new, &mut right).is_ok()
        && left.into_text() == right.into_text()
}
