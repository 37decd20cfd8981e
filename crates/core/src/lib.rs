//! The pipeline of Keyferry: from a reference to a secret, free of I/O.
//!
//! ```text
//! text -> Reference -> Resolver::get / get_many
//!      -> audit( policy( cache( Registry::route -> retry( timeout( backend ) ) ) ) ) -> Secret
//! ```
//!
//! Nothing here reads a clock, the environment, a file or the network: time and randomness come in
//! through [`Host`], values through [`Backend`]. Applications use the `keyferry` crate, which brings
//! both; authors of backends implement [`Backend`] and run the suite of `keyferry-conformance`.

mod backend;
mod batch;
mod clock;
mod error;
mod explain;
mod glob;
mod layer;
mod native_batch;
mod preload;
mod reference;
mod registry;
mod request;
mod resolver;
mod secret;
mod shared;
mod sync;
mod token;
mod value;

pub use backend::{
    Backend, BackendName, Capabilities, Finding, Item, KeyStyle, Metadata, Mounts, Routes,
    RuntimeRoute,
};
pub use batch::{Batch, BatchItem};
pub use clock::{Clock, Entropy, Host, Timestamp};
pub use error::{Error, ErrorKind, Result, Rules, Scope, exit_code_of_all};
pub use explain::{ExplainedRoute, Explanation};
pub use glob::Pattern;
pub use layer::audit::{Audit, Outcome};
pub use layer::cache::{CacheOptions, CacheState};
pub use layer::policy::Policy;
pub use layer::retry::RetryOptions;
pub use preload::Preloaded;
pub use reference::{Reference, ReferenceKind, Scheme};
pub use registry::{BackendOptions, Entry, Registry, Route};
pub use request::{ExecutionContext, Freshness, IntoRequest, Request};
pub use resolver::{Resolver, ResolverBuilder};
pub use secret::Secret;
pub use token::{Piece, Template};
pub use value::{SecretMap, SecretValue};
