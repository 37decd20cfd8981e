//! Runs other programs, with the command line in every error.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{Command, ExitStatus, Stdio};

use crate::failure::Failure;

/// What a finished program said.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `command` with our own streams and fails unless it succeeds.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| not_started(command, &error))?;
    if status.success() {
        Ok(())
    } else {
        Err(unsuccessful(command, status))
    }
}

/// Runs `command` and returns all it wrote, whether it succeeded or not.
pub(crate) fn capture(command: &mut Command) -> Result<Finished, Failure> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| not_started(command, &error))?;
    Ok(Finished {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Runs `command`, returns its standard output, and fails unless it succeeds.
pub(crate) fn stdout_of(command: &mut Command) -> Result<String, Failure> {
    let finished = capture(command)?;
    if finished.status.success() {
        return Ok(finished.stdout);
    }
    Err(Failure::new(format!(
        "{}\n{}",
        unsuccessful(command, finished.status),
        finished.stderr.trim_end()
    )))
}

/// Which of a program's streams [`watch`] reads; the other one stays ours.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// Runs `command`, passes one of its streams on line by line, and shows each line to `see`.
pub(crate) fn watch(
    command: &mut Command,
    stream: Stream,
    mut see: impl FnMut(&str),
) -> Result<ExitStatus, Failure> {
    command.stdin(Stdio::null());
    match stream {
        Stream::Stdout => command.stdout(Stdio::piped()),
        Stream::Stderr => command.stderr(Stdio::piped()),
    };
    let mut child = command
        .spawn()
        .map_err(|error| not_started(command, &error))?;
    let source: Option<Box<dyn Read>> = match stream {
        Stream::Stdout => child.stdout.take().map(|stdout| Box::new(stdout) as _),
        Stream::Stderr => child.stderr.take().map(|stderr| Box::new(stderr) as _),
    };
    if let Some(source) = source {
        let mut reader = BufReader::new(source);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            match stream {
                Stream::Stdout => std::io::stdout().lock().write_all(&line)?,
                Stream::Stderr => std::io::stderr().lock().write_all(&line)?,
            }
            see(String::from_utf8_lossy(&line).trim_end());
            line.clear();
        }
    }
    Ok(child.wait()?)
}

pub(crate) fn unsuccessful(command: &Command, status: ExitStatus) -> Failure {
    Failure::new(format!("`{}` failed: {status}", shown(command)))
}

fn not_started(command: &Command, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot run `{}`: {error}", shown(command)))
}

/// The command as it would be typed, for messages only.
pub(crate) fn shown(command: &Command) -> String {
    let mut shown = command.get_program().to_string_lossy().into_owned();
    for arg in command.get_args() {
        shown.push(' ');
        shown.push_str(&arg.to_string_lossy());
    }
    shown
}
