//! Each crate builds alone, without features and with each of them alone.
//!
//! Cargo unites the features of all crates it builds together, so only a lone build shows that a
//! crate asks for what it uses.

use super::Passed;
use crate::failure::Failure;
use crate::process;
use crate::project::{Package, Project};

pub(super) fn run(project: &Project) -> Result<Passed, Failure> {
    let metadata = project.metadata("Cargo.toml")?;
    let shipped = metadata.packages.iter().filter(|package| {
        project
            .relative(&package.manifest_path)
            .is_some_and(|path| path.starts_with("crates"))
    });
    let mut builds = 0_u32;
    for package in shipped {
        for feature in std::iter::once(None).chain(features(package).map(Some)) {
            build(project, package, feature)?;
            builds += 1;
        }
    }
    Ok(Passed::note(format!("{builds} builds")))
}

fn features(package: &Package) -> impl Iterator<Item = &str> {
    package
        .features
        .keys()
        .map(String::as_str)
        .filter(|feature| *feature != "default")
}

/// Clippy instead of check, so that what a missing feature leaves unused is an error too.
fn build(project: &Project, package: &Package, feature: Option<&str>) -> Result<(), Failure> {
    let mut args = vec![
        "clippy",
        "--package",
        &package.name,
        "--no-default-features",
    ];
    args.extend(feature.iter().flat_map(|feature| ["--features", feature]));
    args.extend(["--", "-D", "warnings"]);
    process::run(&mut project.cargo(args))
}
