//! What the command line takes.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, ValueEnum};

use crate::command::Command;

/// Carries secrets from wherever they are kept to the application that may have them
///
/// References name a secret: `backend:key`, `backend:key#field`, `file://mount/path`,
/// `openbao+kv2://mount/path#field`, `secret://environment/service/type/name`.
/// Backends are named in keyferry.yaml, which is looked for in the working directory and above.
#[derive(Debug, Parser)]
#[command(
    name = "keyferry",
    version,
    arg_required_else_help = true,
    after_help = crate::arguments::with_exit_codes!(
        "Examples:
  keyferry get env:API_KEY
  keyferry run -- ./server --port 8080
  keyferry render config.yaml --out /run/app/config.yaml"
    )
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// The configuration [default: $KEYFERRY_CONFIG, else the nearest keyferry.yaml upward]
    #[arg(long, global = true, value_name = "FILE", help_heading = GLOBAL)]
    pub(crate) config: Option<PathBuf>,

    /// How results and errors are written
    #[arg(long, global = true, value_enum, default_value_t = Output::Human, help_heading = GLOBAL)]
    pub(crate) output: Output,

    /// Says nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = GLOBAL)]
    pub(crate) quiet: bool,

    /// Says more; twice for every step
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = GLOBAL)]
    pub(crate) verbose: u8,
}

/// For whom results and errors are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people
    Human,
    /// For programs
    Json,
}

const GLOBAL: &str = "Global options";

/// The end of every help: examples, then what the exit codes mean.
macro_rules! with_exit_codes {
    ($examples:literal) => {
        concat!(
            $examples,
            "

Exit codes:
  0  ok
  1  internal failure, or the result could not be written
  2  usage, invalid reference or configuration
  3  authentication failed
  4  denied
  5  not found
  6  conflict
  7  unavailable: unreachable, too slow, or not understood
  Of several failures, the first of 1, 3, 4, 2, 7, 6, 5 counts."
        )
    };
}
pub(crate) use with_exit_codes;

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example_and_the_exit_codes() {
        let program = Arguments::command();
        for command in program.get_subcommands() {
            let help = command.get_after_help().unwrap().to_string();
            let name = command.get_name();
            assert!(help.contains(&format!("keyferry {name}")), "{name}");
            assert!(help.contains("Exit codes:"), "{name}");
        }
    }
}
