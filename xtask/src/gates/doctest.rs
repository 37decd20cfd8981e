//! The examples in the documentation, and how many they are.

use super::Passed;
use crate::failure::Failure;
use crate::process::{self, Stream};
use crate::project::Project;
use crate::python;

pub(super) fn run(project: &Project) -> Result<Passed, Failure> {
    let mut command = project.cargo([
        "test",
        "--workspace",
        "--all-features",
        "--doc",
        "--no-fail-fast",
    ]);
    command.env(python::VARIABLE, python::interpreter(project)?);
    let (mut passed, mut failed) = (0, 0);
    let status = process::watch(&mut command, Stream::Stdout, |line| {
        if let Some(counts) = result(line) {
            passed += counts.0;
            failed += counts.1;
        }
    })?;
    if status.success() && failed == 0 {
        return Ok(Passed::tests(passed));
    }
    let message = process::unsuccessful(&command, status).to_string();
    Err(Failure::of_tests(message, passed, failed))
}

/// Reads `test result: ok. 2 passed; 0 failed; …` as (passed, failed).
fn result(line: &str) -> Option<(u64, u64)> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut numbers = counts
        .split("; ")
        .map(|count| count.split(' ').next()?.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_read() {
        let ok = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.20s";
        assert_eq!(result(ok), Some((12, 0)));
        let red = "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(result(red), Some((1, 2)));
    }

    #[test]
    fn other_lines_are_no_result() {
        assert_eq!(result("test src/lib.rs - get (line 3) ... ok"), None);
        assert_eq!(result("test result: ok"), None);
    }
}
