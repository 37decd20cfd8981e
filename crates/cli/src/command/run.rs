//! `keyferry run`: starts a program with secrets in its environment.

mod provided;
mod supervisor;

use std::ffi::OsString;
use std::io;

use clap::Args;
use keyferry::{Error, ErrorKind};

use crate::arguments::with_exit_codes;
use crate::child;
use crate::environment::EnvironmentArguments;
use crate::failure::Failure;
use crate::session::{Session, resolver_of};
use provided::Plan;
use supervisor::{OnChange, Supervisor};

/// Runs a program with secrets as environment variables and hides them in its output
///
/// Everything is resolved in one batch first; if anything fails, the program is not started. What
/// the program writes to stdout and stderr passes through a filter that shows secrets as `****`.
/// On a terminal the program gets a terminal. Signals are passed on, and its exit code is ours.
#[derive(Debug, Args)]
#[command(after_help = with_exit_codes!(
    "Examples:
  keyferry run -- ./server --port 8080
  keyferry run --env DB_PASSWORD=aws:postgres#password -- psql
  keyferry run --file /run/app/tls.key=file://dc/tls.key --watch=HUP -- nginx
  keyferry run --env-file .env.tokens --no-mask -- sh -c 'echo $API_KEY'

The exit code:
  That of the program, 128+n if signal n killed it; 127 if there is no such program, 126 if
  it cannot be executed. Keyferry's own failures have the codes below, and start nothing."
))]
pub(crate) struct Arguments {
    #[command(flatten)]
    environment: EnvironmentArguments,

    /// Provides a private file while the program runs; may be repeated
    #[arg(long = "file", value_name = "PATH=REF")]
    files: Vec<String>,

    /// Lets the program write where this process would, unchanged
    #[arg(long)]
    no_mask: bool,

    /// When a value changes, starts the program again or sends it a signal such as HUP
    #[arg(
        long,
        value_name = "restart|SIGNAL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "restart"
    )]
    watch: Option<OnChange>,

    /// The program and its arguments
    #[arg(value_name = "CMD", last = true, required = true)]
    command: Vec<OsString>,
}

impl Arguments {
    pub(crate) fn execute(self, session: &Session) -> Result<u8, Failure> {
        let config = session.config()?;
        let entries = self.environment.entries(&config)?;
        entries.warn();
        let plan = Plan::new(entries.entries, &self.files, resolver_of(&config)?)?;
        let provided = plan.resolve(session)?;
        if self.no_mask && self.files.is_empty() && self.watch.is_none() {
            let error = child::replace(self.program(provided.environment(), None));
            return Err(self.not_started(error));
        }
        Supervisor::new(&self, session, plan, provided)?.run()
    }

    fn program(
        &self,
        env: provided::Environment,
        masker: Option<keyferry_mask::Masker>,
    ) -> child::Command {
        let mut words = self.command.iter().cloned();
        child::Command {
            program: words.next().unwrap_or_default(),
            args: words.collect(),
            env,
            masker,
        }
    }

    fn not_started(&self, error: io::Error) -> Failure {
        let name = self.command.first().cloned().unwrap_or_default();
        let name = name.display();
        let (message, code) = match error.kind() {
            io::ErrorKind::NotFound => (format!("there is no program `{name}`"), NOT_FOUND),
            io::ErrorKind::PermissionDenied => {
                (format!("`{name}` may not be executed"), NOT_EXECUTABLE)
            }
            _ => (format!("`{name}` cannot be started"), NOT_EXECUTABLE),
        };
        let error = Error::new(ErrorKind::InvalidConfig, message).with_source(error);
        Failure::NotStarted(error, code)
    }
}

/// As shells, `env` and `nohup` have them.
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;
