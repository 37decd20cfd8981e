//! The paved paths from nothing to a resolver.

use std::path::Path;
use std::sync::Arc;

use keyferry_core::{Error, ErrorKind, Resolver, Result};
use keyferry_local::ProcessEnvironment;

use crate::config::Config;

/// The resolver of a configuration file, with everything loaded that its `load` list names.
/// `None` if the file says `secrets.enabled: false`.
///
/// With `cache_enabled: false`, loading verifies access and keeps nothing.
///
/// # Errors
/// [`ErrorKind::InvalidConfig`] for a file that is missing or wrong, [`ErrorKind::Unsupported`] for
/// a backend type that is not built in, and what [`Resolver::preload`] returns.
pub async fn from_config(path: impl AsRef<Path>) -> Result<Option<Resolver>> {
    started(&Config::load(path.as_ref())?).await
}

/// The resolver of the file that `KEYFERRY_CONFIG` names, or of the `keyferry.yaml` in the working
/// directory or the nearest one above it, loaded as by [`from_config`]. Without any file the
/// backends are those of [`Config::implicit`].
///
/// # Errors
/// As [`from_config`].
pub async fn from_env() -> Result<Option<Resolver>> {
    started(&found()?).await
}

/// The configuration that [`from_env`] uses.
pub(crate) fn found() -> Result<Config> {
    let directory = std::env::current_dir().map_err(|error| {
        Error::new(
            ErrorKind::InvalidConfig,
            format!("the working directory cannot be read: {error}"),
        )
    })?;
    Ok(
        match Config::locate(None, &directory, &ProcessEnvironment)? {
            Some(path) => Config::load(&path)?,
            None => Config::implicit(Arc::new(ProcessEnvironment))?,
        },
    )
}

async fn started(config: &Config) -> Result<Option<Resolver>> {
    let Some(resolver) = config.resolver()? else {
        return Ok(None);
    };
    resolver.preload(config.load_declarations()).await?;
    Ok(Some(resolver))
}

#[cfg(test)]
mod tests {
    use keyferry_core::ErrorKind;

    use super::*;

    fn directory(text: &str) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("keyferry.yaml"), text).unwrap();
        std::fs::write(directory.path().join("s.yaml"), "a: 1\nb: 2\n").unwrap();
        directory
    }

    #[tokio::test]
    async fn what_the_file_lists_is_loaded() {
        let directory = directory(
            "secrets:\n  backends: { s: { type: file, path: s.yaml } }\n  load: [\"s:*\", \"s:none*\"]\n",
        );
        let path = directory.path().join("keyferry.yaml");
        let resolver = from_config(&path).await.unwrap().unwrap();
        assert!(resolver.get("s:b").await.is_ok());
    }

    #[tokio::test]
    async fn a_backend_that_cannot_be_listed_fails_the_start() {
        let directory = directory(
            "secrets:\n  cache_enabled: false\n  backends: { s: { type: file, path: none.yaml } }\n  load: [\"s:*\"]\n",
        );
        let error = from_config(directory.path().join("keyferry.yaml"))
            .await
            .unwrap_err();
        assert_eq!(error.backend().unwrap().as_str(), "s");
    }

    #[tokio::test]
    async fn a_file_that_is_wrong_names_its_line() {
        let directory = directory("secrets:\n  enabld: true\n  lod: []\n");
        let error = from_config(directory.path().join("keyferry.yaml"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        let message = error.to_string();
        assert!(
            message.contains("keyferry.yaml:2:3: unknown key `enabld`"),
            "{message}"
        );
        assert!(message.ends_with("(and 1 more)"), "{message}");
    }

    #[tokio::test]
    async fn disabled_secrets_load_nothing() {
        let directory = directory(
            "secrets:\n  enabled: false\n  backends: { s: { type: file, path: none.yaml } }\n  load: [\"s:*\"]\n",
        );
        let path = directory.path().join("keyferry.yaml");
        assert!(from_config(path).await.unwrap().is_none());
    }

    #[test]
    fn every_future_can_be_spawned() {
        fn spawnable<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) {
            drop(future);
        }
        let resolver = || Config::parse("", Path::new("x"), Arc::new(ProcessEnvironment));
        let resolver = || resolver().unwrap().resolver().unwrap().unwrap();
        spawnable(from_config("x"));
        spawnable(from_env());
        let secrets = resolver();
        spawnable(async move { secrets.get("a:b").await });
        let secrets = resolver();
        spawnable(async move { secrets.get_many(["a:b"]).await.exit_code() });
        let secrets = resolver();
        spawnable(async move { secrets.preload(&["a:b"]).await });
        let secrets = resolver();
        spawnable(async move { secrets.watch("a:b").await.err() });
        let secrets = resolver();
        spawnable(async move {
            let tokens = crate::Tokens::find("x", "a: ${A}", crate::Format::Yaml)?;
            tokens.resolve(&secrets, &ProcessEnvironment).await
        });
        let secrets = resolver();
        spawnable(
            async move { crate::EnvEntry::resolve_all(&[], &secrets, &ProcessEnvironment).await },
        );
    }
}
