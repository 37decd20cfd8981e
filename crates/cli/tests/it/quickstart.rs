use std::path::Path;
use std::process::Command;

use crate::project::program;

/// The example runs from a copy, with the program under test, and shows no value it should not.
#[test]
fn the_quickstart_runs() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/quickstart");
    let directory = tempfile::tempdir().unwrap();
    let copied = Command::new("cp")
        .arg("-R")
        .arg(&source)
        .arg(directory.path())
        .status()
        .unwrap();
    assert!(copied.success());
    let output = Command::new(directory.path().join("quickstart/run.sh"))
        .env("KEYFERRY", program())
        .env_remove("KEYFERRY_CONFIG")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{text}{stderr}");
    for expected in [
        "the program sees a password of 22 characters, and shows it as ****",
        "password: fake-postgres-pw",
        "export DB_PASSWORD='fake-postgres-password'",
        "prod:binance",
    ] {
        assert!(
            text.contains(expected),
            "{expected} is not in:\n{text}{stderr}"
        );
    }
}
