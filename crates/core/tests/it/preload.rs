//! `preload`, `list`, prefixes, `get_or_none`.

use std::sync::Arc;

use keyferry_conformance::{Counting, ManualClock};
use keyferry_core::{BackendOptions, Capabilities, ErrorKind, KeyStyle, Registry, Resolver};

use crate::shelf::{Shelf, Stand, add, kind, outage, plain, text};

#[tokio::test]
async fn preloaded_secrets_are_answered_without_the_backend() {
    let stand = Stand::new();
    stand.shelf.inner().put("db_user", "app");
    stand.shelf.inner().put("db_password", "x");
    let preloaded = stand
        .resolver
        .preload(&["shelf:db_*", "shelf:a", "shelf:db_u*"])
        .await
        .unwrap();
    let names: Vec<_> = preloaded.loaded.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["shelf:db_password", "shelf:db_user", "shelf:a"]);
    let calls = stand.shelf.calls().total();
    assert_eq!(
        text(stand.resolver.get("shelf:db_user").await.unwrap()),
        "app"
    );
    assert_eq!(stand.shelf.calls().total(), calls);
}

#[tokio::test]
async fn one_bad_secret_is_skipped_and_a_declaration_whose_secrets_all_fail_is_an_error() {
    let stand = Stand::new();
    stand.shelf.inner().put("b", "2");
    stand
        .shelf
        .fail_key("a", keyferry_core::Error::new(ErrorKind::Denied, "no"));
    let preloaded = stand.resolver.preload(&["shelf:*"]).await.unwrap();
    assert_eq!((preloaded.loaded.len(), preloaded.skipped.len()), (1, 1));
    let error = stand
        .resolver
        .preload(&["shelf:*", "shelf:a"])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.message().contains("`shelf:a`"));
}

#[tokio::test]
async fn a_name_that_cannot_be_a_reference_is_skipped_as_one_bad_secret() {
    let stand = Stand::new();
    stand.shelf.inner().put("//odd", "2");
    stand.shelf.inner().put(&"x".repeat(2000), "3");
    let preloaded = stand.resolver.preload(&["shelf:*"]).await.unwrap();
    let names: Vec<_> = preloaded.loaded.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["shelf:a"]);
    let error = stand.resolver.preload(&["shelf://*"]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidReference);
    assert!(error.message().contains("all 1 secrets of `shelf://*`"));
}

#[tokio::test]
async fn declarations_are_listed_at_once() {
    let stand = Stand::new();
    stand.shelf.hold();
    let mut preload = Box::pin(stand.resolver.preload(&["shelf:a", "shelf:b*", "shelf:c*"]));
    assert!(futures_util::poll!(&mut preload).is_pending());
    assert_eq!(stand.shelf.calls().list, 3);
    stand.shelf.release();
    assert_eq!(preload.await.unwrap().loaded.len(), 1);
}

#[tokio::test]
async fn a_pattern_that_matches_nothing_is_no_error_and_an_unknown_backend_is() {
    let stand = Stand::new();
    assert!(
        stand
            .resolver
            .preload(&["shelf:none*"])
            .await
            .unwrap()
            .loaded
            .is_empty()
    );
    assert_eq!(
        kind(stand.resolver.preload(&["shlef:*"]).await),
        ErrorKind::InvalidReference
    );
    assert_eq!(
        kind(stand.resolver.preload(&["shelf"]).await),
        ErrorKind::InvalidReference
    );
    stand.shelf.fail_next(1, outage(ErrorKind::Unavailable));
    assert_eq!(
        kind(stand.resolver.preload(&["shelf:*"]).await),
        ErrorKind::Unavailable
    );
}

#[tokio::test]
async fn only_absence_becomes_none() {
    let stand = Stand::new();
    assert!(
        stand
            .resolver
            .get_or_none("shelf:none")
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        stand
            .resolver
            .get_or_none("shelf:a")
            .await
            .unwrap()
            .is_some()
    );
    // A typo must not read as absence, nor a field that is not there.
    let error = stand.resolver.get_or_none("shlef:a").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidReference);
    assert!(error.help().unwrap().contains("`shelf`"));
    assert_eq!(
        kind(stand.resolver.get_or_none("shelf:a#x").await),
        ErrorKind::FieldNotFound
    );
}

async fn with_prefix(capabilities: Capabilities, prefix: &str, name: &str) -> Resolver {
    let clock = ManualClock::default();
    let shelf = Arc::new(Counting::new(Shelf::new(capabilities)));
    shelf.inner().put(name, "1");
    shelf.inner().put("elsewhere", "2");
    let mut registry = Registry::new(clock.host());
    add(
        &mut registry,
        "shelf",
        shelf,
        BackendOptions::default().with_prefix(prefix),
    );
    Resolver::builder(registry, clock.host()).build()
}

#[tokio::test]
async fn prefixes_are_joined_by_the_style_of_the_backend_and_never_seen() {
    let path = Capabilities::read_only(KeyStyle::Path).with_list();
    for (capabilities, prefix, name) in [
        (plain(), "APP_", "APP_key"),
        (path, "production/exchanges", "production/exchanges/key"),
        (path, "production/exchanges/", "production/exchanges/key"),
        (plain(), "[a]*", "[a]*key"),
    ] {
        let resolver = with_prefix(capabilities, prefix, name).await;
        resolver.get("shelf:key").await.unwrap();
        assert_eq!(resolver.list("shelf:*").await.unwrap(), ["key"], "{prefix}");
        assert_eq!(
            kind(resolver.get("shelf:elsewhere").await),
            ErrorKind::NotFound
        );
    }
}

#[tokio::test]
async fn an_error_names_reference_and_backend() {
    let stand = Stand::new();
    let error = stand.resolver.get("shelf:none#f").await.unwrap_err();
    assert_eq!(error.reference(), Some("shelf:none#f"));
    assert_eq!(error.backend().unwrap().as_str(), "shelf");
}
