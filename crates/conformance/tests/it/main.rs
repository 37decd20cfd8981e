//! The suite catches broken backends, each by the case that is meant to.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at what it did not expect"
)]

mod counting;
mod flawed;
mod suite;
