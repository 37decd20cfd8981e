//! One file a command.

mod check;
mod completions;
mod doctor;
mod explain;
mod export;
mod get;
mod list;
mod man;
mod render;
mod run;

use clap::Subcommand;

use crate::arguments::Global;
use crate::failure::Failure;
use crate::session::Session;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Get(get::Arguments),
    List(list::Arguments),
    Run(run::Arguments),
    Render(render::Arguments),
    Export(export::Arguments),
    Check(check::Arguments),
    Explain(explain::Arguments),
    Doctor(doctor::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

impl Command {
    /// Does it, and says how the process exits.
    pub(crate) fn execute(self, global: Global) -> Result<u8, Failure> {
        let session = || Session::new(global);
        match self {
            Self::Get(arguments) => arguments.execute(&session()?).map(|()| 0),
            Self::List(arguments) => arguments.execute(&session()?).map(|()| 0),
            Self::Run(arguments) => arguments.execute(&session()?),
            Self::Render(arguments) => arguments.execute(&session()?).map(|()| 0),
            Self::Export(arguments) => arguments.execute(&session()?).map(|()| 0),
            Self::Check(arguments) => arguments.execute(&session()?),
            Self::Explain(arguments) => arguments.execute(&session()?).map(|()| 0),
            Self::Doctor(arguments) => arguments.execute(&session()?),
            // These handle no secrets, and write files that others may read.
            Self::Completions(arguments) => arguments.execute().map(|()| 0),
            Self::Man(arguments) => arguments.execute().map(|()| 0),
        }
    }
}
