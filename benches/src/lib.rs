//! The measurements of BENCHMARKS.md.
