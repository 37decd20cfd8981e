//! The Python environment of the differential tests.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::project::Project;
use crate::{process, tools};

/// The variable that tells tests and measurements which interpreter to use.
pub(crate) const VARIABLE: &str = "KEYFERRY_PYTHON";

/// Fully resolved by pip.
const REQUIREMENTS: &str = include_str!("../requirements.txt");
/// Installed without dependencies and without a look at `Requires-Python`.
const BARE_REQUIREMENTS: &str = include_str!("../requirements-bare.txt");

/// Imports what the tests import, so that a half-installed package is noticed here. The top of
/// `processpype` asks for a web server, so its `secrets` part is imported without it.
const SELF_CHECK: &str = "
import sys
assert sys.version_info >= (3, 11), f'python 3.11 or later is needed, found {sys.version}'
import importlib.util, types
import dotenv, yaml, secrets_sdk
spec = importlib.util.find_spec('processpype')
assert spec, 'processpype is not installed'
package = types.ModuleType('processpype')
package.__path__ = list(spec.submodule_search_locations)
sys.modules['processpype'] = package
import processpype.secrets
";

/// The interpreter of an environment that holds the packages, built on first use.
///
/// A `KEYFERRY_PYTHON` that is already set is used as it is.
pub(crate) fn interpreter(project: &Project) -> Result<PathBuf, Failure> {
    if let Some(chosen) = std::env::var_os(VARIABLE) {
        let chosen = PathBuf::from(chosen);
        check(&chosen)?;
        return Ok(chosen);
    }
    let base = base_interpreter()?;
    let cache = tools::cache_dir()?;
    let home = cache.join(format!("venv-{:016x}", fingerprint(&base)));
    fs::create_dir_all(&cache).map_err(|error| Failure::io("create", &cache, &error))?;
    let lock_path = home.with_extension("lock");
    let lock =
        File::create(&lock_path).map_err(|error| Failure::io("create", &lock_path, &error))?;
    lock.lock()?;
    let python = home.join("bin").join("python");
    let complete = home.join("complete");
    if !complete.exists() {
        build(project, &base, &home, &python)?;
        fs::write(&complete, "")?;
    }
    check(&python)?;
    Ok(python)
}

fn base_interpreter() -> Result<String, Failure> {
    process::stdout_of(
        Command::new("python3").args(["-c", "import sys; print(sys.version, sys.prefix)"]),
    )
    .map_err(|failure| Failure::new(format!("python 3.11 or later is needed: {failure}")))
}

/// Changes with the packages and with the interpreter, so that a stale environment is not used.
fn fingerprint(base: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (REQUIREMENTS, BARE_REQUIREMENTS, base).hash(&mut hasher);
    hasher.finish()
}

fn build(project: &Project, base: &str, home: &Path, python: &Path) -> Result<(), Failure> {
    let create = process::run(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(home),
    );
    create.map_err(|failure| {
        Failure::new(format!(
            "cannot create a Python environment with python {base}: {failure}"
        ))
    })?;
    let folder = project.root.join("xtask");
    pip(python, &["--requirement"], &folder.join("requirements.txt"))?;
    let bare = ["--no-deps", "--ignore-requires-python", "--requirement"];
    pip(python, &bare, &folder.join("requirements-bare.txt"))
}

fn pip(python: &Path, args: &[&str], file: &Path) -> Result<(), Failure> {
    let mut command = Command::new(python);
    command.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    process::run(command.args(args).arg(file))
}

fn check(python: &Path) -> Result<(), Failure> {
    let finished = process::capture(Command::new(python).args(["-c", SELF_CHECK]))?;
    if finished.status.success() {
        return Ok(());
    }
    let reason = finished.stderr.lines().last().unwrap_or("it says nothing");
    Err(Failure::new(format!(
        "`{}` cannot run the comparisons: {reason}",
        python.display()
    )))
}
