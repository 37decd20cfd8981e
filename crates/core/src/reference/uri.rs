//! Canonical secret URIs: `provider[+engine]://mount/segment…[#field][?version=…]`.

use super::{Checked, Reference, ReferenceKind, invalid, tail};
use crate::error::Result;

pub(super) const ILLEGAL_SEGMENT: &str = "ILLEGAL_SEGMENT";
pub(super) const AMBIGUOUS_QUERY: &str = "AMBIGUOUS_QUERY";
pub(super) const DOUBLE_MOUNT_SOURCE: &str = "DOUBLE_MOUNT_SOURCE";
const UNSUPPORTED_ENGINE: &str = "UNSUPPORTED_ENGINE";
const INVALID_WILDCARD: &str = "INVALID_WILDCARD";

const MAX_SEGMENTS: usize = 32;
const MAX_SEGMENT_LEN: usize = 128;

/// The scheme of a canonical URI, which says what kind of backend serves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// `openbao` or `openbao+kv2`.
    OpenBao,
    /// `hashicorp` or `hashicorp+kv2`.
    HashiCorp,
    /// `file`.
    File,
    /// `db`, `db+cred` or `db+db`.
    Db,
    /// `bootstrap`.
    Bootstrap,
    /// `yaml`.
    Yaml,
}

impl Scheme {
    fn find(provider: &str) -> Option<(Self, &'static [&'static str])> {
        Some(match provider {
            "openbao" => (Self::OpenBao, &["kv2"]),
            "hashicorp" => (Self::HashiCorp, &["kv2"]),
            "file" => (Self::File, &[]),
            "db" => (Self::Db, &["cred", "db"]),
            "bootstrap" => (Self::Bootstrap, &[]),
            "yaml" => (Self::Yaml, &[]),
            _ => return None,
        })
    }
}

/// Reads a text whose first `:` is followed by `//`.
pub(super) fn parse(text: &str) -> Result<Reference> {
    let (written, rest) = text.split_once("://").unwrap_or(("", text));
    let written = written.to_ascii_lowercase();
    let scheme = scheme(&written)?;
    let offset = text.len() - rest.len();
    let tail = tail::split(rest, offset)?;
    let version = tail::version(tail.query)?;
    let path = path(tail.path, offset)?;
    // As in the grammar's origin, an empty field is no field.
    let field = tail
        .field
        .map(|(field, _)| field)
        .filter(|field| !field.is_empty());
    Ok(Reference::from(Checked {
        kind: ReferenceKind::Uri,
        scheme: Some(scheme),
        item: format!("{written}://{path}"),
        key_start: written.len() + "://".len(),
        unescaped_key: None,
        field: field.map(|field| (field.to_owned(), Box::from(field))),
        version,
    }))
}

fn scheme(written: &str) -> Result<Scheme> {
    if written.is_empty() {
        return Err(invalid("scheme", 1, "is empty").with_code(ILLEGAL_SEGMENT));
    }
    let (provider, engine) = match written.split_once('+') {
        Some((provider, engine)) => (provider, Some(engine)),
        None => (written, None),
    };
    let Some((scheme, engines)) = Scheme::find(provider) else {
        return Err(invalid("scheme", 1, "is unknown")
            .with_code(UNSUPPORTED_ENGINE)
            .with_help(
                "known schemes are openbao, hashicorp, file, db, bootstrap, yaml and secret; \
             a named reference is `backend:key`",
            ));
    };
    match engine {
        Some(engine) if !engines.contains(&engine) => {
            Err(
                invalid("engine", provider.len() + 2, "is not one of this scheme")
                    .with_code(UNSUPPORTED_ENGINE),
            )
        }
        _ => Ok(scheme),
    }
}

/// Checks the path and drops one trailing slash.
fn path(path: &str, offset: usize) -> Result<&str> {
    let illegal = |column: usize, what: &str| {
        invalid("path segment", column, what).with_code(ILLEGAL_SEGMENT)
    };
    let encoded = path
        .as_bytes()
        .windows(3)
        .position(|w| w.eq_ignore_ascii_case(b"%2f"));
    if let Some(at) = encoded.or_else(|| path.find("..")) {
        return Err(illegal(offset + at + 1, "holds an encoded slash or `..`"));
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Err(illegal(offset + 1, "is missing"));
    }
    let mut column = offset + 1;
    // Empty segments are found before any other fault, as the grammar's origin does.
    for segment in path.split('/') {
        if segment.is_empty() {
            return Err(illegal(column, "is empty"));
        }
        column += segment.len() + 1;
    }
    column = offset + 1;
    for (count, segment) in path.split('/').enumerate() {
        if segment.contains('*') {
            return Err(
                invalid("path segment", column, "holds a wildcard").with_code(INVALID_WILDCARD)
            );
        }
        if !segment
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        {
            return Err(illegal(
                column,
                "holds a character other than A-Z a-z 0-9 . _ -",
            ));
        }
        if segment.len() > MAX_SEGMENT_LEN {
            return Err(illegal(column, "is longer than 128 bytes"));
        }
        if count >= MAX_SEGMENTS {
            return Err(illegal(column, "is one too many, at most 32 are allowed"));
        }
        column += segment.len() + 1;
    }
    Ok(path)
}
