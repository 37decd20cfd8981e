//! One part of the cache: a table that is read without a lock and replaced as a whole.

use std::sync::Arc;

use hashbrown::HashTable;

use super::Key;
use super::entry::Entry;
use super::flight::Flights;
use super::forced::Forced;
use crate::clock::Timestamp;
use crate::sync::{Mutex, Snapshot, locked};

type Table = HashTable<Arc<Entry>>;

#[derive(Debug)]
pub(super) struct Shard {
    table: Snapshot<Table>,
    writers: Mutex<Writers>,
}

/// What only writers need. Whoever holds it may replace the table.
#[derive(Debug, Default)]
pub(super) struct Writers {
    pub(super) flights: Flights,
    pub(super) forced: Forced,
}

impl Default for Shard {
    fn default() -> Self {
        Self {
            table: Snapshot::new(Table::new()),
            writers: Mutex::new(Writers::default()),
        }
    }
}

impl Shard {
    pub(super) fn read<R>(
        &self,
        hash: u64,
        is: impl Fn(&Entry) -> bool,
        read: impl FnOnce(&Entry) -> Option<R>,
    ) -> Option<R> {
        self.table
            .read(|table| read(table.find(hash, |entry| is(entry))?))
    }

    pub(super) fn write<R>(&self, write: impl FnOnce(&mut Writers) -> R) -> R {
        locked(&self.writers, write)
    }

    /// Adds an entry. Removes and returns those that expired: what may not be served any more
    /// should not stay in memory.
    pub(super) fn insert(&self, _: &mut Writers, entry: Entry, now: Timestamp) -> Vec<Arc<Entry>> {
        self.update(|table| {
            let expired = table.extract_if(|entry| entry.keep_until <= now).collect();
            table.insert_unique(entry.key.hash, Arc::new(entry), |entry| entry.key.hash);
            expired
        })
    }

    pub(super) fn remove(&self, _: &mut Writers, key: &Key) -> Option<Arc<Entry>> {
        let is = |entry: &Arc<Entry>| entry.key.is(key);
        if !self.table.read(|table| table.find(key.hash, is).is_some()) {
            return None;
        }
        self.update(|table| {
            table
                .find_entry(key.hash, is)
                .ok()
                .map(|entry| entry.remove().0)
        })
    }

    pub(super) fn take_all(&self, _: &mut Writers) -> Vec<Arc<Entry>> {
        let all = self.table.read(|table| table.iter().cloned().collect());
        self.table.replace(Table::new());
        all
    }

    /// Removes one value or absence: an expired one if there is one, else the first that was not
    /// used since the last pass. Whether one was removed.
    pub(super) fn evict(&self, writers: &mut Writers, absences: bool, now: Timestamp) -> bool {
        let victim = self.table.read(|table| {
            let of_kind = || table.iter().filter(|entry| entry.is_absence() == absences);
            of_kind()
                .find(|entry| entry.keep_until <= now)
                .or_else(|| of_kind().find(|entry| !entry.take_used()))
                .or_else(|| of_kind().next())
                .map(|entry| entry.key.clone())
        });
        victim.is_some_and(|key| self.remove(writers, &key).is_some())
    }

    fn update<R>(&self, change: impl FnOnce(&mut Table) -> R) -> R {
        let mut table = self.table.read(Table::clone);
        let result = change(&mut table);
        self.table.replace(table);
        result
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::layer::cache::entry::Outcome;
    use crate::reference::Reference;
    use crate::value::SecretValue;

    #[test]
    fn an_insertion_removes_what_expired_in_its_shard() {
        let shard = Shard::default();
        let at = |seconds| Timestamp::ZERO.after(Duration::from_secs(seconds));
        let insert = |name: &str, until: u64, now: u64| {
            let key = Key {
                reference: Reference::parse(name).unwrap(),
                tenant: None,
                hash: until,
            };
            let value = Outcome::Value(SecretValue::text("x").into());
            let entry = Entry::new(key, value, at(now), at(until), at(until));
            let expired = shard.write(|writers| shard.insert(writers, entry, at(now)));
            expired.len()
        };
        assert_eq!(insert("a:short", 10, 0), 0);
        assert_eq!(insert("a:long", 20, 9), 0);
        assert_eq!(insert("a:other", 30, 10), 1);
        let left = shard.write(|writers| shard.take_all(writers));
        assert_eq!(left.len(), 2);
    }
}
