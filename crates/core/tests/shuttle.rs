//! The cache under every interleaving that the model checker tries.
//!
//! `cargo xtask shuttle` runs these; without `--cfg shuttle` there is nothing here.
#![cfg(shuttle)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected fails"
)]

use std::sync::Arc;

use async_trait::async_trait;
use keyferry_conformance::ManualClock;
use keyferry_core::{
    Backend, BackendName, BackendOptions, CacheOptions, Capabilities, Freshness, Item, KeyStyle,
    Registry, Request, Resolver, Result, Secret, SecretValue,
};
use shuttle::future::{block_on, yield_now};
use shuttle::sync::atomic::{AtomicUsize, Ordering};
use shuttle::thread;

const SCHEDULES: usize = 2_000;

/// Every key has the present revision as its value; a read takes a while.
#[derive(Debug)]
struct Revision {
    now: AtomicUsize,
    reads: AtomicUsize,
    batch: bool,
}

#[async_trait]
impl Backend for Revision {
    fn kind(&self) -> &'static str {
        "revision"
    }

    fn capabilities(&self) -> Capabilities {
        let capabilities = Capabilities::read_only(KeyStyle::Flat);
        if self.batch {
            capabilities.with_batch(2)
        } else {
            capabilities
        }
    }

    async fn read(&self, _: &Item) -> Result<Secret> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        yield_now().await;
        let value = self.now.load(Ordering::SeqCst).to_string();
        yield_now().await;
        Ok(SecretValue::text(value).into())
    }

    async fn read_batch(&self, items: &[Item]) -> Result<Vec<Result<Secret>>> {
        let mut answers = Vec::new();
        for item in items {
            answers.push(self.read(item).await);
        }
        Ok(answers)
    }
}

#[derive(Clone)]
struct Stand {
    resolver: Resolver,
    backend: Arc<Revision>,
}

impl Stand {
    fn new(batch: bool, set: impl FnOnce(&mut CacheOptions)) -> Self {
        let clock = ManualClock::default();
        let backend = Arc::new(Revision {
            now: AtomicUsize::new(1),
            reads: AtomicUsize::new(0),
            batch,
        });
        let mut registry = Registry::new(clock.host());
        let name = BackendName::new("r").unwrap();
        registry
            .add(name, Arc::clone(&backend) as _, BackendOptions::default())
            .unwrap();
        let mut cache = CacheOptions::default();
        set(&mut cache);
        let resolver = Resolver::builder(registry, clock.host())
            .cache(cache)
            .build();
        Self { resolver, backend }
    }

    fn get(&self) -> usize {
        value(&block_on(self.resolver.get("r:a")).unwrap())
    }

    fn reads(&self) -> usize {
        self.backend.reads.load(Ordering::SeqCst)
    }
}

fn value(secret: &Secret) -> usize {
    secret.value().expose_text().unwrap().parse().unwrap()
}

fn explore(test: impl Fn() + Send + Sync + 'static) {
    let test = Arc::new(test);
    let again = Arc::clone(&test);
    shuttle::check_random(move || test(), SCHEDULES);
    shuttle::check_pct(move || again(), SCHEDULES, 3);
}

fn spawn(stand: &Stand, work: impl FnOnce(Stand) + Send + 'static) -> thread::JoinHandle<()> {
    let stand = stand.clone();
    thread::spawn(move || work(stand))
}

#[test]
fn callers_of_one_cold_key_make_one_call() {
    explore(|| {
        let stand = Stand::new(false, |_| {});
        let callers: Vec<_> = (0..3)
            .map(|_| spawn(&stand, |stand| assert_eq!(stand.get(), 1)))
            .collect();
        callers
            .into_iter()
            .for_each(|caller| caller.join().unwrap());
        assert_eq!(stand.reads(), 1);
    });
}

#[test]
fn no_fetch_brings_back_what_an_invalidation_removed() {
    explore(|| {
        let stand = Stand::new(false, |_| {});
        let reader = spawn(&stand, |stand| {
            stand.get();
            stand.get();
        });
        let writer = spawn(&stand, |stand| {
            stand.backend.now.store(2, Ordering::SeqCst);
            stand.resolver.invalidate("r:a").unwrap();
            assert_eq!(stand.get(), 2);
        });
        reader.join().unwrap();
        writer.join().unwrap();
        assert_eq!(stand.get(), 2);
    });
}

#[test]
fn no_fetch_brings_back_what_an_invalidation_of_everything_removed() {
    explore(|| {
        let stand = Stand::new(false, |_| {});
        let reader = spawn(&stand, |stand| {
            stand.get();
        });
        let writer = spawn(&stand, |stand| {
            stand.backend.now.store(2, Ordering::SeqCst);
            stand.resolver.invalidate_all();
            assert_eq!(stand.get(), 2);
        });
        reader.join().unwrap();
        writer.join().unwrap();
    });
}

#[test]
fn a_caller_that_leaves_takes_no_one_with_it() {
    explore(|| {
        let stand = Stand::new(false, |_| {});
        let leaver = spawn(&stand, |stand| {
            block_on(async {
                let mut get = Box::pin(stand.resolver.get("r:a"));
                let _ = futures_util::poll!(&mut get);
            });
        });
        let stayer = spawn(&stand, |stand| assert_eq!(stand.get(), 1));
        leaver.join().unwrap();
        stayer.join().unwrap();
        assert!(stand.reads() <= 2);
    });
}

#[test]
fn batches_and_single_gets_share_their_calls() {
    explore(|| {
        let stand = Stand::new(true, |_| {});
        let batch = spawn(&stand, |stand| {
            let batch = block_on(stand.resolver.get_many(["r:a", "r:b", "r:c"]));
            assert_eq!(batch.require_all().unwrap().len(), 3);
        });
        let other = spawn(&stand, |stand| {
            let batch = block_on(stand.resolver.get_many(["r:c", "r:a"]));
            assert_eq!(batch.require_all().unwrap().len(), 2);
        });
        let single = spawn(&stand, |stand| assert_eq!(stand.get(), 1));
        [batch, other, single]
            .into_iter()
            .for_each(|caller| caller.join().unwrap());
        assert_eq!(stand.reads(), 3);
    });
}

#[test]
fn the_value_never_goes_back_and_live_sees_every_write_before_it() {
    explore(|| {
        let stand = Stand::new(false, |_| {});
        let writer = spawn(&stand, |stand| stand.backend.now.store(2, Ordering::SeqCst));
        let live = || {
            let request = Request::new("r:a").unwrap().freshness(Freshness::Live);
            value(&block_on(stand.resolver.get(request)).unwrap())
        };
        let seen = live();
        assert!(stand.get() >= seen);
        writer.join().unwrap();
        assert_eq!(live(), 2);
        assert_eq!(stand.get(), 2);
    });
}

#[test]
fn the_bound_holds_whoever_stores() {
    explore(|| {
        let stand = Stand::new(false, |cache| cache.max_entries = 2);
        let callers: Vec<_> = ["r:a", "r:b", "r:c", "r:d"]
            .map(|reference| {
                spawn(&stand, move |stand| {
                    block_on(stand.resolver.get(reference)).unwrap();
                })
            })
            .into();
        callers
            .into_iter()
            .for_each(|caller| caller.join().unwrap());
        let held = ["r:a", "r:b", "r:c", "r:d"]
            .into_iter()
            .filter(|reference| stand.resolver.explain(*reference).unwrap().age.is_some());
        assert!(held.count() <= 2);
    });
}
