//! What is asked of the resolver: a reference, and the facts of this one call.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::reference::Reference;

/// How fresh a value must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Freshness {
    /// Within its TTL.
    #[default]
    Cached,
    /// Within its TTL and fetched at most this long ago.
    AtMost(Duration),
    /// From the backend. Callers that ask while a fetch is in flight share it.
    Live,
}

/// Who asks.
///
/// Facts of a request, never of the resolver: each call brings its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExecutionContext {
    /// The tenant; cached values are kept apart by it.
    pub tenant: Option<Arc<str>>,
    /// Who asks, for policy and audit.
    pub subject: Option<Arc<str>>,
}

impl ExecutionContext {
    /// Names the tenant.
    #[must_use]
    pub fn with_tenant(mut self, tenant: impl Into<Arc<str>>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// Names who asks.
    #[must_use]
    pub fn with_subject(mut self, subject: impl Into<Arc<str>>) -> Self {
        self.subject = Some(subject.into());
        self
    }
}

/// One request to the [`Resolver`](crate::Resolver).
///
/// ```
/// use keyferry_core::{Freshness, Request};
/// # let _: keyferry_core::Result<()> = (|| {
/// let request = Request::new("aws:postgres#password")?.freshness(Freshness::Live);
/// # Ok(()) })();
/// ```
#[derive(Debug, Clone)]
pub struct Request<'a> {
    pub(crate) reference: Cow<'a, Reference>,
    pub(crate) freshness: Freshness,
    pub(crate) within: Option<Duration>,
    pub(crate) context: Option<&'a ExecutionContext>,
    pub(crate) raw: bool,
}

impl<'a> Request<'a> {
    /// Asks for a cached value, without a deadline of its own.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidReference`](crate::ErrorKind::InvalidReference) for text that is none.
    pub fn new(reference: impl IntoRequest<'a>) -> Result<Self> {
        reference.into_request()
    }

    /// Asks for this freshness.
    #[must_use]
    pub fn freshness(mut self, freshness: Freshness) -> Self {
        self.freshness = freshness;
        self
    }

    /// Gives up with a timeout after this long. What others wait for goes on.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.within = Some(limit);
        self
    }

    /// Names who asks.
    #[must_use]
    pub fn context(mut self, context: &'a ExecutionContext) -> Self {
        self.context = Some(context);
        self
    }

    /// Asks for the value as it stands, never as a map, around the cache both ways.
    #[must_use]
    pub fn raw(mut self) -> Self {
        self.raw = true;
        self
    }

    /// What is asked for.
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// Who asks, if the caller said so.
    pub fn execution_context(&self) -> Option<&ExecutionContext> {
        self.context
    }

    pub(crate) fn tenant(&self) -> Option<&Arc<str>> {
        self.context.and_then(|context| context.tenant.as_ref())
    }
}

/// What can be asked for: a parsed [`Reference`], its text, or a whole [`Request`].
pub trait IntoRequest<'a> {
    /// Turns it into a request.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidReference`](crate::ErrorKind::InvalidReference) for text that is none.
    fn into_request(self) -> Result<Request<'a>>;
}

impl<'a> IntoRequest<'a> for Request<'a> {
    fn into_request(self) -> Result<Self> {
        Ok(self)
    }
}

impl<'a> From<Cow<'a, Reference>> for Request<'a> {
    fn from(reference: Cow<'a, Reference>) -> Self {
        Self {
            reference,
            freshness: Freshness::Cached,
            within: None,
            context: None,
            raw: false,
        }
    }
}

impl<'a> IntoRequest<'a> for &'a Reference {
    fn into_request(self) -> Result<Request<'a>> {
        Ok(Request::from(Cow::Borrowed(self)))
    }
}

impl<'a> IntoRequest<'a> for Reference {
    fn into_request(self) -> Result<Request<'a>> {
        Ok(Request::from(Cow::Owned(self)))
    }
}

impl<'a> IntoRequest<'a> for &str {
    fn into_request(self) -> Result<Request<'a>> {
        Ok(Request::from(Cow::Owned(Reference::parse(self)?)))
    }
}

impl<'a> IntoRequest<'a> for &String {
    fn into_request(self) -> Result<Request<'a>> {
        self.as_str().into_request()
    }
}
