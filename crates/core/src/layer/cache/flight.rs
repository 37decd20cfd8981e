//! Fetches on their way, each shared by all callers of its key.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hashbrown::HashTable;

use super::{Cache, Fare, Key};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use crate::shared::{Shared, WeakShared};

/// The backend call of a flight.
pub(crate) type Fetch = BoxFuture<'static, Result<Secret>>;

/// A fetch that any of its callers drives. It goes on while one of them is left, and ends with the
/// last.
pub(crate) type Flight = Shared<Result<Secret>>;

/// How a request that missed goes on.
pub(crate) enum Boarding {
    /// The answer is there meanwhile.
    Landed(Result<Secret>),
    /// The flight to wait for.
    Aboard(Flight),
}

/// The flights of one shard.
#[derive(Default)]
pub(super) struct Flights {
    slots: HashTable<Slot>,
    last_ticket: u64,
}

struct Slot {
    key: Key,
    raw: bool,
    ticket: u64,
    // The callers hold the flight; the cache only finds it.
    flight: WeakShared<Result<Secret>>,
}

impl Flights {
    pub(super) fn on_its_way(&self, key: &Key, raw: bool) -> Option<Flight> {
        self.slots
            .find(key.hash, |slot| slot.raw == raw && slot.key.is(key))?
            .flight
            .upgrade()
    }

    pub(super) fn start(
        &mut self,
        cache: Arc<Cache>,
        fare: Fare,
        now: Timestamp,
        fetch: Fetch,
    ) -> Flight {
        self.last_ticket += 1;
        let (ticket, key, raw) = (self.last_ticket, fare.key.clone(), fare.raw);
        let flight = Shared::new(fly(cache, fare, ticket, now, fetch).boxed());
        // A flight that its callers abandoned may still have a slot.
        self.remove(|slot| slot.raw == raw && slot.key.is(&key), key.hash);
        let slot = Slot {
            key,
            raw,
            ticket,
            flight: flight.downgrade(),
        };
        self.slots
            .insert_unique(slot.key.hash, slot, |slot| slot.key.hash);
        flight
    }

    /// Ends a flight. Whether it was still attached, so that its result counts.
    pub(super) fn arrived(&mut self, key: &Key, ticket: u64) -> bool {
        self.remove(|slot| slot.ticket == ticket, key.hash)
    }

    /// Lets the flight of a key go on for those who wait for it, and no one else.
    pub(super) fn detach(&mut self, key: &Key) {
        while self.remove(|slot| slot.key.is(key), key.hash) {}
    }

    pub(super) fn detach_all(&mut self) {
        self.slots.clear();
    }

    fn remove(&mut self, is: impl Fn(&Slot) -> bool, hash: u64) -> bool {
        self.slots
            .find_entry(hash, is)
            .map(|entry| entry.remove())
            .is_ok()
    }
}

/// The future of a flight. It holds its seat from the start: it may be dropped before it is polled.
fn fly(
    cache: Arc<Cache>,
    fare: Fare,
    ticket: u64,
    started: Timestamp,
    fetch: Fetch,
) -> impl Future<Output = Result<Secret>> + Send {
    let mut seat = Seat {
        cache,
        fare,
        ticket,
        landed: false,
    };
    async move {
        let result = uninterrupted(fetch).await;
        // Age counts from the start: the value may be as old as that.
        let result = result.map(|secret| secret.stamped(started));
        seat.landed = true;
        seat.cache.land(&seat.fare, seat.ticket, &result);
        result
    }
}

/// A call of a backend, whose panic is the failure of the call.
pub(crate) async fn uninterrupted<T>(call: impl Future<Output = Result<T>>) -> Result<T> {
    let result = AssertUnwindSafe(call).catch_unwind().await;
    result.unwrap_or_else(|_| Err(Error::request(ErrorKind::Internal, "the backend panicked")))
}

/// Gives the slot back when the last caller leaves before the fetch is done.
struct Seat {
    cache: Arc<Cache>,
    fare: Fare,
    ticket: u64,
    landed: bool,
}

impl Drop for Seat {
    fn drop(&mut self) {
        if !self.landed {
            let key = &self.fare.key;
            self.cache
                .shard(key.hash)
                .write(|writers| writers.flights.arrived(key, self.ticket));
        }
    }
}

impl fmt::Debug for Flights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.slots.iter().map(|slot| &slot.key))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::future::{BoxFuture, pending};

    use super::*;
    use crate::clock::{Clock, Entropy, Host};
    use crate::layer::cache::CacheOptions;
    use crate::reference::Reference;
    use crate::request::{IntoRequest, Request};

    #[derive(Debug)]
    struct Still;

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            Timestamp::ZERO
        }

        fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
            pending().boxed()
        }
    }

    impl Entropy for Still {
        fn next(&self) -> u64 {
            0
        }
    }

    fn cache() -> Arc<Cache> {
        let host = Host {
            clock: Arc::new(Still),
            entropy: Arc::new(Still),
        };
        Arc::new(Cache::new(CacheOptions::default(), host))
    }

    fn board(cache: &Arc<Cache>, request: &Request<'_>) -> Flight {
        match cache.board(request, None, || pending().boxed()) {
            Ok(Boarding::Aboard(flight)) => flight,
            _ => panic!("nothing is cached"),
        }
    }

    fn slots(cache: &Cache) -> usize {
        let count =
            |shard: &crate::layer::cache::Shard| shard.write(|writers| writers.flights.slots.len());
        cache.shards.iter().map(count).sum()
    }

    #[test]
    fn keys_with_one_hash_are_told_apart_by_tenant_and_reference() {
        let key = |tenant: Option<&str>, reference: &str| Key {
            reference: Reference::parse(reference).unwrap(),
            tenant: tenant.map(Arc::from),
            hash: 7,
        };
        let one = key(Some("one"), "a:b");
        assert!(one.is(&key(Some("one"), "a:b#field")));
        assert!(!one.is(&key(Some("two"), "a:b")));
        assert!(!one.is(&key(None, "a:b")));
        assert!(!key(Some(""), "a:b").is(&key(None, "a:b")));
        assert!(!one.is(&key(Some("one"), "a:b?version=1")));
    }

    #[test]
    fn a_flight_that_everyone_left_gives_its_slot_back_polled_or_not() {
        let cache = cache();
        let request = "a:b".into_request().unwrap();
        for polled in [false, true] {
            let mut first = board(&cache, &request);
            let second = board(&cache, &request);
            if polled {
                assert!((&mut first).now_or_never().is_none());
            }
            drop(first);
            assert_eq!(slots(&cache), 1, "the second caller still waits");
            drop(second);
            assert_eq!(slots(&cache), 0, "polled: {polled}");
        }
    }
}
