//! `type: memory`: values kept in memory, for tests and examples.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use keyferry_core::{
    Backend, Capabilities, Error, ErrorKind, Item, KeyStyle, Metadata, Pattern, Result, Secret,
    SecretValue,
};

use crate::notice::{Bell, Bells, stream};

const KIND: &str = "memory";
const BATCH: usize = 1000;

/// Values in memory, with every version of them. Clones share the values.
///
/// ```
/// use keyferry_core::{Backend, Item};
/// use keyferry_local::Memory;
///
/// # futures_util::FutureExt::now_or_never(async {
/// let memory = Memory::new();
/// memory.set("db_password", "correct horse");
/// let secret = memory.read(&Item::new("db_password")).await?;
/// assert_eq!(secret.value().expose_text()?, "correct horse");
/// # Ok::<(), keyferry_core::Error>(())
/// # }).unwrap()?;
/// # Ok::<(), keyferry_core::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Memory {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    values: Mutex<BTreeMap<String, Versions>>,
    bells: Bells,
}

#[derive(Default)]
struct Versions {
    // The first version is number 1; removing a key leaves gaps, so that no number returns.
    values: Vec<Option<SecretValue>>,
}

impl Memory {
    /// An empty backend.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a version with this text, and tells whoever watches.
    pub fn set(&self, key: impl Into<String>, text: impl Into<String>) {
        self.set_value(key, SecretValue::text(text));
    }

    /// Adds a version with this value, and tells whoever watches.
    pub fn set_value(&self, key: impl Into<String>, value: SecretValue) {
        let mut values = self.shared.values();
        values
            .entry(key.into())
            .or_default()
            .values
            .push(Some(value));
        drop(values);
        self.shared.bells.ring();
    }

    /// Removes a key with all its versions. A later one goes on counting where the last ended.
    pub fn remove(&self, key: &str) {
        if let Some(versions) = self.shared.values().get_mut(key) {
            versions.values.fill(None);
        }
        self.shared.bells.ring();
    }
}

impl Shared {
    fn values(&self) -> MutexGuard<'_, BTreeMap<String, Versions>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn value(&self, item: &Item) -> Result<Secret> {
        let absent = || {
            Error::new(
                ErrorKind::NotFound,
                format!("no value `{}` is in memory", item.key()),
            )
        };
        let values = self.values();
        let versions = values.get(item.key()).ok_or_else(absent)?;
        let number = match item.version() {
            None => versions.values.len(),
            Some(version) => version.parse().map_err(|_| absent())?,
        };
        let index = number.checked_sub(1).ok_or_else(absent)?;
        let value = versions.values.get(index).and_then(Option::as_ref);
        let value = value.ok_or_else(absent)?;
        let metadata = Metadata::with_version(number.to_string());
        Ok(Secret::new(value.clone(), metadata))
    }
}

#[async_trait]
impl Backend for Memory {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::read_only(KeyStyle::Path)
            .with_batch(BATCH)
            .with_list()
            .with_metadata()
            .with_watch()
            .with_versions()
    }

    async fn read(&self, item: &Item) -> Result<Secret> {
        self.shared.value(item)
    }

    async fn read_batch(&self, items: &[Item]) -> Result<Vec<Result<Secret>>> {
        Ok(items.iter().map(|item| self.shared.value(item)).collect())
    }

    async fn list(&self, pattern: &Pattern) -> Result<Vec<String>> {
        let values = self.shared.values();
        let present = |versions: &Versions| versions.values.last().is_some_and(Option::is_some);
        let names = values.iter().filter(|(_, versions)| present(versions));
        let names = names.map(|(name, _)| name);
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
        let bell = Arc::new(Bell::default());
        self.shared.bells.add(&bell);
        let (shared, item) = (Arc::clone(&self.shared), item.clone());
        Ok(stream(bell, same_version, move || shared.value(&item)))
    }
}

fn same_version(a: &Secret, b: &Secret) -> bool {
    a.version() == b.version()
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}
