//! The formats of `export`: each is read back by its consumer byte for byte, or refuses the value.

use std::hash::{BuildHasher as _, RandomState};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::ValueEnum;
use keyferry::{Error, ErrorKind, SecretValue};
use zeroize::Zeroizing;

use crate::json;
use crate::secret_buffer::SecretBuffer;

use super::dotenv;

/// What the variables are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A .env file that python-dotenv and Keyferry read alike
    Dotenv,
    /// One JSON object; binary values are {"base64": "…"}
    Json,
    /// One YAML map
    Yaml,
    /// `export NAME='…'` lines for POSIX shells
    Shell,
    /// A file for `docker run --env-file`
    Docker,
    /// A Kubernetes Secret manifest
    K8s,
    /// What GitHub Actions reads from $GITHUB_ENV
    Github,
}

/// A variable to be written.
pub(crate) type Variable<'a> = (&'a str, &'a SecretValue);

/// Why a format cannot carry a value; completes "the value of `NAME` …".
pub(crate) type Refusal = &'static str;

impl Format {
    /// Writes the variables. `name` is that of a Kubernetes Secret.
    ///
    /// # Errors
    /// One for each variable that the format cannot carry, naming it and the reason.
    pub(crate) fn write(
        self,
        variables: &[Variable<'_>],
        name: &str,
    ) -> Result<SecretBuffer, Vec<Error>> {
        let mut out = SecretBuffer::default();
        let mut refused = Vec::new();
        match self {
            Self::Json => {
                json::push_object(&mut out, variables.iter().copied(), json::push_plain);
                out.push_str("\n");
            }
            Self::Yaml if variables.is_empty() => out.push_str("{}\n"),
            Self::K8s => start_manifest(&mut out, name, variables.is_empty()),
            Self::Yaml | Self::Dotenv | Self::Shell | Self::Docker | Self::Github => {}
        }
        for (name, value) in variables {
            let written = self.check_name(name).and_then(|()| match self {
                Self::Json => Ok(()),
                Self::Dotenv => dotenv::push(&mut out, name, value),
                Self::Yaml => push_yaml(&mut out, name, value),
                Self::Shell => push_shell(&mut out, name, value),
                Self::Docker => push_docker(&mut out, name, value),
                Self::K8s => {
                    push_manifest_entry(&mut out, name, value);
                    Ok(())
                }
                Self::Github => push_github(&mut out, name, value),
            });
            if let Err(reason) = written {
                refused.push(self.refusal(name, reason));
            }
        }
        let size: usize = variables.iter().map(|(_, value)| value.len()).sum();
        if self == Self::K8s && size > KUBERNETES_LIMIT {
            refused.push(Error::new(
                ErrorKind::TooLarge,
                "a Kubernetes Secret holds at most 1 MiB of values",
            ));
        }
        if refused.is_empty() {
            Ok(out)
        } else {
            Err(refused)
        }
    }

    /// Whether the format has a way to write the name, and its consumer takes it.
    fn check_name(self, name: &str) -> Result<(), Refusal> {
        let first = |b: u8| b.is_ascii_alphabetic() || b == b'_';
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        match self {
            Self::Json | Self::Yaml => Ok(()),
            Self::K8s if name.bytes().all(|b| word(b) || b"-.".contains(&b)) => Ok(()),
            _ if name.bytes().next().is_some_and(first) && name.bytes().all(word) => Ok(()),
            _ => Err("the name is not made of letters, digits and `_`"),
        }
    }

    fn refusal(self, name: &str, reason: Refusal) -> Error {
        let format = self.to_possible_value();
        let format = format.as_ref().map_or("", |value| value.get_name());
        Error::new(
            ErrorKind::Unsupported,
            format!("the `{format}` format cannot carry `{name}`: {reason}"),
        )
        .with_help("the formats `json` and `k8s` carry every value")
    }
}

/// The text of a value for formats that carry text without NUL.
pub(super) fn text(value: &SecretValue) -> Result<&str, Refusal> {
    let text = value
        .expose_text()
        .map_err(|_| "the value is binary, not UTF-8 text")?;
    if text.contains('\0') {
        return Err("the value holds a NUL byte");
    }
    Ok(text)
}

/// In single quotes only `'` itself is special to a shell.
fn push_shell(out: &mut SecretBuffer, name: &str, value: &SecretValue) -> Result<(), Refusal> {
    let bytes = value.expose_bytes();
    if bytes.contains(&0) {
        return Err("the value holds a NUL byte");
    }
    out.push_str("export ");
    out.push_str(name);
    out.push_str("='");
    for (index, part) in bytes.split(|byte| *byte == b'\'').enumerate() {
        if index > 0 {
            out.push_str(r"'\''");
        }
        out.push(part);
    }
    out.push_str("'\n");
    Ok(())
}

/// Docker takes everything behind the first `=` as it stands, to the end of the line.
fn push_docker(out: &mut SecretBuffer, name: &str, value: &SecretValue) -> Result<(), Refusal> {
    let text = text(value)?;
    if text.contains(['\n', '\r']) {
        return Err("the value holds a line break, which the format has no way to write");
    }
    if name.len() + 1 + text.len() > DOCKER_LINE_LIMIT {
        return Err("the line is longer than the 64 KiB that docker reads");
    }
    out.push_str(name);
    out.push_str("=");
    out.push_str(text);
    out.push_str("\n");
    Ok(())
}

fn push_yaml(out: &mut SecretBuffer, name: &str, value: &SecretValue) -> Result<(), Refusal> {
    let text = value
        .expose_text()
        .map_err(|_| "the value is binary, not UTF-8 text")?;
    // Names such as `NO` and `null` are no text without quotes.
    out.push_str("\"");
    push_yaml_escaped(out, name);
    out.push_str("\": \"");
    push_yaml_escaped(out, text);
    out.push_str("\"\n");
    Ok(())
}

/// The inside of a double-quoted YAML scalar.
fn push_yaml_escaped(out: &mut SecretBuffer, text: &str) {
    for c in text.chars() {
        let mut utf8 = [0; 4];
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..
                if !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') =>
            {
                out.push_str(c.encode_utf8(&mut utf8));
            }
            _ => {
                // Astral noncharacters are printable to YAML; what is left fits in four digits.
                let escape = Zeroizing::new(format!("\\u{:04x}", u32::from(c)));
                out.push_str(&escape);
            }
        }
    }
}

fn start_manifest(out: &mut SecretBuffer, name: &str, empty: bool) {
    out.push_str("apiVersion: v1\nkind: Secret\nmetadata:\n  name: \"");
    out.push_str(name);
    out.push_str("\"\ntype: Opaque\ndata:");
    out.push_str(if empty { " {}\n" } else { "\n" });
}

fn push_manifest_entry(out: &mut SecretBuffer, name: &str, value: &SecretValue) {
    let encoded = Zeroizing::new(BASE64_STANDARD.encode(value.expose_bytes()));
    out.push_str("  \"");
    out.push_str(name);
    out.push_str("\": \"");
    out.push_str(&encoded);
    out.push_str("\"\n");
}

/// A value between two lines of a delimiter that does not occur in it.
fn push_github(out: &mut SecretBuffer, name: &str, value: &SecretValue) -> Result<(), Refusal> {
    let upper = name.to_ascii_uppercase();
    if upper.starts_with("GITHUB_") || upper.starts_with("RUNNER_") || upper == "NODE_OPTIONS" {
        return Err("GitHub Actions does not let a step set this variable");
    }
    let text = text(value)?;
    if text.contains('\r') {
        return Err("the value holds a carriage return, which runners on Windows drop");
    }
    let delimiter = loop {
        let delimiter = random_delimiter();
        if !text.contains(&delimiter) {
            break delimiter;
        }
    };
    for part in [name, "<<", &delimiter, "\n", text, "\n", &delimiter, "\n"] {
        out.push_str(part);
    }
    Ok(())
}

/// Random, so that no value can be made to end its own block.
fn random_delimiter() -> String {
    // Each `RandomState` has keys of its own from the operating system's randomness.
    let part = || RandomState::new().hash_one(0_u8);
    format!("keyferry_{:016x}{:016x}", part(), part())
}

/// The workflow commands that make GitHub Actions mask the values in its log: one for each line,
/// since the log is masked line by line, and one for the base64 form.
pub(crate) fn github_masks(variables: &[Variable<'_>]) -> SecretBuffer {
    let mut out = SecretBuffer::default();
    for (_, value) in variables {
        let bytes = value.expose_bytes();
        if bytes.len() < keyferry_mask::MIN_LEN {
            continue;
        }
        for line in bytes.split(|byte| matches!(byte, b'\n' | b'\r')) {
            if line.len() >= keyferry_mask::MIN_LEN && line.iter().any(|b| !b.is_ascii_whitespace())
            {
                push_mask(&mut out, line);
            }
        }
        let encoded = Zeroizing::new(BASE64_STANDARD.encode(bytes));
        push_mask(&mut out, encoded.as_bytes());
    }
    out
}

fn push_mask(out: &mut SecretBuffer, line: &[u8]) {
    out.push_str("::add-mask::");
    for (index, part) in line.split(|byte| *byte == b'%').enumerate() {
        if index > 0 {
            out.push_str("%25");
        }
        out.push(part);
    }
    out.push_str("\n");
}

/// What `bufio.Scanner`, with which docker reads the file, takes as one line.
const DOCKER_LINE_LIMIT: usize = 64 * 1024 - 2;

const KUBERNETES_LIMIT: usize = 1024 * 1024;
