//! The `keyferry` command line.
#[allow(dead_code, reason = "wired by the `run` command")]
mod child;
#[allow(dead_code, reason = "wired by the `run` command")]
mod mask;

fn main() {}
