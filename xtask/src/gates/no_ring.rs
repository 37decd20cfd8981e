//! `ring` is not compiled in: two crypto providers in one program panic at run time.

use super::Passed;
use crate::failure::Failure;
use crate::process::{self, Finished};
use crate::project::Project;

pub(super) fn run(project: &Project) -> Result<Passed, Failure> {
    let mut command = project.cargo([
        "tree",
        "--workspace",
        "--all-features",
        "--edges",
        "normal",
        "--invert",
        "ring",
    ]);
    let finished = process::capture(&mut command)?;
    judge(&finished).map(|()| Passed::default())
}

/// Cargo prints nothing for a crate that is only listed, and an error for one that is not.
fn judge(finished: &Finished) -> Result<(), Failure> {
    let unknown = finished.stderr.contains("did not match any packages");
    if finished.stdout.trim().is_empty() && (finished.status.success() || unknown) {
        return Ok(());
    }
    if finished.status.success() {
        return Err(Failure::new(format!(
            "`ring` is compiled in, through\n{}",
            finished.stdout
        )));
    }
    Err(Failure::new(format!(
        "cargo tree failed: {}",
        finished.stderr.trim()
    )))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    use super::*;

    fn finished(code: i32, stdout: &str, stderr: &str) -> Finished {
        let status = ExitStatus::from_raw(code << 8);
        Finished {
            status,
            stdout: stdout.to_owned(),
            stderr: stderr.to_owned(),
        }
    }

    #[test]
    fn absent_or_merely_listed_ring_passes() {
        let absent = "error: package ID specification `ring` did not match any packages";
        assert!(judge(&finished(101, "", absent)).is_ok());
        assert!(judge(&finished(0, "", "warning: nothing to print.")).is_ok());
    }

    #[test]
    fn compiled_ring_fails_and_names_who_brought_it() {
        let failure = judge(&finished(0, "ring v0.17.14\n└── rustls v0.23.46\n", ""));
        assert!(failure.is_err_and(|failure| failure.to_string().contains("rustls")));
    }

    #[test]
    fn cargo_error_fails() {
        assert!(judge(&finished(101, "", "error: failed to parse manifest")).is_err());
    }
}
