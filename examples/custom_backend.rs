//! A backend of one's own, proven by the suite that all backends pass.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use keyferry::{
    Backend, BackendName, BackendOptions, Capabilities, Error, ErrorKind, Item, KeyStyle, Pattern,
    Registry, Resolver, Result, Secret, SecretValue, system_host,
};

/// Stands in for a store that is reached over a network.
type Store = Arc<RwLock<BTreeMap<String, SecretValue>>>;

struct Shelf {
    store: Store,
}

#[async_trait]
impl Backend for Shelf {
    fn kind(&self) -> &'static str {
        "shelf"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::read_only(KeyStyle::Path).with_list()
    }

    // The key is the full name: a configured prefix is in front of it already.
    async fn read(&self, item: &Item) -> Result<Secret> {
        if item.version().is_some() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "a shelf keeps no versions",
            ));
        }
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        let value = store.get(item.key()).cloned();
        value.map(Secret::from).ok_or_else(|| {
            let message = format!("the shelf has no `{}`", item.key());
            Error::new(ErrorKind::NotFound, message)
        })
    }

    // The pattern includes the prefix, too.
    async fn list(&self, pattern: &Pattern) -> Result<Vec<String>> {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        let names = store.keys().filter(|name| pattern.matches(name));
        Ok(names.cloned().collect())
    }
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shelf") // never the store: it holds the secrets
    }
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let report = keyferry_conformance::backend(&Harness::default()).await?;
    println!("the shelf passed {} cases", report.passed.len());

    let store = Store::default();
    put(&store, "production/exchanges/binance", b"demo-key");
    let mut registry = Registry::new(system_host());
    registry.add(
        BackendName::new("shelf")?,
        Arc::new(Shelf { store }),
        BackendOptions::default().with_prefix("production/exchanges"),
    )?;
    let secrets = Resolver::builder(registry, system_host()).build();
    println!("it lists {:?}", secrets.list("shelf:*").await?);
    let secret = secrets.get("shelf:binance").await?;
    println!("the secret has {} bytes", secret.value().len());
    Ok(())
}

/// Tells the suite how values come into the store.
#[derive(Default)]
struct Harness {
    store: Store,
}

#[async_trait]
impl keyferry_conformance::Harness for Harness {
    fn backend(&self) -> Arc<dyn Backend> {
        let store = Arc::clone(&self.store);
        Arc::new(Shelf { store })
    }

    async fn put(&self, key: &str, value: &[u8]) {
        put(&self.store, key, value);
    }

    async fn remove(&self, key: &str) {
        let mut store = self.store.write().unwrap_or_else(PoisonError::into_inner);
        store.remove(key);
    }
}

fn put(store: &Store, key: &str, value: &[u8]) {
    let mut store = store.write().unwrap_or_else(PoisonError::into_inner);
    store.insert(key.to_owned(), SecretValue::bytes(value));
}
