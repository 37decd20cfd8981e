//! The cargo subcommands that the gates need: taken from the path, else installed once.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::process;
use crate::project::Project;

/// A program from the crate registry, and the version the gates are written for.
#[derive(Debug)]
pub(crate) struct Tool {
    crate_name: &'static str,
    version: &'static str,
    /// The features it is built with, its defaults off.
    features: &'static str,
    speed: Speed,
}

/// How well a tool is optimised.
#[derive(Debug, PartialEq)]
enum Speed {
    /// The last bit of speed is not worth minutes of compiling.
    Modest,
    /// It is measured, so it is built as its authors release it.
    Full,
}

/// The test runner.
pub(crate) const NEXTEST: Tool = Tool {
    crate_name: "cargo-nextest",
    version: "0.9.143",
    features: "",
    speed: Speed::Modest,
};
/// Licences, bans and sources.
pub(crate) const DENY: Tool = Tool {
    crate_name: "cargo-deny",
    version: "0.20.2",
    features: "",
    speed: Speed::Modest,
};
/// A peer of the command line, in measurements.
pub(crate) const SECRETSPEC: Tool = Tool {
    crate_name: "secretspec",
    version: "0.21.1",
    features: "cli",
    speed: Speed::Full,
};

impl Tool {
    /// The program's path; installs it into the user's cache when there is none to use.
    pub(crate) fn find(&self, project: &Project) -> Result<PathBuf, Failure> {
        let on_path = PathBuf::from(self.crate_name);
        if self.serves(&on_path) {
            return Ok(on_path);
        }
        let home = cache_dir()?
            .join("tools")
            .join(format!("{}-{}", self.crate_name, self.version));
        let installed = home.join("bin").join(self.crate_name);
        if !self.serves(&installed) {
            self.install(project, &home)?;
        }
        Ok(installed)
    }

    fn serves(&self, program: &Path) -> bool {
        process::capture(Command::new(program).arg("--version"))
            .is_ok_and(|said| said.status.success() && is_compatible(&said.stdout, self.version))
    }

    fn install(&self, project: &Project, home: &Path) -> Result<(), Failure> {
        let spec = format!("{}@{}", self.crate_name, self.version);
        let scratch = home.join("build");
        // A folder of its own, whatever CARGO_TARGET_DIR says: the tool shares nothing with us.
        let mut command = project.cargo(["install", "--locked", "--no-track", "--force"]);
        command
            .arg("--root")
            .arg(home)
            .arg("--target-dir")
            .arg(&scratch)
            .arg(&spec);
        command.args(["--no-default-features", "--features", self.features]);
        command.env_remove("RUSTFLAGS");
        if self.speed == Speed::Modest {
            for (setting, value) in [("LTO", "off"), ("OPT_LEVEL", "1"), ("CODEGEN_UNITS", "16")] {
                command.env(format!("CARGO_PROFILE_RELEASE_{setting}"), value);
            }
        }
        process::run(&mut command)
            .map_err(|failure| Failure::new(format!("cannot install {spec}: {failure}")))?;
        // Only disk space is lost if this fails.
        let _ = std::fs::remove_dir_all(scratch);
        Ok(())
    }
}

/// Where tools and Python environments are kept, outside any working copy.
pub(crate) fn cache_dir() -> Result<PathBuf, Failure> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .filter(|path| Path::new(path).is_absolute())
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .ok_or_else(|| Failure::new("neither XDG_CACHE_HOME nor HOME says where to cache tools"))?;
    Ok(base.join("keyferry"))
}

/// Whether `said`, such as `cargo-deny 0.20.3`, is `wanted` or a later release of its series.
fn is_compatible(said: &str, wanted: &str) -> bool {
    let found = said.split_whitespace().find_map(numbers);
    match (found, numbers(wanted)) {
        (Some([major, minor, patch]), Some([want_major, want_minor, want_patch])) => {
            major == want_major && minor == want_minor && patch >= want_patch
        }
        _ => false,
    }
}

fn numbers(version: &str) -> Option<[u64; 3]> {
    let mut parts = version.split('.').map(|part| part.parse().ok());
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_release_of_the_same_series_serves() {
        assert!(is_compatible("cargo-deny 0.20.2", "0.20.2"));
        assert!(is_compatible(
            "cargo-nextest 0.9.150 (60fa45f63 2026-08-04)\nrelease: 0.9.150",
            "0.9.143"
        ));
    }

    #[test]
    fn earlier_release_other_series_and_silence_do_not_serve() {
        for said in [
            "cargo-deny 0.20.1",
            "cargo-deny 0.21.0",
            "cargo-deny 1.20.2",
            "cargo-deny",
            "",
        ] {
            assert!(!is_compatible(said, "0.20.2"), "{said}");
        }
    }
}
