//! The checks and measurements of the Keyferry project.
fn main() {}
