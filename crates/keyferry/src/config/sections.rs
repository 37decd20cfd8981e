//! From what was read to what it means: checked, typed, and every failure placed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use keyferry_core::{BackendName, Error, ErrorKind};
use keyferry_local::Environment;
use keyferry_yaml::{Document, Path as KeyPath, PathSegment, YamlError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::check::Check;
use super::secrets::{self, Secrets};
use super::{Config, NamedBackend, expand};
use crate::env_map::{EnvEntry, EnvValue, check_name};
use crate::failure::{Failure, Failures};

/// The configuration of Keyferry.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "keyferry.yaml", rename = "Keyferry")]
pub(super) struct Sections {
    /// The backends, the cache, and what to load at start.
    #[serde(deserialize_with = "secrets::empty_as_default")]
    secrets: Secrets,
    /// What `run` and `export` provide: names of environment variables, each with a reference, or
    /// with a text that holds `${…}` tokens.
    #[serde(deserialize_with = "secrets::empty_as_default")]
    env: BTreeMap<String, String>,
}

impl Config {
    /// Checks and types what was read.
    pub(super) fn checked(
        document: &Document,
        mut value: Value,
        path: &Path,
        environment: Arc<dyn Environment>,
    ) -> Result<Self, Failures> {
        let file = path.display().to_string();
        let mut check = Check::new(document, &file);
        if let Some(secrets) = value.get_mut("secrets") {
            expand::section(secrets, &mut check, &*environment);
        }
        check.against_schema(&value, &Self::json_schema());
        let env = env_entries(document, &value, &mut check);
        let names = backend_names(document, &value, &mut check);
        Failures::none_of(check.into_failures())?;
        let typed: Sections = deserialized(&value, document, &file)?;
        let backends = names
            .into_iter()
            .filter_map(|(name, line)| {
                let backend = typed.secrets.backends.get(name.as_str())?.clone();
                let line = Some(line);
                Some(NamedBackend {
                    name,
                    backend,
                    line,
                })
            })
            .collect();
        let config = Self {
            path: Some(path.to_owned()),
            secrets: typed.secrets,
            backends,
            env,
            environment,
        };
        let mut check = Check::new(document, &file);
        config.check_meaning(&mut check);
        Failures::none_of(check.into_failures())?;
        Ok(config)
    }

    /// What no schema can say.
    fn check_meaning(&self, check: &mut Check<'_>) {
        for (index, declaration) in self.secrets.load.iter().enumerate() {
            let path = [
                PathSegment::Key("secrets"),
                PathSegment::Key("load"),
                PathSegment::Index(index),
            ];
            let Some((name, _)) = declaration.split_once(':') else {
                let help = "write `backend:pattern`, such as `aws:*`";
                check.fail(&path, "the declaration has no `:`", Some(help));
                continue;
            };
            let mut names = self.backends.iter().map(|backend| backend.name.as_str());
            if !names.any(|known| known == name) {
                let known: Vec<_> = self.backends.iter().map(|b| b.name.as_str()).collect();
                check.unknown(&path, "there is no backend named", name, &known);
            }
        }
        for NamedBackend { name, backend, .. } in &self.backends {
            let path = ["secrets", "backends", name.as_str()].map(PathSegment::Key);
            if let Err((what, help)) = backend.check(&*self.environment) {
                check.fail(&path, &what, Some(help));
            }
        }
    }
}

fn env_entries(document: &Document, value: &Value, check: &mut Check<'_>) -> Vec<EnvEntry> {
    let mut entries = Vec::new();
    let Some(env) = value.get("env").and_then(|_| document.root().entry("env")) else {
        return entries;
    };
    for entry in env.value().entries() {
        let path = ["env", entry.key()].map(PathSegment::Key);
        let Some(text) = entry.value().text() else {
            continue;
        };
        let parsed = check_name(entry.key())
            .and_then(|()| EnvValue::parse(text))
            .and_then(|value| EnvEntry::new(entry.key(), value));
        match parsed {
            Ok(parsed) => {
                entries.push(parsed.with_origin(check.file(), entry.key_span().line));
            }
            // A value of another type is reported already.
            Err(_) if check.has_failed(&path) => {}
            Err(error) => check.error(&path, &error),
        }
    }
    entries
}

/// The names of the backends, in the order of the file.
fn backend_names(
    document: &Document,
    value: &Value,
    check: &mut Check<'_>,
) -> Vec<(BackendName, usize)> {
    let parent = ["secrets", "backends"].map(PathSegment::Key);
    let known = value.pointer("/secrets/backends").is_some();
    let Some(backends) = document.find(&parent).filter(|_| known) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    for entry in backends.entries() {
        match BackendName::new(entry.key()) {
            Ok(name) => names.push((name, entry.key_span().line)),
            Err(error) => {
                let path = ["secrets", "backends", entry.key()].map(PathSegment::Key);
                check.error(&path, &error);
            }
        }
    }
    names
}

/// What passed the schema has the types, so this fails only where the two have drifted apart.
fn deserialized(value: &Value, document: &Document, file: &str) -> Result<Sections, Failures> {
    if value.is_null() {
        return Ok(Sections::default());
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path: KeyPath<'_> = error
            .path()
            .iter()
            .filter_map(|segment| match segment {
                serde_path_to_error::Segment::Map { key } => Some(PathSegment::Key(key)),
                serde_path_to_error::Segment::Seq { index } => Some(PathSegment::Index(*index)),
                _ => None,
            })
            .collect();
        // The message of the cause could hold the value.
        let line = document.nearest(path.segments()).line;
        let error = Error::new(ErrorKind::InvalidConfig, "the value is not of its type");
        Failure::at(file, line, path.to_string(), &error).into()
    })
}

pub(super) fn yaml_failure(path: &Path, error: &YamlError) -> Failures {
    let (line, column) = (error.line(), error.column());
    let message = format!("{}:{line}:{column}: {}", path.display(), error.message());
    Failure::new(
        Some(line),
        "",
        Error::new(ErrorKind::InvalidConfig, message),
    )
    .into()
}
