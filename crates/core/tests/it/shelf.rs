//! A backend that is a map, and a resolver around it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt};
use keyferry_conformance::{Counting, ManualClock};
use keyferry_core::{
    Backend, BackendName, BackendOptions, CacheOptions, Capabilities, Error, ErrorKind, Item,
    KeyStyle, Metadata, Pattern, Registry, Resolver, Result, RetryOptions, Secret, SecretValue,
};

#[derive(Debug)]
pub(crate) struct Shelf {
    pub(crate) values: Mutex<BTreeMap<String, String>>,
    capabilities: Capabilities,
    valid_for: Option<Duration>,
}

pub(crate) fn plain() -> Capabilities {
    Capabilities::read_only(KeyStyle::Flat)
        .with_list()
        .with_metadata()
        .with_watch()
}

impl Shelf {
    pub(crate) fn new(capabilities: Capabilities) -> Self {
        Self {
            values: Mutex::default(),
            capabilities,
            valid_for: None,
        }
    }

    pub(crate) fn put(&self, key: &str, value: &str) {
        self.values.lock().unwrap().insert(key.into(), value.into());
    }

    pub(crate) fn remove(&self, key: &str) {
        self.values.lock().unwrap().remove(key);
    }
}

#[async_trait]
impl Backend for Shelf {
    fn kind(&self) -> &'static str {
        "shelf"
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn read(&self, item: &Item) -> Result<Secret> {
        if item.key() == "panics" {
            panic!("as asked");
        }
        let values = self.values.lock().unwrap();
        let value = values.get(item.key()).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("there is no `{}`", item.key()))
        })?;
        let mut metadata = Metadata::default();
        metadata.valid_for = self.valid_for;
        Ok(Secret::new(SecretValue::text(value.as_str()), metadata))
    }

    async fn read_batch(&self, items: &[Item]) -> Result<Vec<Result<Secret>>> {
        let mut answers = Vec::new();
        for item in items {
            answers.push(self.read(item).await);
        }
        Ok(answers)
    }

    async fn list(&self, pattern: &Pattern) -> Result<Vec<String>> {
        let values = self.values.lock().unwrap();
        Ok(values
            .keys()
            .filter(|key| pattern.matches(key))
            .cloned()
            .collect())
    }

    async fn metadata(&self, item: &Item) -> Result<Metadata> {
        self.read(item).await.map(|_| Metadata::with_version("1"))
    }

    fn watch(&self, _: &Item) -> Result<BoxStream<'static, Result<Metadata>>> {
        Ok(stream::iter([
            Ok(Metadata::with_version("1")),
            Ok(Metadata::with_version("2")),
        ])
        .boxed())
    }
}

/// A resolver over one shelf named `shelf`, its clock, and the shelf itself.
pub(crate) struct Stand {
    pub(crate) resolver: Resolver,
    pub(crate) clock: ManualClock,
    pub(crate) shelf: Arc<Counting<Shelf>>,
}

impl Stand {
    pub(crate) fn new() -> Self {
        Self::with(plain(), |_| {})
    }

    pub(crate) fn caching(set: impl FnOnce(&mut CacheOptions)) -> Self {
        Self::with(plain(), set)
    }

    pub(crate) fn with(capabilities: Capabilities, set: impl FnOnce(&mut CacheOptions)) -> Self {
        Self::of(Shelf::new(capabilities), set)
    }

    pub(crate) fn vouching(valid_for: Duration, set: impl FnOnce(&mut CacheOptions)) -> Self {
        Self::of(
            Shelf {
                valid_for: Some(valid_for),
                ..Shelf::new(plain())
            },
            set,
        )
    }

    fn of(shelf: Shelf, set: impl FnOnce(&mut CacheOptions)) -> Self {
        let clock = ManualClock::default();
        let shelf = Arc::new(Counting::new(shelf));
        shelf.inner().put("a", "1");
        let mut registry = Registry::new(clock.host());
        add(&mut registry, "shelf", Arc::clone(&shelf) as _, no_retry());
        let mut cache = CacheOptions::default();
        set(&mut cache);
        let resolver = Resolver::builder(registry, clock.host())
            .cache(cache)
            .build();
        Self {
            resolver,
            clock,
            shelf,
        }
    }

    pub(crate) fn reads(&self) -> usize {
        self.shelf.calls().read
    }

    pub(crate) fn put(&self, value: &str) {
        self.shelf.inner().put("a", value);
    }

    pub(crate) async fn get(&self) -> Result<String> {
        self.resolver.get("shelf:a").await.map(text)
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

pub(crate) fn no_retry() -> BackendOptions {
    let mut retry = RetryOptions::default();
    retry.attempts = 1;
    let mut options = BackendOptions::default();
    options.retry = retry;
    options
}

pub(crate) fn add(
    registry: &mut Registry,
    name: &str,
    backend: Arc<dyn Backend>,
    options: BackendOptions,
) {
    registry
        .add(BackendName::new(name).unwrap(), backend, options)
        .unwrap();
}

pub(crate) fn text(secret: Secret) -> String {
    secret.value().expose_text().unwrap().to_owned()
}

pub(crate) fn kind<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

pub(crate) fn outage(kind: ErrorKind) -> Error {
    Error::request(kind, "an outage")
}
