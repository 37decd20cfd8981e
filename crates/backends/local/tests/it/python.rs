//! What the documents of two Python packages promise, against what the packages do.
//!
//! Every deliberate difference stands in a list beside its test, and must occur in it.

mod dotenv;
mod globs;
mod json;
mod peer;
mod uri;
