//! Audit and policy around everything, retry and timeout around each backend.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join;
use keyferry_conformance::{Counting, ManualClock};
use keyferry_core::{
    Audit, BackendOptions, Error, ErrorKind, Outcome, Policy, Registry, Request, Resolver,
    ResolverBuilder, Result,
};

use crate::shelf::{Shelf, add, kind, no_retry, outage, plain};

#[derive(Debug, Default)]
struct Gate {
    shut: AtomicBool,
    forgetful: AtomicBool,
}

#[async_trait]
impl Policy for Gate {
    async fn authorise(&self, requests: &[Request<'_>]) -> Vec<Result<()>> {
        if self.forgetful.load(Ordering::SeqCst) {
            return Vec::new();
        }
        let decide = |_| match self.shut.load(Ordering::SeqCst) {
            true => Err(Error::new(ErrorKind::Denied, "the gate is shut")),
            false => Ok(()),
        };
        requests.iter().map(decide).collect()
    }
}

#[derive(Debug, Default)]
struct Ledger {
    full: AtomicBool,
    commits: AtomicUsize,
    records: Mutex<Vec<(String, Option<ErrorKind>)>>,
}

#[async_trait]
impl Audit for Ledger {
    async fn record(&self, outcomes: &[Outcome<'_>]) -> Result<()> {
        if self.full.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Internal, "no space"));
        }
        self.commits.fetch_add(1, Ordering::SeqCst);
        self.records
            .lock()
            .unwrap()
            .extend(outcomes.iter().map(|outcome| {
                let failure = outcome.result.as_ref().err().map(Error::kind);
                (outcome.request.reference().to_string(), failure)
            }));
        Ok(())
    }
}

struct Guarded {
    resolver: Resolver,
    shelf: Arc<Counting<Shelf>>,
    gate: Arc<Gate>,
    ledger: Arc<Ledger>,
}

fn guarded() -> Guarded {
    let clock = ManualClock::default();
    let shelf = Arc::new(Counting::new(Shelf::new(plain())));
    shelf.inner().put("a", "1");
    let mut registry = Registry::new(clock.host());
    add(
        &mut registry,
        "shelf",
        Arc::clone(&shelf) as _,
        BackendOptions::default(),
    );
    let (gate, ledger) = (Arc::new(Gate::default()), Arc::new(Ledger::default()));
    let resolver = Resolver::builder(registry, clock.host())
        .policy(Arc::clone(&gate) as _)
        .audit(Arc::clone(&ledger) as _)
        .build();
    Guarded {
        resolver,
        shelf,
        gate,
        ledger,
    }
}

#[tokio::test]
async fn a_caller_who_lost_access_never_gets_a_cached_value() {
    let guarded = guarded();
    guarded.resolver.get("shelf:a").await.unwrap();
    guarded.gate.shut.store(true, Ordering::SeqCst);
    assert_eq!(
        kind(guarded.resolver.get("shelf:a").await),
        ErrorKind::Denied
    );
    // A refusal by policy empties nothing for those who still may.
    guarded.gate.shut.store(false, Ordering::SeqCst);
    guarded.resolver.get("shelf:a").await.unwrap();
    assert_eq!(guarded.shelf.calls().read, 1);
}

#[tokio::test]
async fn the_synchronous_path_does_not_go_around_policy_and_audit() {
    let guarded = guarded();
    guarded.resolver.get("shelf:a").await.unwrap();
    let request = Request::new("shelf:a").unwrap();
    assert!(guarded.resolver.cached(&request).is_none());
}

#[tokio::test]
async fn either_of_policy_and_audit_closes_the_synchronous_path() {
    let open = layered().resolver;
    let request = Request::new("shelf:a").unwrap();
    open.get("shelf:a").await.unwrap();
    assert!(open.cached(&request).is_some());
    let builders = [
        (|builder| builder.policy(Arc::new(Gate::default()))) as fn(ResolverBuilder) -> _,
        |builder| builder.audit(Arc::new(Ledger::default())),
    ];
    for guard in builders {
        let clock = ManualClock::default();
        let shelf = Shelf::new(plain());
        shelf.put("a", "1");
        let mut registry = Registry::new(clock.host());
        add(&mut registry, "shelf", Arc::new(shelf), no_retry());
        let resolver = guard(Resolver::builder(registry, clock.host())).build();
        resolver.get("shelf:a").await.unwrap();
        assert!(resolver.cached(&request).is_none());
    }
}

#[tokio::test]
async fn metadata_and_watching_are_decided_too() {
    let guarded = guarded();
    guarded.gate.shut.store(true, Ordering::SeqCst);
    assert_eq!(
        kind(guarded.resolver.metadata("shelf:a").await),
        ErrorKind::Denied
    );
    assert!(guarded.resolver.watch("shelf:a").await.is_err());
    assert_eq!(guarded.shelf.calls().total(), 0);
}

#[tokio::test]
async fn a_policy_that_does_not_decide_everything_refuses_everything() {
    let guarded = guarded();
    guarded.gate.forgetful.store(true, Ordering::SeqCst);
    assert_eq!(
        kind(guarded.resolver.get("shelf:a").await),
        ErrorKind::Internal
    );
    assert_eq!(guarded.shelf.calls().total(), 0);
}

#[tokio::test]
async fn every_outcome_is_recorded_once_cached_and_refused_ones_included() {
    let guarded = guarded();
    for _ in 0..2 {
        guarded.resolver.get("shelf:a").await.unwrap();
    }
    let _ = guarded
        .resolver
        .get_many(["shelf:a", "shelf:none", "shelf:a"])
        .await;
    let records = guarded.ledger.records.lock().unwrap().clone();
    let read = ("shelf:a".to_owned(), None);
    let missed = ("shelf:none".to_owned(), Some(ErrorKind::NotFound));
    assert_eq!(
        records,
        [read.clone(), read.clone(), read.clone(), missed, read]
    );
    assert_eq!(guarded.ledger.commits.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn nothing_is_released_without_its_record() {
    let guarded = guarded();
    guarded.resolver.get("shelf:a").await.unwrap();
    guarded.ledger.full.store(true, Ordering::SeqCst);
    let batch = guarded.resolver.get_many(["shelf:a", "shelf:none"]).await;
    let kinds: Vec<_> = batch.failures().map(|(_, error)| error.kind()).collect();
    assert_eq!(kinds, [ErrorKind::Unavailable, ErrorKind::NotFound]);
}

struct Layered {
    resolver: Resolver,
    clock: ManualClock,
    shelf: Arc<Counting<Shelf>>,
}

fn layered() -> Layered {
    let clock = ManualClock::default();
    let shelf = Arc::new(Counting::new(Shelf::new(plain())));
    shelf.inner().put("a", "1");
    let mut registry = Registry::new(clock.host());
    add(
        &mut registry,
        "shelf",
        Arc::clone(&shelf) as _,
        BackendOptions::default(),
    );
    Layered {
        resolver: Resolver::builder(registry, clock.host()).build(),
        clock,
        shelf,
    }
}

impl Layered {
    /// Gets while the time passes in steps of 50 ms, and says how many steps that took.
    async fn get(&self) -> (Result<keyferry_core::Secret>, u32) {
        let mut steps = 0;
        let mut get = Box::pin(self.resolver.get("shelf:a"));
        loop {
            for _ in 0..10 {
                if let std::task::Poll::Ready(answer) = futures_util::poll!(&mut get) {
                    return (answer, steps);
                }
                tokio::task::yield_now().await;
            }
            self.clock.advance(Duration::from_millis(50));
            steps += 1;
        }
    }
}

#[tokio::test]
async fn a_failed_request_is_retried_with_growing_pauses() {
    let layered = layered();
    layered.shelf.fail_next(2, outage(ErrorKind::Unavailable));
    let (answer, steps) = layered.get().await;
    assert!(answer.is_ok());
    assert_eq!(layered.shelf.calls().read, 3);
    // 100 ms and 200 ms.
    assert_eq!(steps, 6);
}

#[tokio::test]
async fn retries_end_and_give_the_last_failure() {
    let layered = layered();
    layered.shelf.fail_next(9, outage(ErrorKind::Timeout));
    assert_eq!(kind(layered.get().await.0), ErrorKind::Timeout);
    assert_eq!(layered.shelf.calls().read, 3);
}

#[tokio::test]
async fn a_definite_answer_and_an_item_failure_are_not_retried() {
    for error in [
        outage(ErrorKind::Denied),
        outage(ErrorKind::Unauthenticated),
        Error::new(ErrorKind::Unavailable, "this item"),
    ] {
        let layered = layered();
        layered.shelf.fail_next(1, error.clone());
        assert_eq!(kind(layered.get().await.0), error.kind());
        assert_eq!(layered.shelf.calls().read, 1);
    }
}

#[tokio::test]
async fn a_backend_that_asks_to_wait_is_obeyed_or_left_alone() {
    let layered = layered();
    let throttled =
        |after| outage(ErrorKind::Throttled).with_retry_after(Duration::from_secs(after));
    layered.shelf.fail_next(1, throttled(1));
    let (answer, steps) = layered.get().await;
    assert!(answer.is_ok() && steps == 20);
    layered.resolver.invalidate("shelf:a").unwrap();
    layered.shelf.fail_next(1, throttled(60));
    let (answer, steps) = layered.get().await;
    assert_eq!(
        answer.unwrap_err().retry_after(),
        Some(Duration::from_secs(60))
    );
    assert_eq!(steps, 0);
}

#[tokio::test]
async fn a_call_that_hangs_is_given_up_and_repeated() {
    let layered = layered();
    layered.shelf.hold();
    let time = async {
        while layered.clock.sleepers() == 0 {
            tokio::task::yield_now().await;
        }
        layered.clock.advance(Duration::from_secs(30));
        while layered.clock.sleepers() == 0 {
            tokio::task::yield_now().await;
        }
        layered.shelf.release();
        layered.clock.advance(Duration::from_millis(100));
    };
    let (answer, ()) = join(layered.resolver.get("shelf:a"), time).await;
    assert!(answer.is_ok());
    assert_eq!(layered.shelf.calls().read, 2);
}

#[test]
fn every_future_may_move_between_threads() {
    fn sendable<T: Send>(value: T) {
        drop(value);
    }
    let resolver = layered().resolver;
    sendable(resolver.get("shelf:a"));
    sendable(resolver.get_or_none("shelf:a"));
    sendable(resolver.raw("shelf:a"));
    sendable(resolver.get_many(["shelf:a"]));
    sendable(resolver.preload(&["shelf:*"]));
    sendable(resolver.list("shelf:*"));
    sendable(resolver.metadata("shelf:a"));
    sendable(resolver.watch("shelf:a"));
}
