//! Licences, bans and sources of all dependencies, as `deny.toml` has them.
//!
//! Advisories are left out: their database is no part of the crate registry.

use super::Passed;
use crate::failure::Failure;
use crate::process;
use crate::project::Project;
use crate::tools::DENY;

pub(super) fn run(project: &Project) -> Result<Passed, Failure> {
    let mut command = project.command(DENY.find(project)?);
    command.args(["--all-features", "check", "licenses", "bans", "sources"]);
    process::run(&mut command)?;
    Ok(Passed::default())
}
