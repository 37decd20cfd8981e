//! The type that applications hold.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use futures_util::stream::{self, BoxStream};

use crate::backend::Metadata;
use crate::batch::Batch;
use crate::clock::{Host, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::glob::Pattern;
use crate::layer::audit::{Audit, released};
use crate::layer::cache::{Boarding, Cache, CacheOptions, Fetch, Flight};
use crate::layer::policy::{Policy, decisions};
use crate::native_batch::{NativeBatches, single};
use crate::registry::{Registry, Route};
use crate::request::{IntoRequest, Request};
use crate::secret::Secret;

/// Resolves references to secrets.
///
/// A handle is cheap to clone and may be used from any thread; all clones share one cache.
///
/// ```text
/// audit( policy( cache( Registry::route -> retry( timeout( backend ) ) ) ) )
/// ```
///
/// ```
/// # async fn start(resolver: keyferry_core::Resolver) -> keyferry_core::Result<()> {
/// use keyferry_core::{Freshness, Request};
///
/// let password = resolver.get("aws:postgres#password").await?;
/// let live = Request::new("env:API_KEY")?.freshness(Freshness::Live);
/// let key = resolver.get(live).await?;
/// for (reference, secret) in resolver.get_many(["env:A", "env:B"]).await.resolved() {
///     println!("{reference} is {:?} old", secret.age(resolver.now()));
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Resolver(Arc<Chain>);

struct Chain {
    audit: Option<Arc<dyn Audit>>,
    policy: Option<Arc<dyn Policy>>,
    cache: Arc<Cache>,
    registry: Registry,
    host: Host,
}

/// How a [`Resolver`] is put together.
#[derive(Debug)]
pub struct ResolverBuilder {
    registry: Registry,
    host: Host,
    cache: CacheOptions,
    policy: Option<Arc<dyn Policy>>,
    audit: Option<Arc<dyn Audit>>,
}

/// How many reads of one `get_many` are in flight at once.
const IN_FLIGHT: usize = 100;

impl Resolver {
    /// Starts from the backends and the time and randomness to live by.
    pub fn builder(registry: Registry, host: Host) -> ResolverBuilder {
        let cache = CacheOptions::default();
        ResolverBuilder {
            registry,
            host,
            cache,
            policy: None,
            audit: None,
        }
    }

    /// Gets one secret. A cached one is answered without waiting and without allocating.
    ///
    /// # Errors
    /// The kind says what went wrong, [`Error::reference`] and [`Error::backend`] where.
    pub async fn get<'a>(&self, reference: impl IntoRequest<'a>) -> Result<Secret> {
        let request = reference.into_request()?;
        if let Some(hit) = self.cached(&request) {
            return hit;
        }
        // Boxed, so that the path of a hit carries no state of the long one.
        Box::pin(self.answer_one(&request)).await
    }

    /// Gets one secret from the cache alone. `None` when it is not there, or when policy or audit
    /// must be asked first.
    pub fn cached(&self, request: &Request<'_>) -> Option<Result<Secret>> {
        if self.0.policy.is_some() || self.0.audit.is_some() {
            return None;
        }
        Some(self.finish(request, self.0.cache.hit(request)?))
    }

    /// Gets one secret, or `None` if the backend has none of that name. Every other failure stays
    /// one, also an unknown backend.
    ///
    /// # Errors
    /// As [`Resolver::get`], without [`ErrorKind::NotFound`].
    pub async fn get_or_none<'a>(&self, reference: impl IntoRequest<'a>) -> Result<Option<Secret>> {
        match self.get(reference).await {
            Ok(secret) => Ok(Some(secret)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gets the value as it stands, never as a map, around the cache both ways.
    ///
    /// # Errors
    /// As [`Resolver::get`].
    pub async fn raw<'a>(&self, reference: impl IntoRequest<'a>) -> Result<Secret> {
        self.get(reference.into_request()?.raw()).await
    }

    /// Gets several secrets, each resolved or failed, in request order.
    ///
    /// Every backend is asked at once, with its native batch call where it has one; repetitions
    /// are asked once.
    pub async fn get_many<'a, I>(&self, references: I) -> Batch
    where
        I: IntoIterator<Item: IntoRequest<'a>>,
    {
        let parsed: Vec<_> = references
            .into_iter()
            .map(IntoRequest::into_request)
            .collect();
        let requests: Vec<_> = parsed
            .iter()
            .filter_map(|r| r.as_ref().ok().cloned())
            .collect();
        let mut answers = self.answer(&requests).await.into_iter();
        Batch::new(parsed.into_iter().map(|request| match request {
            Ok(request) => {
                let answer = answers.next().unwrap_or_else(|| Err(unanswered()));
                (Some(request.reference.into_owned()), answer)
            }
            Err(error) => (None, Err(error)),
        }))
    }

    /// Forgets what is cached for a reference, so that the next `get` fetches. A second forced
    /// refresh within the minimum interval is [`ErrorKind::Throttled`], never the old value.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidReference`] for text that is none.
    pub fn invalidate<'a>(&self, reference: impl IntoRequest<'a>) -> Result<()> {
        self.0.cache.invalidate(&reference.into_request()?);
        Ok(())
    }

    /// Does the same for everything that is cached.
    pub fn invalidate_all(&self) {
        self.0.cache.invalidate_all();
    }

    /// Lists the keys that match a declaration such as `aws:db_*`, sorted, without their prefix.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidReference`] for an unknown backend or a declaration without a `:`,
    /// [`ErrorKind::Unsupported`] for a backend that cannot list.
    pub async fn list(&self, declaration: &str) -> Result<Vec<String>> {
        let (name, pattern) = declaration.split_once(':').ok_or_else(|| {
            Error::new(ErrorKind::InvalidReference, "the declaration has no `:`")
                .with_help("write `backend:pattern`, such as `aws:*`")
        })?;
        let entry = self.0.registry.backend(name)?;
        let pattern = Pattern::new(pattern);
        let mut keys = entry
            .list(&pattern)
            .await
            .map_err(|error| error.with_backend(entry.name()))?;
        keys.sort_unstable();
        Ok(keys)
    }

    /// The version of a secret, without its value, asked of the backend.
    ///
    /// # Errors
    /// As [`Resolver::get`]; [`ErrorKind::Unsupported`] for a backend that keeps no metadata.
    pub async fn metadata<'a>(&self, reference: impl IntoRequest<'a>) -> Result<Metadata> {
        let request = reference.into_request()?;
        self.authorised(&request).await?;
        let route = self.route(&request)?;
        route
            .entry
            .backend()
            .metadata(&route.item)
            .await
            .map_err(|error| self.located(&request, error))
    }

    /// Streams the versions of a secret: the present one, then each new one. Each makes the cache
    /// forget the value, so that a `get` after it returns the new one.
    ///
    /// # Errors
    /// As [`Resolver::get`]; [`ErrorKind::Unsupported`] for a backend that cannot watch.
    pub async fn watch<'a>(
        &self,
        reference: impl IntoRequest<'a>,
    ) -> Result<BoxStream<'static, Result<Metadata>>> {
        let request = reference.into_request()?;
        self.authorised(&request).await?;
        let route = self.route(&request)?;
        let versions = route
            .entry
            .backend()
            .watch(&route.item)
            .map_err(|error| self.located(&request, error))?;
        let cache = Arc::clone(&self.0.cache);
        let context = request.context.cloned();
        let reference = request.reference.into_owned();
        Ok(versions
            .inspect(move |_| {
                let mut request = Request::from(std::borrow::Cow::Borrowed(&reference));
                request.context = context.as_ref();
                cache.changed(&request);
            })
            .boxed())
    }

    /// The backends.
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// The resolver's own time, for [`Secret::age`].
    pub fn now(&self) -> Timestamp {
        self.0.host.clock.now()
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.0.cache
    }

    pub(crate) fn route(&self, request: &Request<'_>) -> Result<Route<'_>> {
        let route = self.0.registry.route(request.reference());
        route.map_err(|error| error.with_reference(request.reference()))
    }

    async fn answer_one(&self, request: &Request<'_>) -> Result<Secret> {
        let mut answers = self.answer(std::slice::from_ref(request)).await;
        answers.pop().unwrap_or_else(|| Err(unanswered()))
    }

    /// The whole chain: audit( policy( cache( … ) ) ).
    async fn answer(&self, requests: &[Request<'_>]) -> Vec<Result<Secret>> {
        let started = self.now();
        let allowed = match &self.0.policy {
            Some(policy) => decisions(policy.as_ref(), requests).await,
            None => vec![Ok(()); requests.len()],
        };
        let results = self.through_cache(requests, allowed, started).await;
        match &self.0.audit {
            Some(audit) => released(audit.as_ref(), requests, results).await,
            None => results,
        }
    }

    /// Answers from the cache, and boards a flight for each miss.
    async fn through_cache(
        &self,
        requests: &[Request<'_>],
        allowed: Vec<Result<()>>,
        started: Timestamp,
    ) -> Vec<Result<Secret>> {
        let mut batches = NativeBatches::default();
        let mut flights = Vec::new();
        let mut results = Vec::with_capacity(requests.len());
        for (index, (request, allowed)) in requests.iter().zip(allowed).enumerate() {
            let boarding = allowed.and_then(|()| self.board(request, requests.len(), &mut batches));
            results.push(match boarding {
                Ok(Boarding::Landed(result)) => self.finish(request, result),
                Ok(Boarding::Aboard(flight)) => {
                    flights.push(self.landing(index, request, flight, started));
                    Err(unanswered())
                }
                Err(error) => Err(self.located(request, error)),
            });
        }
        let mut landings = stream::iter(flights).buffer_unordered(IN_FLIGHT);
        while let Some((index, result)) = landings.next().await {
            if let Some(slot) = results.get_mut(index) {
                *slot = result;
            }
        }
        results
    }

    fn board(
        &self,
        request: &Request<'_>,
        of: usize,
        batches: &mut NativeBatches,
    ) -> Result<Boarding> {
        if let Some(hit) = self.0.cache.hit(request) {
            return Ok(Boarding::Landed(hit));
        }
        let Route { entry, item } = self.route(request)?;
        self.0
            .cache
            .board(request, entry.capabilities().max_age, || -> Fetch {
                if of == 1 {
                    single(Arc::clone(entry.backend()), item)
                } else {
                    batches.fetch(entry, item)
                }
            })
    }

    // A function, since the compiler cannot prove the future of an async closure here `Send`.
    async fn landing(
        &self,
        index: usize,
        request: &Request<'_>,
        flight: Flight,
        started: Timestamp,
    ) -> (usize, Result<Secret>) {
        (index, self.wait(request, flight, started).await)
    }

    async fn wait(
        &self,
        request: &Request<'_>,
        flight: Flight,
        started: Timestamp,
    ) -> Result<Secret> {
        let result = match request.within {
            None => flight.await,
            Some(limit) => {
                // Part of the time may be spent already, on a decision or on items before this.
                let left = limit.saturating_sub(self.now().since(started));
                match select(flight, self.0.host.clock.sleep(left)).await {
                    Either::Left((result, _)) => result,
                    Either::Right(((), _)) => Err(too_late(limit)),
                }
            }
        };
        let result = result.or_else(|error| match self.0.cache.stale(request, &error) {
            Some(secret) => {
                tracing::warn!(reference = %request.reference(), cause = %error.kind(), "serving a stale value");
                Ok(secret)
            }
            None => Err(error),
        });
        self.finish(request, result)
    }

    /// Picks the field, once the cache is passed.
    fn finish(&self, request: &Request<'_>, result: Result<Secret>) -> Result<Secret> {
        let picked = result.and_then(|secret| secret.pick(request.reference().field()));
        match picked {
            Ok(secret) if request.raw => Ok(secret.raw()),
            Ok(secret) => Ok(secret),
            Err(error) => Err(self.located(request, error)),
        }
    }

    async fn authorised(&self, request: &Request<'_>) -> Result<()> {
        match &self.0.policy {
            Some(policy) => decisions(policy.as_ref(), std::slice::from_ref(request))
                .await
                .into_iter()
                .collect::<Result<()>>()
                .map_err(|error| self.located(request, error)),
            None => Ok(()),
        }
    }

    /// Names reference and backend in an error, once, here.
    fn located(&self, request: &Request<'_>, error: Error) -> Error {
        let error = error.with_reference(request.reference());
        match self.0.registry.route(request.reference()) {
            Ok(route) => error.with_backend(route.entry.name()),
            Err(_) => error,
        }
    }
}

impl ResolverBuilder {
    /// Sets the figures of the freshness contract.
    #[must_use]
    pub fn cache(mut self, options: CacheOptions) -> Self {
        self.cache = options;
        self
    }

    /// Has every read decided.
    #[must_use]
    pub fn policy(mut self, policy: Arc<dyn Policy>) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Has every read recorded.
    #[must_use]
    pub fn audit(mut self, audit: Arc<dyn Audit>) -> Self {
        self.audit = Some(audit);
        self
    }

    /// Puts the chain together.
    pub fn build(self) -> Resolver {
        Resolver(Arc::new(Chain {
            audit: self.audit,
            policy: self.policy,
            cache: Arc::new(Cache::new(self.cache, self.host.clone())),
            registry: self.registry,
            host: self.host,
        }))
    }
}

fn too_late(limit: Duration) -> Error {
    Error::request(ErrorKind::Timeout, format!("no answer within {limit:?}"))
}

fn unanswered() -> Error {
    Error::request(ErrorKind::Internal, "the request was not answered")
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.registry.entries().iter().map(|entry| entry.name());
        f.debug_struct("Resolver")
            .field("backends", &names.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
