//! `keyferry explain`: says what would be asked of whom, without asking.

use std::fmt::Write as _;

use clap::Args;
use keyferry::{Explanation, Reference};
use serde_json::json;

use crate::arguments::{Output, with_exit_codes};
use crate::failure::{Failure, machine, message};
use crate::output;
use crate::session::Session;

/// Shows where a reference leads, without fetching anything
///
/// A reference that nothing serves is explained too: its backend is null.
#[derive(Debug, Args)]
#[command(after_help = with_exit_codes!(
    "Examples:
  keyferry explain aws:postgres#password
  keyferry explain file://dc/ldap.json --output json"
))]
pub(crate) struct Arguments {
    /// What to explain
    #[arg(value_name = "REF")]
    reference: String,
}

impl Arguments {
    pub(crate) fn execute(self, session: &Session) -> Result<(), Failure> {
        // What is no reference is said before what is no configuration.
        Reference::parse(&self.reference)?;
        let explanation = session.resolver()?.explain(&self.reference)?;
        match session.output() {
            Output::Json => output::write_json(&self.object(&explanation)),
            Output::Human => output::write(lines(&explanation).as_bytes()),
        }
    }

    fn object(&self, explanation: &Explanation) -> serde_json::Value {
        let reference = &explanation.reference;
        let route = explanation.route.as_ref();
        json!({
            "reference": self.reference,
            "canonical": reference.canonical(),
            "kind": reference.kind().name(),
            "backend": route.ok().map(|route| route.backend.as_str()),
            "type": route.ok().map(|route| route.kind),
            "key": reference.key(),
            "asked_for": route.ok().map(|route| &route.full_name),
            "field": reference.field(),
            "version": reference.version(),
            "cache": {
                "state": explanation.cache.name(),
                "age_seconds": explanation.age.map(|age| age.as_secs()),
            },
            "error": route.err().map(machine),
        })
    }
}

fn lines(explanation: &Explanation) -> String {
    let reference = &explanation.reference;
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name:<10} {value}");
    };
    line("canonical", reference.canonical());
    line("kind", reference.kind().name());
    match &explanation.route {
        Ok(route) => {
            line("backend", &format!("{} ({})", route.backend, route.kind));
            line("asked for", &route.full_name);
        }
        Err(error) => {
            line("backend", "none");
            line("reason", &message(error));
            if let Some(help) = error.help() {
                line("help", help);
            }
        }
    }
    if let Some(field) = reference.field() {
        line("field", field);
    }
    if let Some(version) = reference.version() {
        line("version", version);
    }
    let age = explanation
        .age
        .map(|age| format!(", {} s old", age.as_secs()));
    let cache = explanation.cache.name();
    line("cache", &format!("{cache}{}", age.unwrap_or_default()));
    text
}
