//! What people, logs and programs got to see.

use std::error::Error;
use std::fmt::{Debug, Display};

use crate::scanner::{Hit, Scanner};

/// Collects outputs, and says which of them show a canary.
#[derive(Debug)]
pub struct Witness {
    scanner: Scanner,
    outputs: usize,
    found: Vec<Sighting>,
}

/// An output that shows a canary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Which output.
    pub output: String,
    /// What of it.
    pub hit: Hit,
    /// The output, as text.
    pub text: String,
}

impl Witness {
    /// Looks out for what `scanner` finds.
    pub fn new(scanner: Scanner) -> Self {
        Self {
            scanner,
            outputs: 0,
            found: Vec::new(),
        }
    }

    /// Sees an output.
    pub fn saw(&mut self, output: impl Display, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        self.outputs += 1;
        for hit in self.scanner.scan(bytes) {
            self.found.push(Sighting {
                output: output.to_string(),
                hit,
                text: String::from_utf8_lossy(bytes).into_owned(),
            });
        }
    }

    /// Sees what `Debug` shows, on one line and on several.
    pub fn saw_debug(&mut self, output: impl Display, value: &(impl Debug + ?Sized)) {
        self.saw(&output, format!("{value:?}"));
        self.saw(&output, format!("{value:#?}"));
    }

    /// Sees an error with all its causes.
    pub fn saw_error(&mut self, output: impl Display, error: &(dyn Error + 'static)) {
        let mut cause = Some(error);
        while let Some(error) = cause {
            self.saw(&output, error.to_string());
            self.saw_debug(&output, error);
            cause = error.source();
        }
    }

    /// The number of outputs so far.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The canaries seen so far.
    pub fn found(&self) -> &[Sighting] {
        &self.found
    }

    /// Fails unless no canary was seen in the outputs, which were `least` at least.
    ///
    /// # Panics
    /// With every output that shows one.
    #[track_caller]
    pub fn assert_silent(&self, least: usize) {
        let shown: Vec<_> = self
            .found
            .iter()
            .map(|Sighting { output, hit, text }| format!("\n{output}: {hit}:\n  {text}"))
            .collect();
        assert!(shown.is_empty(), "{} leaks:{}", shown.len(), shown.concat());
        assert!(
            self.outputs >= least,
            "only {} outputs were seen",
            self.outputs
        );
    }
}
