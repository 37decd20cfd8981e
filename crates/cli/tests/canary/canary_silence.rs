//! Commands that print no values, and every command that fails.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::symlink;

use keyferry_canary::Form;

use crate::project::{Project, canary, quoted, texts};

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
fn commands_about_secrets_show_none() {
    let mut project = Project::new();
    for arguments in [
        &["check"][..],
        &["check", "--env-file", ".env"],
        &["doctor"],
        &["man"],
    ] {
        assert_eq!(project.silent(arguments), 0, "{arguments:?}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert_eq!(project.silent(&["completions", shell]), 0);
    }
    for command in COMMANDS {
        assert_eq!(project.silent(&[command, "--help"]), 0);
        assert_eq!(project.silent(&["man", command]), 0);
    }
    for backend in ["env", "dotenv", "local", "mounts"] {
        assert_eq!(project.silent(&["list", &format!("{backend}:*")]), 0);
        assert_eq!(
            project.silent(&["list", "--json", &format!("{backend}:*")]),
            0
        );
        for form in Form::ALL {
            let reference = format!("{backend}:{}#password", form.name());
            assert_eq!(project.silent(&["explain", &reference]), 0);
        }
    }
    project.assert_silent(200);
}

#[test]
fn only_what_is_to_print_values_prints_them() {
    let mut project = Project::new();
    let word = canary(Form::Word);
    assert_eq!(project.shows(&["get", "local:word"]), word.bytes());
    project.shows(&[
        "get",
        "-vvv",
        "local:word",
        "mounts:dc/binary",
        "env:quoted",
    ]);
    project.shows(&["get", "--output", "json", "dotenv:object#more"]);
    for format in ["json", "yaml", "shell", "dotenv", "k8s", "github"] {
        project.shows(&["-vvv", "export", "--format", format]);
    }
    project.shows(&["export", "--format", "github", "--masks"]);
    project.write("a.yaml", "a: ${secret://local:word}\n");
    project.shows(&["-vvv", "render", "a.yaml"]);
    project.shows(&["-vvv", "run", "--no-mask", "--", "sh", "-c", "echo $word"]);
    for arguments in [
        &["get", "local:word", "--out", "out"][..],
        &["render", "a.yaml", "--out", "out"],
    ] {
        assert_eq!(project.silent(arguments), 0);
        let written = std::fs::read(project.path("out")).unwrap();
        assert!(written.windows(32).any(|window| window == word.bytes()));
        project.saw_files(&["out"]);
        std::fs::remove_file(project.path("out")).unwrap();
    }
    project.assert_silent(10);
}

#[test]
fn commands_that_fail_show_no_value() {
    let mut project = Project::new();
    project.write("mounts/other/x", canary(Form::Word).bytes());
    project.write("mounts/dc/large", canary(Form::Word).text().repeat(40_000));
    project.write("outside", canary(Form::Word).bytes());
    symlink("../../outside", project.path("mounts/dc/out")).unwrap();
    let started = ["--", "touch", "started"];
    for (arguments, code) in [
        (&["get", "local:word#x"][..], 5),
        (&["get", "local:object#x", "local:word"], 5),
        (&["get", "local:object", "--field", "x"], 5),
        (&["get", "local:lines", "--field", "x", "--raw"], 5),
        (&["get", "local:word", "local:none", "mounts:dc/none"], 5),
        (&["get", "local:word?version=1"], 2),
        (&["get", "mounts:other/x"], 4),
        (&["get", "mounts:dc/out"], 4),
        (&["get", "file://other/x"], 4),
        (&["get", "mounts:dc/large"], 7),
        (&["get", "none:word", "local:word"], 2),
        (&["get", "local:word", "--out", "absent/out"], 1),
        (&["get", "local:word", "--out", "mounts"], 2),
        (&["list", "none:*"], 2),
        (&["list", "word"], 2),
        (&["explain", "word"], 2),
        (&["export", "--format", "docker"], 2),
        (
            &["export", "--format", "shell", "--env", "A=mounts:dc/binary"],
            2,
        ),
        (
            &["export", "--format", "yaml", "--env", "A=mounts:dc/binary"],
            2,
        ),
        (&["export", "--format", "json", "--env", "A=local:none"], 5),
        (
            &[
                "export",
                "--format",
                "json",
                "--env",
                "A=${UNSET}${secret://local:word}",
            ],
            2,
        ),
        (&["check", "--env", "A=local:word#x"], 7),
        (
            &[
                "check",
                "--env",
                "A=${secret://mounts:dc/binary}x${secret://local:word}",
            ],
            7,
        ),
        (
            &[
                "run",
                "--env",
                "A=mounts:dc/binary",
                started[0],
                started[1],
                started[2],
            ],
            2,
        ),
        (
            &[
                "run",
                "--env",
                "A=local:none",
                started[0],
                started[1],
                started[2],
            ],
            5,
        ),
        (
            &[
                "run",
                "--file",
                "outside=local:word",
                started[0],
                started[1],
                started[2],
            ],
            6,
        ),
        (
            &[
                "run",
                "--file",
                "absent/x=local:word",
                started[0],
                started[1],
                started[2],
            ],
            1,
        ),
        (
            &["run", "--file", "new=local:word", "--", "no-such-program"],
            127,
        ),
        (&["run", "--no-mask", "--", "no-such-program"], 127),
        (&["run", "--", "./secrets.yaml"], 126),
        (&["run", "--no-mask", "--", "./secrets.yaml"], 126),
        (&["render", "secrets.yaml", "--out", "absent/x"], 1),
        (&["render", "secrets.yaml", "outside"], 2),
        (&["render", "outside"], 2),
        (&["--config", "secrets.yaml", "check"], 2),
        (&["--config", "outside", "get", "env:word"], 2),
        (&["--config", "mounts/dc/binary", "doctor"], 2),
        (&["--config", "mounts/dc/large", "check"], 2),
    ] {
        assert_eq!(project.silent(arguments), code, "{arguments:?}");
    }
    assert!(!project.path("started").exists() && !project.path("new").exists());
    project.assert_silent(60);
}

#[test]
fn canaries_pasted_in_place_of_references_are_not_echoed() {
    let mut project = Project::new();
    for canary in texts() {
        let text = canary.text();
        // The text before a `=` is a name.
        for arguments in [
            &["get", text][..],
            &["get", "local:word", text],
            &["get", &format!("{text}:x")],
            &["get", &format!("secret://{text}")],
            &["get", &format!("{text}://dc/x")],
            &["explain", text],
            &["list", text],
            &["list", &format!("{text}:*")],
            &["check", "--env", &format!("A={text}")],
            &[
                "export",
                "--format",
                "json",
                "--env",
                &format!("A=${{secret://{text}"),
            ],
            &[
                "export",
                "--format",
                "json",
                "--env",
                &format!("A={text}${{UNSET}}"),
            ],
            &["export", "--format", "k8s", "--name", text],
            &["run", "--env", &format!("A={text}"), "--", "true"],
            &["run", "--file", &format!("x={text}"), "--", "true"],
        ] {
            assert_eq!(project.silent(arguments), 2, "{arguments:?}");
        }
    }
    let binary = || OsString::from_vec(canary(Form::Binary).bytes()[2..].to_vec());
    assert_eq!(project.silent(&["get".into(), binary()]), 2);
    project.assert_silent(200);
}

#[test]
fn configurations_with_canaries_in_the_wrong_place_show_none() {
    let mut project = Project::new();
    for canary in texts() {
        for place in [
            "secrets: {}",
            "secrets: { enabled: {} }",
            "secrets: { cache: { ttl: {} } }",
            "secrets: { load: [{}] }",
            "secrets: { backends: { a: { type: {} } } }",
            "secrets: { backends: { a: { type: vault, token: {} } } }",
            "secrets: { backends: { a: { type: env, pasword: {} } } }",
            "env: { A: {} }",
            "env: { A: x: {} }",
            "env: { A: {} ",
            "a: {}\na: {}\n",
            "a: {} x",
            "- {}",
            "{}",
        ] {
            project.write("keyferry.yaml", place.replace("{}", &quoted(&canary)));
            for command in ["check", "doctor"] {
                assert_eq!(project.silent(&[command]), 2, "{place} {canary:?}");
            }
        }
    }
    project.assert_silent(200);
}

#[test]
fn malformed_sources_show_no_value() {
    let mut project = Project::new();
    for canary in texts() {
        let (text, quoted) = (canary.text(), quoted(&canary));
        // What stands before a `=` is a name.
        let line = text.replace('=', ".");
        for (file, content) in [
            (".env", format!("A=1\n{line}\nB=\"{line}\n")),
            ("secrets.yaml", format!("a: {quoted} x\n")),
            ("secrets.yaml", format!("a: {quoted}\na: {quoted}\n")),
            ("secrets.yaml", format!("a: \"{text}")),
            ("secrets.yaml", format!("- {quoted}\n")),
            (
                "secrets.yaml",
                format!("a: {quoted}\nb: ${{UNSET}}{quoted}\n"),
            ),
            ("secrets.yaml", format!("a: {quoted}\nb: &x {quoted}\n")),
        ] {
            project.write(file, content);
            for arguments in [
                &["get", "dotenv:none", "local:b"][..],
                &["check"],
                &["doctor"],
            ] {
                assert_ne!(project.silent(arguments), 0, "{file} {arguments:?}");
            }
        }
        project.write(
            ".tokens",
            format!("A=secret://{text}\nB={text}${{\n{line}\nC=x\n"),
        );
        for arguments in [
            &["check", "--env-file", ".tokens"][..],
            &["export", "--format", "json", "--env-file", ".tokens"],
            &["run", "--env-file", ".tokens", "--", "touch", "started"],
        ] {
            assert_eq!(project.silent(arguments), 2, "{canary:?} {arguments:?}");
        }
        project.write(".tokens", format!("{line}\nA='{line}\nC=x\n"));
        for arguments in [
            &["run", "--env-file", ".tokens", "--", "true"][..],
            &[
                "run",
                "--env-file",
                ".tokens",
                "--env",
                "word=local:none",
                "--",
                "true",
            ],
        ] {
            project.silent(arguments);
        }
        assert!(!project.path("started").exists());
    }
    project.assert_silent(200);
}

#[test]
fn files_that_cannot_be_rendered_show_no_value() {
    let mut project = Project::new();
    for canary in texts() {
        let (text, quoted) = (canary.text(), quoted(&canary));
        for content in [
            format!("a: {quoted}\nb: \"${{secret://mounts:dc/word}}${{UNSET}}\"\n"),
            format!("a: {quoted}\nb: ${{secret://mounts:dc/word#x}}\n"),
            format!("a: {quoted}\nb: ${{secret://mounts:dc/binary}}\n"),
            format!("a: {quoted}\nb: \"x${{secret://{text}\"\n").replace('\n', " \n"),
            format!("a: {quoted}\nb: ${{secret://local:none}}${{secret://local:word}}\n"),
            format!("a: {quoted}\nb: [${{secret://local:word}}\n"),
            format!("{{\"a\": {quoted}, \"b\": \"${{secret://local:none}}\"}}"),
            format!("{{\"a\": {quoted}, \"b\": ${{secret://local:word}}}}"),
        ] {
            for (file, flags) in [("a.yaml", &[][..]), ("a.json", &[]), ("a", &["--text"])] {
                project.write(file, &content);
                let render = ["render", file, "--out", "out"];
                let arguments = [&render, flags].concat();
                // A text has no shape that could be wrong.
                if project.silent(&arguments) == 0 {
                    std::fs::remove_file(project.path("out")).unwrap();
                }
                project.saw_files(&[]);
            }
        }
    }
    project.assert_silent(200);
}
