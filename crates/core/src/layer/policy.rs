//! The layer that decides whether a caller may have a secret, on every read, cached or not.

use std::fmt;

use async_trait::async_trait;

use crate::error::{Error, ErrorKind, Result};
use crate::request::Request;

/// Decides who may have what.
#[async_trait]
pub trait Policy: Send + Sync + fmt::Debug + 'static {
    /// Decides every request, in order. `Err` refuses one; its kind says why.
    async fn authorise(&self, requests: &[Request<'_>]) -> Vec<Result<()>>;
}

/// The decisions for all requests. An answer of the wrong length refuses everything.
pub(crate) async fn decisions(policy: &dyn Policy, requests: &[Request<'_>]) -> Vec<Result<()>> {
    let decisions = policy.authorise(requests).await;
    if decisions.len() == requests.len() {
        return decisions;
    }
    let short = Error::new(
        ErrorKind::Internal,
        "the policy did not decide every request, so all are refused",
    );
    vec![Err(short); requests.len()]
}
