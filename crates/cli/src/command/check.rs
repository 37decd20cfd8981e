//! `keyferry check`: resolves everything the configuration names, and shows no value.

use clap::Args;
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use keyferry::local::ProcessEnvironment;
use keyferry::{
    Batch, BatchItem, Config, EnvEntry, Error, Reference, Resolver, Secret, exit_code_of_all,
};
use serde_json::json;

use crate::arguments::{Output, with_exit_codes};
use crate::environment::{Entries, EnvironmentArguments};
use crate::failure::{Failure, machine, message, printable};
use crate::output;
use crate::session::{Session, resolver_of};

/// Resolves everything the configuration names, without printing a value
///
/// Looks at `env:`, at `secrets.load`, and at the sources of the backends themselves, such as
/// malformed lines of a dotenv file. Exits with the code of the worst failure.
#[derive(Debug, Args)]
#[command(after_help = with_exit_codes!(
    "Examples:
  keyferry check
  keyferry check --env-file .env.production --output json"
))]
pub(crate) struct Arguments {
    #[command(flatten)]
    environment: EnvironmentArguments,
}

impl Arguments {
    pub(crate) fn execute(self, session: &Session) -> Result<u8, Failure> {
        let config = session.config()?;
        let entries = self.environment.entries(&config)?;
        let resolver = resolver_of(&config)?;
        let rows = session.block_on(rows(&config, &entries, &resolver));
        let written = match session.output() {
            Output::Json => output::write_json(&object(&rows)),
            Output::Human => output::write(table(&rows).as_bytes()),
        };
        let errors = rows.iter().filter_map(|row| row.error.as_ref());
        output::reported(written, exit_code_of_all(errors.map(Error::kind)))
    }
}

/// One thing that was looked at.
struct Row {
    /// A reference, or a source such as a file.
    subject: String,
    /// Whether `subject` is a source, not a reference.
    is_source: bool,
    backend: Option<String>,
    version: Option<String>,
    age_seconds: Option<u64>,
    stale: bool,
    error: Option<Error>,
}

async fn rows(config: &Config, entries: &Entries, resolver: &Resolver) -> Vec<Row> {
    let mut references: Vec<Reference> = Vec::new();
    let mut rows = Vec::new();
    let mut add = |reference: Reference| {
        if !references.contains(&reference) {
            references.push(reference);
        }
    };
    for entry in &entries.entries {
        entry.value().references().cloned().for_each(&mut add);
    }
    for declaration in config.load_declarations() {
        match listed(resolver, declaration).await {
            Ok(found) => found.into_iter().for_each(&mut add),
            Err(error) => rows.push(Row::failed(declaration.clone(), error)),
        }
    }
    let batch: Batch = resolver.get_many(&references).await;
    for (reference, item) in references.iter().zip(batch) {
        rows.push(Row::of(resolver, reference, item));
    }
    rows.extend(variables(entries, resolver).await);
    let malformed = entries.malformed.iter();
    rows.extend(malformed.map(|error| Row::source("env-file".to_owned(), None, error.clone())));
    for entry in resolver.registry().entries() {
        for finding in entry.backend().diagnose().await {
            if let Err(error) = finding.outcome {
                let backend = Some(entry.name().as_str().to_owned());
                rows.push(Row::source(finding.subject, backend, error));
            }
        }
    }
    rows
}

/// The references that a declaration of `load` stands for.
async fn listed(resolver: &Resolver, declaration: &str) -> Result<Vec<Reference>, Error> {
    let backend = declaration.split(':').next().unwrap_or_default();
    let keys = resolver.list(declaration).await?;
    keys.iter()
        .map(|key| Reference::named(backend, key))
        .collect()
}

/// What is wrong with variables apart from their references: `${VAR}` that is not set, say.
async fn variables(entries: &Entries, resolver: &Resolver) -> Vec<Row> {
    let resolved = EnvEntry::resolve_all(&entries.entries, resolver, &ProcessEnvironment).await;
    let failures = resolved.err();
    let failures = failures.iter().flat_map(|failures| failures.iter());
    failures
        .filter(|failure| failure.error().reference().is_none())
        .map(|failure| Row::source(failure.path().to_owned(), None, failure.error().clone()))
        .collect()
}

impl Row {
    fn of(resolver: &Resolver, reference: &Reference, item: BatchItem) -> Self {
        match Result::from(item) {
            Ok(secret) => Self::resolved(resolver, reference, &secret),
            Err(error) => Self::failed(reference.to_string(), error),
        }
    }

    fn resolved(resolver: &Resolver, reference: &Reference, secret: &Secret) -> Self {
        let route = resolver.registry().route(reference);
        Self {
            subject: reference.to_string(),
            is_source: false,
            backend: route.ok().map(|route| route.entry.name().to_string()),
            version: secret.version().map(str::to_owned),
            age_seconds: Some(secret.age(resolver.now()).as_secs()),
            stale: secret.is_stale(),
            error: None,
        }
    }

    fn failed(subject: String, error: Error) -> Self {
        let backend = error.backend().map(ToString::to_string);
        Self {
            is_source: false,
            ..Self::source(subject, backend, error)
        }
    }

    fn source(subject: String, backend: Option<String>, error: Error) -> Self {
        Self {
            subject,
            is_source: true,
            backend,
            version: None,
            age_seconds: None,
            stale: false,
            error: Some(error),
        }
    }

    fn status(&self) -> &'static str {
        match &self.error {
            None if self.stale => "stale",
            None => "ok",
            Some(error) => error.kind().name(),
        }
    }
}

fn object(rows: &[Row]) -> serde_json::Value {
    let items = rows.iter().map(|row| {
        json!({
            "reference": (!row.is_source).then_some(&row.subject),
            "source": row.is_source.then_some(&row.subject),
            "backend": row.backend,
            "status": row.status(),
            "version": row.version,
            "age_seconds": row.age_seconds,
            "error": row.error.as_ref().map(machine),
        })
    });
    json!({
        "items": items.collect::<Vec<_>>(),
        "ok": rows.iter().all(|row| row.error.is_none()),
    })
}

fn table(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "nothing to check: neither `env:` nor `secrets.load` names a secret\n".to_owned();
    }
    let mut table = Table::new();
    // A narrow terminal must not cut references, which people copy.
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(["REF", "BACKEND", "STATUS", "VERSION", "AGE"]);
    for row in rows {
        table.add_row([
            printable(&row.subject),
            row.backend.clone().unwrap_or_else(|| "-".to_owned()),
            row.status().to_owned(),
            row.version
                .as_deref()
                .map_or_else(|| "-".to_owned(), printable),
            row.age_seconds
                .map_or_else(|| "-".to_owned(), |age| format!("{age}s")),
        ]);
    }
    let mut text: String = table
        .lines()
        .map(|line| format!("{}\n", line.trim()))
        .collect();
    for row in rows {
        let Some(error) = &row.error else { continue };
        text.push_str(&format!(
            "\n{}: {}\n",
            printable(&row.subject),
            message(error)
        ));
        if let Some(help) = error.help() {
            text.push_str(&format!("  help: {}\n", printable(help)));
        }
    }
    text
}
