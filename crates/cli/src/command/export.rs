//! `keyferry export`: prints variables for other programs to read.

mod dotenv;
mod format;
#[cfg(test)]
mod tests;

use clap::Args;
use keyferry::EnvEntry;
use keyferry::local::ProcessEnvironment;

use crate::arguments::with_exit_codes;
use crate::environment::EnvironmentArguments;
use crate::failure::Failure;
use crate::output;
use crate::session::{Session, resolver_of};
use format::{Format, Variable, github_masks};

/// Prints the variables of `env:` for another program to read
///
/// Each format is read back by its consumer byte for byte. A value that a format cannot carry is
/// refused: then nothing is printed.
#[derive(Debug, Args)]
#[command(after_help = with_exit_codes!(
    "Examples:
  eval \"$(keyferry export --format shell)\"
  keyferry export --format docker > app.env
  keyferry export --format k8s --name app | kubectl apply -f -
  keyferry export --format github --masks
  keyferry export --format github >> \"$GITHUB_ENV\""
))]
pub(crate) struct Arguments {
    /// Who reads it
    #[arg(long, value_enum)]
    format: Format,

    #[command(flatten)]
    environment: EnvironmentArguments,

    /// The name of the Kubernetes Secret
    #[arg(long, default_value = "keyferry")]
    name: String,

    /// Prints, in place of the variables, the `::add-mask::` commands that hide them in the log
    #[arg(long)]
    masks: bool,
}

impl Arguments {
    pub(crate) fn execute(self, session: &Session) -> Result<(), Failure> {
        if self.masks && self.format != Format::Github {
            return Err(Failure::usage("`--masks` goes with `--format github`"));
        }
        if !is_object_name(&self.name) {
            return Err(Failure::usage(
                "`--name` is no name of a Kubernetes object: it takes a-z, 0-9, `-` and `.`",
            ));
        }
        let config = session.config()?;
        let entries = self.environment.entries(&config)?;
        entries.warn();
        let resolver = resolver_of(&config)?;
        let resolving = EnvEntry::resolve_all(&entries.entries, &resolver, &ProcessEnvironment);
        let values = session.block_on(resolving)?;
        let variables: Vec<Variable<'_>> = values
            .iter()
            .map(|(name, value)| (name.as_str(), value))
            .collect();
        if self.masks {
            return output::write(github_masks(&variables).as_bytes());
        }
        output::write(self.format.write(&variables, &self.name)?.as_bytes())
    }
}

/// Whether Kubernetes takes the name: a DNS subdomain.
fn is_object_name(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}
