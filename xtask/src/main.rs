//! The checks and measurements of the Keyferry project.
//!
//! `cargo xtask ci` is the test command: it runs every gate of [`gates::ALL`] in order.
//! Each gate is a command of its own too, so that a red one is repeated alone.

mod bench;
mod ci;
mod failure;
mod gates;
mod process;
mod project;
mod python;
mod tools;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::failure::Failure;
use crate::gates::fuzz;
use crate::project::Project;

fn main() -> ExitCode {
    match run(&command_line().get_matches()) {
        Ok(code) => code,
        Err(failure) => {
            // Nothing is left to do when even the message cannot be written.
            let _ = writeln!(std::io::stderr().lock(), "error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn command_line() -> Command {
    let keep_going = Arg::new("keep-going")
        .long("keep-going")
        .action(ArgAction::SetTrue)
        .help("Run the gates that follow a failed one, too");
    let args = Arg::new("args")
        .num_args(..)
        .trailing_var_arg(true)
        .allow_hyphen_values(true)
        .value_parser(value_parser!(OsString))
        .help("Passed on to the measurements; none runs them all");
    let gates = gates::ALL
        .iter()
        .map(|gate| Command::new(gate.name).about(format!("Check that {}", gate.about)))
        .map(|command| match command.get_name() {
            fuzz::NAME => command.args(fuzz_arguments()),
            _ => command,
        });
    Command::new("xtask")
        .bin_name("cargo xtask")
        .about("The checks and measurements of the Keyferry project")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(Command::new("ci").about("Run every gate").arg(keep_going))
        .subcommands(gates)
        .subcommand(
            Command::new("bench")
                .about("Measure, in release mode")
                .arg(args),
        )
}

fn fuzz_arguments() -> [Arg; 2] {
    [
        Arg::new("seconds")
            .long("seconds")
            .value_parser(value_parser!(u64).range(1..))
            .help("How long each target runs"),
        Arg::new("targets")
            .num_args(..)
            .help("The targets to run; none runs them all"),
    ]
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let project = Project::find()?;
    match matches.subcommand() {
        Some(("ci", matches)) => return ci::run(&project, matches.get_flag("keep-going")),
        Some(("bench", matches)) => {
            let args = matches.get_many::<OsString>("args").unwrap_or_default();
            bench::run(&project, args)?;
        }
        Some((fuzz::NAME, matches)) => {
            let smoke = fuzz::Smoke::new(
                matches.get_one("seconds").copied(),
                matches
                    .get_many("targets")
                    .unwrap_or_default()
                    .cloned()
                    .collect(),
            );
            ci::report(&smoke.run(&project)?)?;
        }
        Some((name, _)) => {
            let gate = gates::ALL
                .iter()
                .find(|gate| gate.name == name)
                .ok_or_else(|| Failure::new(format!("unknown command `{name}`")))?;
            ci::report(&(gate.run)(&project)?)?;
        }
        None => return Err(Failure::new("no command given")),
    }
    Ok(ExitCode::SUCCESS)
}
