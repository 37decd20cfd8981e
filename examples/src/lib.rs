//! Runnable examples of Keyferry.
