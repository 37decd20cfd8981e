//! The suite that any Keyferry backend runs to prove itself.

mod counting;
mod manual_clock;

pub use counting::{Calls, Counting};
pub use manual_clock::{ManualClock, NoJitter};
