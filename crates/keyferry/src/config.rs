//! `keyferry.yaml`.

mod backend;
mod check;
mod expand;
mod locate;
mod secrets;
mod sections;
mod time_span;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyferry_core::{
    BackendName, BackendOptions, CacheOptions, Error, Host, Registry, Resolver, Result,
};
use keyferry_local::{Environment, ProcessEnvironment};
use keyferry_yaml::{Document, Limits, Stream, YamlError};
use serde_json::Value;

use self::backend::{Backend, Place};
use self::secrets::Secrets;
use self::sections::{Sections, yaml_failure};
use crate::env_map::EnvEntry;
use crate::failure::{Failure, Failures};
use crate::host::system_host;
use crate::tokens::is_own_section;

/// What `keyferry.yaml` says.
///
/// | in the file | means |
/// |---|---|
/// | `secrets:` | the backends, by name; the cache; what to load at start |
/// | `env:` | what `keyferry run` and `keyferry export` provide |
/// | a relative path | relative to the file; `~/` is the home directory |
/// | `${VAR}`, `${VAR:-default}` | the environment variable |
/// | `${secret://…}` | a secret under `env:`; refused elsewhere, where it would be circular |
#[derive(Clone)]
pub struct Config {
    path: Option<PathBuf>,
    secrets: Secrets,
    backends: Vec<NamedBackend>,
    env: Vec<EnvEntry>,
    environment: Arc<dyn Environment>,
}

/// A backend in the order of the file.
#[derive(Debug, Clone)]
struct NamedBackend {
    name: BackendName,
    backend: Backend,
    line: Option<usize>,
}

impl Config {
    /// Reads the file at `path`, with the variables of this process.
    ///
    /// # Errors
    /// Everything that is wrong with it, with file and line, of kind
    /// [`InvalidConfig`](keyferry_core::ErrorKind::InvalidConfig) as a rule.
    pub fn load(path: &Path) -> Result<Self, Failures> {
        Self::load_in(path, Arc::new(ProcessEnvironment))
    }

    /// Reads the file at `path`, with the variables of `environment`.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_in(path: &Path, environment: Arc<dyn Environment>) -> Result<Self, Failures> {
        Self::parse(&locate::read(path)?, path, environment)
    }

    /// Reads the text of the file at `path`, which is where its relative paths start.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(
        text: &str,
        path: &Path,
        environment: Arc<dyn Environment>,
    ) -> Result<Self, Failures> {
        let refused = |error: YamlError| yaml_failure(path, &error);
        let document = Document::parse(text, Limits::CONFIG).map_err(refused)?;
        let value = document.root().to_json().map_err(refused)?;
        Self::checked(&document, value, path, environment)
    }

    /// Reads the `secrets:` section of an application's own YAML file, which may hold anything
    /// else besides. `None` if there is no such section, or one that is not Keyferry's.
    ///
    /// `enabled` defaults to true, as in `keyferry.yaml`.
    ///
    /// # Errors
    /// As [`Config::load`], about the section.
    pub fn from_section(
        text: &str,
        path: &Path,
        environment: Arc<dyn Environment>,
    ) -> Result<Option<Self>, Failures> {
        let refused = |error: YamlError| yaml_failure(path, &error);
        let stream = Stream::parse(text, Limits::RENDER).map_err(refused)?;
        let own = stream.documents().iter().find_map(|document| {
            let entry = document.root().entry("secrets")?;
            is_own_section(entry.value()).then_some((document, entry.value()))
        });
        let Some((document, section)) = own else {
            return Ok(None);
        };
        let section = section.to_json().map_err(refused)?;
        let value = Value::Object([("secrets".to_owned(), section)].into_iter().collect());
        Self::checked(document, value, path, environment).map(Some)
    }

    /// What holds where there is no file: the backend `env`, and `mounts` for `file://` at
    /// `FILE_MOUNT_PATH`, else `/run/secrets`, with the mounts that `SECRETS_ALLOWED_MOUNTS` lists
    /// (`any` for all, none if it is not set).
    ///
    /// # Errors
    /// [`InvalidConfig`](keyferry_core::ErrorKind::InvalidConfig) for a variable that is not UTF-8.
    pub fn implicit(environment: Arc<dyn Environment>) -> Result<Self> {
        let named = |name, backend| -> Result<_> {
            Ok(NamedBackend {
                name: BackendName::new(name)?,
                backend,
                line: None,
            })
        };
        Ok(Self {
            path: None,
            secrets: Secrets::default(),
            backends: vec![
                named("env", Backend::env())?,
                named("mounts", Backend::implicit_mount(&*environment)?)?,
            ],
            env: Vec::new(),
            environment,
        })
    }

    /// The configuration file to use: `explicit`, else the one `KEYFERRY_CONFIG` names, else
    /// `keyferry.yaml` in `start` or the nearest directory above it.
    ///
    /// Only the last is looked for; a file that is named must be there when it is loaded.
    ///
    /// # Errors
    /// [`InvalidConfig`](keyferry_core::ErrorKind::InvalidConfig) when a directory on the way cannot be searched.
    pub fn locate(
        explicit: Option<&Path>,
        start: &Path,
        environment: &dyn Environment,
    ) -> Result<Option<PathBuf>> {
        locate::locate(explicit, start, environment)
    }

    /// The JSON Schema of `keyferry.yaml`.
    pub fn json_schema() -> Value {
        schemars::schema_for!(Sections).to_value()
    }

    /// The file this came from; `None` for [`Config::implicit`].
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whether the file lets secrets be used: `secrets.enabled`.
    pub fn enabled(&self) -> bool {
        self.secrets.enabled
    }

    /// The backends in the order of the file, each with its type.
    pub fn backends(&self) -> impl Iterator<Item = (&BackendName, &'static str)> {
        let backends = self.backends.iter();
        backends.map(|backend| (&backend.name, backend.backend.kind()))
    }

    /// What to load at start: `secrets.load`.
    pub fn load_declarations(&self) -> &[String] {
        &self.secrets.load
    }

    /// What to provide as environment variables: `env:`, in the order of the file.
    pub fn env(&self) -> &[EnvEntry] {
        &self.env
    }

    /// The freshness contract's figures: `secrets.cache` and `secrets.cache_enabled`.
    pub fn cache_options(&self) -> CacheOptions {
        self.secrets.cache_options()
    }

    /// The backends, ready to serve. Backends of the application's own can be added to them.
    ///
    /// # Errors
    /// [`Unsupported`](keyferry_core::ErrorKind::Unsupported) for a type that is not built into this program,
    /// [`InvalidConfig`](keyferry_core::ErrorKind::InvalidConfig) for two backends that serve the same mounts.
    pub fn registry(&self, host: &Host) -> Result<Registry> {
        let place = Place {
            directory: self.path.as_deref().and_then(Path::parent),
            environment: &self.environment,
        };
        let mut registry = Registry::new(host.clone());
        for NamedBackend {
            name,
            backend,
            line,
        } in &self.backends
        {
            let opened = backend.open(&place);
            let added = opened.and_then(|opened| {
                let options = BackendOptions::default().with_prefix(backend.prefix());
                registry.add(name.clone(), opened, options)
            });
            added.map_err(|error| self.located(name, *line, error))?;
        }
        Ok(registry)
    }

    /// A resolver over the backends; `None` if `secrets.enabled` is false. Nothing is loaded yet.
    ///
    /// # Errors
    /// As [`Config::registry`].
    pub fn resolver(&self) -> Result<Option<Resolver>> {
        if !self.enabled() {
            return Ok(None);
        }
        let host = system_host();
        let builder = Resolver::builder(self.registry(&host)?, host);
        Ok(Some(builder.cache(self.cache_options()).build()))
    }

    fn located(&self, name: &BackendName, line: Option<usize>, error: Error) -> Error {
        let error = error.with_backend(name);
        match (&self.path, line) {
            (Some(path), Some(line)) => {
                let file = path.display().to_string();
                let path = format!("secrets.backends.{name}");
                Failure::at(&file, line, path, &error).error().clone()
            }
            _ => error,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("path", &self.path)
            .field("backends", &self.backends().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
