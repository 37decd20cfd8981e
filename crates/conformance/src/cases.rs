//! The cases, one small function each.

pub(crate) mod batching;
pub(crate) mod hygiene;
pub(crate) mod listing;
pub(crate) mod reading;
pub(crate) mod versions;
pub(crate) mod watching;

use keyferry_core::{Error, ErrorKind, Result, Scope, Secret};

use crate::suite::Outcome;

/// Fails with what was wrong.
fn ensure(holds: bool, what: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(what()) }
}

/// What `answer` holds, or a failure that says what was done.
fn good<T>(answer: Result<T>, doing: &str) -> Result<T, String> {
    answer.map_err(|error| format!("{doing} failed: {}: {error}", error.kind()))
}

/// Expects the value to be `expected`, without ever showing either.
fn is(answer: Result<Secret>, expected: &[u8], doing: &str) -> Outcome {
    let secret = good(answer, doing)?;
    ensure(secret.value().expose_bytes() == expected, || {
        let (got, put) = (secret.value().len(), expected.len());
        format!("{doing} gave another value: {got} bytes, {put} were put")
    })
}

/// Expects one item to fail with `kind`.
fn fails<T>(answer: Result<T>, kind: ErrorKind, doing: &str) -> Result<Error, String> {
    match answer {
        Ok(_) => Err(format!("{doing} succeeded, `{kind}` is expected")),
        Err(error) if error.kind() != kind => Err(format!(
            "{doing} failed with `{}`, `{kind}` is expected",
            error.kind()
        )),
        Err(error) if error.scope() != Scope::Item => Err(format!(
            "{doing} failed with the scope of a request, it is one item's"
        )),
        Err(error) => Ok(error),
    }
}
