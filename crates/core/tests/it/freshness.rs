//! Each rule of the freshness contract.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{join, join_all};
use keyferry_core::{CacheState, ErrorKind, ExecutionContext, Freshness, Request};

use crate::shelf::{Stand, kind, outage, plain, text};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_value_is_fetched_once_within_its_ttl() {
    let stand = Stand::new();
    assert_eq!(stand.get().await.unwrap(), "1");
    stand.put("2");
    stand.pass(299);
    assert_eq!(stand.get().await.unwrap(), "1");
    assert_eq!(stand.reads(), 1);
}

#[tokio::test]
async fn a_cached_get_allocates_nothing_and_is_ready_at_once() {
    let stand = Stand::new();
    stand.put(r#"{"user": "app"}"#);
    for reference in ["shelf:a", "shelf:a#user"] {
        let reference = keyferry_core::Reference::parse(reference).unwrap();
        stand.resolver.get(&reference).await.unwrap();
        let counted = allocation_counter::measure(|| {
            let mut get = std::pin::pin!(stand.resolver.get(&reference));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(get.as_mut().poll(&mut context).is_ready());
        });
        assert_eq!(counted.count_total, 0, "{reference}");
    }
}

#[tokio::test]
async fn an_expired_entry_is_refetched_once() {
    let stand = Stand::new();
    stand.get().await.unwrap();
    stand.put("2");
    stand.pass(300);
    assert_eq!(stand.get().await.unwrap(), "2");
    assert_eq!(stand.get().await.unwrap(), "2");
    assert_eq!(stand.reads(), 2);
}

#[tokio::test]
async fn a_thousand_callers_of_a_cold_key_make_one_call() {
    let stand = Stand::new();
    stand.shelf.hold();
    let callers = join_all((0..1000).map(|_| stand.get()));
    let (answers, ()) = join(callers, async { stand.shelf.release() }).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap() == "1"));
    assert_eq!(stand.reads(), 1);
}

#[tokio::test]
async fn a_thousand_callers_of_a_missing_key_make_one_call_per_negative_ttl() {
    let stand = Stand::new();
    for round in 1..=2 {
        let answers = join_all((0..1000).map(|_| stand.resolver.get("shelf:none"))).await;
        assert!(
            answers
                .into_iter()
                .all(|answer| kind(answer) == ErrorKind::NotFound)
        );
        assert_eq!(stand.reads(), round);
        stand.pass(5);
    }
}

#[tokio::test]
async fn an_absence_ends_with_the_negative_ttl_or_an_invalidation() {
    let stand = Stand::new();
    stand.shelf.inner().remove("a");
    assert_eq!(kind(stand.get().await), ErrorKind::NotFound);
    stand.put("2");
    stand.pass(4);
    assert_eq!(kind(stand.get().await), ErrorKind::NotFound);
    stand.resolver.invalidate("shelf:a").unwrap();
    assert_eq!(stand.get().await.unwrap(), "2");
}

#[tokio::test]
async fn only_absence_makes_a_negative_entry() {
    use ErrorKind::*;
    for refusal in [
        Denied,
        VersionDeleted,
        VersionDestroyed,
        Expired,
        Malformed,
        Unavailable,
    ] {
        let stand = Stand::new();
        stand
            .shelf
            .fail_key("a", keyferry_core::Error::new(refusal, "no"));
        assert_eq!(kind(stand.get().await), refusal);
        assert_eq!(kind(stand.get().await), refusal);
        assert_eq!(stand.reads(), 2, "{refusal}");
    }
}

#[tokio::test]
async fn a_definite_failure_removes_the_value_at_once() {
    use ErrorKind::*;
    for definite in [
        Denied,
        NotFound,
        VersionDeleted,
        VersionDestroyed,
        Expired,
        Corrupt,
    ] {
        let stand = Stand::caching(|cache| cache.stale_grace = 1000 * SECOND);
        stand.get().await.unwrap();
        stand
            .shelf
            .fail_key("a", keyferry_core::Error::new(definite, "no"));
        let live = Request::new("shelf:a").unwrap().freshness(Freshness::Live);
        assert_eq!(kind(stand.resolver.get(live).await), definite);
        // Nothing is left to bridge the outage that follows.
        stand.pass(10);
        stand.shelf.heal();
        stand.shelf.fail_next(1, outage(Unavailable));
        assert_eq!(kind(stand.get().await), Unavailable, "{definite}");
    }
}

#[tokio::test]
async fn a_failure_of_another_kind_keeps_the_value() {
    use ErrorKind::*;
    for passing in [Malformed, TooLarge, Unauthenticated, Internal, Conflict] {
        let stand = Stand::new();
        stand.get().await.unwrap();
        stand
            .shelf
            .fail_key("a", keyferry_core::Error::new(passing, "no"));
        let live = Request::new("shelf:a").unwrap().freshness(Freshness::Live);
        assert_eq!(kind(stand.resolver.get(live).await), passing);
        assert_eq!(stand.get().await.unwrap(), "1", "{passing}");
    }
}

#[tokio::test]
async fn an_absent_field_purges_nothing() {
    let stand = Stand::new();
    stand.put(r#"{"user": "app"}"#);
    assert_eq!(
        kind(stand.resolver.get("shelf:a#none").await),
        ErrorKind::FieldNotFound
    );
    assert_eq!(
        text(stand.resolver.get("shelf:a#user").await.unwrap()),
        "app"
    );
    assert_eq!(stand.reads(), 1);
}

#[tokio::test]
async fn without_a_grace_nothing_stale_is_served() {
    let stand = Stand::new();
    stand.get().await.unwrap();
    stand.pass(300);
    stand.shelf.fail_next(1, outage(ErrorKind::Unavailable));
    assert_eq!(kind(stand.get().await), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_stale_value_bridges_an_outage_within_its_grace_and_says_so() {
    for bridged in [
        ErrorKind::Unavailable,
        ErrorKind::Timeout,
        ErrorKind::Throttled,
    ] {
        let stand = Stand::caching(|cache| cache.stale_grace = 60 * SECOND);
        stand.get().await.unwrap();
        stand.shelf.fail_next(9, outage(bridged));
        stand.pass(359);
        let secret = stand.resolver.get("shelf:a").await.unwrap();
        assert!(secret.is_stale());
        assert_eq!(secret.age(stand.resolver.now()), 359 * SECOND);
        stand.pass(1);
        assert_eq!(kind(stand.get().await), bridged);
    }
}

#[tokio::test]
async fn a_stale_value_never_follows_a_failure_of_the_item() {
    let stand = Stand::caching(|cache| cache.stale_grace = 60 * SECOND);
    stand.get().await.unwrap();
    stand.pass(300);
    stand.shelf.fail_key(
        "a",
        keyferry_core::Error::new(ErrorKind::Unavailable, "this item"),
    );
    assert_eq!(kind(stand.get().await), ErrorKind::Unavailable);
}

#[tokio::test]
async fn recovery_ends_the_stale_time() {
    let stand = Stand::caching(|cache| cache.stale_grace = 60 * SECOND);
    stand.get().await.unwrap();
    stand.pass(300);
    stand.shelf.fail_next(1, outage(ErrorKind::Unavailable));
    assert!(stand.resolver.get("shelf:a").await.unwrap().is_stale());
    stand.put("2");
    let recovered = stand.resolver.get("shelf:a").await.unwrap();
    assert!(!recovered.is_stale());
    assert_eq!(text(recovered), "2");
}

#[tokio::test]
async fn live_always_fetches_and_its_value_is_cached() {
    let stand = Stand::new();
    stand.get().await.unwrap();
    stand.put("2");
    for _ in 0..2 {
        let live = Request::new("shelf:a").unwrap().freshness(Freshness::Live);
        assert_eq!(text(stand.resolver.get(live).await.unwrap()), "2");
    }
    assert_eq!(stand.get().await.unwrap(), "2");
    assert_eq!(stand.reads(), 3);
}

#[tokio::test]
async fn live_is_never_answered_by_a_stale_value() {
    let stand = Stand::caching(|cache| cache.stale_grace = 60 * SECOND);
    stand.get().await.unwrap();
    stand.shelf.fail_next(1, outage(ErrorKind::Unavailable));
    let live = Request::new("shelf:a").unwrap().freshness(Freshness::Live);
    assert_eq!(kind(stand.resolver.get(live).await), ErrorKind::Unavailable);
}

#[tokio::test]
async fn at_most_refetches_what_is_older() {
    let stand = Stand::new();
    stand.get().await.unwrap();
    stand.put("2");
    stand.pass(10);
    let at_most = |seconds| {
        Request::new("shelf:a")
            .unwrap()
            .freshness(Freshness::AtMost(seconds * SECOND))
    };
    assert_eq!(text(stand.resolver.get(at_most(10)).await.unwrap()), "1");
    assert_eq!(text(stand.resolver.get(at_most(9)).await.unwrap()), "2");
    assert_eq!(stand.reads(), 2);
}

#[tokio::test]
async fn raw_goes_around_the_cache_both_ways() {
    let stand = Stand::new();
    stand.put(r#"{"user": "app"}"#);
    let raw = stand.resolver.raw("shelf:a").await.unwrap();
    assert!(raw.value().expose_map().is_none());
    assert!(
        stand
            .resolver
            .get("shelf:a")
            .await
            .unwrap()
            .value()
            .expose_map()
            .is_some()
    );
    stand.put("2");
    assert_eq!(text(stand.resolver.raw("shelf:a").await.unwrap()), "2");
    assert_eq!(stand.get().await.unwrap(), r#"{"user": "app"}"#);
    assert_eq!(stand.reads(), 3);
}

#[tokio::test]
async fn after_an_invalidation_the_old_value_is_never_served() {
    let stand = Stand::caching(|cache| cache.stale_grace = 60 * SECOND);
    stand.get().await.unwrap();
    stand.resolver.invalidate("shelf:a").unwrap();
    stand.shelf.fail_next(1, outage(ErrorKind::Unavailable));
    assert_eq!(kind(stand.get().await), ErrorKind::Unavailable);
    stand.put("2");
    assert_eq!(stand.get().await.unwrap(), "2");
}

#[tokio::test]
async fn a_second_forced_refresh_within_the_interval_is_throttled() {
    let stand = Stand::new();
    stand.get().await.unwrap();
    stand.resolver.invalidate("shelf:a").unwrap();
    stand.get().await.unwrap();
    stand.pass(1);
    stand.resolver.invalidate("shelf:a").unwrap();
    let error = stand.resolver.get("shelf:a").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert_eq!(error.retry_after(), Some(4 * SECOND));
    assert_eq!(stand.reads(), 2);
    stand.pass(4);
    assert_eq!(stand.get().await.unwrap(), "1");
    assert_eq!(stand.reads(), 3);
}

#[tokio::test]
async fn a_throttled_refresh_is_answered_by_live() {
    let stand = Stand::new();
    for _ in 0..2 {
        stand.resolver.invalidate("shelf:a").unwrap();
        let _ = stand.get().await;
    }
    assert_eq!(kind(stand.get().await), ErrorKind::Throttled);
    let live = Request::new("shelf:a").unwrap().freshness(Freshness::Live);
    stand.resolver.get(live).await.unwrap();
    assert_eq!(stand.get().await.unwrap(), "1");
}

#[tokio::test]
async fn nothing_is_throttled_where_every_get_fetches_anyway() {
    let disabled = Stand::caching(|cache| cache.enabled = false);
    let uncached = Stand::with(plain().with_max_age(Duration::ZERO), |_| {});
    for stand in [disabled, uncached] {
        for reads in 1..=3 {
            stand.resolver.invalidate("shelf:a").unwrap();
            assert_eq!(stand.get().await.unwrap(), "1");
            assert_eq!(stand.reads(), reads);
        }
    }
}

#[tokio::test]
async fn invalidate_all_forgets_everything() {
    let stand = Stand::new();
    stand.shelf.inner().put("b", "1");
    stand.get().await.unwrap();
    stand.resolver.get("shelf:b").await.unwrap();
    stand.resolver.invalidate_all();
    stand.get().await.unwrap();
    stand.resolver.get("shelf:b").await.unwrap();
    assert_eq!(stand.reads(), 4);
    stand.resolver.invalidate_all();
    assert_eq!(kind(stand.get().await), ErrorKind::Throttled);
}

#[tokio::test]
async fn a_fetch_that_an_invalidation_overtook_is_not_cached() {
    let stand = Stand::new();
    stand.shelf.hold();
    let before = stand.get();
    let overtake = async {
        while stand.reads() == 0 {
            tokio::task::yield_now().await;
        }
        stand.resolver.invalidate("shelf:a").unwrap();
        stand.shelf.release();
    };
    let (answer, ()) = join(before, overtake).await;
    assert_eq!(answer.unwrap(), "1");
    stand.put("2");
    assert_eq!(stand.get().await.unwrap(), "2");
}

#[tokio::test]
async fn a_caller_after_an_invalidation_does_not_share_the_flight_before_it() {
    let stand = Stand::new();
    stand.shelf.hold();
    let after = async {
        while stand.reads() == 0 {
            tokio::task::yield_now().await;
        }
        stand.resolver.invalidate("shelf:a").unwrap();
        let late = stand.get();
        let release = async {
            while stand.reads() == 1 {
                tokio::task::yield_now().await;
            }
            stand.shelf.release();
        };
        join(late, release).await.0
    };
    let (early, late) = join(stand.get(), after).await;
    assert!(early.is_ok() && late.is_ok());
    assert_eq!(stand.reads(), 2);
}

#[tokio::test]
async fn callers_go_on_when_the_one_that_started_the_fetch_leaves() {
    let stand = Stand::new();
    stand.shelf.hold();
    let mut leader = Box::pin(stand.get());
    assert!(futures_util::poll!(&mut leader).is_pending());
    let mut follower = Box::pin(stand.get());
    assert!(futures_util::poll!(&mut follower).is_pending());
    drop(leader);
    stand.shelf.release();
    assert_eq!(follower.await.unwrap(), "1");
    assert_eq!(stand.reads(), 1);
}

#[tokio::test]
async fn a_fetch_that_everyone_left_is_started_afresh() {
    let stand = Stand::new();
    stand.shelf.hold();
    let mut only = Box::pin(stand.get());
    assert!(futures_util::poll!(&mut only).is_pending());
    drop(only);
    stand.shelf.release();
    assert_eq!(stand.get().await.unwrap(), "1");
    assert_eq!(stand.reads(), 2);
}

#[tokio::test]
async fn a_backend_that_panics_fails_its_callers_and_nothing_else() {
    let stand = Stand::new();
    let answers = join_all((0..3).map(|_| stand.resolver.get("shelf:panics"))).await;
    assert!(
        answers
            .into_iter()
            .all(|answer| kind(answer) == ErrorKind::Internal)
    );
    assert_eq!(stand.get().await.unwrap(), "1");
}

#[tokio::test]
async fn a_deadline_ends_the_wait_of_one_caller_only() {
    let stand = Stand::new();
    stand.shelf.hold();
    let hasty = stand
        .resolver
        .get(Request::new("shelf:a").unwrap().within(SECOND));
    let patient = stand.get();
    let time = async {
        while stand.clock.sleepers() < 2 {
            tokio::task::yield_now().await;
        }
        stand.pass(1);
        tokio::task::yield_now().await;
        stand.shelf.release();
    };
    let ((hasty, patient), ()) = join(join(hasty, patient), time).await;
    assert_eq!(kind(hasty), ErrorKind::Timeout);
    assert_eq!(patient.unwrap(), "1");
    assert_eq!(stand.reads(), 1);
}

#[tokio::test]
async fn tenants_do_not_share_entries() {
    let stand = Stand::new();
    let (one, two) = (
        ExecutionContext::default().with_tenant("one"),
        ExecutionContext::default().with_tenant("two"),
    );
    for context in [&one, &two, &one] {
        stand
            .resolver
            .get(Request::new("shelf:a").unwrap().context(context))
            .await
            .unwrap();
    }
    stand.get().await.unwrap();
    assert_eq!(stand.reads(), 3);
}

#[tokio::test]
async fn a_switched_off_cache_keeps_nothing_and_still_shares_fetches() {
    let stand = Stand::caching(|cache| cache.enabled = false);
    stand.shelf.hold();
    let callers = join_all((0..10).map(|_| stand.get()));
    let (answers, ()) = join(callers, async { stand.shelf.release() }).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(stand.reads(), 1);
    stand.get().await.unwrap();
    assert_eq!(stand.reads(), 2);
    assert_eq!(
        stand.resolver.explain("shelf:a").unwrap().cache,
        CacheState::Disabled
    );
}

#[tokio::test]
async fn a_backend_that_knows_about_changes_is_always_asked() {
    let stand = Stand::with(plain().with_max_age(Duration::ZERO), |cache| {
        cache.stale_grace = 60 * SECOND;
    });
    stand.get().await.unwrap();
    stand.put("2");
    assert_eq!(stand.get().await.unwrap(), "2");
    stand.shelf.inner().remove("a");
    assert_eq!(kind(stand.get().await), ErrorKind::NotFound);
    stand.put("3");
    assert_eq!(stand.get().await.unwrap(), "3");
}

#[tokio::test]
async fn what_the_backend_vouches_for_bounds_ttl_and_grace() {
    let stand = Stand::vouching(10 * SECOND, |cache| cache.stale_grace = 60 * SECOND);
    stand.get().await.unwrap();
    stand.pass(9);
    stand.get().await.unwrap();
    assert_eq!(stand.reads(), 1);
    stand.pass(1);
    stand.shelf.fail_next(1, outage(ErrorKind::Unavailable));
    assert_eq!(kind(stand.get().await), ErrorKind::Unavailable);
}

#[tokio::test]
async fn entries_are_bounded_and_used_ones_stay() {
    let stand = Stand::caching(|cache| cache.max_entries = 100);
    stand.get().await.unwrap();
    for key in 0..1000 {
        stand.shelf.inner().put(&format!("k{key}"), "x");
        stand.resolver.get(&format!("shelf:k{key}")).await.unwrap();
        stand.get().await.unwrap();
    }
    let held = (0..1000).filter(|key| {
        stand
            .resolver
            .explain(&format!("shelf:k{key}"))
            .unwrap()
            .cache
            == CacheState::Fresh
    });
    assert!(held.count() <= 100);
    // Hit between any two stores, so it was fetched again at most a few times.
    assert!(stand.reads() < 1020, "{}", stand.reads());
}

#[tokio::test]
async fn absences_cannot_push_values_out() {
    let stand = Stand::caching(|cache| cache.max_entries = 100);
    for key in 0..90 {
        stand.shelf.inner().put(&format!("k{key}"), "x");
        stand.resolver.get(&format!("shelf:k{key}")).await.unwrap();
    }
    for key in 0..1000 {
        let _ = stand.resolver.get(&format!("shelf:none{key}")).await;
    }
    let state = |key: String| stand.resolver.explain(&key).unwrap().cache;
    assert!((0..90).all(|key| state(format!("shelf:k{key}")) == CacheState::Fresh));
    let absences =
        (0..1000).filter(|key| state(format!("shelf:none{key}")) == CacheState::Negative);
    assert_eq!(absences.count(), 10);
}

#[tokio::test]
async fn explain_tells_state_and_age_without_fetching() {
    let stand = Stand::caching(|cache| cache.stale_grace = 60 * SECOND);
    let explain = |reference: &str| {
        let explanation = stand.resolver.explain(reference).unwrap();
        (explanation.cache, explanation.age)
    };
    assert_eq!(explain("shelf:a"), (CacheState::Absent, None));
    stand.get().await.unwrap();
    stand.pass(7);
    assert_eq!(
        explain("shelf:a#field"),
        (CacheState::Fresh, Some(7 * SECOND))
    );
    stand.pass(300);
    assert_eq!(explain("shelf:a").0, CacheState::Stale);
    let _ = stand.resolver.get("shelf:none").await;
    assert_eq!(explain("shelf:none").0, CacheState::Negative);
    assert_eq!(stand.reads(), 2);
}

#[tokio::test]
async fn a_watched_change_makes_the_next_get_fetch_without_throttling() {
    let stand = Stand::new();
    let mut versions = stand.resolver.watch("shelf:a").await.unwrap();
    for value in ["2", "3"] {
        stand.get().await.unwrap();
        stand.put(value);
        versions.next().await.unwrap().unwrap();
        assert_eq!(stand.get().await.unwrap(), value);
    }
}

#[tokio::test]
async fn age_counts_from_the_start_of_the_fetch() {
    let stand = Stand::new();
    stand.pass(100);
    stand.shelf.hold();
    let mut get = Box::pin(stand.resolver.get("shelf:a"));
    assert!(futures_util::poll!(&mut get).is_pending());
    stand.pass(3);
    stand.shelf.release();
    let secret = get.await.unwrap();
    assert_eq!(secret.age(stand.resolver.now()), 3 * SECOND);
    let fresh = Request::new("shelf:a")
        .unwrap()
        .freshness(Freshness::AtMost(2 * SECOND));
    stand.resolver.get(fresh).await.unwrap();
    assert_eq!(stand.reads(), 2);
}

#[tokio::test]
async fn a_stale_value_is_no_older_than_the_caller_takes() {
    let stand = Stand::caching(|cache| cache.stale_grace = 600 * SECOND);
    stand.get().await.unwrap();
    stand.pass(310);
    stand.shelf.fail_next(2, outage(ErrorKind::Unavailable));
    let at_most = |seconds| {
        Request::new("shelf:a")
            .unwrap()
            .freshness(Freshness::AtMost(seconds * SECOND))
    };
    let refused = stand.resolver.get(at_most(309)).await;
    assert_eq!(kind(refused), ErrorKind::Unavailable);
    let bridged = stand.resolver.get(at_most(310)).await.unwrap();
    assert!(bridged.is_stale());
}

#[tokio::test]
async fn a_newer_value_settles_what_an_invalidation_asked_for() {
    let stand = Stand::caching(|cache| cache.ttl = 2 * SECOND);
    let live = || Request::new("shelf:a").unwrap().freshness(Freshness::Live);
    stand.resolver.invalidate("shelf:a").unwrap();
    stand.get().await.unwrap();
    stand.resolver.invalidate("shelf:a").unwrap();
    stand.resolver.get(live()).await.unwrap();
    // The value expires within the interval, and fetching it again forces nothing.
    stand.pass(3);
    assert_eq!(stand.get().await.unwrap(), "1");
}

#[tokio::test]
async fn raw_and_plain_callers_do_not_share_a_fetch() {
    let stand = Stand::new();
    stand.shelf.hold();
    let callers = join(stand.resolver.raw("shelf:a"), stand.get());
    let ((raw, plain), ()) = join(callers, async { stand.shelf.release() }).await;
    assert!(raw.is_ok() && plain.is_ok());
    assert_eq!(stand.reads(), 2);
    // What the plain caller fetched is cached, whoever came first.
    stand.get().await.unwrap();
    assert_eq!(stand.reads(), 2);
}

/// A fetch reads the old value, then something says that it changed, then the fetch lands.
async fn overtaken_by(stand: &Stand, change: impl AsyncFnOnce()) {
    stand.shelf.hold();
    let mut before = Box::pin(stand.get());
    assert!(futures_util::poll!(&mut before).is_pending());
    change().await;
    stand.shelf.release();
    assert_eq!(before.await.unwrap(), "1");
    stand.put("2");
    assert_eq!(stand.get().await.unwrap(), "2");
}

#[tokio::test]
async fn a_fetch_that_an_invalidation_of_everything_overtook_is_not_cached() {
    let stand = Stand::new();
    overtaken_by(&stand, async || stand.resolver.invalidate_all()).await;
}

#[tokio::test]
async fn a_fetch_that_a_watched_change_overtook_is_not_cached() {
    let stand = Stand::new();
    let mut versions = stand.resolver.watch("shelf:a").await.unwrap();
    overtaken_by(&stand, async || {
        versions.next().await.unwrap().unwrap();
    })
    .await;
}
