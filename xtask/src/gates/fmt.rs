//! The formatting is rustfmt's.

use super::Passed;
use crate::failure::Failure;
use crate::process;
use crate::project::Project;

pub(super) fn run(project: &Project) -> Result<Passed, Failure> {
    process::run(&mut project.cargo(["fmt", "--all", "--check"]))?;
    if project.root.join("fuzz/Cargo.toml").exists() {
        let fuzz = ["fmt", "--check", "--manifest-path", "fuzz/Cargo.toml"];
        process::run(&mut project.cargo(fuzz))?;
    }
    Ok(Passed::default())
}
