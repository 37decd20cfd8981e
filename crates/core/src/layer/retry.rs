//! The one layer that tries again.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use crate::backend::{Backend, Capabilities, Finding, Item, Metadata, Routes};
use crate::clock::{Host, jittered};
use crate::error::{Error, Result};
use crate::glob::Pattern;
use crate::secret::Secret;

/// How often, and how long apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryOptions {
    /// Calls in all; 1 means no retry. Default 3.
    pub attempts: u32,
    /// The pause before the second call, doubled before each further one, with ±50 % jitter.
    /// Default 100 ms.
    pub base: Duration,
    /// The longest pause. A backend that asks to wait longer is not asked again. Default 2 s.
    pub cap: Duration,
}

impl Default for RetryOptions {
    fn default() -> Self {
        Self {
            attempts: 3,
            base: Duration::from_millis(100),
            cap: Duration::from_secs(2),
        }
    }
}

/// Repeats calls that failed as a whole with a kind that may pass.
#[derive(Debug)]
pub(crate) struct Retry {
    pub(crate) inner: Arc<dyn Backend>,
    pub(crate) host: Host,
    pub(crate) options: RetryOptions,
}

impl Retry {
    async fn repeated<T, F>(&self, call: impl Fn() -> F + Send + Sync) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send,
    {
        let mut attempt = 1;
        loop {
            let error = match call().await {
                Err(error) if error.is_retryable() && attempt < self.options.attempts => error,
                result => return result,
            };
            let Some(pause) = self.pause(attempt, &error) else {
                return Err(error);
            };
            tracing::debug!(kind = %error.kind(), attempt, ?pause, "trying again");
            self.host.clock.sleep(pause).await;
            attempt += 1;
        }
    }

    /// How long to wait after this attempt; `None` when the backend asks for more than the cap.
    fn pause(&self, attempt: u32, error: &Error) -> Option<Duration> {
        let doubled = self.options.base.saturating_mul(1 << (attempt - 1).min(16));
        let pause = jittered(
            doubled.min(self.options.cap),
            50,
            self.host.entropy.as_ref(),
        );
        match error.retry_after() {
            Some(asked) if asked > self.options.cap => None,
            Some(asked) => Some(asked.max(pause)),
            None => Some(pause),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Backend for Retry {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn read(&self, item: &Item) -> Result<Secret> {
        tracing::debug!(backend = self.kind(), key = item.key(), "reading");
        self.repeated(|| self.inner.read(item)).await
    }

    async fn read_batch(&self, items: &[Item]) -> Result<Vec<Result<Secret>>> {
        for item in items {
            tracing::debug!(
                backend = self.kind(),
                key = item.key(),
                "reading in a batch"
            );
        }
        self.repeated(|| self.inner.read_batch(items)).await
    }

    async fn list(&self, pattern: &Pattern) -> Result<Vec<String>> {
        tracing::debug!(backend = self.kind(), "listing");
        self.repeated(|| self.inner.list(pattern)).await
    }

    async fn metadata(&self, item: &Item) -> Result<Metadata> {
        self.repeated(|| self.inner.metadata(item)).await
    }

    fn watch(&self, item: &Item) -> Result<BoxStream<'static, Result<Metadata>>> {
        self.inner.watch(item)
    }

    fn routes(&self) -> Routes {
        self.inner.routes()
    }

    // A diagnosis reports the first answer.
    async fn diagnose(&self) -> Vec<Finding> {
        self.inner.diagnose().await
    }
}
