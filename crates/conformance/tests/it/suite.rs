use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use keyferry_conformance::{Counting, Harness, Shape, backend};
use keyferry_core::{
    Backend, Capabilities, Error, ErrorKind, Finding, Item, KeyStyle, Metadata, Pattern, Result,
    Routes, Secret,
};

use crate::flawed::{Flaw, Store};

#[tokio::test(start_paused = true)]
async fn a_right_backend_passes_every_case_that_applies() {
    let report = backend(&Store::new(None)).await.unwrap();
    assert_eq!(report.passed.len(), 27);
    assert_eq!(
        report.not_applicable,
        [
            "undeclared_listing_is_unsupported",
            "undeclared_batches_are_unsupported",
            "undeclared_metadata_is_unsupported",
            "an_undeclared_version_is_unsupported",
            "undeclared_watching_is_unsupported",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn each_flaw_is_caught_by_its_case() {
    use Flaw::*;
    let caught_by = [
        (EmptyForAbsent, "absent_is_not_found"),
        (EmptyForAbsent, "removed_is_not_found"),
        (RequestScope, "absent_is_not_found"),
        (RequestScope, "odd_keys_fail_as_one_item"),
        (IgnoresCase, "case_of_keys_counts"),
        (PrefixMatch, "absent_is_not_found"),
        (Trims, "every_shape_comes_back_as_it_was_put"),
        (Caches, "a_new_value_is_read"),
        (CutsKeysAtEquals, "odd_keys_fail_as_one_item"),
        (ListsTwice, "names_are_listed_once_and_can_be_read"),
        (ListsRemoved, "names_are_listed_once_and_can_be_read"),
        (MatchesPrefixes, "exact_names_and_globs_are_listed"),
        (MatchesPrefixes, "no_match_is_an_empty_list"),
        (FailsWholeBatch, "one_bad_item_fails_alone"),
        (SortsBatch, "answers_come_in_the_order_of_the_items"),
        (DropsBatchFailures, "one_bad_item_fails_alone"),
        (BatchNotImplemented, "a_whole_batch_is_taken"),
        (ConstantVersion, "a_version_changes_with_the_value"),
        (IgnoresVersion, "an_old_version_can_be_read"),
        (IgnoresVersion, "an_unknown_version_is_not_found"),
        (CountsReads, "metadata_tells_the_version_of_the_value"),
        (SilentWatch, "the_present_version_is_yielded_at_once"),
        (
            WatchMissesFirst,
            "a_change_before_the_first_poll_is_not_lost",
        ),
        (
            WatchEndsOnError,
            "a_stream_goes_on_after_the_item_disappeared",
        ),
        (DebugShowsValues, "debug_shows_no_value"),
        (ErrorShowsValues, "errors_show_no_value"),
        (FindingShowsValues, "findings_show_no_value"),
        (UpperCaseKind, "kind_is_a_word"),
    ];
    for (flaw, case) in caught_by {
        let Err(failures) = backend(&Store::new(Some(flaw))).await else {
            panic!("{flaw:?} is not caught");
        };
        assert!(
            failures.names(case),
            "{flaw:?} is not caught by {case}: {failures}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_names_its_case_and_no_value() {
    let failures = backend(&Store::new(Some(Flaw::Trims))).await.unwrap_err();
    assert_eq!(failures.all().len(), 1);
    let shown = format!("{failures:?}");
    assert!(shown.contains("every_shape_comes_back_as_it_was_put: reading a value of shape Edges"));
    assert!(!shown.contains("inside"));
}

/// Declares nothing, but does everything.
#[derive(Debug)]
struct Undeclared(Store);

#[async_trait]
impl Backend for Undeclared {
    fn kind(&self) -> &'static str {
        "store"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::read_only(KeyStyle::Flat)
    }

    async fn read(&self, item: &Item) -> Result<Secret> {
        self.0.read(item).await
    }

    async fn read_batch(&self, items: &[Item]) -> Result<Vec<Result<Secret>>> {
        self.0.read_batch(items).await
    }

    async fn list(&self, pattern: &Pattern) -> Result<Vec<String>> {
        self.0.list(pattern).await
    }

    async fn metadata(&self, item: &Item) -> Result<Metadata> {
        self.0.metadata(item).await
    }

    fn watch(&self, item: &Item) -> Result<BoxStream<'static, Result<Metadata>>> {
        self.0.watch(item)
    }

    fn routes(&self) -> Routes {
        self.0.routes()
    }

    async fn diagnose(&self) -> Vec<Finding> {
        self.0.diagnose().await
    }
}

/// The store of a harness behind another backend.
struct Behind<F>(Store, F);

#[async_trait]
impl<F: Fn(Store) -> Arc<dyn Backend> + Send + Sync> Harness for Behind<F> {
    fn backend(&self) -> Arc<dyn Backend> {
        (self.1)(self.0.clone())
    }

    fn holds(&self) -> &[Shape] {
        &[Shape::Text]
    }

    async fn put(&self, key: &str, value: &[u8]) {
        self.0.put(key, value).await;
    }

    async fn remove(&self, key: &str) {
        self.0.remove(key).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_done_but_not_declared_is_caught() {
    let harness = Behind(Store::new(None), |store| Arc::new(Undeclared(store)) as _);
    let failures = backend(&harness).await.unwrap_err();
    for case in [
        "undeclared_listing_is_unsupported",
        "undeclared_batches_are_unsupported",
        "undeclared_metadata_is_unsupported",
        "an_undeclared_version_is_unsupported",
        "undeclared_watching_is_unsupported",
    ] {
        assert!(failures.names(case), "{case}: {failures}");
    }
}

/// Does nothing at all.
struct Stuck;

impl fmt::Debug for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stuck")
    }
}

#[async_trait]
impl Backend for Stuck {
    fn kind(&self) -> &'static str {
        "stuck"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::read_only(KeyStyle::Flat)
    }

    async fn read(&self, _: &Item) -> Result<Secret> {
        std::future::pending::<()>().await;
        Err(Error::new(ErrorKind::Internal, "unreachable"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_never_answers_does_not_hang_the_suite() {
    let harness = Behind(Store::new(None), |_| Arc::new(Stuck) as _);
    let failures = backend(&harness).await.unwrap_err();
    assert!(failures.names("absent_is_not_found"), "{failures}");
}

#[tokio::test(start_paused = true)]
async fn a_counted_backend_is_as_right_as_the_one_inside() {
    let harness = Behind(Store::new(None), |store| {
        Arc::new(Counting::new(store)) as _
    });
    backend(&harness).await.unwrap();
}
