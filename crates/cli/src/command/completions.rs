//! `keyferry completions`: prints what a shell needs to complete commands.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::arguments::with_exit_codes;
use crate::failure::Failure;
use crate::output;

/// Prints the completions for a shell
#[derive(Debug, Args)]
#[command(after_help = with_exit_codes!(
    "Examples:
  keyferry completions bash > ~/.local/share/bash-completion/completions/keyferry
  keyferry completions zsh > ~/.zfunc/_keyferry
  keyferry completions fish > ~/.config/fish/completions/keyferry.fish"
))]
pub(crate) struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Arguments {
    pub(crate) fn execute(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        let mut program = crate::arguments::Arguments::command();
        clap_complete::generate(self.shell, &mut program, "keyferry", &mut script);
        output::write(&script)
    }
}
