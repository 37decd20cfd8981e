//! The command line from outside: the built program, its output, its exit codes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod check;
mod explain;
mod export;
mod get;
mod list;
mod project;
mod quickstart;
mod render;
mod run;
mod terminal;
mod usage;
mod watch;
