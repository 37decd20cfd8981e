//! `type: mount`, scheme `file://`: the files below a directory.

mod walk;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use keyferry_core::{
    Backend, Capabilities, Error, ErrorKind, Finding, Item, KeyStyle, Metadata, Mounts, Pattern,
    Result, Routes, RuntimeRoute, Scheme, Secret, SecretValue,
};
use keyferry_os::open_beneath;
use nix::errno::Errno;
use nix::unistd::Uid;

use crate::dotenv::is_space;
use crate::notice::FileWatch;
use crate::{refuse_version, source};

const KIND: &str = "mount";
/// The largest secret.
const MAX_VALUE: u64 = 1024 * 1024;

/// The files below a directory, one secret each, as Kubernetes, Docker and systemd mount them.
///
/// A key is the path below the directory, `mount/segment…/name`, and its first segment a mount
/// that is allowed. No path and no symbolic link leads out of the directory; links within are
/// followed. A text loses the white space around it, so that a final newline does no harm; bytes
/// that are no text stay as they are. Every read opens the file, so that a change counts at once.
pub struct Mount {
    shared: Arc<Shared>,
    watch: FileWatch,
}

struct Shared {
    root: PathBuf,
    allowed: Mounts,
}

impl Mount {
    /// The files below `root`, which need not exist yet, in the mounts that are allowed.
    pub fn new(root: impl Into<PathBuf>, allowed: Mounts) -> Self {
        let root = root.into();
        Self {
            shared: Arc::new(Shared { root, allowed }),
            watch: FileWatch::default(),
        }
    }
}

impl Shared {
    fn value(&self, item: &Item) -> Result<Secret> {
        let key = self.checked(item)?;
        // Absent is only what is missing from a directory that is there: an unmounted one may hold it.
        let root = self.open_root()?;
        let file =
            open_beneath(&root, Path::new(key)).map_err(|error| self.unopened(key, &error))?;
        let content = source::read(file, key, MAX_VALUE)?;
        let metadata = Metadata::with_version(content.stamp.version());
        let value = match std::str::from_utf8(&content.bytes) {
            Ok(text) => SecretValue::text(text.trim_matches(is_space)),
            Err(_) => SecretValue::bytes(content.bytes.as_slice()),
        };
        Ok(Secret::new(value, metadata))
    }

    /// The key, if it is a path that may be used.
    fn checked<'a>(&self, item: &'a Item) -> Result<&'a str> {
        refuse_version(KIND, item)?;
        let key = item.key();
        // What starts with `..` belongs to Kubernetes, or leads upward.
        let fits =
            |segment: &str| !segment.is_empty() && segment != "." && !segment.starts_with("..");
        if !key.split('/').all(fits) || key.contains('\0') {
            return Err(Error::new(
                ErrorKind::InvalidReference,
                format!(
                    "the path `{}` has a segment that is empty, `.` or starts with `..`",
                    key.escape_debug()
                ),
            ));
        }
        let mount = key.split('/').next().unwrap_or_default();
        if !self.allowed.allow(mount) {
            return Err(Error::new(
                ErrorKind::Denied,
                format!("the mount `{mount}` is not allowed"),
            )
            .with_code("TENANT_MOUNT_MISMATCH")
            .with_help(format!("add `{mount}` to `allowed_mounts`")));
        }
        Ok(key)
    }

    fn open_root(&self) -> Result<std::fs::File> {
        source::open_directory(&self.root).map_err(|error| {
            let root = self.root.display();
            match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Error::new(
                    ErrorKind::Unavailable,
                    format!("there is no directory `{root}`"),
                )
                .with_help("mount it, or correct the `path` of the backend"),
                _ => source::unreadable(&root.to_string(), &error),
            }
        })
    }

    fn unopened(&self, key: &str, error: &io::Error) -> Error {
        let root = self.root.display();
        let denied =
            |message: String, help: String| Error::new(ErrorKind::Denied, message).with_help(help);
        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ENOENT | Errno::ENOTDIR) => {
                Error::new(ErrorKind::NotFound, format!("`{root}` has no file `{key}`"))
            }
            Some(Errno::ENAMETOOLONG) => Error::new(
                ErrorKind::NotFound,
                format!("no file can have the name `{key}`"),
            ),
            Some(Errno::EXDEV | Errno::ELOOP) => denied(
                format!("`{key}` leads out of `{root}` or in a circle"),
                "only symbolic links within the directory are followed".to_owned(),
            ),
            Some(Errno::EACCES) => denied(
                format!("`{key}` below `{root}` may not be read by this user"),
                format!("let the user with id {} read it", Uid::effective()),
            ),
            _ if error.kind() == io::ErrorKind::Unsupported => {
                Error::new(ErrorKind::Unsupported, error.to_string())
            }
            _ => Error::new(
                ErrorKind::Unavailable,
                format!("`{key}` below `{root}` cannot be read: {error}"),
            ),
        }
    }
}

#[async_trait]
impl Backend for Mount {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::read_only(KeyStyle::Path)
            .with_list()
            .with_metadata()
            .with_watch()
            .with_max_age(Duration::ZERO)
    }

    async fn read(&self, item: &Item) -> Result<Secret> {
        self.shared.value(item)
    }

    async fn list(&self, pattern: &Pattern) -> Result<Vec<String>> {
        let root = self.shared.open_root()?;
        let mut names = walk::names(root, &self.shared.allowed)?;
        names.retain(|name| pattern.matches(name));
        Ok(names)
    }

    async fn metadata(&self, item: &Item) -> Result<Metadata> {
        self.shared
            .value(item)
            .map(|secret| secret.metadata().clone())
    }

    fn watch(&self, item: &Item) -> Result<BoxStream<'static, Result<Metadata>>> {
        let root = self.shared.root.clone();
        let path = root.join(self.shared.checked(item)?);
        let (shared, item) = (Arc::clone(&self.shared), item.clone());
        self.watch
            .stream(Some(root), path, move || shared.value(&item))
    }

    fn routes(&self) -> Routes {
        Routes {
            schemes: vec![Scheme::File],
            mounts: self.shared.allowed.clone(),
            runtime: RuntimeRoute::Nothing,
        }
    }

    async fn diagnose(&self) -> Vec<Finding> {
        let name = self.shared.root.display().to_string();
        let root = self.shared.open_root();
        match root.and_then(|root| walk::names(root, &self.shared.allowed)) {
            Ok(_) => vec![Finding::good(name)],
            Err(error) => vec![Finding::bad(name, error)],
        }
    }
}

impl fmt::Debug for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mount")
            .field("root", &self.shared.root)
            .field("allowed", &self.shared.allowed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
