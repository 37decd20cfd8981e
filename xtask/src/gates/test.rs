//! The tests of the workspace, and how many they are.

use super::Passed;
use crate::failure::Failure;
use crate::process::{self, Stream};
use crate::project::Project;
use crate::python;
use crate::tools::NEXTEST;

pub(super) fn run(project: &Project) -> Result<Passed, Failure> {
    let tests = nextest(project, &["--workspace", "--all-features"], &[])?;
    Ok(Passed::tests(tests))
}

/// Runs nextest with the `ci` profile and returns how many tests passed.
///
/// No test to run is a failure.
pub(super) fn nextest(
    project: &Project,
    selection: &[&str],
    environment: &[(&str, &str)],
) -> Result<u64, Failure> {
    let mut command = project.command(NEXTEST.find(project)?);
    command.args([
        "nextest",
        "run",
        "--profile",
        "ci",
        "--color",
        "never",
        "--no-tests",
        "fail",
    ]);
    command.args(selection);
    command.env(python::VARIABLE, python::interpreter(project)?);
    command.envs(environment.iter().copied());
    let mut counts = None;
    let status = process::watch(&mut command, Stream::Stderr, |line| {
        counts = summary(line).or(counts);
    })?;
    match (status.success(), counts) {
        (true, Some(Counts { passed, failed: 0 })) if passed > 0 => Ok(passed),
        (true, _) => Err(Failure::new("nextest said nothing about the tests it ran")),
        (false, Some(Counts { passed, failed })) => {
            let message = process::unsuccessful(&command, status).to_string();
            Err(Failure::of_tests(message, passed, failed))
        }
        (false, None) => Err(process::unsuccessful(&command, status)),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
}

/// Reads nextest's closing line: `Summary [ 0.1s] 3 tests run: 2 passed (1 slow), 1 failed, 0 skipped`.
fn summary(line: &str) -> Option<Counts> {
    let (_, parts) = line
        .trim_start()
        .strip_prefix("Summary [")?
        .split_once(" run: ")?;
    let mut counts = Counts {
        passed: 0,
        failed: 0,
    };
    for part in without_parentheses(parts).split(',') {
        let (number, what) = part.trim().split_once(' ')?;
        let number: u64 = number.parse().ok()?;
        match what.trim() {
            "passed" => counts.passed += number,
            "skipped" => {}
            // Failed, timed out, could not be started.
            _ => counts.failed += number,
        }
    }
    Some(counts)
}

fn without_parentheses(text: &str) -> String {
    let mut depth = 0_usize;
    let mut kept = String::new();
    for character in text.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => kept.push(character),
            _ => {}
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn green_summary_is_counted() {
        let line = "     Summary [   0.010s] 12 tests run: 12 passed, 3 skipped";
        assert_eq!(
            summary(line),
            Some(Counts {
                passed: 12,
                failed: 0
            })
        );
    }

    #[test]
    fn remarks_in_parentheses_do_not_disturb_the_count() {
        let line = "     Summary [   9.010s] 12 tests run: 12 passed (2 slow, 1 leaky), 0 skipped";
        assert_eq!(
            summary(line),
            Some(Counts {
                passed: 12,
                failed: 0
            })
        );
    }

    #[test]
    fn every_kind_of_failure_counts() {
        let line = "Summary [ 9.0s] 4/9 tests run: 1 passed, 1 failed, 1 timed out, 1 exec failed, 0 skipped";
        assert_eq!(
            summary(line),
            Some(Counts {
                passed: 1,
                failed: 3
            })
        );
    }

    #[test]
    fn other_lines_are_no_summary() {
        assert_eq!(
            summary("        PASS [   0.005s] keyferry-core it::Summary"),
            None
        );
        assert_eq!(summary("running 3 tests"), None);
    }
}
