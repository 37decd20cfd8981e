//! The `keyferry` command line.

mod arguments;
mod child;
mod command;
mod environment;
mod failure;
mod json;
mod log;
mod output;
mod panic;
mod private_file;
mod secret_buffer;
mod session;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue, ErrorKind as ClapErrorKind};

use arguments::{Arguments, Output};
use failure::Failure;

fn main() -> ExitCode {
    panic::install();
    std::panic::catch_unwind(program).unwrap_or(ExitCode::from(panic::EXIT_CODE))
}

fn program() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refused(error),
    };
    let global = arguments.global;
    log::install(&global);
    let output = global.output;
    let result = arguments.command.execute(global);
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            failure.report(output);
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Shows the help that was asked for, or says what is wrong with the arguments.
fn refused(mut error: clap::Error) -> ExitCode {
    withhold(&mut error);
    let asked_for = matches!(
        error.kind(),
        ClapErrorKind::DisplayHelp | ClapErrorKind::DisplayVersion
    );
    if !asked_for && wants_json(std::env::args_os()) {
        let message = error.to_string();
        // What is missing follows on lines of its own, up to an empty one.
        let lines = message.lines().take_while(|line| !line.is_empty());
        let line = lines.map(str::trim).collect::<Vec<_>>().join(" ");
        Failure::usage(line.trim_start_matches("error: ")).report(Output::Json);
    } else {
        // There is nobody left to tell when the stream is gone.
        let _ = error.print();
    }
    ExitCode::from(if asked_for { 0 } else { USAGE })
}

/// Takes what cannot be a word of ours out of the message: it may be a secret in the wrong place.
fn withhold(error: &mut clap::Error) {
    let lower = |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    // A flag, or the name of an argument of ours, as `<SHELL>` and `--output <OUTPUT>`.
    let ours = |text: &str| (text.starts_with("--") && lower(text)) || text.ends_with('>');
    for kind in [
        ContextKind::InvalidValue,
        ContextKind::InvalidArg,
        ContextKind::InvalidSubcommand,
    ] {
        if let Some(ContextValue::String(text)) = error.get(kind)
            && (kind == ContextKind::InvalidValue || !ours(text))
        {
            error.insert(kind, ContextValue::String("…".to_owned()));
            // The tip repeats it.
            error.remove(ContextKind::Suggested);
        }
    }
}

/// Whether arguments that could not be parsed ask for JSON.
fn wants_json(arguments: impl Iterator<Item = OsString>) -> bool {
    let mut previous = OsString::new();
    for argument in arguments {
        if argument == "--" {
            break;
        }
        if argument == "--output=json" || (previous == "--output" && argument == "json") {
            return true;
        }
        previous = argument;
    }
    false
}

const USAGE: u8 = 2;
