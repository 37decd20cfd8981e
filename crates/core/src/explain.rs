//! What would be asked of whom, without asking.

use std::time::Duration;

use crate::backend::BackendName;
use crate::error::{Error, Result};
use crate::layer::cache::CacheState;
use crate::reference::Reference;
use crate::request::IntoRequest;
use crate::resolver::Resolver;

/// Where a reference leads and what is known of it, without a value.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Explanation {
    /// The reference.
    pub reference: Reference,
    /// The backend that serves it, its type, and the full name it is asked for.
    pub route: Result<ExplainedRoute, Error>,
    /// What the cache holds.
    pub cache: CacheState,
    /// How old that is.
    pub age: Option<Duration>,
}

/// The route of an [`Explanation`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ExplainedRoute {
    /// The backend's name in the configuration.
    pub backend: BackendName,
    /// Its type.
    pub kind: &'static str,
    /// The name it is asked for, prefix included.
    pub full_name: String,
}

impl Resolver {
    /// Explains a reference. Nothing is fetched; a reference that nothing serves is explained too.
    ///
    /// # Errors
    /// [`InvalidReference`](crate::ErrorKind::InvalidReference) for text that is none.
    pub fn explain<'a>(&self, reference: impl IntoRequest<'a>) -> Result<Explanation> {
        let request = reference.into_request()?;
        let (cache, age) = self.cache().state(&request);
        let route = self.route(&request).map(|route| ExplainedRoute {
            backend: route.entry.name().clone(),
            kind: route.entry.kind(),
            full_name: route.item.key().to_owned(),
        });
        Ok(Explanation {
            reference: request.reference.into_owned(),
            route,
            cache,
            age,
        })
    }
}
