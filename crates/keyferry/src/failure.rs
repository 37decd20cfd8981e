//! Several things wrong with one file, reported together.

use std::fmt;

use keyferry_core::{Error, ErrorKind, exit_code_of_all};

/// One thing that is wrong with a file: where, and what.
#[derive(Debug, Clone)]
pub struct Failure {
    line: Option<usize>,
    path: String,
    error: Error,
}

impl Failure {
    pub(crate) fn new(line: Option<usize>, path: impl Into<String>, error: Error) -> Self {
        Self {
            line,
            path: path.into(),
            error,
        }
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

impl From<Failures> for Error {
    /// The failure that decides the exit code, with the number of the others.
    fn from(failures: Failures) -> Self {
        if failures.rest.is_empty() {
            return failures.first.error;
        }
        let worst = &failures.worst().error;
        let error = Self::new(worst.kind(), failures.to_string());
        let error = worst.help().into_iter().fold(error, Self::with_help);
        let error = worst.code().into_iter().fold(error, Self::with_code);
        let error = worst.backend().into_iter().fold(error, Self::with_backend);
        worst
            .reference()
            .into_iter()
            .fold(error, Self::with_reference)
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.worst().error)?;
        match self.rest.len() {
            0 => Ok(()),
            more => write!(f, " (and {more} more)"),
        }
    }
}

impl std::error::Error for Failures {}
