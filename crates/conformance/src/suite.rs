//! Runs the cases that a backend's capabilities select.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use keyferry_core::{Backend, Capabilities, Item};

use crate::cases::{batching, hygiene, listing, reading, versions, watching};
use crate::harness::{Harness, Shape};

/// Runs every case that applies to the backend of `harness`, within a Tokio runtime.
///
/// # Errors
/// Every case that failed, by name, with what was wrong.
pub async fn backend(harness: &dyn Harness) -> Result<Report, Failures> {
    let bench = Bench {
        backend: harness.backend(),
        harness,
    };
    let capabilities = bench.backend.capabilities();
    let mut report = Report::default();
    let mut failures = Vec::new();
    for case in CASES {
        if !(case.applies)(&capabilities) {
            report.not_applicable.push(case.name);
            continue;
        }
        let outcome = tokio::time::timeout(CASE_TIME, (case.run)(&bench)).await;
        match outcome.unwrap_or_else(|_| Err("did not end in time".to_owned())) {
            Ok(()) => report.passed.push(case.name),
            Err(what) => failures.push(Failure {
                case: case.name,
                what,
            }),
        }
    }
    if failures.is_empty() {
        Ok(report)
    } else {
        Err(Failures(failures))
    }
}

/// The cases of a run without failures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The cases that passed.
    pub passed: Vec<&'static str>,
    /// The cases for what the backend does not declare.
    pub not_applicable: Vec<&'static str>,
}

/// A case that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The name of the case.
    pub case: &'static str,
    /// What was expected, and what came instead.
    pub what: String,
}

/// The cases of a run that failed.
#[derive(Clone, PartialEq, Eq)]
pub struct Failures(Vec<Failure>);

impl Failures {
    /// The cases, in the order they ran in.
    pub fn all(&self) -> &[Failure] {
        &self.0
    }

    /// Whether the case of this name failed.
    pub fn names(&self, case: &str) -> bool {
        self.0.iter().any(|failure| failure.case == case)
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cases failed", self.0.len())?;
        for failure in &self.0 {
            write!(f, "\n  {}: {}", failure.case, failure.what)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What `unwrap` shows.
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Failures {}

/// `Err` says what was expected, and what came instead.
pub(crate) type Outcome = Result<(), String>;

/// What a case works on.
pub(crate) struct Bench<'a> {
    pub(crate) backend: Arc<dyn Backend>,
    harness: &'a dyn Harness,
}

impl Bench<'_> {
    /// The item of a name. Every case uses names of its own.
    pub(crate) fn item(&self, name: &str) -> Item {
        Item::new(self.harness.key(name))
    }

    pub(crate) async fn put(&self, name: &str, value: impl AsRef<[u8]>) -> Item {
        let item = self.item(name);
        self.harness.put(item.key(), value.as_ref()).await;
        item
    }

    pub(crate) async fn remove(&self, name: &str) {
        self.harness.remove(self.item(name).key()).await;
    }

    pub(crate) fn holds(&self) -> &[Shape] {
        self.harness.holds()
    }
}

/// Long enough for a slow store on a busy machine.
const CASE_TIME: Duration = Duration::from_secs(30);

struct Case {
    name: &'static str,
    applies: fn(&Capabilities) -> bool,
    run: for<'a> fn(&'a Bench<'a>) -> BoxFuture<'a, Outcome>,
}

macro_rules! cases {
    ($($module:ident :: $name:ident if $applies:expr;)*) => {
        &[$(Case {
            name: stringify!($name),
            applies: $applies,
            run: |bench| Box::pin($module::$name(bench)),
        }),*]
    };
}

const CASES: &[Case] = cases! {
    reading::kind_is_a_word if |_| true;
    reading::capabilities_are_constant if |_| true;
    reading::every_shape_comes_back_as_it_was_put if |_| true;
    reading::an_object_is_a_map if |_| true;
    reading::absent_is_not_found if |_| true;
    reading::removed_is_not_found if |_| true;
    reading::a_new_value_is_read if |_| true;
    reading::case_of_keys_counts if |_| true;
    reading::odd_keys_fail_as_one_item if |_| true;
    reading::many_reads_at_once_do_not_mix if |_| true;
    listing::exact_names_and_globs_are_listed if |it| it.list;
    listing::no_match_is_an_empty_list if |it| it.list;
    listing::names_are_listed_once_and_can_be_read if |it| it.list;
    listing::undeclared_listing_is_unsupported if |it| !it.list;
    batching::answers_come_in_the_order_of_the_items if |it| it.batch.is_some();
    batching::one_bad_item_fails_alone if |it| it.batch.is_some();
    batching::a_whole_batch_is_taken if |it| it.batch.is_some();
    batching::undeclared_batches_are_unsupported if |it| it.batch.is_none();
    versions::metadata_tells_the_version_of_the_value if |it| it.metadata;
    versions::metadata_of_what_is_absent_is_not_found if |it| it.metadata;
    versions::undeclared_metadata_is_unsupported if |it| !it.metadata;
    versions::a_version_changes_with_the_value if |_| true;
    versions::an_old_version_can_be_read if |it| it.versions;
    versions::an_unknown_version_is_not_found if |it| it.versions;
    versions::an_undeclared_version_is_unsupported if |it| !it.versions;
    watching::the_present_version_is_yielded_at_once if |it| it.watch;
    watching::a_change_before_the_first_poll_is_not_lost if |it| it.watch;
    watching::a_stream_goes_on_after_the_item_disappeared if |it| it.watch;
    watching::undeclared_watching_is_unsupported if |it| !it.watch;
    hygiene::debug_shows_no_value if |_| true;
    hygiene::errors_show_no_value if |_| true;
    hygiene::findings_show_no_value if |_| true;
};
