use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;

use crate::project::{Project, Run};

const COMMANDS: [&str; 10] = [
    "get",
    "list",
    "run",
    "render",
    "export",
    "check",
    "explain",
    "doctor",
    "completions",
    "man",
];

#[test]
fn every_command_has_help_with_an_example_and_exit_codes() {
    let project = Project::empty();
    for command in COMMANDS {
        for flag in ["-h", "--help"] {
            let help = project.keyferry([command, flag]).good();
            assert!(
                help.text().contains(&format!("  keyferry {command}")),
                "{command}"
            );
            assert!(help.text().contains("Exit codes:"), "{command}");
        }
    }
    assert!(
        project
            .keyferry(["--version"])
            .good()
            .text()
            .starts_with("keyferry ")
    );
}

#[test]
fn wrong_arguments_are_usage() {
    let project = Project::new();
    for arguments in [
        &["get"][..],
        &["nope"],
        &[],
        &["get", "local:pin", "--nope"],
        &["run"],
        &["run", "true"],
        &["run", "--watch=NOSIGNAL", "--", "true"],
        &["export"],
        &["export", "--format", "nope"],
        &["export", "--format", "shell", "--masks"],
        &["export", "--format", "k8s", "--name", "No"],
        &["render", "x.conf"],
        &["render", "a.yaml", "b.yaml"],
        &["render", "a.yaml", "--watch"],
        &["completions", "nope"],
        &["man", "nope"],
        &["check", "--output", "nope"],
    ] {
        project.keyferry(arguments).failed(2);
    }
}

#[test]
fn missing_arguments_are_named_to_programs() {
    let stderr = Project::new()
        .keyferry(["--output", "json", "get"])
        .failed(2);
    let object: serde_json::Value = serde_json::from_str(&stderr).unwrap();
    let message = object["error"]["message"].as_str().unwrap();
    assert!(message.ends_with(": <REF>..."), "{message}");
}

#[test]
fn verbosity_says_which_configuration_and_what_is_asked() {
    let project = Project::new();
    let stderr = |flag| {
        let output = project
            .command(["--output", "human", flag, "get", "local:pin"])
            .output()
            .unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let (once, twice) = (stderr("-v"), stderr("-vv"));
    assert!(once.contains("keyferry.yaml"), "{once}");
    assert!(!once.contains("pin"), "{once}");
    assert!(twice.contains("key=pin"), "{twice}");
    assert!(!twice.contains("123"), "{twice}");
}

#[test]
fn wrong_arguments_can_be_read_by_programs() {
    let project = Project::new();
    let stderr = project
        .keyferry(["get", "--nope", "--output", "json"])
        .failed(2);
    let object: serde_json::Value = serde_json::from_str(&stderr).unwrap();
    assert!(
        object["error"]["message"]
            .as_str()
            .unwrap()
            .contains("--nope")
    );
}

#[test]
fn arguments_that_are_no_text_are_refused() {
    let project = Project::new();
    let bad = OsStr::from_bytes(b"local:\xff");
    assert!(
        !project
            .keyferry([OsStr::new("get"), bad])
            .failed(2)
            .contains("internal")
    );
}

#[test]
fn an_environment_that_is_no_text_harms_nothing() {
    let project = Project::new();
    let bad = OsStr::from_bytes(b"\xff\xfe");
    let mut command = project.command(["get", "local:pin"]);
    let run = Run::of(command.env("BAD", bad).env(bad, "x").output().unwrap());
    assert_eq!(run.good().text(), "123");
    let mut command = project.command(["list", "env:*"]);
    let run = Run::of(command.env(bad, "x").output().unwrap());
    assert_eq!(run.code, 0);
    let mut command = project.command(["get", "local:pin"]);
    let run = Run::of(command.env("KEYFERRY_CONFIG", bad).output().unwrap());
    run.failed(2);
}

#[test]
fn completions_and_manual_pages_are_made() {
    let project = Project::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = project.keyferry(["completions", shell]).good();
        assert!(script.text().contains("explain"), "{shell}");
    }
    assert!(
        project
            .keyferry(["man"])
            .good()
            .text()
            .contains(".TH keyferry 1")
    );
    assert!(
        project
            .keyferry(["man", "run"])
            .good()
            .text()
            .contains("watch")
    );
    std::fs::create_dir(project.path("man1")).unwrap();
    project.keyferry(["man", "--out", "man1"]).good();
    project.write("mine", "");
    let mode = |name: &str| project.path(name).metadata().unwrap().permissions().mode();
    assert_eq!(
        mode("man1/keyferry.1"),
        mode("mine"),
        "pages are no secrets"
    );
    for command in COMMANDS {
        assert!(
            project
                .path(&format!("man1/keyferry-{command}.1"))
                .is_file(),
            "{command}"
        );
    }
}

#[test]
fn colours_are_for_terminals() {
    let project = Project::new();
    assert!(
        !project
            .keyferry(["get", "nope:x"])
            .failed(2)
            .contains('\u{1b}')
    );
}

#[test]
fn the_most_talkative_log_shows_no_value() {
    let project = Project::new();
    project.write(
        "config.yaml",
        "a: ${secret://local:pg}\nb: \"x ${secret://dotenv:API_KEY}\"\n",
    );
    for arguments in [
        &[
            "get",
            "local:pg",
            "mounts:dc/ldap.json",
            "--out",
            "out.json",
        ][..],
        &[
            "run",
            "--env",
            "PG=local:pg",
            "--file",
            "key=dotenv:API_KEY",
            "--",
            "true",
        ],
        &["run", "--no-mask", "--", "true"],
        &["render", "config.yaml", "--out", "out.yaml"],
        &["check"],
        &["doctor"],
        &["explain", "local:pg"],
        &["list", "local:*"],
    ] {
        let run = project.keyferry(["-vvv"].iter().chain(arguments));
        assert_eq!(run.code, 0, "{arguments:?}: {}", run.stderr);
        assert!(
            !run.stderr.contains("canary") && !run.text().contains("canary"),
            "{arguments:?}"
        );
    }
}

#[test]
fn quiet_leaves_warnings_out() {
    let project = Project::new();
    project.write(".env", "no entry\nAPI_KEY=value\n");
    let loud = project.keyferry(["get", "dotenv:API_KEY"]);
    assert!(loud.stderr.starts_with("warning: "));
    let loud = project.keyferry(["get", "dotenv:API_KEY", "--output", "json"]);
    let warning: serde_json::Value = serde_json::from_str(&loud.stderr).unwrap();
    assert!(warning["warning"]["message"].is_string());
    project
        .keyferry(["get", "dotenv:API_KEY", "--quiet"])
        .good();
}

#[test]
fn arguments_that_are_refused_are_not_echoed() {
    let project = Project::new();
    for arguments in [
        &["CANARY"][..],
        &["list", "a:b", "CANARY"],
        &["run", "CANARY"],
        &["get", "--output", "CANARY", "a:b"],
        &["get", "--CANARY"],
        &["get", "--CANARY=CANARY", "a:b"],
        &["export", "--format", "CANARY"],
        &["completions", "CANARY"],
        &["--output", "json", "get", "--CANARY"],
    ] {
        let run = project.keyferry(arguments);
        let stderr = run.failed(2);
        assert!(!stderr.contains("CANARY"), "{stderr}");
    }
    let typo = project.keyferry(["get", "--fild", "x", "a:b"]);
    assert!(typo.failed(2).contains("--fild"));
}
