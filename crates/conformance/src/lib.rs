//! The suite that any Keyferry backend runs to prove itself.
