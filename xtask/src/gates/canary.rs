//! The tests with `canary` in their names or modules exist and pass.
//!
//! `test` runs them too; this gate makes sure that a rename does not lose them.

use super::{Passed, test};
use crate::failure::Failure;
use crate::project::Project;

pub(super) fn run(project: &Project) -> Result<Passed, Failure> {
    let filter = "test(canary)";
    let selection = ["--workspace", "--all-features", "--filterset", filter];
    let tests = test::nextest(project, &selection, &[])?;
    Ok(Passed::note(format!("{tests} of the tests")))
}
