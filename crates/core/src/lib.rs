//! The pipeline of Keyferry, from a reference to a secret, free of I/O.
