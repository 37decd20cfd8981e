//! One cache and one freshness contract for every backend.
//!
//! * A value is fresh for its TTL, jittered, bounded by what its backend allows.
//! * Of all callers that miss one key, one fetches; the others share its result.
//! * An absence is remembered for the negative TTL.
//! * A value past its TTL bridges a failure of the whole request for the stale grace, never a
//!   definite answer.
//! * A definite answer removes the value at once.
//! * After an invalidation the old value is never served; a second forced refresh within the
//!   minimum interval is throttled.
//!
//! Keys are the reference without its field, and the tenant. One cache belongs to one registry, so a
//! reference stands for one backend instance.

mod entry;
mod flight;
mod forced;
mod shard;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use self::entry::{Entry, Outcome};
use self::shard::{Shard, Writers};
use crate::clock::{Host, Timestamp, jittered};
use crate::error::{Error, Result};
use crate::reference::Reference;
use crate::request::{Freshness, Request};
use crate::secret::Secret;

pub(crate) use self::flight::{Boarding, Fetch, Flight, uninterrupted};

/// The freshness contract's figures.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheOptions {
    /// Whether anything is kept. Default true. Concurrent callers share fetches either way.
    pub enabled: bool,
    /// How long a value is fresh, ±10 % jitter. Default 300 s.
    pub ttl: Duration,
    /// How long past its TTL a value may bridge a failure. Default 0: never.
    pub stale_grace: Duration,
    /// How long an absence is remembered. Default 5 s.
    pub negative_ttl: Duration,
    /// The least time between two forced refreshes of one key. Default 5 s.
    pub min_refresh_interval: Duration,
    /// How many entries are kept at most. Default 10,000.
    pub max_entries: usize,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            enabled: true,
            ttl: Duration::from_secs(300),
            stale_grace: Duration::ZERO,
            negative_ttl: Duration::from_secs(5),
            min_refresh_interval: Duration::from_secs(5),
            max_entries: 10_000,
        }
    }
}

/// What the cache holds for a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheState {
    /// Nothing.
    Absent,
    /// A value within its TTL.
    Fresh,
    /// A value past its TTL that may bridge a failure.
    Stale,
    /// The memory that there is no such secret.
    Negative,
    /// The cache is switched off.
    Disabled,
}

impl CacheState {
    /// The stable name of the state, as in machine-readable output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Negative => "negative",
            Self::Disabled => "disabled",
        }
    }
}

/// The cache of one resolver.
#[derive(Debug)]
pub(crate) struct Cache {
    options: CacheOptions,
    host: Host,
    seed: u64,
    shards: Box<[Shard]>,
    values: AtomicUsize,
    absences: AtomicUsize,
    // Where the next eviction starts to look.
    hand: AtomicUsize,
}

/// What a cached item is known by.
#[derive(Debug, Clone)]
struct Key {
    reference: Reference,
    tenant: Option<Arc<str>>,
    hash: u64,
}

/// The fetch of one item, as far as landing it needs to know.
#[derive(Debug)]
struct Fare {
    key: Key,
    raw: bool,
    /// How long the backend lets the value be cached.
    max_age: Option<Duration>,
}

impl Cache {
    pub(crate) fn new(options: CacheOptions, host: Host) -> Self {
        Self {
            options,
            seed: host.entropy.next(),
            host,
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            values: AtomicUsize::new(0),
            absences: AtomicUsize::new(0),
            hand: AtomicUsize::new(0),
        }
    }

    /// The hit path: no lock, no allocation, no system call.
    pub(crate) fn hit(&self, request: &Request<'_>) -> Option<Result<Secret>> {
        if !self.options.enabled {
            return None;
        }
        let oldest = oldest(request)?;
        let now = self.host.clock.now();
        self.find(request, |entry| entry.fresh(now, oldest))
    }

    /// A value that may be served although a fetch failed with `error`.
    pub(crate) fn stale(&self, request: &Request<'_>, error: &Error) -> Option<Secret> {
        if !error.allows_stale() {
            return None;
        }
        let oldest = oldest(request)?;
        let now = self.host.clock.now();
        self.find(request, |entry| entry.stale(now, oldest))
    }

    /// What is held for a request, and how old it is.
    pub(crate) fn state(&self, request: &Request<'_>) -> (CacheState, Option<Duration>) {
        if !self.options.enabled {
            return (CacheState::Disabled, None);
        }
        let now = self.host.clock.now();
        self.find(request, |entry| entry.state(now))
            .unwrap_or((CacheState::Absent, None))
    }

    /// The flight that a request that missed shares: one that is on its way, or a new one.
    ///
    /// `fetch` only builds the future; it runs with the shard locked.
    ///
    /// # Errors
    /// [`ErrorKind::Throttled`](crate::ErrorKind::Throttled) for a forced refresh too soon after
    /// another.
    pub(crate) fn board(
        self: &Arc<Self>,
        request: &Request<'_>,
        max_age: Option<Duration>,
        fetch: impl FnOnce() -> Fetch,
    ) -> Result<Boarding> {
        let key = self.key(request);
        self.shard(key.hash).write(|writers| {
            // Another caller's flight may have landed between the miss and the lock.
            if let Some(hit) = self.hit(request) {
                return Ok(Boarding::Landed(hit));
            }
            let now = self.host.clock.now();
            if oldest(request).is_some() && self.keeps(max_age) {
                writers
                    .forced
                    .refresh(&key, now, self.options.min_refresh_interval)?;
            }
            if let Some(flight) = writers.flights.on_its_way(&key, request.raw) {
                return Ok(Boarding::Aboard(flight));
            }
            let fare = Fare {
                key,
                raw: request.raw,
                max_age,
            };
            Ok(Boarding::Aboard(writers.flights.start(
                Arc::clone(self),
                fare,
                now,
                fetch(),
            )))
        })
    }

    /// Takes the result of a flight, unless an invalidation has detached it.
    fn land(&self, fare: &Fare, ticket: u64, result: &Result<Secret>) {
        let shard = self.shard(fare.key.hash);
        shard.write(|writers| {
            if !writers.flights.arrived(&fare.key, ticket) || fare.raw || !self.options.enabled {
                return;
            }
            let now = self.host.clock.now();
            match result {
                Ok(secret) => {
                    writers.forced.settled(&fare.key);
                    self.store(shard, writers, self.value_entry(fare, secret, now), now);
                }
                Err(error) if error.kind().rules().negative_entry => {
                    self.store(shard, writers, self.absence_entry(fare, error, now), now);
                }
                Err(error) if error.kind().rules().purges_cache => {
                    self.forget(shard, writers, &fare.key);
                }
                Err(_) => {}
            }
        });
        self.make_room();
    }

    fn value_entry(&self, fare: &Fare, secret: &Secret, now: Timestamp) -> Entry {
        let valid_for = secret.metadata().valid_for;
        let ttl = jittered(self.options.ttl, 10, self.host.entropy.as_ref());
        let ttl = [fare.max_age, valid_for]
            .into_iter()
            .flatten()
            .fold(ttl, Duration::min);
        let fresh_until = now.after(ttl);
        // What the backend no longer vouches for is not served stale either.
        let vouched_until = valid_for.map_or(Timestamp::NEVER, |valid_for| now.after(valid_for));
        let keep_until = fresh_until
            .after(self.options.stale_grace)
            .min(vouched_until);
        Entry::new(
            fare.key.clone(),
            Outcome::Value(secret.clone()),
            now,
            fresh_until,
            keep_until,
        )
    }

    fn absence_entry(&self, fare: &Fare, error: &Error, now: Timestamp) -> Entry {
        let ttl = fare
            .max_age
            .unwrap_or(Duration::MAX)
            .min(self.options.negative_ttl);
        let until = now.after(ttl);
        Entry::new(
            fare.key.clone(),
            Outcome::Absence(error.clone()),
            now,
            until,
            until,
        )
    }

    fn store(&self, shard: &Shard, writers: &mut Writers, entry: Entry, now: Timestamp) {
        self.forget(shard, writers, &entry.key);
        if entry.keep_until > now {
            self.counter(&entry).fetch_add(1, Ordering::Relaxed);
            for expired in shard.insert(writers, entry, now) {
                self.counter(&expired).fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    fn forget(&self, shard: &Shard, writers: &mut Writers, key: &Key) {
        if let Some(entry) = shard.remove(writers, key) {
            self.counter(&entry).fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Evicts until both bounds hold. Absences have a bound of their own, a tenth of the other, so
    /// that asking for names that do not exist cannot push values out.
    fn make_room(&self) {
        let max = self.options.max_entries;
        for (counter, bound) in [(&self.values, max), (&self.absences, max.div_ceil(10))] {
            let absences = std::ptr::eq(counter, &raw const self.absences);
            let mut empty_shards = 0;
            while counter.load(Ordering::Relaxed) > bound && empty_shards < SHARDS {
                let hand = self.hand.fetch_add(1, Ordering::Relaxed) as u64;
                let shard = self.shard(hand << 32);
                let now = self.host.clock.now();
                let evicted = shard.write(|writers| shard.evict(writers, absences, now));
                match evicted {
                    true => counter.fetch_sub(1, Ordering::Relaxed),
                    false => {
                        empty_shards += 1;
                        0
                    }
                };
            }
        }
    }

    fn counter(&self, entry: &Entry) -> &AtomicUsize {
        if entry.is_absence() {
            &self.absences
        } else {
            &self.values
        }
    }

    /// Removes what is held and detaches the flight, so that the next request fetches.
    pub(crate) fn invalidate(&self, request: &Request<'_>) {
        let key = self.key(request);
        let shard = self.shard(key.hash);
        shard.write(|writers| {
            writers.flights.detach(&key);
            self.forget(shard, writers, &key);
            writers.forced.demand(
                key,
                self.host.clock.now(),
                self.options.min_refresh_interval,
            );
        });
    }

    /// Whether a value is ever kept. Where none is, every request fetches, and an invalidation
    /// forces nothing that could be throttled.
    fn keeps(&self, max_age: Option<Duration>) -> bool {
        self.options.enabled && !self.options.ttl.is_zero() && max_age != Some(Duration::ZERO)
    }

    /// Removes a value that a notification says has changed. This forces nothing.
    pub(crate) fn changed(&self, request: &Request<'_>) {
        let key = self.key(request);
        let shard = self.shard(key.hash);
        shard.write(|writers| {
            writers.flights.detach(&key);
            self.forget(shard, writers, &key);
        });
    }

    /// Invalidates everything that is held, under every tenant.
    pub(crate) fn invalidate_all(&self) {
        let interval = self.options.min_refresh_interval;
        for shard in &self.shards {
            shard.write(|writers| {
                writers.flights.detach_all();
                for entry in shard.take_all(writers) {
                    self.counter(&entry).fetch_sub(1, Ordering::Relaxed);
                    writers
                        .forced
                        .demand(entry.key.clone(), self.host.clock.now(), interval);
                }
            });
        }
    }

    /// Looks an entry up without a lock.
    fn find<R>(&self, request: &Request<'_>, read: impl FnOnce(&Entry) -> Option<R>) -> Option<R> {
        let hash = self.hash(request.reference(), request.tenant());
        self.shard(hash).read(
            hash,
            |entry| {
                entry.key.reference.same_item(request.reference())
                    && entry.key.tenant.as_ref() == request.tenant()
            },
            read,
        )
    }

    fn key(&self, request: &Request<'_>) -> Key {
        Key {
            reference: request.reference().without_field(),
            tenant: request.tenant().cloned(),
            hash: self.hash(request.reference(), request.tenant()),
        }
    }

    fn hash(&self, reference: &Reference, tenant: Option<&Arc<str>>) -> u64 {
        let bytes = tenant.iter().flat_map(|tenant| tenant.bytes());
        let hash = bytes.fold(reference.item_hash() ^ self.seed, |hash, byte| {
            (hash.rotate_left(5) ^ u64::from(byte)).wrapping_mul(MIX)
        });
        // Every bit of the result depends on every bit of hash and seed.
        let product = u128::from(hash) * u128::from(MIX);
        (product as u64) ^ ((product >> 64) as u64)
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "the index is reduced modulo the fixed length"
    )]
    fn shard(&self, hash: u64) -> &Shard {
        // The tables inside a shard use the highest and lowest bits.
        &self.shards[(hash >> 32) as usize % SHARDS]
    }
}

/// The greatest age that a request takes from the cache; `None` if it takes nothing from there.
fn oldest(request: &Request<'_>) -> Option<Duration> {
    match request.freshness {
        _ if request.raw => None,
        Freshness::Cached => Some(Duration::MAX),
        Freshness::AtMost(age) => Some(age),
        Freshness::Live => None,
    }
}

impl Key {
    fn is(&self, other: &Self) -> bool {
        self.hash == other.hash
            && self.reference.same_item(&other.reference)
            && self.tenant == other.tenant
    }
}

#[cfg(not(shuttle))]
const SHARDS: usize = 128;
#[cfg(shuttle)]
const SHARDS: usize = 2;

const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
