//! Results on stdout.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd as _;

use crate::failure::Failure;

/// Writes a result past the buffer of the standard library, which would keep a copy of it.
pub(crate) fn write(bytes: &[u8]) -> Result<(), Failure> {
    let stdout = io::stdout().as_fd().try_clone_to_owned()?;
    File::from(stdout).write_all(bytes)?;
    Ok(())
}

/// Writes a result of programs: one line of JSON.
pub(crate) fn write_json(value: &serde_json::Value) -> Result<(), Failure> {
    write(format!("{value}\n").as_bytes())
}

/// The exit code of a report, however much of it was read: `keyferry check | head -1` must not
/// turn a failure into a success.
pub(crate) fn reported(written: Result<(), Failure>, code: u8) -> Result<u8, Failure> {
    match written {
        Ok(()) | Err(Failure::ClosedPipe) => Ok(code),
        Err(failure) => Err(failure),
    }
}
