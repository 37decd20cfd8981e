//! The one error of the pipeline and the table that says what each kind of it means.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::BackendName;

/// What went wrong, in terms that code can decide on.
///
/// [`ErrorKind::rules`] is the table of what follows from each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is no reference, or it names a backend that is not configured.
    InvalidReference,
    /// The configuration is wrong.
    InvalidConfig,
    /// The backend, the scheme or the operation exists, but not here.
    Unsupported,
    /// Our own credentials for the backend were refused.
    Unauthenticated,
    /// The caller may not have the secret.
    Denied,
    /// A grant was presented with another sender key than it was issued to.
    BindingDrift,
    /// A one-time token or proof was presented twice.
    Replayed,
    /// A token was meant for another audience.
    AudienceMismatch,
    /// The backend has no such secret.
    NotFound,
    /// The secret exists and has no such field, or is no map.
    FieldNotFound,
    /// The version is deleted and can be restored.
    VersionDeleted,
    /// The version is destroyed for good.
    VersionDestroyed,
    /// The secret exists and its time is over.
    Expired,
    /// The state that a write expected is not the one that is there.
    Conflict,
    /// The backend cannot be reached or reports a failure of its own.
    Unavailable,
    /// The backend did not answer in time.
    Timeout,
    /// The backend, or the freshness contract, asks to wait.
    Throttled,
    /// The backend's answer, or the file behind it, has the wrong shape.
    Malformed,
    /// The answer is larger than what is accepted.
    TooLarge,
    /// Stored bytes fail their integrity check.
    Corrupt,
    /// A defect of this program.
    Internal,
}

/// What follows from an [`ErrorKind`]: one row of the error table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Exit code of the command line.
    pub exit_code: u8,
    /// The retry layer tries again when the failure is one of the whole request.
    pub retried: bool,
    /// A value past its TTL may be served within the stale grace.
    pub stale_allowed: bool,
    /// An answer of this kind from the backend removes the cached value at once.
    pub purges_cache: bool,
    /// An answer of this kind from the backend is remembered for the negative TTL.
    pub negative_entry: bool,
}

impl ErrorKind {
    /// Every kind, in the order of the table.
    pub const ALL: [Self; 21] = [
        Self::InvalidReference,
        Self::InvalidConfig,
        Self::Unsupported,
        Self::Unauthenticated,
        Self::Denied,
        Self::BindingDrift,
        Self::Replayed,
        Self::AudienceMismatch,
        Self::NotFound,
        Self::FieldNotFound,
        Self::VersionDeleted,
        Self::VersionDestroyed,
        Self::Expired,
        Self::Conflict,
        Self::Unavailable,
        Self::Timeout,
        Self::Throttled,
        Self::Malformed,
        Self::TooLarge,
        Self::Corrupt,
        Self::Internal,
    ];

    /// The row of the error table for this kind.
    ///
    /// `Unauthenticated` is retried by the backend itself, once, after a new login. A denial by a
    /// decision point makes a negative entry in the policy layer, not in the cache.
    pub const fn rules(self) -> Rules {
        let (exit_code, retried, stale_allowed, purges_cache, negative_entry) = match self {
            Self::InvalidReference | Self::InvalidConfig | Self::Unsupported => {
                (2, false, false, false, false)
            }
            Self::Unauthenticated => (3, false, false, false, false),
            Self::Denied | Self::BindingDrift | Self::Replayed | Self::AudienceMismatch => {
                (4, false, false, true, false)
            }
            Self::NotFound => (5, false, false, true, true),
            Self::VersionDeleted | Self::VersionDestroyed | Self::Expired => {
                (5, false, false, true, false)
            }
            // The caller's choice of field says nothing about the cached secret.
            Self::FieldNotFound => (5, false, false, false, false),
            Self::Conflict => (6, false, false, false, false),
            Self::Unavailable | Self::Timeout | Self::Throttled => (7, true, true, false, false),
            Self::Malformed | Self::TooLarge => (7, false, false, false, false),
            Self::Corrupt => (1, false, false, true, false),
            Self::Internal => (1, false, false, false, false),
        };
        Rules {
            exit_code,
            retried,
            stale_allowed,
            purges_cache,
            negative_entry,
        }
    }

    /// The stable name of the kind, as in machine-readable output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidReference => "invalid_reference",
            Self::InvalidConfig => "invalid_config",
            Self::Unsupported => "unsupported",
            Self::Unauthenticated => "unauthenticated",
            Self::Denied => "denied",
            Self::BindingDrift => "binding_drift",
            Self::Replayed => "replayed",
            Self::AudienceMismatch => "audience_mismatch",
            Self::NotFound => "not_found",
            Self::FieldNotFound => "field_not_found",
            Self::VersionDeleted => "version_deleted",
            Self::VersionDestroyed => "version_destroyed",
            Self::Expired => "expired",
            Self::Conflict => "conflict",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Throttled => "throttled",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::Corrupt => "corrupt",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The exit code for several failures: the first of 1, 3, 4, 2, 7, 6, 5 that occurs, 0 for none.
pub fn exit_code_of_all(kinds: impl IntoIterator<Item = ErrorKind>) -> u8 {
    const ORDER: [u8; 7] = [1, 3, 4, 2, 7, 6, 5];
    let seen: Vec<u8> = kinds
        .into_iter()
        .map(|kind| kind.rules().exit_code)
        .collect();
    ORDER
        .into_iter()
        .find(|code| seen.contains(code))
        .unwrap_or(0)
}

/// Whether a failure is one of the whole request or of one item of it.
///
/// Only failures of the request are retried and may be bridged by a stale value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The backend as a whole failed to answer.
    Request,
    /// The backend answered, and this item failed.
    Item,
}

/// A failure, free of secret bytes, tokens and backend bodies.
///
/// The message is lower case, has no final period and quotes what the user wrote in backticks.
/// Cloning is cheap: all callers that waited for one fetch get the same error.
#[derive(Clone)]
pub struct Error(Box<Parts>);

#[derive(Clone)]
struct Parts {
    kind: ErrorKind,
    scope: Scope,
    message: Arc<str>,
    reference: Option<Arc<str>>,
    backend: Option<BackendName>,
    help: Option<Arc<str>>,
    code: Option<&'static str>,
    retry_after: Option<Duration>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Makes an error about one item.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            kind,
            scope: Scope::Item,
            message: Arc::from(message.into()),
            reference: None,
            backend: None,
            help: None,
            code: None,
            retry_after: None,
            source: None,
        }))
    }

    /// Makes an error about the whole request: the backend could not answer at all.
    pub fn request(kind: ErrorKind, message: impl Into<String>) -> Self {
        let mut error = Self::new(kind, message);
        error.0.scope = Scope::Request;
        error
    }

    /// Adds what to do next.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(Arc::from(help.into()));
        self
    }

    /// Adds a stable identifier, such as the codes of canonical URIs.
    #[must_use]
    pub fn with_code(mut self, code: &'static str) -> Self {
        self.0.code = Some(code);
        self
    }

    /// Adds the time after which a repeat makes sense.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Adds the cause. It must be as free of secrets as the message is.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Adds the reference, unless an inner part named it already.
    #[must_use]
    pub fn with_reference(mut self, reference: impl fmt::Display) -> Self {
        self.0
            .reference
            .get_or_insert_with(|| Arc::from(reference.to_string()));
        self
    }

    /// Adds the backend, unless an inner part named it already.
    #[must_use]
    pub fn with_backend(mut self, backend: &BackendName) -> Self {
        self.0.backend.get_or_insert_with(|| backend.clone());
        self
    }

    /// What went wrong, for code to decide on.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the whole request failed, or one item of it.
    pub fn scope(&self) -> Scope {
        self.0.scope
    }

    /// The message alone, without its causes.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The reference the failure is about, in canonical form.
    pub fn reference(&self) -> Option<&str> {
        self.0.reference.as_deref()
    }

    /// The backend that failed.
    pub fn backend(&self) -> Option<&BackendName> {
        self.0.backend.as_ref()
    }

    /// What to do next.
    pub fn help(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// A stable identifier within the kind, such as `ILLEGAL_SEGMENT`.
    pub fn code(&self) -> Option<&'static str> {
        self.0.code
    }

    /// The time after which a repeat makes sense.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the retry layer may try again: the kind allows it and the whole request failed.
    pub fn is_retryable(&self) -> bool {
        self.0.kind.rules().retried && self.0.scope == Scope::Request
    }

    /// Whether a stale value may bridge this failure.
    pub fn allows_stale(&self) -> bool {
        self.0.kind.rules().stale_allowed && self.0.scope == Scope::Request
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("scope", &self.0.scope)
            .field("message", &self.0.message)
            .field("reference", &self.0.reference)
            .field("backend", &self.0.backend)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_exit_code_of_the_table() {
        for kind in ErrorKind::ALL {
            assert!((1..=7).contains(&kind.rules().exit_code), "{kind}");
        }
    }

    #[test]
    fn only_kinds_that_are_retried_allow_stale() {
        for kind in ErrorKind::ALL {
            assert_eq!(kind.rules().retried, kind.rules().stale_allowed, "{kind}");
        }
    }

    #[test]
    fn no_kind_both_purges_the_cache_and_allows_stale() {
        for kind in ErrorKind::ALL {
            assert!(
                !(kind.rules().purges_cache && kind.rules().stale_allowed),
                "{kind}"
            );
        }
    }

    #[test]
    fn item_failures_are_neither_retried_nor_bridged() {
        let item = Error::new(ErrorKind::Unavailable, "x");
        assert!(!item.is_retryable() && !item.allows_stale());
        let request = Error::request(ErrorKind::Unavailable, "x");
        assert!(request.is_retryable() && request.allows_stale());
    }

    #[test]
    fn several_failures_give_the_first_code_of_the_order() {
        use ErrorKind::*;
        assert_eq!(exit_code_of_all([]), 0);
        assert_eq!(exit_code_of_all([NotFound, Unavailable]), 7);
        assert_eq!(exit_code_of_all([Unavailable, InvalidReference]), 2);
        assert_eq!(exit_code_of_all([InvalidReference, Denied]), 4);
        assert_eq!(exit_code_of_all([Denied, Unauthenticated]), 3);
        assert_eq!(exit_code_of_all([Unauthenticated, Internal]), 1);
        assert_eq!(exit_code_of_all([Conflict, NotFound]), 6);
    }

    #[test]
    fn an_error_stays_the_size_of_a_pointer() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }
}
