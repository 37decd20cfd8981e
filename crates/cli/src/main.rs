//! The `keyferry` command line.
fn main() {}
