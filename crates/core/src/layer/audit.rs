//! The outermost layer: nothing is released before it is recorded.

use std::fmt;

use async_trait::async_trait;

use crate::error::{Error, ErrorKind, Result};
use crate::request::Request;
use crate::secret::Secret;

/// Records what is released and what is refused, cached reads included.
#[async_trait]
pub trait Audit: Send + Sync + fmt::Debug + 'static {
    /// Makes one record for each outcome durable. The outcomes of a batch come together.
    ///
    /// # Errors
    /// Any error withholds every secret of the call.
    async fn record(&self, outcomes: &[Outcome<'_>]) -> Result<()>;
}

/// A request and what would be answered to it.
#[derive(Debug)]
pub struct Outcome<'a> {
    /// What was asked.
    pub request: &'a Request<'a>,
    /// What is about to be answered.
    pub result: &'a Result<Secret>,
}

/// Records the results, or withholds them all.
pub(crate) async fn released(
    audit: &dyn Audit,
    requests: &[Request<'_>],
    results: Vec<Result<Secret>>,
) -> Vec<Result<Secret>> {
    let outcomes: Vec<_> = requests
        .iter()
        .zip(&results)
        .map(|(request, result)| Outcome { request, result })
        .collect();
    match audit.record(&outcomes).await {
        Ok(()) => results,
        Err(cause) => {
            let refused = Error::new(
                ErrorKind::Unavailable,
                "the audit record could not be written, so nothing is released",
            )
            .with_source(cause);
            results
                .into_iter()
                .map(|result| result.and(Err(refused.clone())))
                .collect()
        }
    }
}
