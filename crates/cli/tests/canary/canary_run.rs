//! Where `run` and `render` could leave values behind: arguments, files, environments.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use keyferry_canary::Form;

use crate::project::{Project, canary};

#[test]
fn no_process_has_a_value_among_its_arguments() {
    let mut project = Project::new();
    let script = "tr '\\0' '\\n' < /proc/self/cmdline; tr '\\0' '\\n' < /proc/$PPID/cmdline; \
                  tr '\\0' '\\n' < /proc/$$/cmdline";
    for flags in [
        &["run", "--no-mask", "--watch"][..],
        &["run", "--no-mask"],
        &["run", "--no-mask", "--file", "key=local:word"],
    ] {
        let output = project.output(flags.iter().chain(&["--", "sh", "-c", script]));
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("/proc/self/cmdline"), "{text}");
        project.witness.saw("arguments", &output.stdout);
        project.witness.saw("stderr", &output.stderr);
    }
    project.assert_silent(6);
}

#[test]
fn output_that_cannot_be_written_is_shown_nowhere_else() {
    let mut project = Project::new();
    for arguments in [
        &["get", "local:word"][..],
        &["get", "local:word", "--json"],
        &["export", "--format", "json"],
        &["export", "--format", "github", "--masks"],
        &["render", "a.yaml"],
        &["check"],
    ] {
        project.write("a.yaml", "a: ${secret://local:word}\n");
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = project.command(arguments).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        project.witness.saw("stderr", &output.stderr);
        project.saw_files(&[]);
    }
    project.assert_silent(6);
}

#[test]
fn private_files_are_gone_whatever_ends_the_program() {
    let mut project = Project::new();
    for (script, code) in [
        ("test -s key", 0),
        ("exit 3", 3),
        ("kill -9 $$", 137),
        ("rm key", 0),
        ("mv key moved; rm moved", 0),
    ] {
        let output = project.output([
            "run",
            "--file",
            "key=local:object",
            "--",
            "sh",
            "-c",
            script,
        ]);
        assert_eq!(output.status.code(), Some(code), "{script}");
        project.witness.saw(script, &output.stderr);
        assert!(!project.path("key").exists());
        project.saw_files(&[]);
    }
    project.assert_silent(5);
}

#[test]
fn values_that_change_are_shown_neither_before_nor_after() {
    let mut project = Project::new();
    let script = "trap 'exit 0' TERM; echo started; printf '%s\\n' \"$word\"; sleep 1000 & wait";
    let mut child = project
        .command(["-vvv", "run", "--watch", "--", "sh", "-c", script])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    let first = [next(), next()].join("\n");
    // The secrets of another variable: a canary as well.
    let new = project.path("mounts/dc/new");
    std::fs::write(&new, canary(Form::Text).bytes()).unwrap();
    std::fs::rename(&new, project.path("mounts/dc/word")).unwrap();
    let second = [next(), next()].join("\n");
    assert_eq!([first.as_str(), &second], ["started\n****"; 2]);
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    let output = child.wait_with_output().unwrap();
    project.witness.saw("stdout", first + &second);
    project.witness.saw("stderr", &output.stderr);
    project.assert_silent(2);
}
