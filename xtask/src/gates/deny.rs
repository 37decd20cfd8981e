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
    // Duplicate versions are warnings, mostly about other platforms: `cargo deny check bans` lists them.
    command.args(["--all-features", "--log-level", "error"]);
    command.args(["check", "licenses", "bans", "sources"]);
    process::run(&mut command)?;
    Ok(Passed::default())
}
