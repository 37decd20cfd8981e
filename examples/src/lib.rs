//! Runnable examples of Keyferry, one file each beside this crate's manifest:
//! `cargo run -p keyferry-examples --example access`.
//!
//! They use the configuration in `examples/data`, end by themselves and print no secret.

use std::path::{Path, PathBuf};

/// A file of the examples.
pub fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("data")
        .join(name)
}
