//! `${VAR}` in the `secrets:` section.

use keyferry_core::{Error, ErrorKind, Reference, Result, Template};
use keyferry_local::Environment;
use keyferry_yaml::PathSegment;
use serde_json::Value;

use super::check::Check;
use crate::tokens::variables;

/// Fills in every string of the section.
pub(super) fn section(section: &mut Value, check: &mut Check<'_>, environment: &dyn Environment) {
    let mut failures = Vec::new();
    walk(
        section,
        &mut vec![Step::Key("secrets".to_owned())],
        environment,
        &mut failures,
    );
    for (path, error) in failures {
        let path: Vec<_> = path.iter().map(Step::segment).collect();
        check.error(&path, &error);
    }
}

#[derive(Clone)]
enum Step {
    Key(String),
    Index(usize),
}

impl Step {
    fn segment(&self) -> PathSegment<'_> {
        match self {
            Self::Key(key) => PathSegment::Key(key),
            Self::Index(index) => PathSegment::Index(*index),
        }
    }
}

type Failed = Vec<(Vec<Step>, Error)>;

fn walk(
    value: &mut Value,
    path: &mut Vec<Step>,
    environment: &dyn Environment,
    failed: &mut Failed,
) {
    match value {
        Value::String(text) if text.contains("${") => match filled(text, environment) {
            Ok(filled) => *text = filled,
            Err(error) => failed.push((path.clone(), error)),
        },
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                path.push(Step::Index(index));
                walk(item, path, environment, failed);
                path.pop();
            }
        }
        Value::Object(entries) => {
            for (key, entry) in entries.iter_mut() {
                path.push(Step::Key(key.clone()));
                walk(entry, path, environment, failed);
                path.pop();
            }
        }
        _ => {}
    }
}

fn filled(text: &str, environment: &dyn Environment) -> Result<String> {
    let template = Template::parse(text)?;
    let variables = variables(&template, environment)?;
    let filled = template.fill(
        |name| variables.get(name).cloned(),
        |reference| Err(circular(reference)),
    )?;
    Ok(filled.to_string())
}

fn circular(reference: &Reference) -> Error {
    let message = format!("the secret `{reference}` is used where backends are configured");
    Error::new(ErrorKind::InvalidConfig, message).with_help(
        "a backend cannot need a secret to be found; use an environment variable, or write `$${` for a literal `${`",
    )
}
