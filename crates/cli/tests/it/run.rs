use std::fs::File;
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::project::{Lines, PASSWORD, Project, Run};

#[test]
fn values_are_provided_and_masked_in_both_streams() {
    let project = Project::new();
    let script = r#"echo "out $DB_PASSWORD"; echo "err $DB_PASSWORD" >&2; test "$DB_PASSWORD" = canary-hunter2"#;
    let run = project.keyferry(["run", "--", "sh", "-c", script]);
    assert_eq!(
        (run.code, run.text(), run.stderr.as_str()),
        (0, "out ****\n", "err ****\n")
    );
}

#[test]
fn encoded_forms_and_fields_of_maps_are_masked() {
    let project = Project::new();
    let script =
        "printf '%s' \"$DB_PASSWORD\" | base64; echo canary-pg-pass; echo \"$PG\" | tr -d x";
    let run = project
        .keyferry(["run", "--env", "PG=local:pg", "--", "sh", "-c", script])
        .good();
    assert_eq!(run.text(), "****\n****\n****\n");
}

#[test]
fn texts_nested_in_a_map_or_a_list_are_masked_whatever_their_depth() {
    let project = Project::new();
    let nested = r#"{"db": {"pass\"word" : "canary-\u0069nner"}, "all": ["canary-first", {"k": [["canary-deep"]]}], "port": 54321}"#;
    let list = r#" ["canary-listed", "open"#;
    let script =
        "echo canary-inner; echo canary-first; echo canary-deep; echo canary-listed; echo 54321";
    let mut command = project.command(["run", "--env", "A=env:NESTED", "--env", "B=env:LIST"]);
    command.args(["--", "sh", "-c", script]);
    let output = command
        .env("NESTED", nested)
        .env("LIST", list)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text, "****\n****\n****\n****\n54321\n");
}

#[test]
fn only_the_secret_part_of_a_text_is_masked() {
    let project = Project::new();
    let url = "URL=postgres://app:${secret://local:db_password}@db/x";
    let run = project
        .keyferry(["run", "--env", url, "--", "sh", "-c", "echo $URL"])
        .good();
    assert_eq!(run.text(), "postgres://app:****@db/x\n");
}

#[test]
fn a_regular_file_is_masked_too() {
    let project = Project::new();
    let file = File::create(project.path("log")).unwrap();
    let mut command = project.command(["run", "--", "sh", "-c", "echo $DB_PASSWORD"]);
    assert!(command.stdout(file).status().unwrap().success());
    assert_eq!(project.read("log"), "****\n");
}

#[test]
fn masking_can_be_left_out() {
    let project = Project::new();
    let script = "echo $DB_PASSWORD; echo $PPID";
    let mut command = project.command(["run", "--no-mask", "--", "sh", "-c", script]);
    let child = command.stdout(Stdio::piped()).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (value, parent) = text.trim().split_once('\n').unwrap();
    assert_eq!(value, PASSWORD);
    assert_eq!(
        parent,
        std::process::id().to_string(),
        "the program replaced keyferry"
    );
}

#[test]
fn short_values_with_a_final_newline_are_named_too() {
    let project = Project::new();
    let mut command = project.command(["run", "--env", "A=env:SHORT", "--", "true"]);
    let output = command.env("SHORT", "abc\n").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("not masked: `A`"), "{stderr}");
}

#[test]
fn short_values_are_visible_and_that_is_said_once() {
    let project = Project::new();
    let run = project.keyferry([
        "run",
        "--env",
        "PIN=local:pin",
        "--",
        "sh",
        "-c",
        "echo $PIN $PIN",
    ]);
    assert_eq!((run.code, run.text()), (0, "123 123\n"));
    assert_eq!(run.stderr.lines().count(), 1);
    assert!(run.stderr.contains("`PIN`") && !run.stderr.contains("123"));
}

#[test]
fn the_program_is_not_started_when_anything_fails() {
    let project = Project::new();
    let run = project.keyferry([
        "run",
        "--env",
        "A=local:absent",
        "--env",
        "B=nope:x",
        "--env",
        "C=local:pin",
        "--file",
        "private=file://other/x",
        "--",
        "touch",
        "started",
    ]);
    let stderr = run.failed(4);
    for reference in ["local:absent", "nope:x", "file://other/x"] {
        assert!(stderr.contains(reference), "{stderr}");
    }
    assert!(!project.path("started").exists() && !project.path("private").exists());
}

#[test]
fn what_can_be_no_variable_is_refused_without_its_text() {
    let project = Project::new();
    for arguments in [
        ["--env", "canary"],
        ["--env", "A=canary"],
        ["--env", "canary="],
        ["--env", "canary=="],
        ["--env", "can+ary=canary"],
        ["--file", "canary=="],
        ["--env", "=local:pin"],
        ["--env", "A=${secret://canary"],
        ["--file", "canary"],
        ["--file", "=local:pin"],
        ["--env", "A=mounts:dc/binary"],
        ["--env-file", "absent.env"],
    ] {
        let run = project.keyferry(
            ["run"]
                .into_iter()
                .chain(arguments)
                .chain(["--", "touch", "started"]),
        );
        assert!(!run.failed(2).contains("canary"), "{arguments:?}");
    }
    assert!(!project.path("started").exists());
}

#[test]
fn bytes_without_nul_can_be_a_variable() {
    let project = Project::new();
    project.write("mounts/dc/bytes", [0xff, 0xfe]);
    let run = project.keyferry([
        "run",
        "--no-mask",
        "--env",
        "A=mounts:dc/bytes",
        "--",
        "sh",
        "-c",
        "printf %s \"$A\"",
    ]);
    assert_eq!(run.good().stdout, [0xff, 0xfe]);
}

#[test]
fn flags_count_over_files_over_the_configuration_over_the_environment() {
    let project = Project::new();
    project.write(
        "keyferry.yaml",
        "\
secrets: { backends: { local: { type: file, path: secrets.yaml } } }
env: { A: \"local:pg#user\", B: \"local:pg#user\", C: \"local:pg#user\" }
",
    );
    project.write("one.env", "B=one\nA=one\n");
    project.write("two.env", "A=two\nE=redis:6379\n");
    let mut command = project.command([
        "run",
        "--env-file",
        "one.env",
        "--env-file",
        "two.env",
        "--env",
        "A=local:pin",
        "--",
        "sh",
        "-c",
        "echo $A $B $C $D $E",
    ]);
    let output = command
        .env("A", "own")
        .env("C", "own")
        .env("D", "own")
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"123 one app own redis:6379\n");
}

#[test]
fn malformed_lines_of_an_env_file_are_skipped_with_a_warning() {
    let project = Project::new();
    project.write(".tokens", "canary line\nA=x\n");
    let run = project.keyferry(["run", "--env-file", ".tokens", "--", "sh", "-c", "echo $A"]);
    assert_eq!((run.code, run.text()), (0, "x\n"));
    assert!(run.stderr.contains("line 1 of `.tokens`") && !run.stderr.contains("canary"));
}

#[test]
fn the_end_of_the_program_is_ours() {
    let project = Project::new();
    let code = |script: &str| project.keyferry(["run", "--", "sh", "-c", script]).code;
    assert_eq!(code("exit 7"), 7);
    assert_eq!(code("kill -9 $$"), 128 + 9);
    assert_eq!(code("kill -TERM $$"), 128 + 15);
    for flags in [&["run"][..], &["run", "--no-mask"]] {
        let program = |name| flags.iter().copied().chain(["--", name]);
        assert!(
            project
                .keyferry(program("no-such-program"))
                .failed(127)
                .contains("no-such-program")
        );
        assert!(
            project
                .keyferry(program("./secrets.yaml"))
                .failed(126)
                .contains("secrets.yaml")
        );
    }
}

#[test]
fn a_private_file_lives_as_long_as_the_program() {
    let project = Project::new();
    let run = project.keyferry([
        "run",
        "--no-mask",
        "--file",
        "key=local:db_password",
        "--",
        "sh",
        "-c",
        "stat -c %a key; cat key; exit 3",
    ]);
    assert_eq!((run.code, run.text()), (3, "600\ncanary-hunter2"));
    assert!(!project.path("key").exists());
    project.keyferry(["run", "--file", "key=local:pin", "--", "no-such-program"]);
    assert!(!project.path("key").exists());
}

#[test]
fn a_private_file_takes_the_place_of_nothing() {
    let project = Project::new();
    project.write("key", "mine");
    project
        .keyferry([
            "run",
            "--file",
            "first=local:pin",
            "--file",
            "key=local:pin",
            "--",
            "touch",
            "started",
        ])
        .failed(6);
    project
        .keyferry([
            "run",
            "--file",
            "absent/key=local:pin",
            "--",
            "touch",
            "started",
        ])
        .failed(1);
    assert_eq!(project.read("key"), "mine");
    assert!(!project.path("started").exists() && !project.path("first").exists());
}

#[test]
fn signals_reach_the_program_and_private_files_go() {
    let project = Project::new();
    let script = "trap 'kill $!; exit 9' TERM; sleep 1000 & ls key; wait";
    let mut child = project
        .command([
            "run",
            "--file",
            "key=local:db_password",
            "--",
            "sh",
            "-c",
            script,
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = Lines::of(child.stdout.take().unwrap());
    assert_eq!(lines.next(), "key");
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    kill(pid, Signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(9));
    assert!(!project.path("key").exists());
}

#[test]
fn the_program_has_the_limits_and_modes_we_were_started_with() {
    let project = Project::new();
    let run = |flags: &[&str]| {
        let script = "umask; ulimit -c";
        let run = project.keyferry(flags.iter().copied().chain(["--", "sh", "-c", script]));
        run.good().text().to_owned()
    };
    let expected = std::process::Command::new("sh")
        .args(["-c", "umask; ulimit -c"])
        .output()
        .unwrap();
    let expected = String::from_utf8(expected.stdout).unwrap();
    assert_eq!(run(&["run"]), expected);
    assert_eq!(run(&["run", "--no-mask"]), expected);
}

#[test]
fn secrets_are_in_no_argument() {
    let project = Project::new();
    let run = project.keyferry([
        "run",
        "--no-mask",
        "--watch",
        "--",
        "sh",
        "-c",
        "tr '\\0' ' ' < /proc/$PPID/cmdline",
    ]);
    // The value itself: the word alone may be in the path of the program.
    assert!(run.text().contains("keyferry") && !run.text().contains("canary-hunter2"));
}

#[test]
fn a_closed_pipe_ends_the_program_as_it_would_alone() {
    let project = Project::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = project.command([
        "run",
        "--",
        "sh",
        "-c",
        "while echo x; do :; done 2>/dev/null; exit 5",
    ]);
    let run = Run::of(
        command
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap(),
    );
    assert!([5, 128 + 13].contains(&run.code), "{run:?}");
}
