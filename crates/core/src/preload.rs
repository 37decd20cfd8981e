//! Loading what an application declares it needs, at its start.

use crate::error::{Error, Result};
use crate::reference::Reference;
use crate::resolver::Resolver;

/// What a preload did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Preloaded {
    /// The references that were fetched, each once.
    pub loaded: Vec<Reference>,
    /// The references that were skipped, and why.
    pub skipped: Vec<(Reference, Error)>,
}

impl Resolver {
    /// Fetches everything that the declarations name, such as `aws:*` or `env:API_KEY`, in one batch.
    ///
    /// A pattern that matches nothing is no error. One secret that fails is skipped with a warning.
    ///
    /// # Errors
    /// [`InvalidReference`](crate::ErrorKind::InvalidReference) for an unknown backend or a malformed declaration, the
    /// error of a listing that failed, and the first failure of a declaration whose secrets all
    /// failed.
    pub async fn preload<S: AsRef<str>>(&self, declarations: &[S]) -> Result<Preloaded> {
        let mut wanted: Vec<(&str, Reference)> = Vec::new();
        for declaration in declarations.iter().map(AsRef::as_ref) {
            let name = declaration.split(':').next().unwrap_or_default();
            for key in self.list(declaration).await? {
                wanted.push((declaration, Reference::named(name, &key)?));
            }
        }
        let batch = self
            .get_many(wanted.iter().map(|(_, reference)| reference))
            .await;
        let outcomes: Vec<_> = wanted.into_iter().zip(batch).collect();
        for declaration in declarations.iter().map(AsRef::as_ref) {
            let mut of_it = outcomes
                .iter()
                .filter(|((of, _), _)| *of == declaration)
                .peekable();
            if of_it.peek().is_some()
                && let Ok(errors) = of_it
                    .map(|(_, item)| item.outcome().as_ref().err().ok_or(()))
                    .collect::<Result<Vec<_>, _>>()
                && let Some(first) = errors.first()
            {
                return Err(all_failed(declaration, errors.len(), first));
            }
        }
        let mut preloaded = Preloaded::default();
        for ((_, reference), item) in outcomes {
            match Result::from(item) {
                Ok(_) if preloaded.loaded.contains(&reference) => {}
                Ok(_) => preloaded.loaded.push(reference),
                Err(error) => {
                    tracing::warn!(%reference, kind = %error.kind(), "skipping a secret that failed to load");
                    preloaded.skipped.push((reference, error));
                }
            }
        }
        Ok(preloaded)
    }
}

fn all_failed(declaration: &str, count: usize, first: &Error) -> Error {
    let message = format!("all {count} secrets of `{declaration}` failed to load: {first}");
    let error = match first.scope() {
        crate::Scope::Request => Error::request(first.kind(), message),
        crate::Scope::Item => Error::new(first.kind(), message),
    };
    let error = first.backend().into_iter().fold(error, Error::with_backend);
    first
        .reference()
        .into_iter()
        .fold(error, Error::with_reference)
}
