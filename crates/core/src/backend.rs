//! Where values live: the small trait that every backend implements.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use crate::error::{Error, ErrorKind, Result};
use crate::glob::Pattern;
use crate::reference::Scheme;
use crate::secret::Secret;

/// A place where values live.
///
/// Applications never call a backend: they hold a [`Resolver`](crate::Resolver), which parses,
/// routes, caches, retries and times out around it. An implementation only talks to its store.
///
/// Required are [`kind`](Self::kind), [`capabilities`](Self::capabilities) and
/// [`read`](Self::read). What else a backend can do it declares in its [`Capabilities`], and
/// implements the method of the same name; the pipeline calls only what is declared. The suite of
/// the `keyferry-conformance` crate checks all of it.
///
/// Methods may be called from several tasks at once. They fail with the kind that fits best
/// ([`ErrorKind`]): [`Error::new`] when the backend answered and one item failed,
/// [`Error::request`] when it could not answer. Errors never hold a value or an answer's body.
/// A method must not retry: exactly one layer does.
///
/// **A type that wraps a backend must forward every method** and carries
/// `#[deny(clippy::missing_trait_methods)]`: a default that slips in would bypass what it wraps.
#[async_trait]
pub trait Backend: Send + Sync + fmt::Debug + 'static {
    /// The `type` of the backend in the configuration, such as `env`.
    fn kind(&self) -> &'static str;

    /// What the backend can do. Constant for the life of the backend.
    fn capabilities(&self) -> Capabilities;

    /// Reads one secret.
    ///
    /// Fails with [`ErrorKind::NotFound`] when there is no such item, and never returns an empty
    /// value instead. The key has its configured prefix already.
    async fn read(&self, item: &Item) -> Result<Secret>;

    /// Reads several secrets in one call, at most [`Capabilities::batch`] of them, without
    /// duplicates. The answer has one result for each item, in the order of `items`.
    ///
    /// The outer error is for a call that failed as a whole.
    async fn read_batch(&self, items: &[Item]) -> Result<Vec<Result<Secret>>> {
        let _ = items;
        Err(undeclared(self.kind(), "batches"))
    }

    /// Lists the full names that match, in any order, without duplicates. A pattern that matches
    /// nothing gives an empty list.
    async fn list(&self, pattern: &Pattern) -> Result<Vec<String>> {
        let _ = pattern;
        Err(undeclared(self.kind(), "listing"))
    }

    /// The version of an item, without its value.
    async fn metadata(&self, item: &Item) -> Result<Metadata> {
        let _ = item;
        Err(undeclared(self.kind(), "metadata"))
    }

    /// Streams the versions of one item: the present one at once, then each new one.
    ///
    /// The subscription starts before the first item is yielded, so that no change is lost between
    /// them. Several changes in a row may be reported as one. An item that disappears yields an
    /// error of its kind, and the stream goes on. Dropping the stream ends the subscription.
    fn watch(&self, item: &Item) -> Result<BoxStream<'static, Result<Metadata>>> {
        let _ = item;
        Err(undeclared(self.kind(), "watching"))
    }

    /// The references without a backend name that this backend serves.
    fn routes(&self) -> Routes {
        Routes::default()
    }

    /// What `doctor` and `check` report of this backend: reachability, credentials, permissions,
    /// malformed parts of its source. Reads no value.
    async fn diagnose(&self) -> Vec<Finding> {
        Vec::new()
    }
}

fn undeclared(kind: &str, what: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("{what} is not supported by a `{kind}` backend"),
    )
}

/// What a backend can do, declared as data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// How many items [`Backend::read_batch`] takes in one call; `None`: it is not implemented.
    pub batch: Option<usize>,
    /// [`Backend::list`] is implemented.
    pub list: bool,
    /// [`Backend::metadata`] is implemented.
    pub metadata: bool,
    /// [`Backend::watch`] is implemented.
    pub watch: bool,
    /// Items have versions that can be read by their number.
    pub versions: bool,
    /// How prefix and key are joined.
    pub keys: KeyStyle,
    /// How long a value may be cached at most; `None` leaves it to the TTL. Zero means every read
    /// goes to the backend, which knows cheaply whether anything changed.
    pub max_age: Option<Duration>,
}

impl Capabilities {
    /// Reading one item, nothing else.
    pub const fn read_only(keys: KeyStyle) -> Self {
        Self {
            batch: None,
            list: false,
            metadata: false,
            watch: false,
            versions: false,
            keys,
            max_age: None,
        }
    }

    /// Declares [`Backend::read_batch`], with at most `items` a call.
    #[must_use]
    pub const fn with_batch(mut self, items: usize) -> Self {
        self.batch = Some(items);
        self
    }

    /// Declares [`Backend::list`].
    #[must_use]
    pub const fn with_list(mut self) -> Self {
        self.list = true;
        self
    }

    /// Declares [`Backend::metadata`].
    #[must_use]
    pub const fn with_metadata(mut self) -> Self {
        self.metadata = true;
        self
    }

    /// Declares [`Backend::watch`].
    #[must_use]
    pub const fn with_watch(mut self) -> Self {
        self.watch = true;
        self
    }

    /// Declares that items have versions.
    #[must_use]
    pub const fn with_versions(mut self) -> Self {
        self.versions = true;
        self
    }

    /// Bounds how long a value may be cached.
    #[must_use]
    pub const fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }
}

/// How a configured prefix and a key are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyStyle {
    /// By plain concatenation: `APP_` and `API_KEY` give `APP_API_KEY`.
    Flat,
    /// By one `/`, whether or not the prefix ends in one.
    Path,
}

/// What a backend is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Item {
    key: String,
    version: Option<String>,
}

impl Item {
    /// The newest version of a key.
    pub fn new(key: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            version: None,
        }
    }

    /// One version of the key.
    #[must_use]
    pub fn with_version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// The full name, its prefix included.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The version asked for; `None` is the newest.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }
}

/// What is known of a secret besides its value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// The backend's own name for the version: opaque, but equal only for equal values.
    pub version: Option<Box<str>>,
    /// How long the backend vouches for the value, such as the rest of a lease. It bounds the TTL.
    pub valid_for: Option<Duration>,
}

impl Metadata {
    /// Metadata that names a version.
    pub fn with_version(version: impl Into<Box<str>>) -> Self {
        Self {
            version: Some(version.into()),
            valid_for: None,
        }
    }
}

/// The references without a backend name that a backend serves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Routes {
    /// The schemes of canonical URIs.
    pub schemes: Vec<Scheme>,
    /// The mounts among them. Nothing else is served.
    pub mounts: Mounts,
    /// The runtime references.
    pub runtime: RuntimeRoute,
}

/// The mounts of canonical URIs that may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mounts {
    /// Every mount; configured by the word `any`.
    Any,
    /// These alone. An empty list allows nothing.
    Only(Vec<String>),
}

impl Mounts {
    /// Whether `mount` may be used.
    pub fn allow(&self, mount: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(mounts) => mounts.iter().any(|allowed| allowed == mount),
        }
    }
}

impl Default for Mounts {
    fn default() -> Self {
        Self::Only(Vec::new())
    }
}

/// The runtime references that a backend serves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum RuntimeRoute {
    /// None.
    #[default]
    Nothing,
    /// Those of one environment, and of `shared`.
    Environment(String),
    /// Those of every environment.
    Everything,
}

/// One thing that `doctor` found out.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What was looked at, such as a path; never a value.
    pub subject: String,
    /// Whether it is in order.
    pub outcome: Result<(), Error>,
}

impl Finding {
    /// Something that is in order.
    pub fn good(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            outcome: Ok(()),
        }
    }

    /// Something that is not; the error's help says what to do next.
    pub fn bad(subject: impl Into<String>, error: Error) -> Self {
        Self {
            subject: subject.into(),
            outcome: Err(error),
        }
    }
}

/// The name of a backend in the configuration: `[a-z][a-z0-9_-]*`, at most 64 bytes, and none of
/// the scheme words `secret file openbao hashicorp db bootstrap yaml dapr`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BackendName(Arc<str>);

const RESERVED: [&str; 8] = [
    "secret",
    "file",
    "openbao",
    "hashicorp",
    "db",
    "bootstrap",
    "yaml",
    "dapr",
];

impl BackendName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when the text cannot name a backend.
    pub fn new(name: &str) -> Result<Self> {
        Self::check(name).map_err(|what| {
            Error::new(
                ErrorKind::InvalidConfig,
                format!("the backend name `{name}` {what}"),
            )
        })?;
        Ok(Self(Arc::from(name)))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn check(name: &str) -> Result<(), &'static str> {
        let mut bytes = name.bytes();
        let first = bytes.next().is_some_and(|b| b.is_ascii_lowercase());
        if !first
            || !bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b))
        {
            return Err("is not a lower-case letter followed by a-z 0-9 _ -");
        }
        if name.len() > 64 {
            return Err("is longer than 64 bytes");
        }
        if RESERVED.contains(&name) {
            return Err("is reserved for a scheme");
        }
        Ok(())
    }
}

impl fmt::Display for BackendName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BackendName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BackendName({})", self.0)
    }
}
