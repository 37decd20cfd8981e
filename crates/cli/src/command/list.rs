//! `keyferry list`: prints names.

use clap::Args;

use crate::arguments::{Output, with_exit_codes};
use crate::failure::{Failure, printable};
use crate::output;
use crate::session::Session;

/// Lists the names of secrets, sorted, never their values
#[derive(Debug, Args)]
#[command(after_help = with_exit_codes!(
    "Examples:
  keyferry list 'file:*'
  keyferry list 'aws:db_*' --json"
))]
pub(crate) struct Arguments {
    /// A backend and a glob: `*`, `?`, `[…]`, `[!…]`
    #[arg(value_name = "BACKEND:PATTERN")]
    pattern: String,

    /// Prints a JSON list
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(crate) fn execute(self, session: &Session) -> Result<(), Failure> {
        let resolver = session.resolver()?;
        let names = session.block_on(resolver.list(&self.pattern))?;
        if self.json || session.output() == Output::Json {
            return output::write_json(&names.into());
        }
        let lines: String = names
            .iter()
            .map(|name| format!("{}\n", printable(name)))
            .collect();
        output::write(lines.as_bytes())
    }
}
