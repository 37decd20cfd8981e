//! No crate shows a secret where none belongs: canaries behind every backend, on every path of
//! success and failure.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod canary;
