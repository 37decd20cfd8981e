//! The variables that `run` and `export` provide, from flags, files and the configuration.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use keyferry::local::DotenvText;
use keyferry::{Config, EnvEntry, EnvValue, Error, ErrorKind};
use zeroize::Zeroizing;

use crate::failure::{Failure, none_of, prefixed};

/// Variables besides those under `env:` of the configuration.
#[derive(Debug, Args)]
pub(crate) struct EnvironmentArguments {
    /// Provides a variable, whatever else says; may be repeated
    #[arg(long = "env", value_name = "NAME=REF")]
    flags: Vec<String>,

    /// Provides the variables of a dotenv file, whose values may hold `${…}` tokens or be a
    /// `secret://…`; a later file counts over an earlier one, and all over the configuration
    #[arg(long = "env-file", value_name = "FILE")]
    env_files: Vec<PathBuf>,
}

/// Variables and where their values come from, each name once.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    pub(crate) entries: Vec<EnvEntry>,
    /// Lines of files that are no entries.
    pub(crate) malformed: Vec<Error>,
}

impl EnvironmentArguments {
    /// All variables: flags count over files, and files over the configuration.
    ///
    /// # Errors
    /// Everything in flags and files that can be no variable.
    pub(crate) fn entries(&self, config: &Config) -> Result<Entries, Failure> {
        let mut all = Entries::default();
        let mut errors = Vec::new();
        for entry in config.env() {
            all.put(entry.clone());
        }
        for path in &self.env_files {
            if let Err(error) = all.put_file(path, &mut errors) {
                errors.push(error);
            }
        }
        for flag in &self.flags {
            match assignment("--env", flag).and_then(|(name, value)| entry(name, value)) {
                Ok(entry) => all.put(entry),
                Err(error) => errors.push(error),
            }
        }
        none_of(errors)?;
        Ok(all)
    }
}

impl Entries {
    /// Says which lines were skipped.
    pub(crate) fn warn(&self) {
        for error in &self.malformed {
            tracing::warn!("{error}, and is skipped");
        }
    }

    fn put(&mut self, entry: EnvEntry) {
        match self
            .entries
            .iter_mut()
            .find(|known| known.name() == entry.name())
        {
            Some(known) => *known = entry,
            None => self.entries.push(entry),
        }
    }

    fn put_file(&mut self, path: &Path, errors: &mut Vec<Error>) -> Result<(), Error> {
        let shown = path.display();
        let parsed = DotenvText::parse(&text_of(path)?);
        for line in parsed.malformed {
            let message = format!("line {line} of `{shown}` is not `KEY=VALUE`");
            self.malformed.push(
                Error::new(ErrorKind::Malformed, message)
                    .with_help("correct the line, or start it with `#`"),
            );
        }
        for (name, value) in parsed.entries {
            let value = EnvValue::parse_env_file_value(&value);
            match value.and_then(|value| EnvEntry::new(name.as_str(), value)) {
                Ok(entry) => self.put(entry),
                Err(error) => {
                    errors.push(prefixed(&format!("`{shown}`: {}", named(&name)), &error));
                }
            }
        }
        Ok(())
    }
}

/// The two sides of `NAME=REF`. What stands there may be a secret in the wrong place, such as
/// base64 with its final `=`: it is not echoed.
pub(crate) fn assignment<'a>(flag: &str, text: &'a str) -> Result<(&'a str, &'a str), Error> {
    let wrong = |what: &str| {
        Error::new(
            ErrorKind::InvalidConfig,
            format!("a `{flag}` has no {what}"),
        )
        .with_help(format!("write `{flag} NAME=REF`"))
    };
    match text.split_once('=') {
        None => Err(wrong("`=`")),
        Some((_, value)) if value.is_empty() || value.starts_with('=') => {
            Err(wrong("reference behind its `=`"))
        }
        Some(sides) => Ok(sides),
    }
}

/// The entry of a flag.
pub(crate) fn entry(name: &str, value: &str) -> Result<EnvEntry, Error> {
    EnvValue::parse(value)
        .and_then(|value| EnvEntry::new(name, value))
        .map_err(|error| prefixed(&named(name), &error))
}

/// A name as it may be shown: only what can be a variable.
fn named(name: &str) -> String {
    let part = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if !name.is_empty() && name.bytes().all(part) {
        format!("`{name}`")
    } else {
        "a name that no variable has".to_owned()
    }
}

/// The text of a file that may hold secrets.
pub(crate) fn text_of(path: &Path) -> Result<Zeroizing<String>, Error> {
    let wrong = |message: String| Error::new(ErrorKind::InvalidConfig, message);
    let shown = path.display();
    let unreadable = |error| wrong(format!("`{shown}` cannot be read")).with_source(error);
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let capacity = usize::try_from(size.min(MAX_TEXT)).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity + 1));
    file.take(MAX_TEXT + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > MAX_TEXT {
        return Err(wrong(format!("`{shown}` is larger than 16 MiB")));
    }
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(wrong(format!("`{shown}` is not UTF-8 text")))
        }
    }
}

const MAX_TEXT: u64 = 16 * 1024 * 1024;
