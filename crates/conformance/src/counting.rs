//! A backend around a backend: it counts calls, fails on demand and can hold calls back.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use keyferry_core::{
    Backend, Capabilities, Error, Finding, Item, Metadata, Pattern, Result, Routes, Secret,
};
use tokio::sync::watch;

/// Wraps a backend for tests of whatever stands around one.
///
/// Every call is counted when it starts, then waits while calls are [held](Self::hold), then fails
/// if a failure is due, and is forwarded otherwise. Share it in an `Arc` to look at it later.
#[derive(Debug)]
pub struct Counting<B> {
    inner: B,
    state: Mutex<State>,
    held: watch::Sender<bool>,
}

/// How often each method was called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Calls {
    /// Calls of [`Backend::read`].
    pub read: usize,
    /// Calls of [`Backend::read_batch`], whatever the number of items.
    pub read_batch: usize,
    /// Calls of [`Backend::list`].
    pub list: usize,
    /// Calls of [`Backend::metadata`].
    pub metadata: usize,
    /// Calls of [`Backend::watch`].
    pub watch: usize,
    /// Calls of [`Backend::diagnose`].
    pub diagnose: usize,
}

impl Calls {
    /// The number of calls that reached the backend, of whatever kind.
    pub const fn total(self) -> usize {
        self.read + self.read_batch + self.list + self.metadata + self.watch + self.diagnose
    }
}

#[derive(Debug, Default)]
struct State {
    calls: Calls,
    failing: Option<(usize, Error)>,
    failing_keys: HashMap<String, Error>,
}

impl<B> Counting<B> {
    /// Counts the calls of `inner`.
    pub fn new(inner: B) -> Self {
        Self {
            inner,
            state: Mutex::default(),
            held: watch::Sender::new(false),
        }
    }

    /// The backend inside.
    pub fn inner(&self) -> &B {
        &self.inner
    }

    /// The calls so far.
    pub fn calls(&self) -> Calls {
        self.state().calls
    }

    /// Lets the next `count` calls that read, list or watch fail with `error`.
    pub fn fail_next(&self, count: usize, error: Error) {
        self.state().failing = Some((count, error));
    }

    /// Lets every read of `key` fail with `error`, also within a batch.
    pub fn fail_key(&self, key: impl Into<String>, error: Error) {
        self.state().failing_keys.insert(key.into(), error);
    }

    /// Ends all failures.
    pub fn heal(&self) {
        let mut state = self.state();
        state.failing = None;
        state.failing_keys.clear();
    }

    /// Holds every call back, after it is counted, until [`release`](Self::release).
    pub fn hold(&self) {
        self.held.send_replace(true);
    }

    /// Lets the calls that are held go on.
    pub fn release(&self) {
        self.held.send_replace(false);
    }

    /// Counts a call, waits while calls are held, and fails if a failure is due.
    async fn enter(&self, count: impl FnOnce(&mut Calls) + Send) -> Result<()> {
        count(&mut self.state().calls);
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.held.subscribe().wait_for(|held| !held).await;
        self.due()
    }

    fn due(&self) -> Result<()> {
        match &mut self.state().failing {
            Some((left, error)) if *left > 0 => {
                *left -= 1;
                Err(error.clone())
            }
            _ => Ok(()),
        }
    }

    fn due_for(&self, item: &Item) -> Result<()> {
        match self.state().failing_keys.get(item.key()) {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<B: Backend> Backend for Counting<B> {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn read(&self, item: &Item) -> Result<Secret> {
        self.enter(|calls| calls.read += 1).await?;
        self.due_for(item)?;
        self.inner.read(item).await
    }

    async fn read_batch(&self, items: &[Item]) -> Result<Vec<Result<Secret>>> {
        self.enter(|calls| calls.read_batch += 1).await?;
        let answers = self.inner.read_batch(items).await?;
        let answers = items.iter().zip(answers);
        Ok(answers
            .map(|(item, answer)| self.due_for(item).and(answer))
            .collect())
    }

    async fn list(&self, pattern: &Pattern) -> Result<Vec<String>> {
        self.enter(|calls| calls.list += 1).await?;
        self.inner.list(pattern).await
    }

    async fn metadata(&self, item: &Item) -> Result<Metadata> {
        self.enter(|calls| calls.metadata += 1).await?;
        self.due_for(item)?;
        self.inner.metadata(item).await
    }

    fn watch(&self, item: &Item) -> Result<BoxStream<'static, Result<Metadata>>> {
        self.state().calls.watch += 1;
        self.due()?;
        self.inner.watch(item)
    }

    fn routes(&self) -> Routes {
        self.inner.routes()
    }

    async fn diagnose(&self) -> Vec<Finding> {
        self.state().calls.diagnose += 1;
        self.inner.diagnose().await
    }
}
