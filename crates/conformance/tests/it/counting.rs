use std::sync::Arc;

use futures_util::FutureExt;
use keyferry_conformance::{Counting, Harness};
use keyferry_core::{Backend, Error, ErrorKind, Item, Pattern};

use crate::flawed::Store;

async fn counting() -> Counting<Store> {
    let store = Store::new(None);
    store.put("a", b"1").await;
    store.put("b", b"2").await;
    Counting::new(store)
}

fn busy() -> Error {
    Error::request(ErrorKind::Unavailable, "busy")
}

#[tokio::test]
async fn calls_are_counted_by_their_kind() {
    let backend = counting().await;
    let item = Item::new("a");
    backend.read(&item).await.unwrap();
    backend.read(&Item::new("none")).await.unwrap_err();
    backend
        .read_batch(std::slice::from_ref(&item))
        .await
        .unwrap();
    backend.list(&Pattern::new("*")).await.unwrap();
    backend.metadata(&item).await.unwrap();
    drop(backend.watch(&item).unwrap());
    let calls = backend.calls();
    assert_eq!((calls.read, calls.read_batch, calls.list), (2, 1, 1));
    assert_eq!((calls.metadata, calls.watch, calls.total()), (1, 1, 6));
}

#[tokio::test]
async fn failures_end_after_their_number() {
    let backend = counting().await;
    backend.fail_next(2, busy());
    let item = Item::new("a");
    for _ in 0..2 {
        let error = backend.read(&item).await.unwrap_err();
        assert!(error.is_retryable());
    }
    backend.read(&item).await.unwrap();
    backend.fail_next(usize::MAX, busy());
    backend.read(&item).await.unwrap_err();
    backend.heal();
    backend.read(&item).await.unwrap();
}

#[tokio::test]
async fn a_failing_key_fails_alone_in_a_batch() {
    let backend = counting().await;
    backend.fail_key("b", Error::new(ErrorKind::Denied, "no"));
    let items = [Item::new("a"), Item::new("b")];
    let answers = backend.read_batch(&items).await.unwrap();
    assert!(answers[0].is_ok());
    assert_eq!(answers[1].as_ref().unwrap_err().kind(), ErrorKind::Denied);
}

#[tokio::test]
async fn held_calls_go_on_when_released() {
    let backend = Arc::new(counting().await);
    backend.hold();
    let item = Item::new("a");
    let mut call = backend.read(&item);
    assert!((&mut call).now_or_never().is_none());
    assert_eq!(backend.calls().read, 1);
    backend.release();
    call.await.unwrap();
}
