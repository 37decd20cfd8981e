//! Notices when a secret or a file may have changed.

use std::path::{Path, PathBuf};
use std::thread;

use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, select_all};
use keyferry::local::Mount;
use keyferry::{Backend as _, Error, ErrorKind, Item, Metadata, Mounts, Reference, Resolver};
use tokio::sync::oneshot;

use crate::session::runtime;

/// Watching, until this is dropped.
pub(crate) struct Watch {
    // The thread hears that this is gone.
    _stop: oneshot::Sender<()>,
}

/// Starts to watch. `changed` is called at least once for everything watched, so that no change
/// before the start is missed, and after each change; it must compare what it finds.
pub(crate) fn start(
    resolver: Resolver,
    references: Vec<Reference>,
    files: Vec<PathBuf>,
    changed: impl Fn() + Send + 'static,
) -> Result<Watch, Error> {
    let runtime = runtime()?;
    let (stop, stopped) = oneshot::channel();
    thread::Builder::new()
        .name("watch".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                let watching = watch(&resolver, &references, &files, &changed);
                tokio::select! {
                    () = watching => {}
                    _ = stopped => {}
                }
            });
        })
        .map_err(|error| {
            Error::new(ErrorKind::Internal, "a thread cannot be started").with_source(error)
        })?;
    Ok(Watch { _stop: stop })
}

/// What is to be watched for these references, each once.
pub(crate) fn watched<'a>(references: impl IntoIterator<Item = &'a Reference>) -> Vec<Reference> {
    let mut watched: Vec<Reference> = Vec::new();
    for reference in references {
        let whole = reference.without_field();
        if !watched.contains(&whole) {
            watched.push(whole);
        }
    }
    watched
}

async fn watch(
    resolver: &Resolver,
    references: &[Reference],
    files: &[PathBuf],
    changed: &impl Fn(),
) {
    let mut streams = Vec::new();
    for reference in references {
        match resolver.watch(reference).await {
            Ok(stream) => streams.push(stream),
            Err(error) => tracing::warn!("changes of `{reference}` are not noticed: {error}"),
        }
    }
    for path in files {
        match file(path) {
            Ok(stream) => streams.push(stream),
            Err(error) => {
                tracing::warn!("changes of `{}` are not noticed: {error}", path.display());
            }
        }
    }
    let mut all = select_all(streams);
    while all.next().await.is_some() {
        changed();
    }
}

/// The versions of any file: those of a secret in a mount that is the directory of the file.
fn file(path: &Path) -> Result<BoxStream<'static, keyferry::Result<Metadata>>, Error> {
    let unwatched = |what| Error::new(ErrorKind::Unsupported, what);
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| unwatched("its name is not UTF-8 text"))?;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    Mount::new(directory, Mounts::Any).watch(&Item::new(name))
}
