//! Several things wrong with one file, reported together.

use std::fmt;

use keyferry_core::{Error, ErrorKind, Scope, exit_code_of_all};

/// One thing that is wrong with a file: where, and what.
#[derive(Debug, Clone)]
pub struct Failure {
    line: Option<usize>,
    path: String,
    error: Error,
}

impl Failure {
    /// A failure whose error says all already.
    pub(crate) fn new(line: Option<usize>, path: impl Into<String>, error: Error) -> Self {
        let path = path.into();
        Self { line, path, error }
    }

    /// The failure of a value in a file.
    pub(crate) fn at(file: &str, line: usize, path: impl Into<String>, error: &Error) -> Self {
        let path = path.into();
        let place = match path.as_str() {
            "" => format!("{file}:{line}"),
            path => format!("{file}:{line}: `{path}`"),
        };
        let error = prefixed(&place, error);
        Self::new(Some(line), path, error)
    }

    /// The failure of a value that stands in no file.
    pub(crate) fn of(path: impl Into<String>, error: &Error) -> Self {
        let path = path.into();
        let error = prefixed(&format!("`{path}`"), error);
        Self::new(None, path, error)
    }

    /// The line in the file, counted from 1.
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// The way from the root of the file to the value, such as `services.api.key`; empty where the
    /// file as a whole is wrong or knows no paths.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong. The message names file, line and path itself.
    pub fn error(&self) -> &Error {
        &self.error
    }
}

/// Everything that is wrong with a file; at least one [`Failure`].
#[derive(Debug, Clone)]
pub struct Failures {
    first: Box<Failure>,
    rest: Vec<Failure>,
}

impl Failures {
    /// `Ok` if there are none.
    pub(crate) fn none_of(failures: Vec<Failure>) -> Result<(), Self> {
        let mut failures = failures.into_iter();
        match failures.next() {
            None => Ok(()),
            Some(first) => Err(Self {
                first: Box::new(first),
                rest: failures.collect(),
            }),
        }
    }

    /// Each failure, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Failure> {
        std::iter::once(&*self.first).chain(&self.rest)
    }

    /// The exit code for all of them together.
    pub fn exit_code(&self) -> u8 {
        exit_code_of_all(self.kinds())
    }

    fn kinds(&self) -> impl Iterator<Item = ErrorKind> {
        self.iter().map(|failure| failure.error.kind())
    }

    /// The failure that decides the exit code.
    fn worst(&self) -> &Failure {
        let code = self.exit_code();
        let decides = |failure: &&Failure| failure.error.kind().rules().exit_code == code;
        self.iter().find(decides).unwrap_or(&self.first)
    }
}

impl From<Failure> for Failures {
    fn from(failure: Failure) -> Self {
        Self {
            first: Box::new(failure),
            rest: Vec::new(),
        }
    }
}

impl From<Error> for Failures {
    /// A failure of the file as a whole.
    fn from(error: Error) -> Self {
        Failure::new(None, "", error).into()
    }
}

impl From<Failures> for Error {
    /// The failure that decides the exit code, with the number of the others.
    fn from(failures: Failures) -> Self {
        if failures.rest.is_empty() {
            return failures.first.error;
        }
        let worst = &failures.worst().error;
        reworded(worst, format!("{worst} (and {} more)", failures.rest.len()))
    }
}

/// All of them, a line each, in the order of the file.
impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first.error)?;
        self.rest
            .iter()
            .try_for_each(|failure| write!(f, "\n{}", failure.error))
    }
}

impl std::error::Error for Failures {}

/// The same error with its place, and the reference it is about, in front of its message.
fn prefixed(place: &str, error: &Error) -> Error {
    let message = match error.reference() {
        Some(reference) => format!("{place}: `{reference}`: {error}"),
        None => format!("{place}: {error}"),
    };
    reworded(error, message)
}

/// The same error in other words.
pub(crate) fn reworded(error: &Error, message: String) -> Error {
    let reworded = match error.scope() {
        Scope::Request => Error::request(error.kind(), message),
        Scope::Item => Error::new(error.kind(), message),
    };
    let reworded = error.help().into_iter().fold(reworded, Error::with_help);
    let reworded = error.code().into_iter().fold(reworded, Error::with_code);
    let reworded = error
        .retry_after()
        .into_iter()
        .fold(reworded, Error::with_retry_after);
    let reworded = error
        .backend()
        .into_iter()
        .fold(reworded, Error::with_backend);
    error
        .reference()
        .into_iter()
        .fold(reworded, Error::with_reference)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_its_line() {
        let bad = |line, path: &str, kind, message: &str| {
            Failure::at("a.yaml", line, path, &Error::new(kind, message.to_owned()))
        };
        let failures = Failures::none_of(vec![
            bad(3, "db.key", ErrorKind::NotFound, "it is absent"),
            bad(7, "db.url", ErrorKind::InvalidReference, "it is wrong"),
        ])
        .unwrap_err();
        assert_eq!(
            failures.to_string(),
            "a.yaml:3: `db.key`: it is absent\na.yaml:7: `db.url`: it is wrong"
        );
        let error = Error::from(failures);
        assert_eq!(error.kind(), ErrorKind::InvalidReference);
        assert_eq!(
            error.to_string(),
            "a.yaml:7: `db.url`: it is wrong (and 1 more)"
        );
    }
}
