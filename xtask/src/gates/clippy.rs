//! No lint fires, in tests, examples and benches either.

use super::Passed;
use crate::failure::Failure;
use crate::process;
use crate::project::Project;

pub(super) fn run(project: &Project) -> Result<Passed, Failure> {
    process::run(&mut project.cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ]))?;
    Ok(Passed::default())
}
