//! `type: file`: the entries of a YAML file.

mod fill;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use keyferry_core::{
    Backend, Capabilities, Error, ErrorKind, Finding, Item, KeyStyle, Metadata, Pattern, Result,
    Secret,
};
use keyferry_yaml::{Content, Document, Entry, Limits, ScalarType};

use crate::environment::{Environment, ProcessEnvironment};
use crate::notice::FileWatch;
use crate::refuse_version;
use crate::snapshot::{ParsedFile, Snapshot};

const KIND: &str = "file";
const BATCH: usize = 10_000;

/// The entries of a YAML file whose root is a map. The file is read again when it changes.
///
/// A key is one of the root map, as it is written there. Its value is
///
/// * a text; if that is a JSON object it is a map, as everywhere;
/// * for a number or boolean the text as it is written;
/// * for a map or list the same as JSON, with its type;
/// * absent when it is null.
///
/// `${VAR}` and `${VAR:-default}` are replaced in every text of a value, and `$${` is a literal
/// `${`. A reference to another secret is refused: it could lead in a circle.
pub struct File {
    shared: Arc<Shared>,
    watch: FileWatch,
}

struct Shared {
    file: ParsedFile<Entries>,
    environment: Arc<dyn Environment>,
}

impl File {
    /// The entries of the file at `path`, which need not exist yet, with the variables of this
    /// process.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self::with_environment(path, Arc::new(ProcessEnvironment))
    }

    /// The entries of the file at `path`, with the variables of `environment`.
    pub fn with_environment(path: impl Into<PathBuf>, environment: Arc<dyn Environment>) -> Self {
        let file = ParsedFile::new(path.into(), parse);
        Self {
            shared: Arc::new(Shared { file, environment }),
            watch: FileWatch::default(),
        }
    }
}

/// A document whose root is a map, or nothing.
struct Entries {
    document: Document,
    // Where each key stands: looking for one entry after the other would take a large file long.
    places: HashMap<Box<str>, usize>,
}

impl Entries {
    fn new(document: Document) -> Self {
        let keys = document.root().entries().iter().map(Entry::key);
        let places = keys
            .enumerate()
            .map(|(place, key)| (key.into(), place))
            .collect();
        Self { document, places }
    }

    fn find(&self, key: &str) -> Option<&Entry> {
        self.document.root().entries().get(*self.places.get(key)?)
    }

    /// Those that hold a value.
    fn iter(&self) -> impl Iterator<Item = &Entry> {
        let entries = self.document.root().entries().iter();
        entries.filter(|entry| !is_null(entry))
    }
}

fn parse(text: &str, path: &Path) -> Result<Entries> {
    let document = Document::parse(text, Limits::RENDER).map_err(|error| {
        let kind = match error.kind() {
            keyferry_yaml::ErrorKind::TooLarge | keyferry_yaml::ErrorKind::TooDeep => {
                ErrorKind::TooLarge
            }
            _ => ErrorKind::Malformed,
        };
        let (line, column) = (error.line(), error.column());
        Error::new(
            kind,
            format!("`{}`:{line}:{column}: {}", path.display(), error.message()),
        )
    })?;
    let root = document.root();
    if matches!(root.content(), Content::Mapping(_)) || root.scalar_type() == Some(ScalarType::Null)
    {
        return Ok(Entries::new(document));
    }
    Err(Error::new(
        ErrorKind::Malformed,
        format!("the root of `{}` is no map", path.display()),
    )
    .with_help("write one `name: value` for each secret"))
}

impl Shared {
    fn value(&self, item: &Item) -> Result<Secret> {
        self.find(&*self.file.snapshot()?, item)
    }

    fn find(&self, snapshot: &Snapshot<Entries>, item: &Item) -> Result<Secret> {
        refuse_version(KIND, item)?;
        let name = self.file.path().display();
        let absent = |what: &str| {
            let key = item.key();
            Error::new(ErrorKind::NotFound, format!("`{name}` has {what} `{key}`"))
        };
        let entry = snapshot.content.find(item.key());
        let entry = entry.ok_or_else(|| absent("no key"))?;
        if is_null(entry) {
            return Err(absent("no value under the key"));
        }
        let value = self.fill(entry)?;
        let metadata = Metadata::with_version(snapshot.stamp.version());
        Ok(Secret::new(value, metadata))
    }

    fn fill(&self, entry: &Entry) -> Result<keyferry_core::SecretValue> {
        fill::value(entry.value(), &*self.environment).map_err(|error| {
            let (line, key) = (entry.key_span().line, entry.key());
            let place = format!("`{}`:{line}: key `{key}`", self.file.path().display());
            let outer = Error::new(error.kind(), format!("{place}: {}", error.message()));
            error.help().into_iter().fold(outer, Error::with_help)
        })
    }
}

fn is_null(entry: &Entry) -> bool {
    entry.value().scalar_type() == Some(ScalarType::Null)
}

#[async_trait]
impl Backend for File {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::read_only(KeyStyle::Flat)
            .with_batch(BATCH)
            .with_list()
            .with_metadata()
            .with_watch()
            .with_max_age(Duration::ZERO)
    }

    async fn read(&self, item: &Item) -> Result<Secret> {
        self.shared.value(item)
    }

    async fn read_batch(&self, items: &[Item]) -> Result<Vec<Result<Secret>>> {
        let snapshot = self.shared.file.snapshot()?;
        let value = |item| self.shared.find(&snapshot, item);
        Ok(items.iter().map(value).collect())
    }

    async fn list(&self, pattern: &Pattern) -> Result<Vec<String>> {
        let snapshot = self.shared.file.snapshot()?;
        let names = snapshot.content.iter().map(Entry::key);
        let matching = names.filter(|name| pattern.matches(name));
        Ok(matching.map(str::to_owned).collect())
    }

    async fn metadata(&self, item: &Item) -> Result<Metadata> {
        self.shared
            .value(item)
            .map(|secret| secret.metadata().clone())
    }

    fn watch(&self, item: &Item) -> Result<BoxStream<'static, Result<Metadata>>> {
        let (shared, item) = (Arc::clone(&self.shared), item.clone());
        let path = self.shared.file.path().to_owned();
        self.watch.stream(None, path, move || shared.value(&item))
    }

    async fn diagnose(&self) -> Vec<Finding> {
        let name = self.shared.file.path().display().to_string();
        let snapshot = match self.shared.file.snapshot() {
            Ok(snapshot) => snapshot,
            Err(error) => return vec![Finding::bad(name, error)],
        };
        let failures = snapshot
            .content
            .iter()
            .filter_map(|entry| self.shared.fill(entry).err());
        let bad: Vec<_> = failures
            .map(|error| Finding::bad(name.clone(), error))
            .collect();
        if bad.is_empty() {
            return vec![Finding::good(name)];
        }
        bad
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File")
            .field("path", &self.shared.file.path())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
