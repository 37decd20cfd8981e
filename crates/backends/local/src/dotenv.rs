//! `type: dotenv`: the lines of a `.env` file.

mod text;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use keyferry_core::{
    Backend, Capabilities, Error, ErrorKind, Finding, Item, KeyStyle, Metadata, Pattern, Result,
    Secret, SecretValue,
};

pub use text::DotenvText;
pub(crate) use text::is_space;

use crate::notice::FileWatch;
use crate::refuse_version;
use crate::snapshot::{ParsedFile, Snapshot};
use crate::source::Stamp;

const KIND: &str = "dotenv";
const BATCH: usize = 10_000;

/// The values of a `.env` file, in the syntax of [`DotenvText`]. The file is read again when it
/// changes.
pub struct Dotenv {
    shared: Arc<Shared>,
    watch: FileWatch,
}

struct Shared {
    file: ParsedFile<Entries>,
    /// The state of the file whose malformed lines were warned about.
    warned: Mutex<Option<Stamp>>,
}

struct Entries {
    values: BTreeMap<String, SecretValue>,
    malformed: Vec<usize>,
}

impl Dotenv {
    /// The values of the file at `path`, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let file = ParsedFile::new(path.into(), parse);
        Self {
            shared: Arc::new(Shared {
                file,
                warned: Mutex::new(None),
            }),
            watch: FileWatch::default(),
        }
    }
}

fn parse(text: &str, _: &Path) -> Result<Entries> {
    let parsed = DotenvText::parse(text);
    let values = parsed.entries.into_iter();
    Ok(Entries {
        values: values
            .map(|(key, mut value)| (key, SecretValue::text(std::mem::take(&mut *value))))
            .collect(),
        malformed: parsed.malformed,
    })
}

impl Shared {
    fn value(&self, item: &Item) -> Result<Secret> {
        refuse_version(KIND, item)?;
        self.find(&*self.snapshot()?, item)
    }

    /// The file as it is now, with a warning for each malformed line after each change.
    fn snapshot(&self) -> Result<Arc<Snapshot<Entries>>> {
        let snapshot = self.file.snapshot()?;
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if *warned != Some(snapshot.stamp) {
            *warned = Some(snapshot.stamp);
            for line in &snapshot.content.malformed {
                // The line itself may be a secret.
                tracing::warn!(path = %self.file.path().display(), line, "malformed line is skipped");
            }
        }
        Ok(snapshot)
    }

    fn find(&self, snapshot: &Snapshot<Entries>, item: &Item) -> Result<Secret> {
        let value = snapshot.content.values.get(item.key()).ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                format!(
                    "`{}` has no key `{}`",
                    self.file.path().display(),
                    item.key()
                ),
            )
        })?;
        let metadata = Metadata::with_version(snapshot.stamp.version());
        Ok(Secret::new(value.clone(), metadata))
    }
}

#[async_trait]
impl Backend for Dotenv {
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
        let snapshot = self.shared.snapshot()?;
        let value = |item| {
            refuse_version(KIND, item)?;
            self.shared.find(&snapshot, item)
        };
        Ok(items.iter().map(value).collect())
    }

    async fn list(&self, pattern: &Pattern) -> Result<Vec<String>> {
        let snapshot = self.shared.snapshot()?;
        let names = snapshot.content.values.keys();
        Ok(names
            .filter(|name| pattern.matches(name))
            .cloned()
            .collect())
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
        match self.shared.file.snapshot() {
            Err(error) => vec![Finding::bad(name, error)],
            Ok(snapshot) if snapshot.content.malformed.is_empty() => vec![Finding::good(name)],
            Ok(snapshot) => {
                let lines = snapshot.content.malformed.iter();
                lines.map(|line| malformed(&name, *line)).collect()
            }
        }
    }
}

fn malformed(name: &str, line: usize) -> Finding {
    let error = Error::new(
        ErrorKind::Malformed,
        format!("line {line} of `{name}` is not `KEY=VALUE`"),
    );
    Finding::bad(
        format!("{name}:{line}"),
        error.with_help("correct the line, or start it with `#`"),
    )
}

impl fmt::Debug for Dotenv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dotenv")
            .field("path", &self.shared.file.path())
            .finish_non_exhaustive()
    }
}
