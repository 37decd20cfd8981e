//! The `secrets:` section.

use std::collections::BTreeMap;

use keyferry_core::CacheOptions;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::backend::Backend;
use super::time_span::TimeSpan;

/// The backends, the cache, and what to load at start.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Secrets {
    /// Whether secrets can be used at all.
    pub(super) enabled: bool,
    /// Whether fetched secrets are kept in memory.
    pub(super) cache_enabled: bool,
    /// How long they are kept.
    #[serde(deserialize_with = "empty_as_default")]
    pub(super) cache: Cache,
    /// The backends by name. A name is a lower-case letter followed by a-z 0-9 _ -.
    #[serde(deserialize_with = "empty_as_default")]
    pub(super) backends: BTreeMap<String, Backend>,
    /// What to load at start, each `backend:pattern`, such as `aws:*`.
    #[serde(deserialize_with = "empty_as_default")]
    pub(super) load: Vec<String>,
}

impl Default for Secrets {
    fn default() -> Self {
        Self {
            enabled: true,
            cache_enabled: true,
            cache: Cache::default(),
            backends: BTreeMap::new(),
            load: Vec::new(),
        }
    }
}

impl Secrets {
    pub(super) fn cache_options(&self) -> CacheOptions {
        let mut options = CacheOptions::default();
        options.enabled = self.cache_enabled;
        options.ttl = self.cache.ttl.0;
        options.stale_grace = self.cache.stale_grace.0;
        options.negative_ttl = self.cache.negative_ttl.0;
        options.min_refresh_interval = self.cache.min_refresh_interval.0;
        options.max_entries = usize::try_from(self.cache.max_entries).unwrap_or(usize::MAX);
        options
    }
}

/// How long secrets are kept in memory.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Cache {
    /// How long a value is fresh, give or take 10 %.
    ttl: TimeSpan,
    /// How long past its TTL a value may bridge a failure of its backend.
    stale_grace: TimeSpan,
    /// How long the absence of a secret is remembered.
    negative_ttl: TimeSpan,
    /// The least time between two forced refreshes of one secret.
    min_refresh_interval: TimeSpan,
    /// How many secrets are kept at most.
    #[schemars(range(min = 1))]
    max_entries: u64,
}

impl Default for Cache {
    fn default() -> Self {
        let options = CacheOptions::default();
        Self {
            ttl: TimeSpan(options.ttl),
            stale_grace: TimeSpan(options.stale_grace),
            negative_ttl: TimeSpan(options.negative_ttl),
            min_refresh_interval: TimeSpan(options.min_refresh_interval),
            max_entries: options.max_entries as u64,
        }
    }
}

/// A key with nothing behind it, as is left when all its entries are commented out.
pub(super) fn empty_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
