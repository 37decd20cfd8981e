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
