//! On a terminal, made with openpty.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use nix::pty::openpty;

use crate::project::{PASSWORD, Project, program};

/// Runs a command on a terminal and returns its exit code and what the terminal shows.
fn shown(mut command: Command) -> (i32, String) {
    let pty = openpty(None, None).unwrap();
    let end = || Stdio::from(pty.slave.try_clone().unwrap());
    let mut child = command
        .stdin(end())
        .stdout(end())
        .stderr(end())
        .spawn()
        .unwrap();
    // The command holds ends of the terminal, too.
    drop((command, pty.slave));
    let text = read(pty.master);
    (child.wait().unwrap().code().unwrap(), text)
}

/// Everything until all ends are closed, which is an error on Linux.
fn read(master: OwnedFd) -> String {
    let mut text = Vec::new();
    let mut master = File::from(master);
    let mut buffer = [0; 1024];
    while let Ok(length @ 1..) = master.read(&mut buffer) {
        text.extend_from_slice(&buffer[..length]);
    }
    String::from_utf8(text).unwrap().replace("\r\n", "\n")
}

const SCRIPT: &str = "test -t 1 && test -t 2 && echo \"tty $DB_PASSWORD\"";

#[test]
fn the_program_sees_a_terminal_and_its_output_is_masked() {
    let project = Project::new();
    let (code, text) = shown(project.command(["run", "--", "sh", "-c", SCRIPT]));
    assert_eq!((code, text.as_str()), (0, "tty ****\n"));
}

#[test]
fn the_same_holds_on_the_controlling_terminal() {
    let project = Project::new();
    let mut command = Command::new("setsid");
    command
        .args(["--ctty", "--wait"])
        .arg(program())
        .args([
            "run",
            "--",
            "sh",
            "-c",
            "test -t 0 && test -c /dev/tty && echo \"tty $DB_PASSWORD\" > /dev/tty",
        ])
        .current_dir(project.path(""));
    let (code, text) = shown(command);
    assert_eq!((code, text.as_str()), (0, "tty ****\n"));
}

#[test]
fn without_masking_the_real_value_shows() {
    let project = Project::new();
    let (code, text) = shown(project.command(["run", "--no-mask", "--", "sh", "-c", SCRIPT]));
    assert_eq!((code, text), (0, format!("tty {PASSWORD}\n")));
}

#[test]
fn a_value_is_followed_by_a_newline() {
    let project = Project::new();
    let (code, text) = shown(project.command(["get", "local:db_password"]));
    assert_eq!((code, text), (0, format!("{PASSWORD}\n")));
}

#[test]
fn a_binary_value_is_not_shown() {
    let project = Project::new();
    let (code, text) = shown(project.command(["get", "mounts:dc/binary"]));
    assert_eq!(code, 2);
    assert!(text.contains("the value is binary"));
}

#[test]
fn colours_follow_no_color() {
    let project = Project::new();
    let mut command = project.command(["get", "nope:x"]);
    command.env("TERM", "xterm");
    assert!(shown(command).1.contains("\u{1b}["));
    let mut command = project.command(["get", "nope:x"]);
    command.env("TERM", "xterm").env("NO_COLOR", "1");
    assert!(!shown(command).1.contains('\u{1b}'));
}
