//! What is wrong with a configuration, judged by its own JSON Schema, all of it at once.

use keyferry_core::{BackendName, Error, ErrorKind};
use keyferry_yaml::{Document, Path, PathSegment};
use serde_json::{Map, Value};

use super::backend::{LATER, unbuilt};
use super::time_span::TimeSpan;
use crate::failure::{Failure, reworded};

/// Collects the failures of one file.
pub(super) struct Check<'a> {
    document: &'a Document,
    file: &'a str,
    failures: Vec<Failure>,
}

impl<'a> Check<'a> {
    pub(super) fn new(document: &'a Document, file: &'a str) -> Self {
        Self {
            document,
            file,
            failures: Vec::new(),
        }
    }

    /// Compares a value with the schema it should have.
    pub(super) fn against_schema(&mut self, value: &Value, schema: &Value) {
        let walk = Walk {
            definitions: schema.get("$defs").and_then(Value::as_object),
        };
        // An empty file has no sections.
        if !value.is_null() {
            walk.visit(self, value, schema, &mut Vec::new());
        }
    }

    /// The failures, in the order of the file.
    pub(super) fn into_failures(mut self) -> Vec<Failure> {
        self.failures.sort_by_key(Failure::line);
        self.failures
    }

    pub(super) fn file(&self) -> &'a str {
        self.file
    }

    pub(super) fn has_failed(&self, path: &[PathSegment<'_>]) -> bool {
        let path = shown(path);
        self.failures.iter().any(|failure| failure.path() == path)
    }

    /// Notes a failure of the value at `path`.
    pub(super) fn fail(&mut self, path: &[PathSegment<'_>], what: &str, help: Option<&str>) {
        let error = Error::new(ErrorKind::InvalidConfig, what);
        let error = help.into_iter().fold(error, Error::with_help);
        self.error(path, &error);
    }

    /// Notes an error about the value at `path`.
    pub(super) fn error(&mut self, path: &[PathSegment<'_>], error: &Error) {
        let name = shown(path);
        let what = match name.as_str() {
            "" => error.to_string(),
            name => format!("`{name}`: {error}"),
        };
        self.place(path, name, error, &what);
    }

    /// Notes that a name is none of those that are known. What cannot be one is not shown: it may
    /// be a secret in the wrong place.
    pub(super) fn unknown(
        &mut self,
        path: &[PathSegment<'_>],
        what: &str,
        name: &str,
        known: &[&str],
    ) {
        let message = match BackendName::new(name) {
            Ok(name) => format!("{what} `{name}`"),
            Err(_) => format!("{what} like this"),
        };
        self.fail(path, &message, Some(&choice(name, known)));
    }

    fn unknown_key(&mut self, path: &[PathSegment<'_>], key: &str, known: &[&str]) {
        let parents = path.split_last().map_or(path, |(_, parents)| parents);
        let key_shown = key.escape_debug();
        let what = match shown(parents).as_str() {
            "" => format!("unknown key `{key_shown}`"),
            section => format!("unknown key `{key_shown}` in `{section}`"),
        };
        let error = Error::new(ErrorKind::InvalidConfig, &*what).with_help(choice(key, known));
        self.place(path, shown(path), &error, &what);
    }

    fn place(&mut self, path: &[PathSegment<'_>], name: String, error: &Error, what: &str) {
        let span = self.document.nearest(path);
        let message = format!("{}:{}:{}: {what}", self.file, span.line, span.column);
        let error = reworded(error, message);
        self.failures
            .push(Failure::new(Some(span.line), name, error));
    }
}

/// A walk along a value and its schema.
struct Walk<'s> {
    definitions: Option<&'s Map<String, Value>>,
}

impl<'s> Walk<'s> {
    fn visit<'v>(
        &self,
        check: &mut Check<'_>,
        value: &'v Value,
        schema: &'s Value,
        path: &mut Vec<PathSegment<'v>>,
    ) {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            let name = name.trim_start_matches("#/$defs/");
            let definition = self.definitions.and_then(|all| all.get(name));
            match definition {
                _ if name == TimeSpan::NAME => time_span(check, value, path),
                Some(definition) => self.visit(check, value, definition, path),
                None => {}
            }
        } else if let Some(variants) = schema.get("oneOf").and_then(Value::as_array) {
            self.visit_variant(check, value, variants, path);
        } else if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
            self.visit_choices(check, value, choices, path);
        } else {
            self.visit_typed(check, value, schema, path);
        }
    }

    /// A map whose `type` says which of several schemas it has.
    fn visit_variant<'v>(
        &self,
        check: &mut Check<'_>,
        value: &'v Value,
        variants: &'s [Value],
        path: &mut Vec<PathSegment<'v>>,
    ) {
        let kinds: Vec<_> = variants.iter().filter_map(kind_of).collect();
        if !value.is_object() {
            return check.fail(
                path,
                &format!("expected a map, found {}", found(value)),
                None,
            );
        }
        let Some(kind) = value.get("type") else {
            let help = format!("the types are {}", listed(&kinds));
            return check.fail(path, "`type` is missing", Some(&help));
        };
        path.push(PathSegment::Key("type"));
        match kind.as_str() {
            None => check.fail(path, "expected a string", None),
            Some(kind) => match variants.iter().find(|v| kind_of(v) == Some(kind)) {
                Some(variant) => {
                    path.pop();
                    return self.visit_typed(check, value, variant, path);
                }
                None if LATER.contains(&kind) => check.error(path, &unbuilt(kind)),
                None => check.unknown(path, "there is no backend type", kind, &kinds),
            },
        }
        path.pop();
    }

    /// A value that may have one of several types: the one it has is looked into.
    fn visit_choices<'v>(
        &self,
        check: &mut Check<'_>,
        value: &'v Value,
        choices: &'s [Value],
        path: &mut Vec<PathSegment<'v>>,
    ) {
        let choices: Vec<_> = choices.iter().map(|choice| self.followed(choice)).collect();
        match choices.iter().find(|choice| fits(value, choice)) {
            Some(choice) => self.visit(check, value, choice, path),
            None => {
                let expected: Vec<_> = choices
                    .iter()
                    .filter_map(|choice| described(choice))
                    .collect();
                check.fail(path, &format!("expected {}", expected.join(" or ")), None);
            }
        }
    }

    fn visit_typed<'v>(
        &self,
        check: &mut Check<'_>,
        value: &'v Value,
        schema: &'s Value,
        path: &mut Vec<PathSegment<'v>>,
    ) {
        match value {
            // A section whose entries are all commented out.
            Value::Null if matches!(type_of(schema), Some("object" | "array")) => {}
            _ if !fits(value, schema) => {
                let expected = described(schema).unwrap_or_else(|| "something else".to_owned());
                check.fail(
                    path,
                    &format!("expected {expected}, found {}", found(value)),
                    None,
                );
            }
            Value::Object(entries) => self.visit_entries(check, entries, schema, path),
            Value::Array(items) => {
                let Some(schema) = schema.get("items") else {
                    return;
                };
                for (index, item) in items.iter().enumerate() {
                    path.push(PathSegment::Index(index));
                    self.visit(check, item, schema, path);
                    path.pop();
                }
            }
            _ => {}
        }
    }

    fn visit_entries<'v>(
        &self,
        check: &mut Check<'_>,
        entries: &'v Map<String, Value>,
        schema: &'s Value,
        path: &mut Vec<PathSegment<'v>>,
    ) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let others = schema
            .get("additionalProperties")
            .filter(|others| others.is_object());
        for (key, value) in entries {
            path.push(PathSegment::Key(key));
            match properties.and_then(|known| known.get(key)).or(others) {
                Some(schema) => self.visit(check, value, schema, path),
                None => {
                    let known: Vec<_> = properties
                        .into_iter()
                        .flat_map(Map::keys)
                        .map(String::as_str)
                        .collect();
                    check.unknown_key(path, key, &known);
                }
            }
            path.pop();
        }
        let required = schema.get("required").and_then(Value::as_array);
        for key in required.into_iter().flatten().filter_map(Value::as_str) {
            if !entries.contains_key(key) {
                check.fail(path, &format!("`{key}` is missing"), None);
            }
        }
    }

    fn followed(&self, schema: &'s Value) -> &'s Value {
        let name = schema.get("$ref").and_then(Value::as_str);
        let name = name.map(|name| name.trim_start_matches("#/$defs/"));
        name.and_then(|name| self.definitions?.get(name))
            .unwrap_or(schema)
    }
}

fn time_span(check: &mut Check<'_>, value: &Value, path: &[PathSegment<'_>]) {
    let good = match value {
        Value::String(text) => TimeSpan::parse(text).is_some(),
        value => value.is_u64(),
    };
    if !good {
        check.fail(path, &format!("expected {}", TimeSpan::EXPECTED), None);
    }
}

/// The `type` that a variant is chosen by.
fn kind_of(variant: &Value) -> Option<&str> {
    variant.pointer("/properties/type/const")?.as_str()
}

fn type_of(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::Array(types) => types.first()?.as_str(),
        name => name.as_str(),
    }
}

fn fits(value: &Value, schema: &Value) -> bool {
    let words = schema.get("enum").and_then(Value::as_array);
    if let Some(words) = words {
        return words.contains(value);
    }
    if let Some(word) = schema.get("const") {
        return word == value;
    }
    match type_of(schema) {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        Some("integer") => {
            let least = schema
                .get("minimum")
                .and_then(Value::as_f64)
                .unwrap_or(f64::MIN);
            value.is_u64() && value.as_f64().is_some_and(|number| number >= least)
        }
        // A reference or a choice, which is looked into later.
        _ => true,
    }
}

/// What a schema expects, in words.
fn described(schema: &Value) -> Option<String> {
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        let words: Vec<_> = words.iter().filter_map(Value::as_str).collect();
        return Some(format!("the word {}", listed(&words)));
    }
    if let Some(word) = schema.get("const").and_then(Value::as_str) {
        return Some(format!("the word `{word}`"));
    }
    Some(match type_of(schema)? {
        "object" => "a map".to_owned(),
        "array" => "a list".to_owned(),
        "string" => "a string".to_owned(),
        "boolean" => "`true` or `false`".to_owned(),
        "integer" => match schema.get("minimum").and_then(Value::as_u64) {
            Some(least) => format!("a whole number from {least}"),
            None => "a whole number".to_owned(),
        },
        // Leaving a key out is how to say nothing.
        _ => return None,
    })
}

/// What a value is, without showing it.
fn found(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "`true` or `false`",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

/// The nearest known name, and all of them.
fn choice(name: &str, known: &[&str]) -> String {
    const FAR: f64 = 0.7;
    let near = known
        .iter()
        .map(|known| (strsim::jaro_winkler(name, known), known));
    let nearest = near.max_by(|one, other| one.0.total_cmp(&other.0));
    let all = match known {
        [] => return "none is known here".to_owned(),
        known => format!("known here: {}", listed(known)),
    };
    match nearest {
        Some((likeness, nearest)) if likeness >= FAR => format!("did you mean `{nearest}`? {all}"),
        _ => all,
    }
}

fn listed(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

fn shown(path: &[PathSegment<'_>]) -> String {
    path.iter().copied().collect::<Path<'_>>().to_string()
}
