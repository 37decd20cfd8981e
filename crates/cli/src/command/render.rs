//! `keyferry render`: fills in the tokens of configuration files.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use clap::Args;
use keyferry::local::ProcessEnvironment;
use keyferry::{Config, Error, Format, Reference, Resolver, Tokens};
use zeroize::Zeroizing;

use crate::arguments::with_exit_codes;
use crate::environment::text_of;
use crate::failure::{Failure, none_of};
use crate::session::{Session, resolver_of};
use crate::watch::{self, Watch};
use crate::{output, private_file};

/// Fills in the tokens of configuration files
///
/// `${secret://…}`, `${VAR}` and `${VAR:-default}` are filled in on the parsed tree of YAML and
/// JSON; comments, order and layout stay. Every token that fails is reported, and nothing written.
#[derive(Debug, Args)]
#[command(after_help = with_exit_codes!(
    "Examples:
  keyferry render config.yaml
  keyferry render config.yaml --out /run/app/config.yaml --watch
  keyferry render a.yaml b.json --out /run/app
  keyferry render nginx.conf.in --text --out nginx.conf

Without a keyferry.yaml, the backends are those of the `secrets:` section of the file itself."
))]
pub(crate) struct Arguments {
    /// The files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Writes to this file, of mode 0600, in one step; for several files a directory
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,

    /// Writes again whenever a value or a file changes
    #[arg(long, requires = "out")]
    watch: bool,

    /// Takes the files as text, line by line, whatever they are
    #[arg(long)]
    text: bool,
}

impl Arguments {
    pub(crate) fn execute(self, session: &Session) -> Result<(), Failure> {
        let templates = self.templates(session)?;
        if !self.watch {
            return deliver(&templates, &rendered(&templates, session)?);
        }
        // Watching starts first, so that no change falls in between.
        let (changed, changes) = mpsc::channel();
        let mut watched = references(&templates);
        let mut watches = start(&templates, &watched, &changed)?;
        let mut written = rendered(&templates, session)?;
        deliver(&templates, &written)?;
        while changes.recv().is_ok() {
            // Several changes at once are one.
            while changes.try_recv().is_ok() {}
            let now = references(&templates);
            if now != watched {
                watched = now;
                watches.clear();
                watches = start(&templates, &watched, &changed)?;
            }
            match rendered(&templates, session).and_then(|new| {
                if new != written {
                    deliver(&templates, &new)?;
                }
                Ok(new)
            }) {
                Ok(new) => written = new,
                Err(failure) => {
                    failure.report(session.output());
                    tracing::warn!("the old files stay");
                }
            }
        }
        Ok(())
    }

    /// What is to be rendered, by which resolver, to where.
    fn templates(&self, session: &Session) -> Result<Vec<Template>, Failure> {
        if self.files.len() > 1 && self.out.as_deref().is_none_or(|out| !out.is_dir()) {
            return Err(Failure::usage(
                "several files need `--out` with a directory that exists",
            ));
        }
        let shared = match session.config_path()? {
            Some(path) => Some(resolver_of(&Config::load(&path)?)?),
            None => None,
        };
        let mut templates: Vec<Template> = Vec::new();
        for path in &self.files {
            let format = self.format(path)?;
            let resolver = match &shared {
                Some(resolver) => resolver.clone(),
                None => own_resolver(path, format)?,
            };
            let target = match &self.out {
                Some(directory) if self.files.len() > 1 => {
                    Some(directory.join(path.file_name().unwrap_or_default()))
                }
                out => out.clone(),
            };
            if templates.iter().any(|other| other.target == target) {
                return Err(Failure::usage("two of the files have the same name"));
            }
            if let Some(target) = &target
                && self.files.iter().any(|file| is_same(file, target))
            {
                return Err(Failure::usage(format!(
                    "`{}` would be replaced by what is rendered, and its tokens lost",
                    target.display()
                )));
            }
            let path = path.clone();
            templates.push(Template {
                path,
                format,
                resolver,
                target,
            });
        }
        Ok(templates)
    }

    fn format(&self, path: &Path) -> Result<Format, Failure> {
        if self.text {
            return Ok(Format::Text);
        }
        let extension = path.extension().and_then(|extension| extension.to_str());
        match extension.map(str::to_ascii_lowercase).as_deref() {
            Some("yaml" | "yml") => Ok(Format::Yaml),
            Some("json") => Ok(Format::Json),
            _ => Err(Failure::usage(format!(
                "`{}` is neither .yaml nor .json: `--text` takes it as text",
                path.display()
            ))),
        }
    }
}

/// Whether `target` is the directory entry `file`. A link to it is not: it would be replaced itself.
fn is_same(file: &Path, target: &Path) -> bool {
    let entry = |path| std::fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()));
    matches!((entry(file), entry(target)), (Ok(file), Ok(target)) if file == target)
}

/// A file with tokens.
struct Template {
    path: PathBuf,
    format: Format,
    resolver: Resolver,
    target: Option<PathBuf>,
}

impl Template {
    fn tokens(&self) -> Result<Tokens, Failure> {
        let name = self.path.display().to_string();
        Ok(Tokens::find(name, &text_of(&self.path)?, self.format)?)
    }

    fn rendered(&self, session: &Session) -> Result<Zeroizing<String>, Failure> {
        let tokens = self.tokens()?;
        Ok(session.block_on(tokens.resolve(&self.resolver, &ProcessEnvironment))?)
    }
}

/// The resolver of a file that is rendered without a `keyferry.yaml`.
fn own_resolver(path: &Path, format: Format) -> Result<Resolver, Failure> {
    let environment = Arc::new(ProcessEnvironment);
    if format == Format::Yaml
        && let Some(config) = Config::from_section(&text_of(path)?, path, environment.clone())?
    {
        return resolver_of(&config);
    }
    resolver_of(&Config::implicit(environment)?)
}

/// Every text, or everything that is wrong with any of them.
fn rendered(templates: &[Template], session: &Session) -> Result<Vec<Zeroizing<String>>, Failure> {
    let (mut texts, mut errors) = (Vec::new(), Vec::<Error>::new());
    for template in templates {
        match template.rendered(session) {
            Ok(text) => texts.push(text),
            Err(Failure::Errors(more)) => errors.extend(more),
            Err(other) => return Err(other),
        }
    }
    none_of(errors)?;
    Ok(texts)
}

fn deliver(templates: &[Template], texts: &[Zeroizing<String>]) -> Result<(), Failure> {
    let mut errors = Vec::new();
    for (template, text) in templates.iter().zip(texts) {
        match &template.target {
            None => output::write(text.as_bytes())?,
            Some(path) => match private_file::write(path, text.as_bytes()) {
                Ok(()) => tracing::info!("`{}` is written", path.display()),
                Err(error) => errors.push(error),
            },
        }
    }
    none_of(errors)
}

/// What to watch for each file; nothing for one that cannot be read.
fn references(templates: &[Template]) -> Vec<Vec<Reference>> {
    let of_one = |template: &Template| {
        let tokens = template.tokens().ok();
        tokens.map_or_else(Vec::new, |tokens| watch::watched(tokens.references()))
    };
    templates.iter().map(of_one).collect()
}

/// Watches the files, and what they refer to.
fn start(
    templates: &[Template],
    watched: &[Vec<Reference>],
    changed: &mpsc::Sender<()>,
) -> Result<Vec<Watch>, Failure> {
    let watches = templates.iter().zip(watched).map(|(template, references)| {
        let changed = changed.clone();
        let files = vec![template.path.clone()];
        watch::start(
            template.resolver.clone(),
            references.clone(),
            files,
            move || {
                // Nobody listens any more when the process ends.
                let _ = changed.send(());
            },
        )
    });
    Ok(watches.collect::<Result<_, Error>>()?)
}
