//! `cargo xtask bench`: the measurements of BENCHMARKS.md.

use std::ffi::OsString;
use std::process::Command;

use crate::failure::Failure;
use crate::project::Project;
use crate::{process, python, tools};

/// Runs the measurements in release mode, in one run with their peers.
pub(crate) fn run<'a>(
    project: &Project,
    args: impl Iterator<Item = &'a OsString>,
) -> Result<(), Failure> {
    let ours = ["--package", "keyferry-bench", "--package", "keyferry-cli"];
    process::run(project.cargo(["build", "--release"]).args(ours))?;
    let target = project.metadata("Cargo.toml")?.target_directory;
    let peers = target.join("peers");
    let mut build = project.cargo(["build", "--release", "--manifest-path"]);
    build
        .arg("benches/peers/Cargo.toml")
        .arg("--target-dir")
        .arg(&peers);
    process::run(&mut build)?;
    let mut command = Command::new(target.join("release/keyferry-bench"));
    command
        .args(args)
        .env(python::VARIABLE, python::interpreter(project)?)
        .env("KEYFERRY_AWS_PEER", peers.join("release/aws-cache-peer"))
        .env("KEYFERRY_SECRETSPEC", tools::SECRETSPEC.find(project)?);
    process::run(&mut command)
}
