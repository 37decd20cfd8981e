//! The local backends from outside: conformance, changing files, and the Python packages whose
//! documents they follow.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it did not expect"
)]

mod changes;
mod conformance;
mod python;
mod warnings;
