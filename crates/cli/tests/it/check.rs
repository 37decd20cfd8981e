use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::project::Project;

#[test]
fn everything_named_is_resolved_and_no_value_shown() {
    let project = Project::new();
    let run = project.keyferry(["check"]).good();
    assert!(run.text().starts_with("REF"));
    assert!(!run.text().contains("canary"));
    let report = project
        .keyferry(["check", "--output", "json"])
        .good()
        .json();
    assert_eq!(report["ok"], true);
    let items = report["items"].as_array().unwrap();
    assert_eq!(
        items.len(),
        1,
        "what `env:` and `load` both name is one row"
    );
    assert_eq!(items[0]["reference"], "local:db_password");
    assert_eq!(items[0]["backend"], "local");
    assert_eq!(items[0]["status"], "ok");
    assert!(items[0]["version"].is_string());
    assert_eq!(items[0]["age_seconds"], 0);
    assert_eq!(items[0]["error"], json!(null));
}

#[test]
fn the_worst_failure_decides_the_exit_code() {
    let project = Project::new();
    project.write(
        ".tokens",
        "A=secret://local:absent\nB=${UNSET_VARIABLE}\nC=x ${secret://file:x}\n",
    );
    project
        .keyferry(["check", "--env-file", ".tokens"])
        .failed(2);
    project.write(
        ".tokens",
        "A=${secret://local:absent}\nB=${UNSET_VARIABLE}\n",
    );
    let run = project.keyferry(["check", "--env-file", ".tokens", "--output", "json"]);
    assert_eq!(run.code, 2);
    let report = run.json();
    assert_eq!(report["ok"], false);
    let status = |subject: &str| {
        let items = report["items"].as_array().unwrap();
        let item = items
            .iter()
            .find(|item| item.to_string().contains(subject))
            .unwrap();
        item["status"].clone()
    };
    assert_eq!(status("local:absent"), "not_found");
    assert_eq!(status("UNSET_VARIABLE"), "invalid_config");
    assert_eq!(status("local:db_password"), "ok");
}

#[test]
fn a_reader_that_leaves_early_makes_no_success_of_a_failure() {
    let project = Project::new();
    for command in ["check", "doctor"] {
        std::fs::remove_file(project.path(".env")).ok();
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut keyferry = project.command([command]);
        let status = keyferry.stdout(writer).status().unwrap();
        assert!(!status.success(), "{command}");
    }
}

#[test]
fn a_malformed_dotenv_line_is_an_error_by_its_number() {
    let project = Project::new();
    project.write(".env", "API_KEY=x\ncanary line\n");
    let run = project.keyferry(["check"]);
    assert_eq!(run.code, 7);
    assert!(run.text().contains("line 2 of"));
    assert!(!run.text().contains("canary") && !run.stderr.contains("canary"));

    project.write(".env", "");
    project.write(".tokens", "?canary\n");
    let run = project.keyferry(["check", "--env-file", ".tokens"]);
    assert_eq!(run.code, 7);
    assert!(run.text().contains("line 1 of `.tokens`"));
    assert!(!run.text().contains("canary"));
}

#[test]
fn wrong_configurations_are_refused_with_file_and_line() {
    let project = Project::new();
    for (config, said) in [
        ("secrets:\n  backend: {}\n", "backends"),
        (
            "secrets:\n  backends:\n    a: {type: env}\n    a: {type: env}\n",
            ":4",
        ),
        ("secrets: &a {}\nenv: *a\n", ":1"),
        ("secrets:\n  backends:\n    v: {type: vault}\n", "not built"),
        ("secrets:\n  load: [\"nope:*\"]\n", "nope"),
        ("env:\n  A: canary\n", ":2"),
        ("env:\n  A: \"${secret://canary\"\n", ":2"),
        (
            "secrets:\n  backends:\n    local: {type: file, path: \"${secret://env:X}\"}\n",
            "secrets.backends.local.path",
        ),
        ("a: [", "keyferry.yaml"),
        (
            "secrets:\n  backends:\n    local: {type: file, path: \"${UNSET_VARIABLE}\"}\n",
            "UNSET_VARIABLE",
        ),
    ] {
        project.write("keyferry.yaml", config);
        let stderr = project.keyferry(["check"]).failed(2);
        assert!(stderr.contains(said), "{config}: {stderr}");
    }
    project.write("keyferry.yaml", [0xff, 0xfe]);
    project.keyferry(["check"]).failed(2);
}

#[test]
fn a_configuration_that_is_named_must_be_there() {
    let project = Project::new();
    let stderr = project
        .keyferry(["check", "--config", "absent.yaml"])
        .failed(2);
    assert!(stderr.contains("absent.yaml"));
    let output = project
        .command(["check"])
        .env("KEYFERRY_CONFIG", "absent.yaml")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    // The flag counts over the variable.
    let output = project
        .command(["check", "--config", "keyferry.yaml"])
        .env("KEYFERRY_CONFIG", "absent.yaml")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn secrets_that_are_switched_off_stay_off_and_that_is_said() {
    let project = Project::new();
    project.write("keyferry.yaml", "secrets: { enabled: false }\n");
    assert!(
        project
            .keyferry(["get", "env:PATH"])
            .failed(2)
            .contains("enabled: false")
    );
}

#[test]
fn a_source_that_cannot_be_read_is_unavailable_or_denied_never_absent() {
    let project = Project::new();
    std::fs::remove_file(project.path("secrets.yaml")).unwrap();
    let stderr = project.keyferry(["get", "local:pin"]).stderr;
    assert!(stderr.contains("secrets.yaml"));
    assert_ne!(project.keyferry(["get", "local:pin"]).code, 5);
    project.write("secrets.yaml", "a: 1\na: canary\n");
    let stderr = project.keyferry(["get", "local:pin"]).failed(7);
    assert!(
        stderr.contains("line 2") || stderr.contains(":2"),
        "{stderr}"
    );
}

#[test]
fn the_doctor_says_what_to_do_next() {
    let project = Project::new();
    let chmod = |name: &str, mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(project.path(name), permissions).unwrap();
    };
    chmod("secrets.yaml", 0o600);
    chmod(".env", 0o644);
    let report = project
        .keyferry(["doctor", "--output", "json"])
        .good()
        .json();
    assert_eq!(report["ok"], true);
    let warnings: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["status"] == "warning")
        .collect();
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0]["help"]
            .as_str()
            .unwrap()
            .starts_with("chmod 600")
    );
    assert_eq!(warnings[0]["backend"], "dotenv");

    std::fs::remove_file(project.path(".env")).unwrap();
    let run = project.keyferry(["doctor"]);
    assert_ne!(run.code, 0);
    assert!(run.text().contains("error"));
}

#[test]
fn the_doctor_looks_on_where_the_configuration_is_wrong() {
    let project = Project::empty();
    let run = project.keyferry(["doctor"]);
    assert!(run.text().contains("no `keyferry.yaml`"));
    project.write("keyferry.yaml", "secret: {}\n");
    let run = project.keyferry(["doctor"]);
    assert_eq!(run.code, 2);
    assert!(run.text().contains("clock") && run.text().contains("secret"));
}
