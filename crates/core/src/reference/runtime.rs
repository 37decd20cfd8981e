//! Runtime references: `secret://environment/service/type/name`.

use super::{Checked, Reference, ReferenceKind, invalid};
use crate::error::Result;

const PREFIX: &str = "secret://";
const ENVIRONMENTS: [&str; 4] = ["dev", "stage", "prod", "shared"];
const TYPES: [&str; 8] = [
    "password",
    "token",
    "api_key",
    "ssh_key",
    "private_key",
    "tls_cert",
    "connection_string",
    "env",
];

/// Reads what stands behind `secret://`.
pub(super) fn parse(rest: &str) -> Result<Reference> {
    let mut column = PREFIX.len() + 1;
    let mut parts = rest.split('/');
    let mut part = |name: &str, ok: fn(&str) -> bool, what: &str| {
        let at = column;
        let text = parts
            .next()
            .ok_or_else(|| invalid(name, at, "is missing"))?;
        column += text.len() + 1;
        if ok(text) {
            Ok(())
        } else {
            Err(invalid(name, at, what))
        }
    };
    part(
        "environment",
        |text| ENVIRONMENTS.contains(&text),
        "is not one of dev, stage, prod, shared",
    )?;
    part(
        "service",
        |text| is_name(text, 63),
        "is not 2 to 63 of a-z 0-9 . _ -",
    )?;
    part(
        "type",
        |text| TYPES.contains(&text),
        "is not one of password, token, api_key, ssh_key, private_key, tls_cert, \
         connection_string, env",
    )?;
    part(
        "name",
        |text| is_name(text, 128),
        "is not 2 to 128 of a-z 0-9 . _ -",
    )?;
    if parts.next().is_some() {
        return Err(invalid("path segment", column, "is one too many"));
    }
    Ok(Reference::from(Checked {
        kind: ReferenceKind::Runtime,
        scheme: None,
        item: format!("{PREFIX}{rest}"),
        key_start: PREFIX.len(),
        unescaped_key: None,
        field: None,
        version: None,
    }))
}

/// A letter or digit, then letters, digits, `.`, `_`, `-`; never `..`.
fn is_name(text: &str, max: usize) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    (2..=max).contains(&text.len())
        && text.bytes().next().is_some_and(plain)
        && text.bytes().all(|b| plain(b) || b"._-".contains(&b))
        && !text.contains("..")
}
