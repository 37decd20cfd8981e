//! `cargo xtask bench`: the measurements of BENCHMARKS.md.

use std::ffi::OsString;

use crate::failure::Failure;
use crate::project::Project;
use crate::{process, python};

/// Runs the measurements in release mode, beside their Python counterparts.
pub(crate) fn run<'a>(
    project: &Project,
    args: impl Iterator<Item = &'a OsString>,
) -> Result<(), Failure> {
    let mut command = project.cargo(["run", "--release", "--package", "keyferry-bench", "--"]);
    command
        .args(args)
        .env(python::VARIABLE, python::interpreter(project)?);
    process::run(&mut command)
}
