//! The answer to several requests: every item resolved or failed, in request order.

use crate::error::{Error, Result, exit_code_of_all};
use crate::reference::Reference;
use crate::secret::Secret;

/// One result for each request, in their order.
#[derive(Debug)]
#[must_use = "a batch may hold failures"]
pub struct Batch {
    items: Vec<BatchItem>,
}

/// One request of a batch and what became of it.
#[derive(Debug)]
pub struct BatchItem {
    reference: Option<Reference>,
    outcome: Result<Secret>,
}

impl Batch {
    pub(crate) fn new(
        items: impl IntoIterator<Item = (Option<Reference>, Result<Secret>)>,
    ) -> Self {
        let items = items.into_iter();
        Self {
            items: items
                .map(|(reference, outcome)| BatchItem { reference, outcome })
                .collect(),
        }
    }

    /// Every item, in request order.
    pub fn items(&self) -> &[BatchItem] {
        &self.items
    }

    /// The items that were resolved.
    pub fn resolved(&self) -> impl Iterator<Item = (&Reference, &Secret)> {
        self.items
            .iter()
            .filter_map(|item| Some((item.reference.as_ref()?, item.outcome.as_ref().ok()?)))
    }

    /// The failures, each with its position in the request.
    pub fn failures(&self) -> impl Iterator<Item = (usize, &Error)> {
        self.items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| Some((index, item.outcome.as_ref().err()?)))
    }

    /// The exit code for all failures together, 0 if there are none.
    pub fn exit_code(&self) -> u8 {
        exit_code_of_all(self.failures().map(|(_, error)| error.kind()))
    }

    /// Every secret, in request order.
    ///
    /// # Errors
    /// The first failure.
    pub fn require_all(self) -> Result<Vec<Secret>> {
        self.items.into_iter().map(|item| item.outcome).collect()
    }
}

impl BatchItem {
    /// What was asked for; `None` when the text was no reference.
    pub fn reference(&self) -> Option<&Reference> {
        self.reference.as_ref()
    }

    /// The secret, or why there is none.
    pub fn outcome(&self) -> &Result<Secret> {
        &self.outcome
    }
}

impl IntoIterator for Batch {
    type Item = BatchItem;
    type IntoIter = std::vec::IntoIter<BatchItem>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl From<BatchItem> for Result<Secret> {
    fn from(item: BatchItem) -> Self {
        item.outcome
    }
}
