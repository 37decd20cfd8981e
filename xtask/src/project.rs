//! Where the project is and what it consists of, as cargo and git see it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::failure::Failure;
use crate::process;

/// The working copy that the checks run on.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) root: PathBuf,
}

/// The part of `cargo metadata` that the checks read.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) target_directory: PathBuf,
}

/// One package of a workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    pub(crate) targets: Vec<Target>,
}

/// One entry of a package's dependency tables.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    /// `None` for a normal dependency, else `dev` or `build`.
    pub(crate) kind: Option<String>,
    /// Where it is, when it is no registry's.
    pub(crate) path: Option<PathBuf>,
}

/// One thing that cargo builds from a package.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: Vec<String>,
}

impl Project {
    /// Finds the working copy that this program was built from.
    pub(crate) fn find() -> Result<Self, Failure> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest
            .parent()
            .ok_or_else(|| Failure::new("xtask has no parent folder"))?;
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// A cargo command at the root of the workspace.
    pub(crate) fn cargo<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        // `cargo run` names its own cargo; without it the one on the path serves.
        let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = self.command(program);
        command.args(args);
        command
    }

    /// Any program, started at the root of the workspace.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        // Cargo describes this program to us, which is wrong for what we start.
        for (name, _) in std::env::vars_os() {
            if name
                .to_str()
                .is_some_and(|name| name.starts_with("CARGO_PKG_"))
            {
                command.env_remove(name);
            }
        }
        command
            .env_remove("CARGO_MANIFEST_DIR")
            .env_remove("CARGO_MANIFEST_PATH");
        command
    }

    /// What cargo knows about the workspace of `manifest`, a path from the root.
    pub(crate) fn metadata(&self, manifest: &str) -> Result<Metadata, Failure> {
        let mut command = self.cargo([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--manifest-path",
            manifest,
        ]);
        let json = process::stdout_of(&mut command)?;
        serde_json::from_str(&json).map_err(|error| {
            Failure::new(format!("cannot read the output of cargo metadata: {error}"))
        })
    }

    /// The files of the project, as paths from the root: tracked, or new and not ignored.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>, Failure> {
        let mut command = self.command("git");
        command.args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]);
        let names = process::stdout_of(&mut command)?;
        let names = names
            .split('\0')
            .filter(|name| !name.is_empty())
            .map(PathBuf::from);
        // A file that is deleted but not yet staged is still listed.
        Ok(names.filter(|name| self.root.join(name).exists()).collect())
    }

    /// `path` as seen from the root, `None` if it lies elsewhere.
    pub(crate) fn relative<'a>(&self, path: &'a Path) -> Option<&'a Path> {
        path.strip_prefix(&self.root).ok()
    }
}
