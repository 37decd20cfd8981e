//! `cargo xtask ci`: every gate in order, and one verdict.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::gates::{self, Gate, Passed};
use crate::project::Project;

/// How one gate went.
struct Outcome {
    gate: &'static Gate,
    took: Duration,
    result: Result<Passed, Failure>,
}

/// Runs the gates, stops at the first that fails unless told to go on, and sums up.
pub(crate) fn run(project: &Project, keep_going: bool) -> Result<ExitCode, Failure> {
    let mut outcomes = Vec::new();
    for gate in gates::ALL {
        writeln!(
            std::io::stdout().lock(),
            "=== {}: {}",
            gate.name,
            gate.about
        )?;
        let outcome = timed(gate, project);
        let stop = outcome.result.is_err() && !keep_going;
        if let Err(failure) = &outcome.result {
            writeln!(std::io::stderr().lock(), "error: {failure}")?;
        }
        writeln!(std::io::stdout().lock(), "{}", line(&outcome))?;
        outcomes.push(outcome);
        if stop {
            break;
        }
    }
    std::io::stdout()
        .lock()
        .write_all(summary(&outcomes).as_bytes())?;
    let failed = outcomes.iter().any(|outcome| outcome.result.is_err());
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Says what a gate that was run alone has to say.
pub(crate) fn report(passed: &Passed) -> Result<(), Failure> {
    if !passed.note.is_empty() {
        writeln!(std::io::stdout().lock(), "{}", passed.note)?;
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a tool that times itself has no injected clock"
)]
fn timed(gate: &'static Gate, project: &Project) -> Outcome {
    let start = Instant::now();
    let result = (gate.run)(project);
    Outcome {
        gate,
        took: start.elapsed(),
        result,
    }
}

fn line(outcome: &Outcome) -> String {
    let (verdict, note) = match &outcome.result {
        Ok(passed) => ("ok", passed.note.as_str()),
        Err(_) => ("FAILED", ""),
    };
    let line = format!(
        "{verdict:<6}  {:<12} {:>7.1} s  {note}",
        outcome.gate.name,
        outcome.took.as_secs_f64()
    );
    line.trim_end().to_owned()
}

/// The table of all gates and, as the last line, the count of tests.
fn summary(outcomes: &[Outcome]) -> String {
    let mut text = String::from("\n=== summary\n");
    for outcome in outcomes {
        text.push_str(&line(outcome));
        text.push('\n');
    }
    for gate in gates::ALL.iter().skip(outcomes.len()) {
        text.push_str(&format!("not run {}\n", gate.name));
    }
    let (mut passed, mut failed) = (0, 0);
    for outcome in outcomes {
        match &outcome.result {
            Ok(gate) => passed += gate.tests,
            Err(failure) => {
                passed += failure.passed;
                failed += failure.failed;
            }
        }
    }
    text.push_str(&format!("{passed} passed, {failed} failed\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATE: Gate = Gate {
        name: "sample",
        about: "a sample",
        run: |_| Ok(Passed::tests(2)),
    };

    fn outcome(result: Result<Passed, Failure>) -> Outcome {
        Outcome {
            gate: &GATE,
            took: Duration::from_millis(1250),
            result,
        }
    }

    #[test]
    fn last_line_counts_the_tests_of_all_gates() {
        let outcomes = [
            outcome(Ok(Passed::tests(40))),
            outcome(Ok(Passed::tests(2))),
        ];
        assert_eq!(
            summary(&outcomes).lines().last(),
            Some("42 passed, 0 failed")
        );
    }

    #[test]
    fn failed_gate_without_tests_counts_as_one_failure() {
        let outcomes = [
            outcome(Ok(Passed::tests(3))),
            outcome(Err(Failure::new("broken"))),
        ];
        assert_eq!(
            summary(&outcomes).lines().last(),
            Some("3 passed, 1 failed")
        );
    }

    #[test]
    fn failed_tests_are_counted_with_those_that_passed() {
        let outcomes = [outcome(Err(Failure::of_tests("red", 7, 3)))];
        assert_eq!(
            summary(&outcomes).lines().last(),
            Some("7 passed, 3 failed")
        );
    }

    #[test]
    fn gates_after_a_stop_are_listed_as_not_run() {
        let text = summary(&[outcome(Err(Failure::new("broken")))]);
        let not_run = text
            .lines()
            .filter(|line| line.starts_with("not run "))
            .count();
        assert_eq!(not_run, gates::ALL.len() - 1);
    }
}
