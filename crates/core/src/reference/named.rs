//! Named references: `backend:key[#field][?version=…]`.

use super::{Checked, Reference, ReferenceKind, invalid, tail};
use crate::backend::BackendName;
use crate::error::Result;

/// Reads `backend:key…`, which starts at byte `offset` of the reference.
pub(super) fn parse(text: &str, offset: usize) -> Result<Reference> {
    let (name, rest) = text.split_once(':').unwrap_or((text, ""));
    parse_parts(name, rest, offset)
}

/// Reads the parts on both sides of the first `:`.
pub(super) fn parse_parts(name: &str, rest: &str, offset: usize) -> Result<Reference> {
    BackendName::check(name).map_err(|what| invalid("backend name", offset + 1, what))?;
    let start = offset + name.len() + 1;
    let tail = tail::split(rest, start)?;
    let version = tail::version(tail.query)?;
    if version.as_deref() == Some("") {
        return Err(invalid("version", start + 1, "is empty"));
    }
    if tail.path.is_empty() {
        return Err(invalid("key", start + 1, "is empty"));
    }
    if tail.path.starts_with("//") {
        return Err(invalid(
            "key",
            start + 1,
            "starts with `//`, as only a URI does",
        ));
    }
    let key = unescaped(tail.path, "key", start + 1)?;
    let field = match tail.field {
        Some(("", column)) => return Err(invalid("field", column, "is empty")),
        Some((written, column)) => {
            let field = unescaped(written, "field", column)?;
            Some((escaped(&field), Box::from(field)))
        }
        None => None,
    };
    Ok(Reference::from(Checked {
        kind: ReferenceKind::Named,
        scheme: None,
        item: format!("{name}:{}", escaped(&key)),
        key_start: name.len() + 1,
        unescaped_key: tail.path.contains('%').then(|| Box::from(key)),
        field,
        version,
    }))
}

/// `%23`, `%3F` and `%25` are `#`, `?` and `%`; there are no other escapes.
fn unescaped(text: &str, part: &str, column: usize) -> Result<String> {
    let mut out = String::with_capacity(text.len());
    let mut pieces = text.split('%');
    out.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (c, rest) = match piece.split_at_checked(2) {
            Some(("23", rest)) => ('#', rest),
            Some(("3F" | "3f", rest)) => ('?', rest),
            Some(("25", rest)) => ('%', rest),
            _ => {
                return Err(invalid(part, column, "holds a `%` that is no escape")
                    .with_help("write `%25` for `%`, `%23` for `#`, `%3F` for `?`"));
            }
        };
        out.push(c);
        out.push_str(rest);
    }
    Ok(out)
}

/// The spelling of a key or field inside a named reference.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '#' => out.push_str("%23"),
            '?' => out.push_str("%3F"),
            '%' => out.push_str("%25"),
            c => out.push(c),
        }
    }
    out
}
