//! The pipeline on an injected clock.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected fails"
)]

mod batch;
mod freshness;
mod layers;
mod preload;
mod routing;
mod shelf;
