//! What a program is provided with: planned once, resolved at the start and after each change.

use std::ffi::OsString;
use std::path::PathBuf;

use keyferry::local::ProcessEnvironment;
use keyferry::{EnvEntry, EnvValue, Error, ErrorKind, Reference, Resolver, SecretValue};
use zeroize::Zeroizing;

use crate::environment::{assignment, entry};
use crate::failure::{Failure, none_of};
use crate::session::Session;
use crate::watch::watched;
use keyferry_mask::{MIN_LEN, Masker};

/// The variables and files to provide, and where their values come from.
pub(super) struct Plan {
    /// The variables first, then the files.
    entries: Vec<EnvEntry>,
    variables: usize,
    resolver: Resolver,
}

/// The variables of a program, as its start takes them.
pub(super) type Environment = Vec<(OsString, Zeroizing<Vec<u8>>)>;

/// The values of a [`Plan`].
#[derive(PartialEq, Eq)]
pub(super) struct Provided {
    variables: Vec<(String, SecretValue)>,
    files: Vec<(String, SecretValue)>,
    /// What must not show in the output, each with its variable, file or reference.
    secrets: Vec<(String, SecretValue)>,
}

impl Plan {
    /// Plans variables and `PATH=REF` files.
    pub(super) fn new(
        variables: Vec<EnvEntry>,
        files: &[String],
        resolver: Resolver,
    ) -> Result<Self, Failure> {
        let mut entries = variables;
        let variables = entries.len();
        let mut errors = Vec::new();
        for flag in files {
            let file = assignment("--file", flag).and_then(|(path, value)| {
                if path.is_empty() || path.ends_with('/') {
                    let message = "a `--file` names no file before its `=`";
                    return Err(Error::new(ErrorKind::InvalidConfig, message));
                }
                entry(path, value)
            });
            match file {
                Ok(file) => entries.push(file),
                Err(error) => errors.push(error),
            }
        }
        none_of(errors)?;
        Ok(Self {
            entries,
            variables,
            resolver,
        })
    }

    /// Resolves everything in one batch, or says everything that is wrong.
    pub(super) fn resolve(&self, session: &Session) -> Result<Provided, Failure> {
        let resolving = EnvEntry::resolve_all(&self.entries, &self.resolver, &ProcessEnvironment);
        let mut variables = session.block_on(resolving)?;
        let secrets = self.secrets(session, &variables)?;
        let files = variables.split_off(self.variables);
        let nul = |(name, value): &(String, SecretValue)| {
            let message = format!("`{name}`: the value holds a NUL byte, which no variable can");
            let refused = value.expose_bytes().contains(&0);
            refused.then(|| {
                Error::new(ErrorKind::Unsupported, message)
                    .with_help("provide it as a file: `--file PATH=REF`")
            })
        };
        none_of(variables.iter().filter_map(nul).collect())?;
        Ok(Provided {
            variables,
            files,
            secrets,
        })
    }

    /// What to watch.
    pub(super) fn watched(&self) -> Vec<Reference> {
        watched(
            self.entries
                .iter()
                .flat_map(|entry| entry.value().references()),
        )
    }

    pub(super) fn resolver(&self) -> Resolver {
        self.resolver.clone()
    }

    /// The secrets in the values: whole values, or what was filled in to a text.
    fn secrets(
        &self,
        session: &Session,
        values: &[(String, SecretValue)],
    ) -> Result<Vec<(String, SecretValue)>, Failure> {
        let mut secrets = Vec::new();
        for (entry, (name, value)) in self.entries.iter().zip(values) {
            let template = match entry.value() {
                EnvValue::Template(template) if template.whole().is_none() => template,
                EnvValue::Template(_) | EnvValue::Reference(_) => {
                    secrets.push((name.clone(), value.clone()));
                    continue;
                }
            };
            let batch = session.block_on(self.resolver.get_many(template.references()));
            for (reference, secret) in template.references().zip(batch.require_all()?) {
                // A value that changed in between would leave the one in the text visible.
                if !contains(value.expose_bytes(), secret.value().expose_bytes()) {
                    secrets.push((name.clone(), value.clone()));
                }
                secrets.push((reference.to_string(), secret.value().clone()));
            }
        }
        Ok(secrets)
    }
}

impl Provided {
    /// The variables of the program.
    pub(super) fn environment(&self) -> Environment {
        let bytes = |value: &SecretValue| Zeroizing::new(value.expose_bytes().to_vec());
        self.variables
            .iter()
            .map(|(name, value)| (OsString::from(name), bytes(value)))
            .collect()
    }

    /// The files of the program.
    pub(super) fn files(&self) -> impl Iterator<Item = (PathBuf, &[u8])> {
        let files = self.files.iter();
        files.map(|(path, value)| (PathBuf::from(path), value.expose_bytes()))
    }

    /// What must not show in the output.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &SecretValue> {
        self.secrets.iter().map(|(_, value)| value)
    }

    /// Says which values are too short to be hidden.
    pub(super) fn warn_of_short(&self) {
        // A final line break, which shells drop, does not make a value long enough.
        let short = |value: &SecretValue| {
            let is_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
            let last = value.expose_bytes().iter().rposition(|b| !is_break(b));
            last.is_some_and(|last| last + 1 < MIN_LEN)
        };
        let mut names: Vec<_> = self
            .secrets
            .iter()
            .filter(|(_, value)| short(value))
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        names.dedup();
        if !names.is_empty() {
            tracing::warn!(
                "values shorter than {MIN_LEN} bytes are not masked: {}",
                names.join(", ")
            );
        }
    }
}

/// Hides secrets, also those in maps and lists.
pub(super) fn masker<'a>(
    secrets: impl IntoIterator<Item = &'a SecretValue>,
) -> Result<Masker, Failure> {
    let mut hidden: Vec<SecretValue> = Vec::new();
    for value in secrets {
        hidden.push(value.clone());
        hidden.extend(texts(value));
    }
    let hidden = hidden.iter().map(SecretValue::expose_bytes);
    let (masker, _) = Masker::new(hidden).map_err(|error| {
        Error::new(ErrorKind::TooLarge, error.to_string())
            .with_help("`--no-mask` runs the program without masking")
    })?;
    Ok(masker)
}

/// The texts in a map or a list, at any depth. Names, numbers and booleans are too ordinary to be
/// hidden wherever they occur. Reading the text once, whatever is nested in it, bounds the work.
fn texts(value: &SecretValue) -> Vec<SecretValue> {
    let mut rest = value.expose_bytes();
    if value.expose_map().is_none() && !rest.trim_ascii_start().starts_with(b"[") {
        return Vec::new();
    }
    let mut found = Vec::new();
    while let Some(begin) = rest.iter().position(|byte| *byte == b'"') {
        let quoted = rest.get(begin..).unwrap_or_default();
        let Some((literal, behind)) = quoted.split_at_checked(literal_len(quoted)) else {
            break;
        };
        if !behind.trim_ascii_start().starts_with(b":") {
            found.extend(unquoted(literal));
        }
        rest = behind;
    }
    found
}

/// The length of the JSON string that `quoted` begins with, both quotes included.
fn literal_len(quoted: &[u8]) -> usize {
    let mut escaped = true;
    let end = quoted.iter().position(|byte| {
        let ends = !escaped && *byte == b'"';
        escaped = !escaped && *byte == b'\\';
        ends
    });
    end.map_or(quoted.len(), |end| end + 1)
}

/// What a JSON string stands for.
fn unquoted(literal: &[u8]) -> Option<SecretValue> {
    let mut object = Zeroizing::new(Vec::with_capacity(literal.len() + 5));
    object.extend_from_slice(br#"{"":"#);
    object.extend_from_slice(literal);
    object.push(b'}');
    SecretValue::bytes(std::mem::take(&mut *object))
        .field("")
        .ok()
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}
