//! What `run` and `export` provide: environment variables with their references.

use std::fmt;

use keyferry_core::{Error, ErrorKind, Reference, Resolver, Result, SecretValue, Template};
use keyferry_local::Environment;

use crate::failure::{Failure, Failures};
use crate::tokens::{Answers, Filled, bare_reference};

/// A variable to provide and where its value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvEntry {
    name: String,
    value: EnvValue,
    origin: Option<Origin>,
}

/// The line of a file that an entry stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    file: String,
    line: usize,
}

/// Where the value of a variable comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum EnvValue {
    /// A secret, with the type it has.
    Reference(Reference),
    /// A text with tokens in it, or without any.
    Template(Template),
}

impl EnvEntry {
    /// An entry such as `--env NAME=REF`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] for a name that no environment can hold.
    pub fn new(name: impl Into<String>, value: EnvValue) -> Result<Self> {
        let name = name.into();
        check_name(&name)?;
        Ok(Self {
            name,
            value,
            origin: None,
        })
    }

    /// Notes the file and line that the entry stands in, for error messages.
    #[must_use]
    pub(crate) fn with_origin(mut self, file: impl Into<String>, line: usize) -> Self {
        let file = file.into();
        self.origin = Some(Origin { file, line });
        self
    }

    /// The name of the variable.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its value comes from.
    pub fn value(&self) -> &EnvValue {
        &self.value
    }

    /// The line of the entry in its file.
    pub fn line(&self) -> Option<usize> {
        self.origin.as_ref().map(|origin| origin.line)
    }

    /// The values of all entries, in their order, fetched in one batch.
    ///
    /// # Errors
    /// Every entry that failed; then no value is returned at all.
    pub async fn resolve_all(
        entries: &[Self],
        resolver: &Resolver,
        environment: &dyn Environment,
    ) -> Result<Vec<(String, SecretValue)>, Failures> {
        let references = entries.iter().flat_map(|entry| entry.value.references());
        let answers = Answers::fetch(resolver, references).await;
        let mut failures = Vec::new();
        let mut values = Vec::with_capacity(entries.len());
        for entry in entries {
            match entry.filled(&answers, environment) {
                Ok(value) => values.push((entry.name.clone(), value)),
                Err(error) => failures.push(entry.failure(&error)),
            }
        }
        Failures::none_of(failures).map(|()| values)
    }

    fn filled(&self, answers: &Answers, environment: &dyn Environment) -> Result<SecretValue> {
        match &self.value {
            EnvValue::Reference(reference) => answers.value(reference).cloned(),
            EnvValue::Template(template) => {
                answers
                    .fill(template, environment)
                    .map(|filled| match filled {
                        Filled::Whole(value) => value,
                        Filled::Text(mut text) => SecretValue::text(std::mem::take(&mut *text)),
                    })
            }
        }
    }

    fn failure(&self, error: &Error) -> Failure {
        match &self.origin {
            Some(Origin { file, line }) => {
                Failure::at(file, *line, format!("env.{}", self.name), error)
            }
            None => Failure::of(self.name.clone(), error),
        }
    }
}

impl EnvValue {
    /// Reads a value under `env:` or of `--env`: a template when it holds `${`, else a reference.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidReference`] for a text that is neither, [`ErrorKind::InvalidConfig`] for
    /// a malformed token. The text, which may be a secret in the wrong place, is not echoed.
    pub fn parse(text: &str) -> Result<Self> {
        match bare_reference(text) {
            Some(reference) => reference.map(Self::Reference),
            None if text.contains("${") => Template::parse(text).map(Self::Template),
            None => Reference::parse(text).map(Self::Reference),
        }
    }

    /// Reads a value of an `--env-file`: a reference when the whole text starts `secret://`, else a
    /// text, whose tokens are all that is special in it. So `redis:6379` stays what it is.
    ///
    /// # Errors
    /// As [`EnvValue::parse`].
    pub fn parse_env_file_value(text: &str) -> Result<Self> {
        match bare_reference(text) {
            Some(reference) => reference.map(Self::Reference),
            None => Template::parse(text).map(Self::Template),
        }
    }

    /// The references in it, in order, with repetitions.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        let (whole, template) = match self {
            Self::Reference(reference) => (Some(reference), None),
            Self::Template(template) => (None, Some(template)),
        };
        whole
            .into_iter()
            .chain(template.into_iter().flat_map(Template::references))
    }
}

impl fmt::Debug for EnvValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reference(reference) => write!(f, "Reference({reference})"),
            Self::Template(template) => write!(f, "Template({template:?})"),
        }
    }
}

pub(crate) fn check_name(name: &str) -> Result<()> {
    let what = if name.is_empty() {
        "is empty"
    } else if name.contains('=') {
        "holds a `=`"
    } else if name.chars().any(char::is_control) {
        "holds a control character"
    } else {
        return Ok(());
    };
    let message = format!("the variable name `{}` {what}", name.escape_debug());
    Err(Error::new(ErrorKind::InvalidConfig, message))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ffi::OsString;
    use std::sync::Arc;

    use keyferry_core::{BackendName, BackendOptions, Registry};
    use keyferry_local::Memory;

    use super::*;
    use crate::host::system_host;

    fn resolver() -> Resolver {
        let memory = Memory::new();
        memory.set("a", "alpha");
        memory.set_value("binary", SecretValue::bytes(vec![0xff]));
        let mut registry = Registry::new(system_host());
        let name = BackendName::new("m").unwrap();
        registry
            .add(name, Arc::new(memory), BackendOptions::default())
            .unwrap();
        Resolver::builder(registry, system_host()).build()
    }

    fn entry(name: &str, text: &str) -> EnvEntry {
        EnvEntry::new(name, EnvValue::parse(text).unwrap()).unwrap()
    }

    async fn resolved(entries: &[EnvEntry]) -> Result<Vec<(String, SecretValue)>, Failures> {
        let environment = BTreeMap::from([("USER".to_owned(), OsString::from("root"))]);
        EnvEntry::resolve_all(entries, &resolver(), &environment).await
    }

    #[tokio::test]
    async fn entries_are_resolved_in_their_order() {
        let entries = [
            entry("Z", "m:a"),
            entry("A", "${USER}:${secret://m:a}"),
            entry("B", "${secret://m:binary}"),
        ];
        let values = resolved(&entries).await.unwrap();
        let shown: Vec<_> = values
            .iter()
            .map(|(name, value)| (name.as_str(), value.expose_bytes()))
            .collect();
        assert_eq!(
            shown,
            [
                ("Z", b"alpha".as_slice()),
                ("A", b"root:alpha"),
                ("B", &[0xff])
            ]
        );
    }

    #[tokio::test]
    async fn all_failures_are_reported_and_no_value_is_returned() {
        let entries = [
            entry("OK", "m:a"),
            entry("NONE", "m:none").with_origin("k.yaml", 7),
            entry("UNSET", "${NOWHERE}"),
            entry("BINARY", "x${secret://m:binary}"),
        ];
        let failures = resolved(&entries).await.unwrap_err();
        let shown: Vec<_> = failures.iter().map(|f| f.error().to_string()).collect();
        assert_eq!(shown.len(), 3);
        assert!(
            shown[0].starts_with("k.yaml:7: `env.NONE`: `m:none`: "),
            "{shown:?}"
        );
        assert!(shown[1].starts_with("`UNSET`: "), "{shown:?}");
        assert!(shown[2].starts_with("`BINARY`: `m:binary`: "), "{shown:?}");
    }

    #[test]
    fn an_env_file_keeps_what_is_no_token() {
        let literal = |text: &str| match EnvValue::parse_env_file_value(text).unwrap() {
            EnvValue::Template(template) => template.is_literal(),
            EnvValue::Reference(_) => false,
        };
        for text in [
            "redis:6379",
            "postgres://u:p@h/db",
            "",
            "pa$$word",
            "m:a",
            " secret://m:a",
        ] {
            assert!(literal(text), "{text}");
        }
        assert!(!literal("secret://m:a"));
        assert!(!literal("${secret://m:a}"));
        assert!(EnvValue::parse_env_file_value("secret://nonsense").is_err());
    }

    #[test]
    fn a_bare_reference_with_a_token_in_it_is_refused_rather_than_passed_on() {
        for text in ["secret://m:${USER}", "secret://${USER}/service/token/name"] {
            assert!(EnvValue::parse(text).is_err(), "{text}");
            assert!(EnvValue::parse_env_file_value(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_that_no_environment_holds_are_refused() {
        for name in ["", "A=B", "A\0", "A\n"] {
            let value = EnvValue::parse("m:a").unwrap();
            let error = EnvEntry::new(name, value).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            assert!(!error.to_string().contains(['\0', '\n']));
        }
    }

    #[test]
    fn debug_shows_no_literal() {
        let debug = format!("{:?}", entry("A", "canary${USER}"));
        assert!(!debug.contains("canary"), "{debug}");
    }
}
