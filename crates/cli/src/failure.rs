//! Why a command did not succeed, as people and programs read it on stderr.

use std::error::Error as _;
use std::fmt::Write as _;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use keyferry::{Error, ErrorKind, Scope, exit_code_of_all};
use serde_json::json;

use crate::arguments::Output;

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What went wrong, in the order of what was asked for.
    Errors(Vec<Error>),
    /// The program that was to run did not start: why, and the exit code that shells give it.
    NotStarted(Error, u8),
    /// The reader of our output left. It has what it wanted, so nothing is said.
    ClosedPipe,
}

impl Failure {
    /// The arguments are wrong in a way that their parser cannot see.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::InvalidConfig, message).into()
    }

    /// Says what went wrong, one error after the other.
    pub(crate) fn report(&self, output: Output) {
        let errors = match self {
            Self::Errors(errors) => errors.as_slice(),
            Self::NotStarted(error, _) => std::slice::from_ref(error),
            Self::ClosedPipe => return,
        };
        let mut stderr = anstream::stderr().lock();
        for error in errors {
            let text = match output {
                Output::Human => human(error),
                Output::Json => format!("{}\n", json!({ "error": machine(error) })),
            };
            // There is nobody left to tell when stderr is gone.
            let _ = stderr.write_all(text.as_bytes());
        }
    }

    /// The exit code for all of it together.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Errors(errors) => exit_code_of_all(errors.iter().map(Error::kind)),
            Self::NotStarted(_, code) => *code,
            Self::ClosedPipe => 0,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Errors(vec![error])
    }
}

impl From<Vec<Error>> for Failure {
    fn from(errors: Vec<Error>) -> Self {
        Self::Errors(errors)
    }
}

impl From<keyferry::Failures> for Failure {
    fn from(failures: keyferry::Failures) -> Self {
        Self::Errors(
            failures
                .iter()
                .map(|failure| failure.error().clone())
                .collect(),
        )
    }
}

/// A failure to write to stdout.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ClosedPipe;
        }
        Error::new(ErrorKind::Internal, "writing to stdout failed")
            .with_source(error)
            .into()
    }
}

/// `Ok` if there are no errors.
pub(crate) fn none_of(errors: Vec<Error>) -> Result<(), Failure> {
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors.into())
    }
}

/// The error of an argument whose text, which may be a secret in the wrong place, is not shown.
pub(crate) fn of_argument(number: usize, error: &Error) -> Error {
    prefixed(&format!("argument {number}"), error)
}

/// The same error with its place in front of the message.
pub(crate) fn prefixed(place: &str, error: &Error) -> Error {
    let message = format!("{place}: {}", message(error));
    let copy = match error.scope() {
        Scope::Request => Error::request(error.kind(), message),
        Scope::Item => Error::new(error.kind(), message),
    };
    let copy = error.help().into_iter().fold(copy, Error::with_help);
    let copy = error.code().into_iter().fold(copy, Error::with_code);
    let copy = error.backend().into_iter().fold(copy, Error::with_backend);
    error
        .reference()
        .into_iter()
        .fold(copy, Error::with_reference)
}

/// An error as its own object in machine-readable output; `code` is there where there is one.
pub(crate) fn machine(error: &Error) -> serde_json::Value {
    let mut object = json!({
        "kind": error.kind().name(),
        "message": message(error),
        "reference": error.reference(),
        "backend": error.backend().map(|name| name.as_str()),
        "retryable": error.is_retryable(),
        "help": error.help(),
    });
    if let (Some(code), Some(members)) = (error.code(), object.as_object_mut()) {
        members.insert("code".to_owned(), code.into());
    }
    object
}

/// The message with its causes, on one line.
pub(crate) fn message(error: &Error) -> String {
    let mut text = error.message().to_owned();
    let mut cause = error.source();
    while let Some(error) = cause {
        // A cause that a message quotes already is not said twice.
        let cause_text = error.to_string();
        if !text.ends_with(&cause_text) {
            let _ = write!(text, ": {cause_text}");
        }
        cause = error.source();
    }
    printable(&text)
}

fn human(error: &Error) -> String {
    let mut text = format!("{ERROR}error:{ERROR:#} {}\n", message(error));
    if let Some(reference) = error.reference() {
        let _ = writeln!(text, "  reference: {}", printable(reference));
    }
    if let Some(backend) = error.backend() {
        let _ = writeln!(text, "  backend: {backend}");
    }
    if let Some(help) = error.help() {
        let _ = writeln!(text, "  {HELP}help:{HELP:#} {}", printable(help));
    }
    text
}

/// Text that cannot steer a terminal or fake a line.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
const HELP: Style = AnsiColor::Cyan.on_default();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_the_keys_that_programs_rely_on() {
        let error = Error::request(ErrorKind::Unavailable, "no answer")
            .with_reference("aws:x")
            .with_help("try later");
        let object = machine(&error);
        let keys: Vec<_> = object.as_object().unwrap().keys().cloned().collect();
        for key in [
            "kind",
            "message",
            "reference",
            "backend",
            "retryable",
            "help",
        ] {
            assert!(keys.iter().any(|k| k == key), "{key}");
        }
        assert_eq!(object["retryable"], true);
        assert_eq!(object["backend"], serde_json::Value::Null);
        assert_eq!(object.get("code"), None);
    }

    #[test]
    fn an_error_of_the_grammar_has_its_code() {
        let error = keyferry::Reference::parse("file://dc/x?mount=y").unwrap_err();
        let error = of_argument(1, &error);
        assert_eq!(machine(&error)["code"], "DOUBLE_MOUNT_SOURCE");
    }

    #[test]
    fn causes_follow_their_message_once() {
        let cause = io::Error::other("disk on fire");
        let error = Error::new(ErrorKind::Internal, "writing failed").with_source(cause);
        assert_eq!(message(&error), "writing failed: disk on fire");
        let quoted = Error::new(ErrorKind::Internal, "writing failed: disk on fire")
            .with_source(io::Error::other("disk on fire"));
        assert_eq!(message(&quoted), "writing failed: disk on fire");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let error = Error::new(ErrorKind::NotFound, "no `a\u{1b}[31m\nb`");
        assert!(!human(&error).trim_end().contains(['\n']));
        assert!(!message(&error).contains('\u{1b}'));
    }
}
