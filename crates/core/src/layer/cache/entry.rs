//! What is held for one key.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{CacheState, Key};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::secret::Secret;

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: Key,
    pub(super) outcome: Outcome,
    at: Timestamp,
    fresh_until: Timestamp,
    /// The end of the stale grace.
    pub(super) keep_until: Timestamp,
    /// Whether it was hit since the eviction last passed by.
    used: AtomicBool,
}

#[derive(Debug)]
pub(super) enum Outcome {
    Value(Secret),
    Absence(Error),
}

impl Entry {
    pub(super) fn new(
        key: Key,
        outcome: Outcome,
        at: Timestamp,
        fresh_until: Timestamp,
        keep_until: Timestamp,
    ) -> Self {
        Self {
            key,
            outcome,
            at,
            fresh_until,
            keep_until,
            used: AtomicBool::new(false),
        }
    }

    pub(super) fn is_absence(&self) -> bool {
        matches!(self.outcome, Outcome::Absence(_))
    }

    /// The answer, if it is within its TTL and not older than `oldest`.
    pub(super) fn fresh(&self, now: Timestamp, oldest: Duration) -> Option<Result<Secret>> {
        if now >= self.fresh_until || self.age(now) > oldest {
            return None;
        }
        // Written once, so that readers of one entry do not take its line from each other.
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
        Some(match &self.outcome {
            Outcome::Value(secret) => Ok(secret.clone()),
            Outcome::Absence(error) => Err(error.clone()),
        })
    }

    /// The value, marked stale if it is past its TTL, while the grace lasts.
    pub(super) fn stale(&self, now: Timestamp, oldest: Duration) -> Option<Secret> {
        match &self.outcome {
            Outcome::Value(secret) if now < self.keep_until && self.age(now) <= oldest => {
                Some(if now < self.fresh_until {
                    secret.clone()
                } else {
                    secret.as_stale()
                })
            }
            Outcome::Value(_) | Outcome::Absence(_) => None,
        }
    }

    pub(super) fn state(&self, now: Timestamp) -> Option<(CacheState, Option<Duration>)> {
        if now >= self.keep_until {
            return None;
        }
        let state = match &self.outcome {
            Outcome::Absence(_) => CacheState::Negative,
            Outcome::Value(_) if now < self.fresh_until => CacheState::Fresh,
            Outcome::Value(_) => CacheState::Stale,
        };
        Some((state, Some(self.age(now))))
    }

    /// Whether the entry was used since this was last asked.
    pub(super) fn take_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }

    // A value's age counts from the start of its fetch.
    fn age(&self, now: Timestamp) -> Duration {
        match &self.outcome {
            Outcome::Value(secret) => secret.age(now),
            Outcome::Absence(_) => now.since(self.at),
        }
    }
}
