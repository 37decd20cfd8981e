//! A backend that is right but for the flaws it is given.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, unfold};
use keyferry_conformance::Harness;
use keyferry_core::{
    Backend, Capabilities, Error, ErrorKind, Finding, Item, KeyStyle, Metadata, Pattern, Result,
    Secret, SecretValue,
};
use tokio::sync::watch;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    EmptyForAbsent,
    RequestScope,
    IgnoresCase,
    PrefixMatch,
    Trims,
    Caches,
    CutsKeysAtEquals,
    ListsTwice,
    ListsRemoved,
    MatchesPrefixes,
    FailsWholeBatch,
    SortsBatch,
    DropsBatchFailures,
    BatchNotImplemented,
    ConstantVersion,
    IgnoresVersion,
    CountsReads,
    SilentWatch,
    WatchMissesFirst,
    WatchEndsOnError,
    DebugShowsValues,
    ErrorShowsValues,
    FindingShowsValues,
    UpperCaseKind,
}

/// `None` is what was removed.
type Versions = Vec<Option<Vec<u8>>>;

#[derive(Clone)]
pub(crate) struct Store {
    flaw: Option<Flaw>,
    values: Arc<Mutex<BTreeMap<String, Versions>>>,
    cached: Arc<Mutex<BTreeMap<String, Secret>>>,
    reads: Arc<Mutex<usize>>,
    changes: Arc<watch::Sender<()>>,
}

impl Store {
    pub(crate) fn new(flaw: Option<Flaw>) -> Self {
        Self {
            flaw,
            values: Arc::default(),
            cached: Arc::default(),
            reads: Arc::default(),
            changes: Arc::new(watch::Sender::new(())),
        }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    fn absent(&self) -> Error {
        let message = if self.has(Flaw::ErrorShowsValues) {
            format!("not among {}", self.everything())
        } else {
            "no such item".to_owned()
        };
        if self.has(Flaw::RequestScope) {
            return Error::request(ErrorKind::NotFound, message);
        }
        Error::new(ErrorKind::NotFound, message)
    }

    fn everything(&self) -> String {
        let values = self.values.lock().unwrap();
        let bytes = values.values().flatten().flatten();
        bytes.map(|bytes| String::from_utf8_lossy(bytes)).collect()
    }

    fn find(&self, item: &Item) -> Result<Secret> {
        let mut key = item.key();
        if self.has(Flaw::CutsKeysAtEquals) {
            key = key.split('=').next().unwrap();
        }
        let values = self.values.lock().unwrap();
        let found = values.iter().find(|(name, _)| {
            *name == key
                || (self.has(Flaw::IgnoresCase) && name.eq_ignore_ascii_case(key))
                || (self.has(Flaw::PrefixMatch) && !key.is_empty() && name.starts_with(key))
        });
        let versions = found.map(|(_, versions)| versions.clone());
        drop(values);
        let versions = versions.ok_or_else(|| self.absent())?;
        let number = match item.version() {
            Some(version) if !self.has(Flaw::IgnoresVersion) => {
                version.parse().map_err(|_| self.absent())?
            }
            _ => versions.len(),
        };
        let index = number.checked_sub(1).ok_or_else(|| self.absent())?;
        let value = versions.get(index).cloned().flatten();
        let value = value.ok_or_else(|| self.absent())?;
        let number = if self.has(Flaw::ConstantVersion) {
            1
        } else {
            number
        };
        Ok(Secret::new(
            SecretValue::bytes(if self.has(Flaw::Trims) {
                value.trim_ascii().to_vec()
            } else {
                value
            }),
            Metadata::with_version(if self.has(Flaw::CountsReads) {
                let mut reads = self.reads.lock().unwrap();
                *reads += 1;
                reads.to_string()
            } else {
                number.to_string()
            }),
        ))
    }

    fn value(&self, item: &Item) -> Result<Secret> {
        if self.has(Flaw::Caches)
            && let Some(secret) = self.cached.lock().unwrap().get(item.key())
        {
            return Ok(secret.clone());
        }
        let answer = self.find(item);
        if let Ok(secret) = &answer {
            let mut cached = self.cached.lock().unwrap();
            cached.insert(item.key().to_owned(), secret.clone());
        }
        match answer {
            Err(error) if self.has(Flaw::EmptyForAbsent) && error.kind() == ErrorKind::NotFound => {
                Ok(SecretValue::text("").into())
            }
            answer => answer,
        }
    }
}

#[async_trait]
impl Backend for Store {
    fn kind(&self) -> &'static str {
        if self.has(Flaw::UpperCaseKind) {
            "Store"
        } else {
            "store"
        }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::read_only(KeyStyle::Path)
            .with_batch(2)
            .with_list()
            .with_metadata()
            .with_watch()
            .with_versions()
    }

    async fn read(&self, item: &Item) -> Result<Secret> {
        self.value(item)
    }

    async fn read_batch(&self, items: &[Item]) -> Result<Vec<Result<Secret>>> {
        if self.has(Flaw::BatchNotImplemented) {
            return Err(Error::new(ErrorKind::Unsupported, "no batches"));
        }
        let mut items = items.to_vec();
        if self.has(Flaw::SortsBatch) {
            items.sort_by(|a, b| a.key().cmp(b.key()));
        }
        let answers = items.iter().map(|item| self.value(item));
        if self.has(Flaw::FailsWholeBatch) {
            return answers.map(|answer| answer.map(Ok)).collect();
        }
        if self.has(Flaw::DropsBatchFailures) {
            return Ok(answers.filter(Result::is_ok).collect());
        }
        Ok(answers.collect())
    }

    async fn list(&self, pattern: &Pattern) -> Result<Vec<String>> {
        let values = self.values.lock().unwrap();
        let prefix = pattern.as_str().trim_end_matches('*');
        let mut names: Vec<_> = values
            .iter()
            .filter(|(_, values)| {
                self.has(Flaw::ListsRemoved) || values.last().is_some_and(Option::is_some)
            })
            .filter(|(name, _)| {
                pattern.matches(name)
                    || (self.has(Flaw::MatchesPrefixes) && name.starts_with(prefix))
            })
            .map(|(name, _)| name.clone())
            .collect();
        if self.has(Flaw::ListsTwice) {
            names.extend(names.first().cloned());
        }
        Ok(names)
    }

    async fn metadata(&self, item: &Item) -> Result<Metadata> {
        self.value(item).map(|secret| secret.metadata().clone())
    }

    fn watch(&self, item: &Item) -> Result<BoxStream<'static, Result<Metadata>>> {
        let start = (self.clone(), item.clone(), self.changes.subscribe(), true);
        let stream = unfold(start, |(store, item, mut changes, first)| async move {
            if store.has(Flaw::WatchMissesFirst) && first {
                changes.mark_unchanged();
            }
            if !first || store.has(Flaw::WatchMissesFirst) {
                changes.changed().await.ok()?;
            }
            if !first && store.has(Flaw::SilentWatch) {
                std::future::pending::<()>().await;
            }
            let answer = store.value(&item).map(|secret| secret.metadata().clone());
            if answer.is_err() && store.has(Flaw::WatchEndsOnError) {
                return None;
            }
            Some((answer, (store, item, changes, false)))
        });
        Ok(stream.boxed())
    }

    async fn diagnose(&self) -> Vec<Finding> {
        let subject = if self.has(Flaw::FindingShowsValues) {
            self.everything()
        } else {
            "values".to_owned()
        };
        vec![Finding::good(subject)]
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.has(Flaw::DebugShowsValues) {
            f.write_str(&self.everything())?;
        }
        f.write_str("Store")
    }
}

#[async_trait]
impl Harness for Store {
    fn backend(&self) -> Arc<dyn Backend> {
        Arc::new(self.clone())
    }

    async fn put(&self, key: &str, value: &[u8]) {
        let mut values = self.values.lock().unwrap();
        let versions = values.entry(key.to_owned()).or_default();
        versions.push(Some(value.to_vec()));
        drop(values);
        self.changes.send_replace(());
    }

    async fn remove(&self, key: &str) {
        if let Some(versions) = self.values.lock().unwrap().get_mut(key) {
            versions.fill(None);
        }
        self.changes.send_replace(());
    }
}
