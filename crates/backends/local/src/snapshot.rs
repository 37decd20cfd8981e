//! A file of several secrets, parsed once for as long as it does not change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keyferry_core::{Error, ErrorKind, Result};

use crate::source::{self, MAX_FILE, Stamp};

/// A file whose content is parsed again after each change.
pub(crate) struct ParsedFile<T> {
    path: PathBuf,
    parse: fn(&str, &Path) -> Result<T>,
    latest: Mutex<Option<Arc<Snapshot<T>>>>,
}

pub(crate) struct Snapshot<T> {
    pub(crate) content: T,
    pub(crate) stamp: Stamp,
    settled: bool,
}

impl<T> ParsedFile<T> {
    pub(crate) fn new(path: PathBuf, parse: fn(&str, &Path) -> Result<T>) -> Self {
        Self {
            path,
            parse,
            latest: Mutex::new(None),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The content as it is now.
    pub(crate) fn snapshot(&self) -> Result<Arc<Snapshot<T>>> {
        let latest = self.latest().clone();
        if let Some(latest) = latest.filter(|latest| latest.settled)
            && self
                .path
                .metadata()
                .is_ok_and(|now| Stamp::of(&now) == latest.stamp)
        {
            return Ok(latest);
        }
        let snapshot = self.read().map(Arc::new);
        // After a failure the old content is of no more use, and is wiped.
        *self.latest() = snapshot.as_ref().ok().map(Arc::clone);
        snapshot
    }

    fn read(&self) -> Result<Snapshot<T>> {
        let name = self.path.display().to_string();
        let file = source::open(&self.path).map_err(|error| source::unreadable(&name, &error))?;
        let read = source::read(file, &name, MAX_FILE)?;
        let text = std::str::from_utf8(&read.bytes).map_err(|error| {
            let position = error.valid_up_to();
            Error::new(
                ErrorKind::Malformed,
                format!("`{name}` is not UTF-8 text from byte {position}"),
            )
        })?;
        Ok(Snapshot {
            content: (self.parse)(text, &self.path)?,
            stamp: read.stamp,
            settled: read.settled,
        })
    }

    fn latest(&self) -> MutexGuard<'_, Option<Arc<Snapshot<T>>>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
