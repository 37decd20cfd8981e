//! The secrets that templates ask for, fetched together.

use std::collections::HashMap;

use keyferry_core::{
    Error, ErrorKind, Piece, Reference, Resolver, Result, Secret, SecretValue, Template,
};
use keyferry_local::Environment;
use keyferry_yaml::Replacement;
use zeroize::Zeroizing;

/// What each reference resolved to.
pub(crate) struct Answers(HashMap<Reference, Result<Secret>>);

/// What became of a template.
pub(crate) enum Filled {
    /// The secret that is the whole of it, with its type.
    Whole(SecretValue),
    /// Text.
    Text(Zeroizing<String>),
}

impl Answers {
    /// Asks for each reference once, all in one batch.
    pub(crate) async fn fetch<'a>(
        resolver: &Resolver,
        references: impl Iterator<Item = &'a Reference>,
    ) -> Self {
        let mut seen = HashMap::new();
        let mut wanted = Vec::new();
        for reference in references {
            if seen.insert(reference, ()).is_none() {
                wanted.push(reference);
            }
        }
        let batch = resolver.get_many(wanted.iter().copied()).await;
        let answers = wanted.into_iter().zip(batch);
        Self(
            answers
                .map(|(reference, item)| (reference.clone(), item.into()))
                .collect(),
        )
    }

    pub(crate) fn value(&self, reference: &Reference) -> Result<&SecretValue> {
        match self.0.get(reference) {
            Some(Ok(secret)) => Ok(secret.value()),
            Some(Err(error)) => Err(error.clone()),
            None => Err(Error::new(
                ErrorKind::Internal,
                "the secret was not asked for",
            )),
        }
    }

    /// As [`Answers::fill`], but refuses bytes, which no file of text can hold.
    pub(super) fn fill_text(
        &self,
        template: &Template,
        environment: &dyn Environment,
    ) -> Result<Filled> {
        let filled = self.fill(template, environment)?;
        if let (Filled::Whole(value), Some(reference)) = (&filled, template.whole()) {
            value
                .expose_text()
                .map_err(|error| error.with_reference(reference))?;
        }
        Ok(filled)
    }

    pub(crate) fn fill(
        &self,
        template: &Template,
        environment: &dyn Environment,
    ) -> Result<Filled> {
        if let Some(reference) = template.whole() {
            return self.value(reference).cloned().map(Filled::Whole);
        }
        let variable = variables(template, environment)?;
        template
            .fill(
                |name| variable.get(name).cloned(),
                |reference| {
                    let text = self.value(reference)?.expose_text();
                    text.map_err(|error| error.with_reference(reference))
                },
            )
            .map(Filled::Text)
    }
}

/// The environment variables that a template names and that are set.
pub(crate) fn variables<'a>(
    template: &'a Template,
    environment: &dyn Environment,
) -> Result<HashMap<&'a str, Zeroizing<String>>> {
    let mut variables = HashMap::new();
    for piece in template.pieces() {
        let Piece::Variable { name, .. } = piece else {
            continue;
        };
        let Some(value) = environment.variable(name) else {
            continue;
        };
        let text = value.into_string().map_err(|_| {
            let message = format!("the environment variable `{name}` is not UTF-8 text");
            Error::new(ErrorKind::InvalidConfig, message)
        })?;
        variables.insert(name.as_str(), Zeroizing::new(text));
    }
    Ok(variables)
}

impl Filled {
    /// The text; empty for bytes, which [`Answers::fill_text`] refuses.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Whole(value) => value.expose_text().unwrap_or_default(),
            Self::Text(text) => text,
        }
    }

    pub(super) fn into_replacement(self) -> Replacement {
        match self {
            Self::Whole(value) if value.is_typed() => {
                Replacement::Json(Zeroizing::new(Self::Whole(value).text().to_owned()))
            }
            Self::Whole(_) => Replacement::Text(Zeroizing::new(self.text().to_owned())),
            Self::Text(text) => Replacement::Text(text),
        }
    }
}
