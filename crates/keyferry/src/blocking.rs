//! The same without `async`.

use std::path::Path;
use std::sync::OnceLock;

use keyferry_core::{
    Batch, Error, ErrorKind, Explanation, IntoRequest, Metadata, Preloaded, Result, Secret,
};
use tokio::runtime::{Builder, Handle, Runtime};

/// Resolves references to secrets, and waits for the answer.
///
/// A cached secret is answered on the spot. Everything else runs in the calling thread, on a
/// runtime of its own; any number of threads may call at once. Called from inside an async runtime,
/// where waiting would stop other tasks, it refuses with [`ErrorKind::Unsupported`]; tokio's
/// `spawn_blocking` counts as inside, and has `Handle::block_on` for the asynchronous resolver.
///
/// ```
/// use std::sync::Arc;
/// use keyferry::{BackendName, BackendOptions, Registry, Resolver, system_host};
///
/// let memory = keyferry::local::Memory::new();
/// memory.set("db_password", "correct horse");
/// let mut registry = Registry::new(system_host());
/// registry.add(BackendName::new("app")?, Arc::new(memory), BackendOptions::default())?;
/// let secrets = Resolver::builder(registry, system_host()).build();
///
/// let secrets = keyferry::blocking::Resolver::new(secrets);
/// assert_eq!(secrets.get("app:db_password")?.value().expose_text()?, "correct horse");
/// # Ok::<(), keyferry::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Resolver(crate::Resolver);

/// The resolver of a configuration file; see [`crate::from_config`].
///
/// # Errors
/// As there.
pub fn from_config(path: impl AsRef<Path>) -> Result<Option<Resolver>> {
    wait(crate::from_config(path))?.map(|resolver| resolver.map(Resolver))
}

/// The resolver of the configuration that is found; see [`crate::from_env`].
///
/// # Errors
/// As there.
pub fn from_env() -> Result<Option<Resolver>> {
    wait(crate::from_env())?.map(|resolver| resolver.map(Resolver))
}

impl Resolver {
    /// Waits on behalf of an asynchronous resolver, whose cache it shares.
    pub fn new(resolver: crate::Resolver) -> Self {
        Self(resolver)
    }

    /// The asynchronous resolver.
    pub fn asynchronous(&self) -> &crate::Resolver {
        &self.0
    }

    /// Gets one secret; see [`crate::Resolver::get`].
    ///
    /// # Errors
    /// As there.
    pub fn get<'a>(&self, reference: impl IntoRequest<'a>) -> Result<Secret> {
        let request = reference.into_request()?;
        match self.0.cached(&request) {
            Some(hit) => hit,
            None => wait(self.0.get(request))?,
        }
    }

    /// Gets one secret, or `None` if there is none of that name; see
    /// [`crate::Resolver::get_or_none`].
    ///
    /// # Errors
    /// As there.
    pub fn get_or_none<'a>(&self, reference: impl IntoRequest<'a>) -> Result<Option<Secret>> {
        match self.get(reference) {
            Ok(secret) => Ok(Some(secret)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gets the value as it stands, around the cache; see [`crate::Resolver::raw`].
    ///
    /// # Errors
    /// As there.
    pub fn raw<'a>(&self, reference: impl IntoRequest<'a>) -> Result<Secret> {
        wait(self.0.raw(reference.into_request()?))?
    }

    /// Gets several secrets, each resolved or failed, in request order; see
    /// [`crate::Resolver::get_many`].
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] inside an async runtime; nothing else fails the batch as a whole.
    pub fn get_many<'a, I>(&self, references: I) -> Result<Batch>
    where
        I: IntoIterator<Item: IntoRequest<'a>>,
    {
        wait(self.0.get_many(references))
    }

    /// Forgets what is cached for a reference; see [`crate::Resolver::invalidate`].
    ///
    /// # Errors
    /// As there.
    pub fn invalidate<'a>(&self, reference: impl IntoRequest<'a>) -> Result<()> {
        self.0.invalidate(reference)
    }

    /// Forgets everything that is cached.
    pub fn invalidate_all(&self) {
        self.0.invalidate_all();
    }

    /// Fetches what the declarations name; see [`crate::Resolver::preload`].
    ///
    /// # Errors
    /// As there.
    pub fn preload<S: AsRef<str>>(&self, declarations: &[S]) -> Result<Preloaded> {
        wait(self.0.preload(declarations))?
    }

    /// Lists the keys that match a declaration; see [`crate::Resolver::list`].
    ///
    /// # Errors
    /// As there.
    pub fn list(&self, declaration: &str) -> Result<Vec<String>> {
        wait(self.0.list(declaration))?
    }

    /// The version of a secret, without its value; see [`crate::Resolver::metadata`].
    ///
    /// # Errors
    /// As there.
    pub fn metadata<'a>(&self, reference: impl IntoRequest<'a>) -> Result<Metadata> {
        wait(self.0.metadata(reference))?
    }

    /// Explains a reference without fetching anything; see [`crate::Resolver::explain`].
    ///
    /// # Errors
    /// As there.
    pub fn explain<'a>(&self, reference: impl IntoRequest<'a>) -> Result<Explanation> {
        self.0.explain(reference)
    }
}

impl From<crate::Resolver> for Resolver {
    fn from(resolver: crate::Resolver) -> Self {
        Self::new(resolver)
    }
}

/// Runs a future to its end in this thread.
fn wait<F: Future>(future: F) -> Result<F::Output> {
    if Handle::try_current().is_ok() {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "a blocking call inside an async runtime",
        )
        .with_help(
            "await the asynchronous `Resolver` here, or call from a thread that has no runtime",
        ));
    }
    Ok(runtime()?.block_on(future))
}

/// One runtime for all threads, with a thread that drives its timers: a fetch may be shared with
/// async callers, who must not wait for ever when the blocking one that started it has given up.
fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("keyferry-blocking")
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| {
        Error::request(
            ErrorKind::Internal,
            format!("no runtime could be started: {error}"),
        )
    })?;
    Ok(RUNTIME.get_or_init(|| runtime))
}

#[cfg(test)]
mod tests;
