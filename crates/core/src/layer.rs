//! What stands around the backends, outermost first:
//!
//! ```text
//! audit( policy( cache( Registry::route -> retry( timeout( backend ) ) ) ) )
//! ```
//!
//! The order is fixed in [`Resolver`](crate::Resolver) (audit, policy, cache) and in
//! [`Registry`](crate::Registry) (retry, timeout). Policy is outside the cache, so a caller who lost
//! access never gets a cached value; retry is inside it, so one flight covers all attempts.

pub(crate) mod audit;
pub(crate) mod cache;
pub(crate) mod policy;
pub(crate) mod retry;
pub(crate) mod timeout;
