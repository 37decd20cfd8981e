//! Named references: `backend:key[#field][?version=…]`.

use std::borrow::Cow;

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
    BackendName::check(name).map_err(|what| {
        let error = invalid("backend name", offset + 1, what);
        match rest.starts_with("//") {
            true => error.with_help("write the URI alone, without `secret://` in front of it"),
            false => error,
        }
    })?;
    let start = offset + name.len() + 1;
    if !rest.is_empty() && !rest.starts_with('/') && !rest.bytes().any(|b| b"#?%".contains(&b)) {
        // Most references are a plain key, and parsing them is on the path of a cached read.
        return Ok(checked(name, Cow::Borrowed(rest), 0, None, None));
    }
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
        Some((written, column)) => Some(unescaped(written, "field", column)?),
        None => None,
    };
    Ok(checked(name, key, rest.len(), field, version))
}

/// `room` is what the tail may need, so that the canonical text is written once and never moved.
fn checked(
    name: &str,
    key: Cow<'_, str>,
    room: usize,
    field: Option<Cow<'_, str>>,
    version: Option<Box<str>>,
) -> Reference {
    let plain = matches!(key, Cow::Borrowed(_));
    let mut item = String::with_capacity(name.len() + 1 + key.len() + room);
    item.push_str(name);
    item.push(':');
    match &key {
        Cow::Borrowed(key) => item.push_str(key),
        Cow::Owned(key) => item.push_str(&escaped(key)),
    }
    Reference::from(Checked {
        kind: ReferenceKind::Named,
        scheme: None,
        item,
        key_start: name.len() + 1,
        unescaped_key: (!plain).then(|| key.into()),
        field: field.map(|field| (escaped(&field).into_owned(), field.into())),
        version,
    })
}

/// `%23`, `%3F` and `%25` are `#`, `?` and `%`; there are no other escapes.
fn unescaped<'t>(text: &'t str, part: &str, column: usize) -> Result<Cow<'t, str>> {
    if !text.contains('%') {
        return Ok(Cow::Borrowed(text));
    }
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
    Ok(Cow::Owned(out))
}

/// The spelling of a key or field inside a named reference.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['#', '?', '%']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '#' => out.push_str("%23"),
            '?' => out.push_str("%3F"),
            '%' => out.push_str("%25"),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}
