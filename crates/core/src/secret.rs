//! A secret: its value, and what is known of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::Metadata;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::value::SecretValue;

/// A value with its metadata, as a backend returns it and as an application gets it.
///
/// A handle is cheap to clone; the value is wiped when the last one is dropped.
#[derive(Clone)]
pub struct Secret {
    fetched: Arc<Fetched>,
    // The field a reference picked, instead of the whole value.
    field: Option<SecretValue>,
    stale: bool,
}

#[derive(Clone)]
struct Fetched {
    value: SecretValue,
    metadata: Metadata,
    at: Timestamp,
}

impl Secret {
    /// A value that its backend just read.
    pub fn new(value: SecretValue, metadata: Metadata) -> Self {
        let fetched = Fetched {
            value,
            metadata,
            at: Timestamp::ZERO,
        };
        Self {
            fetched: Arc::new(fetched),
            field: None,
            stale: false,
        }
    }

    /// The value, or the field of it that the reference picked.
    pub fn value(&self) -> &SecretValue {
        self.field.as_ref().unwrap_or(&self.fetched.value)
    }

    /// The version and validity that the backend reported.
    pub fn metadata(&self) -> &Metadata {
        &self.fetched.metadata
    }

    /// The backend's own name for the version.
    pub fn version(&self) -> Option<&str> {
        self.fetched.metadata.version.as_deref()
    }

    /// When the value was fetched, on the resolver's clock.
    pub fn fetched_at(&self) -> Timestamp {
        self.fetched.at
    }

    /// How old the value is at `now`.
    pub fn age(&self, now: Timestamp) -> Duration {
        now.since(self.fetched.at)
    }

    /// Whether the value is past its TTL and bridges a failure of the backend.
    pub fn is_stale(&self) -> bool {
        self.stale
    }

    /// Notes when the value was fetched.
    pub(crate) fn stamped(self, at: Timestamp) -> Self {
        let fetched = Fetched {
            at,
            ..Arc::unwrap_or_clone(self.fetched)
        };
        Self {
            fetched: Arc::new(fetched),
            ..self
        }
    }

    pub(crate) fn as_stale(&self) -> Self {
        Self {
            stale: true,
            ..self.clone()
        }
    }

    /// The field that a reference names, or the whole value.
    pub(crate) fn pick(self, field: Option<&str>) -> Result<Self> {
        match field {
            None => Ok(self),
            Some(name) => Ok(Self {
                field: Some(self.fetched.value.field(name)?),
                ..self
            }),
        }
    }

    /// The value, or the picked field, taken as it stands: never a map.
    pub(crate) fn raw(self) -> Self {
        Self {
            field: Some(self.value().raw()),
            ..self
        }
    }
}

impl From<SecretValue> for Secret {
    fn from(value: SecretValue) -> Self {
        Self::new(value, Metadata::default())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret")
            .field("value", self.value())
            .field("metadata", &self.fetched.metadata)
            .field("stale", &self.stale)
            .finish_non_exhaustive()
    }
}
