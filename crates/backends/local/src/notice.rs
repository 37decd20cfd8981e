//! How a stream of versions learns that something changed, without polling.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Poll;

use futures_util::StreamExt;
use futures_util::future::poll_fn;
use futures_util::stream::{BoxStream, unfold};
use futures_util::task::AtomicWaker;
use keyferry_core::{Error, ErrorKind, Metadata, Result, Secret};
use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// Wakes one stream. Rings while nobody listens are remembered as one.
#[derive(Default)]
pub(crate) struct Bell {
    rung: AtomicBool,
    waker: AtomicWaker,
}

impl Bell {
    fn ring(&self) {
        self.rung.store(true, Ordering::Release);
        self.waker.wake();
    }

    async fn rung(&self) {
        poll_fn(|context| {
            // ORDER: register before looking, so that a ring in between is not lost.
            self.waker.register(context.waker());
            if self.rung.swap(false, Ordering::AcqRel) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

/// The bells of all streams of one backend.
#[derive(Default)]
pub(crate) struct Bells(Mutex<Vec<Weak<Bell>>>);

impl Bells {
    pub(crate) fn add(&self, bell: &Arc<Bell>) {
        let mut bells = lock(&self.0);
        bells.retain(|bell| bell.strong_count() > 0);
        bells.push(Arc::downgrade(bell));
    }

    pub(crate) fn ring(&self) {
        let bells: Vec<_> = lock(&self.0).iter().filter_map(Weak::upgrade).collect();
        for bell in bells {
            bell.ring();
        }
    }
}

/// Yields the version that `read` finds: at once, and after each ring where it is not the `same`.
pub(crate) fn stream(
    bell: Arc<Bell>,
    same: fn(&Secret, &Secret) -> bool,
    read: impl Fn() -> Result<Secret> + Send + 'static,
) -> BoxStream<'static, Result<Metadata>> {
    let start = (bell, read, None::<Result<Secret>>);
    unfold(start, move |(bell, read, mut last)| async move {
        loop {
            if last.is_some() {
                bell.rung().await;
            }
            let now = read();
            if last
                .as_ref()
                .is_some_and(|last| unchanged(last, &now, same))
            {
                continue;
            }
            let answer = match &now {
                Ok(secret) => Ok(secret.metadata().clone()),
                Err(error) => Err(error.clone()),
            };
            last = Some(now);
            return Some((answer, (bell, read, last)));
        }
    })
    .boxed()
}

fn unchanged(
    last: &Result<Secret>,
    now: &Result<Secret>,
    same: fn(&Secret, &Secret) -> bool,
) -> bool {
    match (last, now) {
        (Ok(last), Ok(now)) => same(last, now),
        (Err(last), Err(now)) => last.kind() == now.kind() && last.message() == now.message(),
        _ => false,
    }
}

/// Watches the directories of one backend's files, with one thread while any stream lives.
#[derive(Default)]
pub(crate) struct FileWatch(Mutex<Weak<Watched>>);

struct Watched {
    watcher: Mutex<RecommendedWatcher>,
    bells: Arc<Bells>,
}

impl FileWatch {
    /// Yields the version of one item of the file at `path`, whenever its value changes.
    ///
    /// Directories are watched rather than the file: it may be replaced, or not exist yet. Those
    /// between `base` and `path` count too.
    pub(crate) fn stream(
        &self,
        base: Option<PathBuf>,
        path: PathBuf,
        read: impl Fn() -> Result<Secret> + Send + 'static,
    ) -> Result<BoxStream<'static, Result<Metadata>>> {
        // A relative path has no directory that could be watched.
        let path = std::path::absolute(&path).unwrap_or(path);
        let watched = self.watched()?;
        let bell = Arc::new(Bell::default());
        watched.bells.add(&bell);
        watched.listen(base.as_deref(), &path)?;
        let read = move || {
            // ORDER: what a change brought into the path is watched before it is read.
            watched.listen(base.as_deref(), &path)?;
            read()
        };
        Ok(stream(bell, |a, b| a.value() == b.value(), read))
    }

    fn watched(&self) -> Result<Arc<Watched>> {
        let mut shared = lock(&self.0);
        if let Some(watched) = shared.upgrade() {
            return Ok(watched);
        }
        let bells = Arc::new(Bells::default());
        let ringing = Arc::clone(&bells);
        let watcher = notify::recommended_watcher(move |event| {
            if may_change_content(&event) {
                ringing.ring();
            }
        });
        let watched = Arc::new(Watched {
            watcher: Mutex::new(watcher.map_err(unwatchable)?),
            bells,
        });
        *shared = Arc::downgrade(&watched);
        Ok(watched)
    }
}

impl Watched {
    fn listen(&self, base: Option<&Path>, path: &Path) -> Result<()> {
        let mut watcher = lock(&self.watcher);
        for directory in directories(base, path) {
            // Watching again is cheap, and needed where a directory was replaced.
            match watcher.watch(&directory, RecursiveMode::NonRecursive) {
                Ok(()) => {}
                Err(error) if matches!(error.kind, notify::ErrorKind::PathNotFound) => {}
                Err(error) => return Err(unwatchable(error)),
            }
        }
        Ok(())
    }
}

/// Our own reading opens and closes files, which must not wake us again.
fn may_change_content(event: &notify::Result<notify::Event>) -> bool {
    match event {
        Ok(event) => match event.kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
            EventKind::Access(_) => false,
            _ => true,
        },
        // Events may have been lost.
        Err(_) => true,
    }
}

fn unwatchable(error: notify::Error) -> Error {
    let paths: Vec<_> = error.paths.iter().map(|path| path.display()).collect();
    let place = match paths.first() {
        Some(path) => format!(" `{path}`"),
        None => String::new(),
    };
    let error = Error::new(
        ErrorKind::Unavailable,
        format!(
            "changes of files{place} cannot be watched: {}",
            what(&error)
        ),
    );
    error.with_help(
        "raise fs.inotify.max_user_watches and fs.inotify.max_user_instances if they are used up",
    )
}

fn what(error: &notify::Error) -> String {
    match &error.kind {
        notify::ErrorKind::Io(error) => error.to_string(),
        notify::ErrorKind::MaxFilesWatch => "the limit of watches is reached".to_owned(),
        _ => "the watcher failed".to_owned(),
    }
}

/// The directories in which a change can put another file at `path`: its own, those of every
/// symbolic link on the way, and those below `base`. What does not exist is stood in for by the
/// nearest directory above that does.
fn directories(base: Option<&Path>, path: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let parents = || path.ancestors().skip(1).filter(|parent| parent.is_dir());
    let below = parents().filter(|parent| base.is_some_and(|base| parent.starts_with(base)));
    found.extend(below.map(Path::to_owned));
    found.extend(parents().next().map(Path::to_owned));
    let real = path.canonicalize().ok();
    found.extend(real.and_then(|real| real.parent().map(Path::to_owned)));
    links(path, &mut found, &mut BTreeSet::new());
    found
}

/// Adds the directory of every symbolic link that resolving `path` meets.
fn links(path: &Path, found: &mut BTreeSet<PathBuf>, seen: &mut BTreeSet<PathBuf>) {
    // The kernel follows no more than this many either.
    const MAX_LINKS: usize = 40;
    for part in path.ancestors() {
        let (Some(parent), Ok(target)) = (part.parent(), part.read_link()) else {
            continue;
        };
        if seen.len() < MAX_LINKS && seen.insert(part.to_owned()) {
            found.insert(parent.to_owned());
            links(&parent.join(target), found, seen);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn every_directory_on_the_way_through_links_is_found() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("mount/..1")).unwrap();
        std::fs::write(root.join("mount/..1/key"), "").unwrap();
        symlink("..1", root.join("mount/..data")).unwrap();
        symlink("..data/key", root.join("mount/key")).unwrap();
        let found = directories(Some(&root), &root.join("mount/key"));
        let expected = [root.clone(), root.join("mount"), root.join("mount/..1")];
        assert_eq!(found, BTreeSet::from(expected));
    }

    #[test]
    fn the_nearest_directory_stands_in_for_one_that_is_missing() {
        let root = tempfile::tempdir().unwrap();
        let found = directories(None, &root.path().join("a/b/.env"));
        assert_eq!(found, BTreeSet::from([root.path().to_owned()]));
    }

    #[test]
    fn links_in_a_circle_end() {
        let root = tempfile::tempdir().unwrap();
        symlink("b", root.path().join("a")).unwrap();
        symlink("a", root.path().join("b")).unwrap();
        let found = directories(None, &root.path().join("a"));
        assert_eq!(found, BTreeSet::from([root.path().to_owned()]));
    }
}
