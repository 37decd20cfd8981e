//! The suite that any Keyferry backend runs to prove itself.

mod counting;

pub use counting::{Calls, Counting};
