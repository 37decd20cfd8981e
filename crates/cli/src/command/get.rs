//! `keyferry get`: prints values.

use std::io::{IsTerminal as _, stdout};
use std::path::PathBuf;

use clap::Args;
use keyferry::{Error, ErrorKind, IntoRequest, Request, Secret, SecretValue};

use crate::arguments::{Output, with_exit_codes};
use crate::failure::{Failure, none_of, of_argument};
use crate::secret_buffer::SecretBuffer;
use crate::session::Session;
use crate::{json, output, private_file};

/// Prints the value of a secret, or of several as JSON
///
/// To a pipe or a file the value is printed byte for byte; on a terminal a newline follows it. A
/// map is printed as JSON, a field of it that is no text too.
#[derive(Debug, Args)]
#[command(after_help = with_exit_codes!(
    "Examples:
  keyferry get env:API_KEY
  keyferry get aws:postgres#password
  keyferry get file:db_user file:db_password --json
  keyferry get file://dc/tls.key --out /run/app/tls.key"
))]
pub(crate) struct Arguments {
    /// What to get, such as `env:API_KEY`
    #[arg(value_name = "REF", required = true)]
    references: Vec<String>,

    /// Prints one field of each map
    #[arg(long, value_name = "NAME")]
    field: Option<String>,

    /// Takes each value as it stands, never as a map, and past the cache
    #[arg(long)]
    raw: bool,

    /// Prints a JSON object, keyed by the references as given
    #[arg(long)]
    json: bool,

    /// Writes to a file of mode 0600 instead, in one step
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Arguments {
    pub(crate) fn execute(self, session: &Session) -> Result<(), Failure> {
        let values = self.values(session)?;
        let as_json = self.json || session.output() == Output::Json || self.references.len() > 1;
        let mut text = SecretBuffer::default();
        let content = match values.as_slice() {
            [(_, value)] if !as_json => value.expose_bytes(),
            values => {
                let entries = values.iter().map(|(name, value)| (*name, value));
                json::push_object(&mut text, entries, json::push_value);
                text.push_str("\n");
                text.as_bytes()
            }
        };
        match &self.out {
            Some(path) => Ok(private_file::write(path, content)?),
            None if !as_json && stdout().is_terminal() => show(content),
            None => output::write(content),
        }
    }

    /// The value of each reference, or every failure.
    fn values(&self, session: &Session) -> Result<Vec<(&str, SecretValue)>, Failure> {
        let resolver = session.resolver()?;
        // The same reference twice is one key of the object.
        let mut asked: Vec<Asked<'_>> = Vec::new();
        for (index, text) in self.references.iter().enumerate() {
            if !asked.iter().any(|other| other.text == text) {
                let raw = self.raw && self.field.is_none();
                asked.push(Asked { text, index, raw });
            }
        }
        let batch = session.block_on(resolver.get_many(asked.iter().copied()));
        let (mut values, mut errors) = (Vec::new(), Vec::new());
        for (asked, item) in asked.into_iter().zip(batch) {
            let known = item.reference().is_some();
            match Result::from(item).and_then(|secret| self.picked(&secret, asked.text)) {
                Ok(value) => values.push((asked.text, value)),
                Err(error) if known => errors.push(error),
                Err(error) => errors.push(of_argument(asked.index + 1, &error)),
            }
        }
        none_of(errors)?;
        Ok(values)
    }

    /// The field that `--field` names, or what the reference named.
    fn picked(&self, secret: &Secret, text: &str) -> Result<SecretValue, Error> {
        let Some(name) = &self.field else {
            return Ok(secret.value().clone());
        };
        let field = secret
            .value()
            .field(name)
            .map_err(|error| error.with_reference(text))?;
        Ok(if self.raw { field.raw() } else { field })
    }
}

/// One reference of the command line.
#[derive(Clone, Copy)]
struct Asked<'a> {
    text: &'a str,
    index: usize,
    raw: bool,
}

impl<'a> IntoRequest<'a> for Asked<'_> {
    fn into_request(self) -> keyferry::Result<Request<'a>> {
        let request = self.text.into_request()?;
        Ok(if self.raw { request.raw() } else { request })
    }
}

/// Shows a value on a terminal.
fn show(content: &[u8]) -> Result<(), Failure> {
    if std::str::from_utf8(content).is_err() {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "the value is binary and stdout is a terminal",
        )
        .with_help("pipe it, write it with `--out FILE`, or print base64 with `--json`")
        .into());
    }
    output::write(content)?;
    output::write(b"\n")
}
