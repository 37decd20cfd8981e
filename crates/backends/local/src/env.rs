//! `type: env`: environment variables.

use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::sync::Arc;

use async_trait::async_trait;
use keyferry_core::{
    Backend, Capabilities, Error, ErrorKind, Finding, Item, KeyStyle, Pattern, Result, Secret,
    SecretValue,
};

use crate::environment::{Environment, ProcessEnvironment};
use crate::refuse_version;

const KIND: &str = "env";
/// Nothing limits a batch but the number of references anyone would ask for at once.
const BATCH: usize = 10_000;

/// Environment variables. A variable that is set to nothing is an empty secret, not an absent one.
pub struct Env {
    environment: Arc<dyn Environment>,
}

impl Env {
    /// The variables of `environment`.
    pub fn new(environment: Arc<dyn Environment>) -> Self {
        Self { environment }
    }

    /// The variables of this process.
    pub fn from_process() -> Self {
        Self::new(Arc::new(ProcessEnvironment))
    }

    fn value(&self, item: &Item) -> Result<Secret> {
        refuse_version(KIND, item)?;
        let value = self.environment.variable(item.key()).ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                format!("the environment variable `{}` is not set", item.key()),
            )
        })?;
        // What is not UTF-8 stays as it is: only who asks for text is refused.
        Ok(SecretValue::bytes(value.into_vec()).into())
    }
}

#[async_trait]
impl Backend for Env {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::read_only(KeyStyle::Flat)
            .with_batch(BATCH)
            .with_list()
    }

    async fn read(&self, item: &Item) -> Result<Secret> {
        self.value(item)
    }

    async fn read_batch(&self, items: &[Item]) -> Result<Vec<Result<Secret>>> {
        Ok(items.iter().map(|item| self.value(item)).collect())
    }

    async fn list(&self, pattern: &Pattern) -> Result<Vec<String>> {
        let mut names = self.environment.names();
        names.retain(|name| pattern.matches(name));
        // A process can be started with the same name twice; only one of them can be read.
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    async fn diagnose(&self) -> Vec<Finding> {
        vec![Finding::good("environment variables")]
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The variables hold the secrets.
        f.debug_struct("Env").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ffi::OsString;

    use super::*;

    fn env() -> Env {
        let variables = [
            ("EMPTY", OsString::new()),
            ("LATIN", OsString::from_vec(vec![0xe9])),
            ("MAP", OsString::from(r#"{"a": 1}"#)),
        ];
        let variables: BTreeMap<_, _> = variables.map(|(k, v)| (k.to_owned(), v)).into();
        Env::new(Arc::new(variables))
    }

    #[tokio::test]
    async fn a_variable_set_to_nothing_is_an_empty_secret() {
        let secret = env().read(&Item::new("EMPTY")).await.unwrap();
        assert!(secret.value().is_empty());
        let error = env().read(&Item::new("NONE")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn bytes_that_are_no_text_fail_only_as_text() {
        let secret = env().read(&Item::new("LATIN")).await.unwrap();
        assert_eq!(secret.value().expose_bytes(), [0xe9]);
        assert_eq!(
            secret.value().expose_text().unwrap_err().kind(),
            ErrorKind::Malformed
        );
    }

    #[tokio::test]
    async fn names_that_cannot_be_variables_are_absent() {
        for name in ["", "A=B", "A\0B"] {
            let error = Env::from_process()
                .read(&Item::new(name))
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound, "{name:?}");
        }
    }

    #[tokio::test]
    async fn the_process_environment_is_read_at_each_call() {
        let names = Env::from_process().list(&Pattern::new("PATH")).await;
        assert_eq!(names.unwrap(), ["PATH"]);
    }
}
