//! `keyferry man`: prints manual pages.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use clap_mangen::Man;
use keyferry::{Error, ErrorKind};

use crate::arguments::with_exit_codes;
use crate::failure::Failure;
use crate::output;

/// Prints the manual page of keyferry or of one command
#[derive(Debug, Args)]
#[command(after_help = with_exit_codes!(
    "Examples:
  keyferry man run | man -l -
  keyferry man --out ~/.local/share/man/man1"
))]
pub(crate) struct Arguments {
    /// The command
    #[arg(value_name = "COMMAND")]
    command: Option<String>,

    /// Writes every page to this directory instead
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    out: Option<PathBuf>,
}

impl Arguments {
    pub(crate) fn execute(self) -> Result<(), Failure> {
        let mut program = crate::arguments::Arguments::command();
        program.build();
        let pages: Vec<Man> = std::iter::once(&program)
            .chain(program.get_subcommands())
            .filter(|command| command.get_name() != "help")
            .map(|command| Man::new(command.clone()))
            .collect();
        let Some(directory) = &self.out else {
            let wanted = match &self.command {
                Some(name) => format!("keyferry-{name}.1"),
                None => "keyferry.1".to_owned(),
            };
            let page = pages.iter().find(|page| page.get_filename() == wanted);
            let page = page.ok_or_else(|| Failure::usage("there is no such command"))?;
            return output::write(&rendered(page)?);
        };
        for page in &pages {
            let path = directory.join(page.get_filename());
            std::fs::write(&path, rendered(page)?).map_err(|error| {
                let message = format!("`{}` cannot be written", path.display());
                Error::new(ErrorKind::Internal, message).with_source(error)
            })?;
        }
        Ok(())
    }
}

fn rendered(page: &Man) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    page.render(&mut text)?;
    Ok(text)
}
