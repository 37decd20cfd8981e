//! The command line shows no secret but where it is asked to: canaries behind every backend, and
//! every command looked at, when it works and when it fails.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod canary_masking;
mod canary_run;
mod canary_silence;
mod project;
