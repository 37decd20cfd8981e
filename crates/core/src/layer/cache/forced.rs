//! The least time between two forced refreshes of one key.

use std::time::Duration;

use hashbrown::HashTable;

use super::Key;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};

/// The keys whose refresh was forced lately, or is demanded and still to come.
#[derive(Debug, Default)]
pub(super) struct Forced(HashTable<Refresh>);

#[derive(Debug)]
struct Refresh {
    key: Key,
    /// When a forced fetch last started.
    last: Option<Timestamp>,
    /// An invalidation asks for another.
    demanded: bool,
}

/// More than these in one shard are not remembered: their next refresh is not throttled.
const MAX_REMEMBERED: usize = 1024;

impl Forced {
    /// Notes that an invalidation asks for a refresh.
    pub(super) fn demand(&mut self, key: Key, now: Timestamp, interval: Duration) {
        if let Some(refresh) = self.0.find_mut(key.hash, |refresh| refresh.key.is(&key)) {
            refresh.demanded = true;
            return;
        }
        self.0
            .retain(|refresh| refresh.demanded || refresh.ends(interval) > now);
        if self.0.len() >= MAX_REMEMBERED {
            self.0.retain(|refresh| refresh.ends(interval) > now);
        }
        if self.0.len() < MAX_REMEMBERED {
            let refresh = Refresh {
                key,
                last: None,
                demanded: true,
            };
            self.0
                .insert_unique(refresh.key.hash, refresh, |refresh| refresh.key.hash);
        }
    }

    /// Lets a fetch start, unless it is demanded too soon after another.
    pub(super) fn refresh(&mut self, key: &Key, now: Timestamp, interval: Duration) -> Result<()> {
        let Some(refresh) = self.0.find_mut(key.hash, |refresh| refresh.key.is(key)) else {
            return Ok(());
        };
        if !refresh.demanded {
            return Ok(());
        }
        let ends = refresh.ends(interval);
        if now < ends {
            return Err(Error::new(
                ErrorKind::Throttled,
                format!("a forced refresh within {interval:?} of the last one"),
            )
            .with_retry_after(ends.since(now))
            .with_help("wait, or take a cached value instead of invalidating it"));
        }
        refresh.last = Some(now);
        refresh.demanded = false;
        Ok(())
    }

    /// Notes that a newer value is there, so nothing is demanded any more.
    pub(super) fn settled(&mut self, key: &Key) {
        if let Some(refresh) = self.0.find_mut(key.hash, |refresh| refresh.key.is(key)) {
            refresh.demanded = false;
        }
    }
}

impl Refresh {
    fn ends(&self, interval: Duration) -> Timestamp {
        self.last
            .map_or(Timestamp::ZERO, |last| last.after(interval))
    }
}
