//! Tokens in configuration files.

mod answers;
mod section;

use std::fmt;

use keyferry_core::{Error, ErrorKind, Reference, Resolver, Result, Template};
use keyferry_local::Environment;
use keyferry_yaml::{Document, Limits, Node, Path, Splice, Stream, YamlError};
use zeroize::Zeroizing;

pub(crate) use self::answers::{Answers, Filled, variables};
pub(crate) use self::section::is_own_section;
use crate::failure::{Failure, Failures};

/// What a file with tokens is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// YAML, one document or several. Comments, order and layout stay.
    Yaml,
    /// JSON.
    Json,
    /// Any text, line by line.
    Text,
}

/// A configuration file and the tokens in it.
///
/// In YAML and JSON a token stands in a string value; keys and comments are left alone. What it
/// stands for depends on the string:
///
/// | the string is | it becomes |
/// |---|---|
/// | one `${secret://…}`, or a bare `secret://…` | the secret with its type: a map stays a map, a number a number |
/// | a text with tokens in it | the text with each filled in; a map as its JSON |
/// | `${VAR}`, `${VAR:-default}` | the environment variable, always as text |
/// | with `$${` in it | the text with `${` there |
///
/// A value that was filled in is never scanned again. A `secrets:` section that configures Keyferry
/// itself stays as it is.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use std::collections::BTreeMap;
/// use std::sync::Arc;
/// use keyferry::{BackendName, BackendOptions, Format, Registry, Resolver, Tokens, system_host};
///
/// let memory = keyferry::local::Memory::new();
/// memory.set("postgres", r#"{"user": "app", "port": 5432}"#);
/// let mut registry = Registry::new(system_host());
/// registry.add(BackendName::new("app")?, Arc::new(memory), BackendOptions::default())?;
/// let secrets = Resolver::builder(registry, system_host()).build();
///
/// let text = "port: ${secret://app:postgres#port} # of the database\n";
/// let tokens = Tokens::find("config.yaml", text, Format::Yaml)?;
/// let rendered = tokens.resolve(&secrets, &BTreeMap::new()).await?;
/// assert_eq!(rendered.as_str(), "port: 5432 # of the database\n");
/// # Ok::<(), keyferry::Error>(())
/// # }).unwrap();
/// ```
pub struct Tokens {
    name: String,
    format: Format,
    text: Zeroizing<String>,
    // Of YAML and JSON.
    stream: Option<Stream>,
    found: Vec<Token>,
    malformed: Vec<Failure>,
}

/// A string with tokens.
struct Token {
    /// The position of the string among those of the file, or of the line in a text.
    position: usize,
    line: usize,
    path: String,
    template: Template,
}

impl Tokens {
    /// Finds the tokens of a file, whose `name` errors will show.
    ///
    /// A malformed token is no error yet: it is reported by [`Tokens::resolve`] with all others.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] for a text that is not of its format.
    pub fn find(name: impl Into<String>, text: &str, format: Format) -> Result<Self, Failures> {
        let mut tokens = Self {
            name: name.into(),
            format,
            text: Zeroizing::new(text.to_owned()),
            stream: None,
            found: Vec::new(),
            malformed: Vec::new(),
        };
        match format {
            Format::Text => tokens.find_in_lines(text),
            Format::Yaml | Format::Json => {
                let stream = tokens.parse(text)?;
                tokens.find_in_tree(&stream);
                tokens.stream = Some(stream);
            }
        }
        Ok(tokens)
    }

    /// The references in the file, in order, with repetitions.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.found
            .iter()
            .flat_map(|token| token.template.references())
    }

    /// The text with every token filled in, all secrets fetched in one batch.
    ///
    /// # Errors
    /// Every token that is malformed or cannot be resolved, with line and path, in the order of the
    /// file; then nothing of the text is returned.
    pub async fn resolve(
        &self,
        resolver: &Resolver,
        environment: &dyn Environment,
    ) -> Result<Zeroizing<String>, Failures> {
        let answers = Answers::fetch(resolver, self.references()).await;
        let mut failures = self.malformed.clone();
        let mut values = Vec::with_capacity(self.found.len());
        for token in &self.found {
            match answers.fill_text(&token.template, environment) {
                Ok(filled) => values.push((token, filled)),
                Err(error) => failures.push(self.failure(token.line, &token.path, &error)),
            }
        }
        failures.sort_by_key(Failure::line);
        Failures::none_of(failures)?;
        match &self.stream {
            Some(stream) => self.spliced(stream, values),
            None => Ok(self.joined(&values)),
        }
    }

    fn parse(&self, text: &str) -> Result<Stream, Failures> {
        if self.format == Format::Json {
            self.require_json(text)?;
        }
        Stream::parse(text, Limits::RENDER).map_err(|error| self.yaml_failure(&error).into())
    }

    fn require_json(&self, text: &str) -> Result<(), Failures> {
        serde_json::from_str::<serde::de::IgnoredAny>(text)
            .map(|_| ())
            .map_err(|error| {
                let (line, column) = (error.line(), error.column());
                let message = format!("no JSON at column {column}");
                let error = Error::new(ErrorKind::InvalidConfig, message);
                self.failure(line, "", &error).into()
            })
    }

    fn find_in_tree(&mut self, stream: &Stream) {
        for (position, (document, path, node)) in scalars(stream).enumerate() {
            let text = node.text().unwrap_or_default();
            let special = text.contains("${") || text.starts_with("secret://");
            if special && !section::holds(document, &path) {
                self.add(position, node.span().line, path.to_string(), text);
            }
        }
    }

    fn find_in_lines(&mut self, text: &str) {
        for (position, line) in text.split_inclusive('\n').enumerate() {
            if line.contains("${") {
                self.add(position, position + 1, String::new(), line);
            }
        }
    }

    fn add(&mut self, position: usize, line: usize, path: String, text: &str) {
        let bare = bare_reference(text).filter(|_| self.format != Format::Text);
        let template = match bare {
            Some(reference) => reference.map(Template::from),
            None => Template::parse(text),
        };
        match template {
            Ok(template) => self.found.push(Token {
                position,
                line,
                path,
                template,
            }),
            Err(error) => {
                let failure = self.failure(line, &path, &error);
                self.malformed.push(failure);
            }
        }
    }

    fn spliced(
        &self,
        stream: &Stream,
        values: Vec<(&Token, Filled)>,
    ) -> Result<Zeroizing<String>, Failures> {
        let mut values = values.into_iter().peekable();
        let mut splice = Splice::new(stream, &self.text);
        for (position, (_, _, node)) in scalars(stream).enumerate() {
            let Some((_, filled)) = values.next_if(|(token, _)| token.position == position) else {
                continue;
            };
            splice
                .replace(node, filled.into_replacement())
                .map_err(|error| self.yaml_failure(&error))?;
        }
        let text = splice.finish().map_err(|error| self.yaml_failure(&error))?;
        if self.format == Format::Json {
            self.require_json(&text)?;
        }
        Ok(text)
    }

    fn joined(&self, values: &[(&Token, Filled)]) -> Zeroizing<String> {
        let filled: usize = values.iter().map(|(_, filled)| filled.text().len()).sum();
        let mut out = Zeroizing::new(String::with_capacity(self.text.len() + filled));
        let mut values = values.iter().peekable();
        for (position, line) in self.text.split_inclusive('\n').enumerate() {
            match values.next_if(|(token, _)| token.position == position) {
                Some((_, filled)) => out.push_str(filled.text()),
                None => out.push_str(line),
            }
        }
        out
    }

    fn failure(&self, line: usize, path: &str, error: &Error) -> Failure {
        Failure::at(&self.name, line, path, error)
    }

    fn yaml_failure(&self, error: &YamlError) -> Failure {
        let message = format!("column {}: {}", error.column(), error.message());
        self.failure(
            error.line(),
            "",
            &Error::new(ErrorKind::InvalidConfig, message),
        )
    }
}

/// The reference that a value is as a whole, if it starts as one.
///
/// Only a reference can stand there; what else would is refused, not passed on. So is a token in
/// it, which could be filled in or be a part of the key.
pub(crate) fn bare_reference(text: &str) -> Option<Result<Reference>> {
    if !text.starts_with("secret://") {
        return None;
    }
    if text.contains("${") {
        let what = "a reference cannot hold a token";
        let error = Error::new(ErrorKind::InvalidReference, what);
        return Some(Err(error.with_help("write the reference in full")));
    }
    Some(Reference::parse(text))
}

/// Every string of a file, in its order.
fn scalars(stream: &Stream) -> impl Iterator<Item = (&Document, Path<'_>, &Node)> {
    let documents = stream.documents().iter();
    documents.flat_map(|document| {
        let scalars = document.scalars();
        scalars.map(move |(path, node)| (document, path, node))
    })
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text around the tokens may be sensitive, too.
        f.debug_struct("Tokens")
            .field("name", &self.name)
            .field("format", &self.format)
            .field("references", &self.references().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
