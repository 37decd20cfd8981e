//! From a YAML node to a value, with its environment variables filled in.

use std::io::{self, Write};

use keyferry_core::{Error, ErrorKind, Reference, Result, SecretValue, Template};
use keyferry_yaml::{Content, Node, ScalarType};
use zeroize::Zeroizing;

use crate::environment::Environment;

/// The value of a node that is not null.
pub(super) fn value(node: &Node, environment: &dyn Environment) -> Result<SecretValue> {
    if let Some(text) = node.text() {
        let mut text = match node.scalar_type() {
            Some(ScalarType::String) => filled(text, environment)?,
            _ => Zeroizing::new(text.to_owned()),
        };
        return Ok(SecretValue::text(std::mem::take(&mut *text)));
    }
    let mut json = Wiped::default();
    write(node, environment, &mut json)?;
    let text = std::str::from_utf8(&json.0).map_err(|_| internal())?;
    SecretValue::json(text)
}

fn filled(text: &str, environment: &dyn Environment) -> Result<Zeroizing<String>> {
    if !text.contains("${") {
        return Ok(Zeroizing::new(text.to_owned()));
    }
    let template = Template::parse(text)?;
    let mut binary = None;
    let variable = |name: &str| {
        let value = environment.variable(name)?.into_string();
        value
            .inspect_err(|_| binary = Some(name.to_owned()))
            .ok()
            .map(Zeroizing::new)
    };
    let filled = template.fill(variable, refuse_secret);
    match binary {
        None => filled,
        Some(name) => Err(Error::new(
            ErrorKind::InvalidConfig,
            format!("the environment variable `{name}` is not UTF-8 text"),
        )),
    }
}

fn refuse_secret<'s>(reference: &Reference) -> Result<&'s str> {
    Err(Error::new(
        ErrorKind::InvalidConfig,
        format!("a file of secrets cannot refer to another secret, here `{reference}`"),
    )
    .with_help("refer to that secret where this one is used, or write `$${` for a literal `${`"))
}

/// Writes compact JSON, with the variables of every text filled in.
fn write(node: &Node, environment: &dyn Environment, out: &mut Wiped) -> Result<()> {
    match node.content() {
        Content::Mapping(entries) => {
            let mut before = "{";
            for entry in entries {
                out.push(before);
                before = ",";
                out.push_json(entry.key())?;
                out.push(":");
                write(entry.value(), environment, out)?;
            }
            out.push(if entries.is_empty() { "{}" } else { "}" });
        }
        Content::Sequence(items) => {
            let mut before = "[";
            for item in items {
                out.push(before);
                before = ",";
                write(item, environment, out)?;
            }
            out.push(if items.is_empty() { "[]" } else { "]" });
        }
        Content::Scalar(scalar) if node.scalar_type() == Some(ScalarType::String) => {
            out.push_json(&filled(scalar.text(), environment)?)?;
        }
        Content::Scalar(_) | Content::Alias => {
            let json = node
                .to_json_text()
                .map_err(|error| Error::new(ErrorKind::Malformed, error.message()))?;
            out.push(&json);
        }
    }
    Ok(())
}

/// A buffer that wipes what it leaves behind when it grows.
#[derive(Default)]
struct Wiped(Zeroizing<Vec<u8>>);

impl Wiped {
    fn push(&mut self, text: &str) {
        self.extend(text.as_bytes());
    }

    fn push_json(&mut self, text: &str) -> Result<()> {
        serde_json::to_writer(self, text).map_err(|_| internal())
    }

    fn extend(&mut self, bytes: &[u8]) {
        let needed = self.0.len() + bytes.len();
        if needed > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.next_power_of_two().max(64)));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }
}

impl Write for Wiped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn internal() -> Error {
    Error::new(ErrorKind::Internal, "a text could not be written as JSON")
}
