//! Loading what an application declares it needs, at its start.

use futures_util::future::join_all;

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
    /// A pattern that matches nothing is no error. One secret that fails is skipped with a warning,
    /// and so is one whose name no reference can hold.
    ///
    /// # Errors
    /// [`InvalidReference`](crate::ErrorKind::InvalidReference) for an unknown backend or a malformed declaration, the
    /// error of a listing that failed, and the first failure of a declaration whose secrets all
    /// failed.
    pub async fn preload<S: AsRef<str>>(&self, declarations: &[S]) -> Result<Preloaded> {
        let declared = || declarations.iter().map(AsRef::as_ref);
        let listings = join_all(declared().map(|declaration| self.list(declaration))).await;
        let mut wanted: Vec<(&str, Reference)> = Vec::new();
        for (declaration, keys) in declared().zip(listings) {
            let references = named(declaration, &keys?)?;
            wanted.extend(
                references
                    .into_iter()
                    .map(|reference| (declaration, reference)),
            );
        }
        let batch = self
            .get_many(wanted.iter().map(|(_, reference)| reference))
            .await;
        let outcomes: Vec<_> = wanted.into_iter().zip(batch).collect();
        for declaration in declared() {
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

/// The references of the keys that a declaration matched.
fn named(declaration: &str, keys: &[String]) -> Result<Vec<Reference>> {
    let name = declaration.split(':').next().unwrap_or_default();
    let (mut references, mut refused) = (Vec::with_capacity(keys.len()), Vec::new());
    for key in keys {
        match Reference::named(name, key) {
            Ok(reference) => references.push(reference),
            Err(error) => refused.push(error),
        }
    }
    match refused.first() {
        Some(first) if references.is_empty() => {
            return Err(all_failed(declaration, refused.len(), first));
        }
        Some(first) => {
            let count = refused.len();
            tracing::warn!(declaration, count, cause = %first, "skipping names that cannot be references");
        }
        None => {}
    }
    Ok(references)
}

fn all_failed(declaration: &str, count: usize, first: &Error) -> Error {
    let message = format!("all {count} secrets of `{declaration}` failed to load: {first}");
    let error = match first.scope() {
        crate::Scope::Request => Error::request(first.kind(), message),
        crate::Scope::Item => Error::new(first.kind(), message),
    };
    let error = first.help().into_iter().fold(error, Error::with_help);
    let error = first.backend().into_iter().fold(error, Error::with_backend);
    first
        .reference()
        .into_iter()
        .fold(error, Error::with_reference)
}
