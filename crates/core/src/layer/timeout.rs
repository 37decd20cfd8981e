//! Bounds every call to one backend.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{Either, select};
use futures_util::stream::BoxStream;

use crate::backend::{Backend, Capabilities, Finding, Item, Metadata, Routes};
use crate::clock::Host;
use crate::error::{Error, ErrorKind, Result};
use crate::glob::Pattern;
use crate::secret::Secret;

/// Answers [`ErrorKind::Timeout`] for a call that takes longer than its limit.
#[derive(Debug)]
pub(crate) struct Timeout {
    pub(crate) inner: Arc<dyn Backend>,
    pub(crate) host: Host,
    pub(crate) limit: Duration,
}

impl Timeout {
    async fn bounded<T>(&self, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let call = std::pin::pin!(call);
        match select(call, self.host.clock.sleep(self.limit)).await {
            Either::Left((result, _)) => result,
            Either::Right(((), _)) => Err(Error::request(
                ErrorKind::Timeout,
                format!("the backend did not answer within {:?}", self.limit),
            )),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Backend for Timeout {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn read(&self, item: &Item) -> Result<Secret> {
        self.bounded(self.inner.read(item)).await
    }

    async fn read_batch(&self, items: &[Item]) -> Result<Vec<Result<Secret>>> {
        self.bounded(self.inner.read_batch(items)).await
    }

    async fn list(&self, pattern: &Pattern) -> Result<Vec<String>> {
        self.bounded(self.inner.list(pattern)).await
    }

    async fn metadata(&self, item: &Item) -> Result<Metadata> {
        self.bounded(self.inner.metadata(item)).await
    }

    // A subscription is meant to last.
    fn watch(&self, item: &Item) -> Result<BoxStream<'static, Result<Metadata>>> {
        self.inner.watch(item)
    }

    fn routes(&self) -> Routes {
        self.inner.routes()
    }

    async fn diagnose(&self) -> Vec<Finding> {
        match self
            .bounded(async { Ok(self.inner.diagnose().await) })
            .await
        {
            Ok(findings) => findings,
            Err(error) => vec![Finding::bad("reachability", error)],
        }
    }
}
