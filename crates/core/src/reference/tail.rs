//! `#field` and `?query`, which stand in either order behind every path or key.

use super::{invalid, uri};
use crate::error::Result;

/// A text split at its first `#` and `?`, with the columns where the parts start.
pub(super) struct Tail<'a> {
    pub(super) path: &'a str,
    pub(super) field: Option<(&'a str, usize)>,
    pub(super) query: Option<(&'a str, usize)>,
}

/// Splits `text`, which starts at byte `offset` of the reference.
pub(super) fn split(text: &str, offset: usize) -> Result<Tail<'_>> {
    let (before_query, query) = cut(text, '?');
    let (path, field) = cut(before_query, '#');
    let start = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize + offset + 1;
    let (query, field_behind) = match query {
        Some(query) => {
            let (query, field) = cut(query, '#');
            (Some((query, start(query))), field)
        }
        None => (None, None),
    };
    let field = match (field, field_behind) {
        (Some(_), Some(second)) => return Err(second_field(start(second))),
        (field, behind) => field.or(behind).map(|field| (field, start(field))),
    };
    if let Some((field, column)) = field
        && let Some(at) = field.find(['#', '?'])
    {
        return Err(second_field(column + at));
    }
    Ok(Tail { path, field, query })
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    match text.split_once(at) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn second_field(column: usize) -> crate::Error {
    invalid("field", column, "is a second field, only one is allowed")
        .with_code(uri::ILLEGAL_SEGMENT)
}

/// The `version` of a query. Every other key is refused rather than ignored.
pub(super) fn version(query: Option<(&str, usize)>) -> Result<Option<Box<str>>> {
    let Some((query, column)) = query else {
        return Ok(None);
    };
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if pairs.iter().any(|(known, _)| *known == key) {
            return Err(invalid("query", column, "repeats a key").with_code(uri::AMBIGUOUS_QUERY));
        }
        pairs.push((key, value));
    }
    if pairs.iter().any(|(key, _)| *key == "mount") {
        return Err(invalid(
            "query",
            column,
            "names a mount, which is the first path segment",
        )
        .with_code(uri::DOUBLE_MOUNT_SOURCE));
    }
    if pairs.iter().any(|(key, _)| *key != "version") {
        return Err(
            invalid("query", column, "holds an unknown key, known is `version`")
                .with_code(uri::AMBIGUOUS_QUERY),
        );
    }
    Ok(pairs.first().map(|(_, value)| Box::from(*value)))
}
