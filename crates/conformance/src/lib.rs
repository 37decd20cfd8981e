//! The suite that any Keyferry backend runs to prove itself.
//!
//! Say in a [`Harness`] how values come into the store behind your backend, and run [`backend`]:
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::sync::{Arc, Mutex};
//!
//! use async_trait::async_trait;
//! use keyferry_conformance::Harness;
//! use keyferry_core::{Backend, Capabilities, Error, ErrorKind, Item, KeyStyle, Result, Secret, SecretValue};
//!
//! type Store = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;
//!
//! struct Shelf(Store);
//!
//! impl std::fmt::Debug for Shelf {
//!     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
//!         f.write_str("Shelf") // never the store: it holds the secrets
//!     }
//! }
//!
//! #[async_trait]
//! impl Backend for Shelf {
//!     fn kind(&self) -> &'static str {
//!         "shelf"
//!     }
//!
//!     fn capabilities(&self) -> Capabilities {
//!         Capabilities::read_only(KeyStyle::Path)
//!     }
//!
//!     async fn read(&self, item: &Item) -> Result<Secret> {
//!         if item.version().is_some() {
//!             return Err(Error::new(ErrorKind::Unsupported, "a shelf keeps no versions"));
//!         }
//!         match self.0.lock().unwrap().get(item.key()) {
//!             Some(bytes) => Ok(SecretValue::bytes(bytes.as_slice()).into()),
//!             None => Err(Error::new(ErrorKind::NotFound, "the shelf has no such secret")),
//!         }
//!     }
//! }
//!
//! #[derive(Default)]
//! struct ShelfHarness(Store);
//!
//! #[async_trait]
//! impl Harness for ShelfHarness {
//!     fn backend(&self) -> Arc<dyn Backend> {
//!         Arc::new(Shelf(self.0.clone()))
//!     }
//!
//!     async fn put(&self, key: &str, value: &[u8]) {
//!         self.0.lock().unwrap().insert(key.to_owned(), value.to_vec());
//!     }
//!
//!     async fn remove(&self, key: &str) {
//!         self.0.lock().unwrap().remove(key);
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let report = keyferry_conformance::backend(&ShelfHarness::default()).await.unwrap();
//! assert!(report.passed.contains(&"absent_is_not_found"));
//! # }
//! ```
//!
//! What the backend declares in its [`Capabilities`](keyferry_core::Capabilities) selects the
//! cases; what it does not declare must answer `Unsupported`. [`Counting`] wraps a backend for
//! tests of whatever stands around one.

mod cases;
mod counting;
mod harness;
mod manual_clock;
mod suite;

pub use counting::{Calls, Counting};
pub use harness::{Harness, Shape};
pub use manual_clock::{ManualClock, NoJitter};
pub use suite::{Failure, Failures, Report, backend};
