//! The model tests of the cache, with its locks and atomics replaced by shuttle's.

use super::{Passed, test};
use crate::failure::Failure;
use crate::project::Project;

pub(super) fn run(project: &Project) -> Result<Passed, Failure> {
    let target = project
        .metadata("Cargo.toml")?
        .target_directory
        .join("shuttle");
    let target = target.to_string_lossy();
    let selection = [
        "--package",
        "keyferry-core",
        "--test",
        "shuttle",
        "--target-dir",
        target.as_ref(),
    ];
    let tests = test::nextest(project, &selection, &[("RUSTFLAGS", "--cfg shuttle")])?;
    Ok(Passed::tests(tests))
}
