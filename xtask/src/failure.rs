//! Why a gate or a command failed, in words for a person.

use std::fmt;
use std::path::Path;

/// A message, and how many tests failed if it was about tests.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    /// Tests that failed; a gate without tests counts as one.
    pub(crate) failed: u64,
    /// Tests that passed before the gate failed.
    pub(crate) passed: u64,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            failed: 1,
            passed: 0,
        }
    }

    /// A failure in which `failed` of the tests failed.
    pub(crate) fn of_tests(message: impl Into<String>, passed: u64, failed: u64) -> Self {
        Self {
            message: message.into(),
            failed: failed.max(1),
            passed,
        }
    }

    /// A failure that lists what is wrong, one finding a line.
    pub(crate) fn findings(summary: &str, findings: &[String]) -> Self {
        let mut message = format!("{summary}:");
        for finding in findings {
            message.push_str("\n  ");
            message.push_str(finding);
        }
        Self::new(message)
    }

    pub(crate) fn io(what: &str, path: &Path, error: &std::io::Error) -> Self {
        Self::new(format!("cannot {what} `{}`: {error}", path.display()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(error.to_string())
    }
}
