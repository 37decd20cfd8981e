//! Which backend serves a reference.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::{Backend, BackendName, Capabilities, Item, KeyStyle, Routes, RuntimeRoute};
use crate::clock::Host;
use crate::error::{Error, ErrorKind, Result};
use crate::glob::Pattern;
use crate::layer::retry::{Retry, RetryOptions};
use crate::layer::timeout::Timeout;
use crate::reference::{Reference, ReferenceKind, Scheme};

const TENANT_MOUNT_MISMATCH: &str = "TENANT_MOUNT_MISMATCH";

/// The backends of a resolver, by name, scheme and environment.
///
/// Registration is explicit, one call a backend; there is no global list.
#[derive(Debug)]
pub struct Registry {
    entries: Vec<Entry>,
    names: HashMap<Box<str>, usize>,
    host: Host,
}

/// A backend as it stands in the registry: its name, its prefix, and the layers around it.
#[derive(Debug)]
pub struct Entry {
    name: BackendName,
    prefix: String,
    capabilities: Capabilities,
    routes: Routes,
    // retry( timeout( backend ) )
    backend: Arc<dyn Backend>,
}

/// How one backend is treated.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackendOptions {
    /// Put before every key, transparently to the caller. Default none.
    pub prefix: String,
    /// How long one call may take. Default 30 s.
    pub timeout: Duration,
    /// How calls that fail as a whole are repeated.
    pub retry: RetryOptions,
}

impl Default for BackendOptions {
    fn default() -> Self {
        Self {
            prefix: String::new(),
            timeout: Duration::from_secs(30),
            retry: RetryOptions::default(),
        }
    }
}

impl BackendOptions {
    /// Puts a prefix before every key.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }
}

/// Where a reference leads.
#[derive(Debug, Clone)]
pub struct Route<'a> {
    /// The backend that serves it.
    pub entry: &'a Entry,
    /// What that backend is asked for, prefix included.
    pub item: Item,
}

impl Registry {
    /// An empty registry whose layers live by the given time and randomness.
    pub fn new(host: Host) -> Self {
        Self {
            entries: Vec::new(),
            names: HashMap::new(),
            host,
        }
    }

    /// Adds a backend under a name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when the name is taken, or when another backend already serves
    /// one of its mounts or environments.
    pub fn add(
        &mut self,
        name: BackendName,
        backend: Arc<dyn Backend>,
        options: BackendOptions,
    ) -> Result<()> {
        if self.names.contains_key(name.as_str()) {
            return Err(invalid(format!("there are two backends named `{name}`")));
        }
        let routes = backend.routes();
        for entry in &self.entries {
            if let Some(what) = overlap(&entry.routes, &routes) {
                return Err(invalid(format!(
                    "the backends `{}` and `{name}` both serve {what}",
                    entry.name
                ))
                .with_help("give each its own `allowed_mounts` or environment"));
            }
        }
        let timeout = Timeout {
            inner: backend,
            host: self.host.clone(),
            limit: options.timeout,
        };
        let retry = Retry {
            inner: Arc::new(timeout),
            host: self.host.clone(),
            options: options.retry,
        };
        self.names.insert(name.as_str().into(), self.entries.len());
        self.entries.push(Entry {
            name,
            prefix: options.prefix,
            capabilities: retry.capabilities(),
            routes,
            backend: Arc::new(retry),
        });
        Ok(())
    }

    /// The backends, in the order they were added.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The backend of this name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidReference`] listing the known names: a typo must not read as absence.
    pub fn backend(&self, name: &str) -> Result<&Entry> {
        self.names
            .get(name)
            .and_then(|index| self.entries.get(*index))
            .ok_or_else(|| {
                let known: Vec<_> = self
                    .entries
                    .iter()
                    .map(|e| format!("`{}`", e.name))
                    .collect();
                let message = match BackendName::check(name) {
                    Ok(()) => format!("there is no backend named `{name}`"),
                    // A secret in the wrong place, perhaps.
                    Err(what) => format!("the backend name {what}"),
                };
                Error::new(ErrorKind::InvalidReference, message).with_help(match known.as_slice() {
                    [] => "no backends are configured".to_owned(),
                    known => format!("the configured backends are {}", known.join(", ")),
                })
            })
    }

    /// Where a reference leads.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidReference`] for an unknown backend, [`ErrorKind::Denied`] for a mount that
    /// no backend allows, [`ErrorKind::Unsupported`] where nothing serves the form at all, and
    /// [`ErrorKind::InvalidConfig`] for a `shared` reference that several backends serve.
    pub fn route(&self, reference: &Reference) -> Result<Route<'_>> {
        let entry = match reference.kind() {
            ReferenceKind::Named => self.backend(reference.backend().unwrap_or_default())?,
            ReferenceKind::Uri => self.of_uri(reference)?,
            ReferenceKind::Runtime => self.of_environment(reference)?,
        };
        let key = match reference.kind() {
            ReferenceKind::Named => entry.full_name(reference.key()),
            ReferenceKind::Uri | ReferenceKind::Runtime => reference.key().to_owned(),
        };
        let item = Item::new(key);
        // An empty version, which the grammar of URIs allows, asks for the newest.
        let item = match reference.version().filter(|version| !version.is_empty()) {
            Some(version) if !entry.capabilities.versions => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!(
                        "version `{version}` of a `{}` backend, which keeps none",
                        entry.kind()
                    ),
                )
                .with_backend(&entry.name));
            }
            Some(version) => item.with_version(version),
            None => item,
        };
        Ok(Route { entry, item })
    }

    fn of_uri(&self, reference: &Reference) -> Result<&Entry> {
        let mount = reference.mount().unwrap_or_default();
        let claims = |entry: &&Entry| {
            reference
                .scheme()
                .is_some_and(|scheme| entry.routes.schemes.contains(&scheme))
        };
        let mut of_scheme = self.entries.iter().filter(claims).peekable();
        if of_scheme.peek().is_none() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "no configured backend serves this scheme",
            ));
        }
        of_scheme
            .find(|entry| entry.routes.mounts.allow(mount))
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Denied,
                    format!("the mount `{mount}` is not allowed"),
                )
                .with_code(TENANT_MOUNT_MISMATCH)
                .with_help("add it to `allowed_mounts` of the backend that holds it; without a configuration, to `SECRETS_ALLOWED_MOUNTS`")
            })
    }

    fn of_environment(&self, reference: &Reference) -> Result<&Entry> {
        let environment = reference.environment().unwrap_or_default();
        let mut candidates = self
            .entries
            .iter()
            .filter(|entry| match &entry.routes.runtime {
                RuntimeRoute::Nothing => false,
                RuntimeRoute::Environment(own) => own == environment || environment == SHARED,
                RuntimeRoute::Everything => true,
            });
        match (candidates.next(), candidates.next()) {
            (Some(only), None) => Ok(only),
            (Some(first), Some(second)) => Err(invalid(format!(
                "the backends `{}` and `{}` both serve the environment `{environment}`",
                first.name, second.name
            ))),
            (None, _) => Err(Error::new(
                ErrorKind::Unsupported,
                format!("no configured backend serves the environment `{environment}`"),
            )),
        }
    }
}

const SHARED: &str = "shared";

impl Entry {
    /// The name in the configuration.
    pub fn name(&self) -> &BackendName {
        &self.name
    }

    /// The type in the configuration.
    pub fn kind(&self) -> &'static str {
        self.backend.kind()
    }

    /// What the backend can do.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// The backend within its layers.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }

    /// The name that the backend knows a key by.
    pub fn full_name(&self, key: &str) -> String {
        format!("{}{key}", self.joined_prefix())
    }

    /// The keys that match, without the prefix.
    pub(crate) async fn list(&self, pattern: &Pattern) -> Result<Vec<String>> {
        let prefix = self.joined_prefix();
        // The prefix is literal text, also where it holds glob characters.
        let full = Pattern::new(&format!("{}{pattern}", Pattern::literal(&prefix)));
        let names = self.backend.list(&full).await?;
        let key = |name: String| name.strip_prefix(&prefix).map(str::to_owned);
        Ok(names
            .into_iter()
            .filter_map(key)
            .filter(|key| !key.is_empty())
            .collect())
    }

    fn joined_prefix(&self) -> String {
        match self.capabilities.keys {
            KeyStyle::Path if !self.prefix.is_empty() => {
                format!("{}/", self.prefix.trim_end_matches('/'))
            }
            KeyStyle::Path | KeyStyle::Flat => self.prefix.clone(),
        }
    }
}

/// What both serve, if anything.
fn overlap(one: &Routes, other: &Routes) -> Option<String> {
    use crate::backend::Mounts::{Any, Only};
    let scheme = one
        .schemes
        .iter()
        .find(|scheme| other.schemes.contains(scheme));
    if let Some(scheme) = scheme {
        let mount = match (&one.mounts, &other.mounts) {
            (Only(mine), Only(theirs)) => mine.iter().find(|mount| theirs.contains(mount)).cloned(),
            (Any, Only(some)) | (Only(some), Any) => some.first().cloned(),
            (Any, Any) => Some("any".to_owned()),
        };
        if let Some(mount) = mount {
            return Some(format!("the mount `{mount}` of {}", described(*scheme)));
        }
    }
    match (&one.runtime, &other.runtime) {
        (RuntimeRoute::Nothing, _) | (_, RuntimeRoute::Nothing) => None,
        (RuntimeRoute::Environment(mine), RuntimeRoute::Environment(theirs)) => {
            (mine == theirs).then(|| format!("the environment `{mine}`"))
        }
        _ => Some("the same environments".to_owned()),
    }
}

fn described(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::OpenBao => "`openbao://`",
        Scheme::HashiCorp => "`hashicorp://`",
        Scheme::File => "`file://`",
        Scheme::Db => "`db://`",
        Scheme::Bootstrap => "`bootstrap://`",
        Scheme::Yaml => "`yaml://`",
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidConfig, message)
}
