//! `get_many`.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use keyferry_conformance::{Counting, ManualClock};
use keyferry_core::{
    BackendOptions, CacheOptions, Error, ErrorKind, Reference, Registry, Request, Resolver,
};

use crate::shelf::{Shelf, Stand, add, kind, no_retry, outage, plain, text};

#[tokio::test]
async fn items_come_back_in_request_order_each_resolved_or_failed() {
    let stand = Stand::new();
    stand.put(r#"{"user": "app"}"#);
    let batch = stand
        .resolver
        .get_many([
            "shelf:none",
            "shelf:a#user",
            "nonsense",
            "other:x",
            "shelf:a#none",
        ])
        .await;
    let kinds: Vec<_> = batch
        .items()
        .iter()
        .map(|item| item.outcome().as_ref().err().map(Error::kind))
        .collect();
    use ErrorKind::*;
    assert_eq!(
        kinds,
        [
            Some(NotFound),
            None,
            Some(InvalidReference),
            Some(InvalidReference),
            Some(FieldNotFound)
        ]
    );
    assert_eq!(batch.exit_code(), 2);
    assert_eq!(
        batch.failures().map(|(index, _)| index).collect::<Vec<_>>(),
        [0, 2, 3, 4]
    );
    let (reference, secret) = batch.resolved().next().unwrap();
    assert_eq!(reference, &Reference::parse("shelf:a#user").unwrap());
    assert_eq!(text(secret.clone()), "app");
    assert_eq!(kind(batch.require_all()), NotFound);
}

#[tokio::test]
async fn repetitions_and_fields_of_one_item_are_asked_once() {
    let stand = Stand::new();
    stand.put(r#"{"user": "app", "port": 1}"#);
    let batch = stand
        .resolver
        .get_many(["shelf:a", "shelf:a#user", "shelf:a#port", "shelf:a"])
        .await;
    assert_eq!(batch.require_all().unwrap().len(), 4);
    assert_eq!(stand.reads(), 1);
}

#[tokio::test]
async fn a_native_batch_takes_the_misses_in_calls_of_its_size() {
    let stand = Stand::with(plain().with_batch(20), |_| {});
    for key in 0..45 {
        stand
            .shelf
            .inner()
            .put(&format!("k{key}"), &key.to_string());
    }
    stand.resolver.get("shelf:k0").await.unwrap();
    let names: Vec<_> = (0..45).map(|key| format!("shelf:k{key}")).collect();
    let secrets = stand.resolver.get_many(&names).await.require_all().unwrap();
    for (key, secret) in secrets.into_iter().enumerate() {
        assert_eq!(text(secret), key.to_string());
    }
    // k0 was cached; 44 misses make calls of 20, 20 and 4.
    assert_eq!((stand.reads(), stand.shelf.calls().read_batch), (1, 3));
}

#[tokio::test]
async fn one_failed_item_fails_alone_in_a_native_batch() {
    let stand = Stand::with(plain().with_batch(20), |_| {});
    let batch = stand.resolver.get_many(["shelf:a", "shelf:none"]).await;
    assert_eq!(
        batch
            .failures()
            .map(|(index, e)| (index, e.kind()))
            .collect::<Vec<_>>(),
        [(1, ErrorKind::NotFound)]
    );
}

#[tokio::test]
async fn a_failed_call_fails_all_its_items_and_is_bridged_by_stale_values() {
    let stand = Stand::with(plain().with_batch(20), |cache: &mut CacheOptions| {
        cache.stale_grace = Duration::from_secs(60);
    });
    stand.shelf.inner().put("b", "2");
    stand.get().await.unwrap();
    stand.pass(300);
    stand.shelf.fail_next(1, outage(ErrorKind::Unavailable));
    let batch = stand.resolver.get_many(["shelf:a", "shelf:b"]).await;
    assert!(batch.items()[0].outcome().as_ref().unwrap().is_stale());
    assert_eq!(
        batch.items()[1].outcome().as_ref().unwrap_err().kind(),
        ErrorKind::Unavailable
    );
}

#[tokio::test]
async fn a_single_get_shares_the_flight_of_a_batch() {
    let stand = Stand::with(plain().with_batch(20), |_| {});
    stand.shelf.inner().put("b", "2");
    stand.shelf.hold();
    let batch = stand.resolver.get_many(["shelf:a", "shelf:b"]);
    let single = async {
        let (answer, ()) = join(stand.get(), async { stand.shelf.release() }).await;
        answer
    };
    let (batch, single) = join(batch, single).await;
    assert_eq!((batch.exit_code(), single.unwrap().as_str()), (0, "1"));
    assert_eq!((stand.reads(), stand.shelf.calls().read_batch), (0, 1));
}

#[tokio::test]
async fn all_backends_are_asked_at_once() {
    let clock = ManualClock::default();
    let mut registry = Registry::new(clock.host());
    let shelves: Vec<_> = (0..5)
        .map(|index| {
            let shelf = Arc::new(Counting::new(Shelf::new(plain())));
            shelf.inner().put("a", "1");
            shelf.inner().put("b", "1");
            shelf.hold();
            add(
                &mut registry,
                &format!("s{index}"),
                Arc::clone(&shelf) as _,
                no_retry(),
            );
            shelf
        })
        .collect();
    let resolver = Resolver::builder(registry, clock.host()).build();
    let names: Vec<_> = (0..5)
        .flat_map(|i| [format!("s{i}:a"), format!("s{i}:b")])
        .collect();
    let release = async {
        // Every read is on its way before the first is answered.
        while shelves
            .iter()
            .map(|shelf| shelf.calls().read)
            .sum::<usize>()
            < 10
        {
            tokio::task::yield_now().await;
        }
        shelves.iter().for_each(|shelf| shelf.release());
    };
    let (batch, ()) = join(resolver.get_many(&names), release).await;
    assert_eq!(batch.exit_code(), 0);
}

#[tokio::test]
async fn a_batch_answer_of_the_wrong_length_is_refused() {
    #[derive(Debug)]
    struct Short;
    #[async_trait::async_trait]
    impl keyferry_core::Backend for Short {
        fn kind(&self) -> &'static str {
            "short"
        }
        fn capabilities(&self) -> keyferry_core::Capabilities {
            keyferry_core::Capabilities::read_only(keyferry_core::KeyStyle::Flat).with_batch(9)
        }
        async fn read(
            &self,
            _: &keyferry_core::Item,
        ) -> keyferry_core::Result<keyferry_core::Secret> {
            Ok(keyferry_core::SecretValue::text("x").into())
        }
        async fn read_batch(
            &self,
            _: &[keyferry_core::Item],
        ) -> keyferry_core::Result<Vec<keyferry_core::Result<keyferry_core::Secret>>> {
            Ok(vec![Ok(keyferry_core::SecretValue::text("x").into())])
        }
    }
    let clock = ManualClock::default();
    let mut registry = Registry::new(clock.host());
    add(
        &mut registry,
        "short",
        Arc::new(Short),
        BackendOptions::default(),
    );
    let resolver = Resolver::builder(registry, clock.host()).build();
    let batch = resolver.get_many(["short:a", "short:b"]).await;
    assert!(
        batch
            .failures()
            .all(|(_, error)| error.kind() == ErrorKind::Malformed)
    );
    assert_eq!(batch.failures().count(), 2);
}

#[tokio::test]
async fn each_request_of_a_batch_keeps_its_own_deadline() {
    let stand = Stand::new();
    stand.shelf.inner().put("b", "2");
    stand.shelf.hold();
    let requests = [
        Request::new("shelf:a")
            .unwrap()
            .within(Duration::from_secs(1)),
        Request::new("shelf:b").unwrap(),
    ];
    let time = async {
        while stand.clock.sleepers() < 3 {
            tokio::task::yield_now().await;
        }
        stand.pass(1);
        tokio::task::yield_now().await;
        stand.shelf.release();
    };
    let (batch, ()) = join(stand.resolver.get_many(requests), time).await;
    assert_eq!(
        batch
            .failures()
            .map(|(i, e)| (i, e.kind()))
            .collect::<Vec<_>>(),
        [(0, ErrorKind::Timeout)]
    );
}

#[tokio::test]
async fn a_deadline_counts_from_the_request_however_large_the_batch_is() {
    let stand = Stand::new();
    stand.shelf.hold();
    let requests = (0..500).map(|key| {
        let reference = Reference::named("shelf", &format!("k{key}")).unwrap();
        let request = Request::new(reference).unwrap();
        request.within(Duration::from_secs(1))
    });
    let mut batch = Box::pin(stand.resolver.get_many(requests));
    assert!(futures_util::poll!(&mut batch).is_pending());
    stand.pass(1);
    for _ in 0..100 {
        if let std::task::Poll::Ready(batch) = futures_util::poll!(&mut batch) {
            let mut failures = batch.failures();
            assert!(failures.all(|(_, error)| error.kind() == ErrorKind::Timeout));
            return;
        }
    }
    panic!("some items were given more time than they asked for");
}
