//! The documentation builds without a warning.

use super::Passed;
use crate::failure::Failure;
use crate::process;
use crate::project::Project;

pub(super) fn run(project: &Project) -> Result<Passed, Failure> {
    let mut command = project.cargo(["doc", "--workspace", "--no-deps", "--all-features"]);
    process::run(command.env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(Passed::default())
}
