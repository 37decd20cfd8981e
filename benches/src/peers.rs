//! What others measure: the Python packages and the AWS caching crate.

use std::process::Command;

use crate::table::{Samples, Table};

/// Reads of their own caches, each by a program that prints one sample of nanoseconds a line.
pub(crate) fn cached_reads(table: &mut Table) {
    let root = env!("CARGO_MANIFEST_DIR");
    let python = std::env::var("KEYFERRY_PYTHON");
    for (what, package) in [
        ("processpype 2.1.3 (Python), cached `get`", "processpype"),
        (
            "empowernow-secrets-sdk 0.2.0 (Python), cached `resolve`",
            "secrets_sdk",
        ),
    ] {
        let Ok(python) = &python else {
            return missing(table, what, "KEYFERRY_PYTHON");
        };
        let mut command = Command::new(python);
        command.args([&format!("{root}/src/cached_read.py"), package]);
        row(table, what, &mut command);
    }
    let what = "aws_secretsmanager_caching 2.1, its memory store alone";
    match std::env::var("KEYFERRY_AWS_PEER") {
        Ok(program) => row(table, what, &mut Command::new(program)),
        Err(_) => missing(table, what, "KEYFERRY_AWS_PEER"),
    }
}

fn row(table: &mut Table, what: &str, command: &mut Command) {
    let output = command.output().expect("the peer starts");
    assert!(
        output.status.success(),
        "{what}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let samples = String::from_utf8_lossy(&output.stdout);
    let samples = samples
        .lines()
        .map(|line| line.parse().expect("a number"))
        .collect();
    table.spread(what, &Samples::new(samples), "ns", "");
}

fn missing(table: &mut Table, what: &str, variable: &str) {
    table.count(what, format!("not measured: {variable} is not set"), "");
}
