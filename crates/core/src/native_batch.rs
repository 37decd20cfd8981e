//! Gathers the items of one `get_many` into native batch calls of their backends.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::FutureExt;

use crate::backend::{Backend, Item};
use crate::error::{Error, ErrorKind, Result};
use crate::layer::cache::{Fetch, uninterrupted};
use crate::registry::Entry;
use crate::secret::Secret;
use crate::shared::Shared;
use crate::sync::{Mutex, locked};

type Answers = Result<Arc<[Result<Secret>]>>;

/// The calls of one request, by backend.
#[derive(Default)]
pub(crate) struct NativeBatches(HashMap<Box<str>, Call>);

/// A call that takes items until it is polled for the first time.
#[derive(Clone)]
struct Call {
    waiting: Arc<Mutex<Option<Vec<Item>>>>,
    answers: Shared<Answers>,
}

impl NativeBatches {
    /// The fetch of one item: part of a batch call if the backend has one, else a call of its own.
    pub(crate) fn fetch(&mut self, entry: &Entry, item: Item) -> Fetch {
        let Some(max) = entry.capabilities().batch else {
            return single(Arc::clone(entry.backend()), item);
        };
        if let Some(call) = self.0.get(entry.name().as_str())
            && let Some(fetch) = call.join(&item, max)
        {
            return fetch;
        }
        // The last call is full, or on its way.
        let (call, fetch) = Call::start(Arc::clone(entry.backend()), item);
        self.0.insert(entry.name().as_str().into(), call);
        fetch
    }
}

/// A call for one item.
pub(crate) fn single(backend: Arc<dyn Backend>, item: Item) -> Fetch {
    async move { backend.read(&item).await }.boxed()
}

impl Call {
    fn start(backend: Arc<dyn Backend>, item: Item) -> (Self, Fetch) {
        let waiting = Arc::new(Mutex::new(Some(vec![item])));
        let boarded = Arc::clone(&waiting);
        let answers = async move {
            let items = locked(&boarded, Option::take).unwrap_or_default();
            // A panic here would leave those who share the call waiting for ever.
            uninterrupted(read_all(backend.as_ref(), &items)).await
        };
        let call = Self {
            waiting,
            answers: Shared::new(answers.boxed()),
        };
        let fetch = call.answer(0);
        (call, fetch)
    }

    fn join(&self, item: &Item, max: usize) -> Option<Fetch> {
        let index = locked(&self.waiting, |waiting| {
            let waiting = waiting.as_mut().filter(|waiting| waiting.len() < max)?;
            waiting.push(item.clone());
            Some(waiting.len() - 1)
        })?;
        Some(self.answer(index))
    }

    fn answer(&self, index: usize) -> Fetch {
        let answers = self.answers.clone();
        async move {
            answers
                .await?
                .get(index)
                .cloned()
                .unwrap_or_else(|| Err(short()))
        }
        .boxed()
    }
}

async fn read_all(backend: &dyn Backend, items: &[Item]) -> Answers {
    if let [only] = items {
        return Ok(Arc::from([backend.read(only).await]));
    }
    let answers = backend.read_batch(items).await?;
    // A short or long answer cannot be assigned to its items.
    if answers.len() == items.len() {
        Ok(Arc::from(answers))
    } else {
        Err(short())
    }
}

fn short() -> Error {
    Error::request(
        ErrorKind::Malformed,
        "the backend's batch answer has the wrong length",
    )
}
