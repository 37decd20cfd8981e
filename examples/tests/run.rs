//! Every example runs to its end and prints no secret.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What each value in `examples/data` holds.
const SECRET: &str = "demo-";

/// Cargo puts the examples beside the directory of the tests.
fn programs(test: &Path) -> Option<PathBuf> {
    Some(test.parent()?.parent()?.join("examples"))
}

fn sources(directory: std::fs::ReadDir) -> BTreeSet<String> {
    let paths = directory.filter_map(|file| Some(file.ok()?.path()));
    let sources = paths.filter(|path| path.extension().is_some_and(|end| end == "rs"));
    sources
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect()
}

#[test]
fn every_example_runs_and_prints_no_secret() {
    let elsewhere = tempfile::tempdir().unwrap();
    let names = sources(std::fs::read_dir(env!("CARGO_MANIFEST_DIR")).unwrap());
    let programs = programs(&std::env::current_exe().unwrap()).unwrap();
    assert!(names.len() >= 8, "{names:?}");
    for name in names {
        let output = Command::new(programs.join(&name))
            .current_dir(elsewhere.path())
            .output()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let stdout = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{name}: {stderr}");
        assert!(stdout.lines().count() >= 2, "{name}: {stdout}");
        assert!(
            !stdout.contains(SECRET) && !stderr.contains(SECRET),
            "{name}"
        );
    }
}

#[test]
fn the_data_holds_the_secrets_that_are_looked_for() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    for file in [
        "secrets.yaml",
        "app.env",
        "mounts/production/exchanges/binance",
    ] {
        let text = std::fs::read_to_string(data.join(file)).unwrap();
        assert!(text.contains(SECRET), "{file}");
    }
}
