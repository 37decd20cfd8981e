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
mod clock;
mod error;
mod glob;
mod reference;
mod secret;
mod token;
mod value;

pub use backend::{
    Backend, BackendName, Capabilities, Finding, Item, KeyStyle, Metadata, Mounts, Routes,
    RuntimeRoute,
};
pub use clock::{Clock, Entropy, Timestamp};
pub use error::{Error, ErrorKind, Result, Rules, Scope, exit_code_of_all};
pub use glob::Pattern;
pub use reference::{Reference, ReferenceKind, Scheme};
pub use secret::Secret;
pub use token::{Piece, Template};
pub use value::{SecretMap, SecretValue};
