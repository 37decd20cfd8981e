//! Files that hold secrets: for their owner alone, and whole or not there at all.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use keyferry::{Error, ErrorKind};
use tempfile::Builder;

/// Writes a file with mode 0600 in one step: readers see the old content or the new one.
///
/// A symbolic link is replaced by the file, not followed.
///
/// # Errors
/// When it is a directory, or when it cannot be written whole; then the old content stays.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => return Err(wrong(path, "is a directory")),
        Ok(found) if !found.is_file() && !found.is_symlink() => {
            return Err(wrong(
                path,
                "is no regular file, so it cannot be replaced in one step",
            ));
        }
        Ok(_) | Err(_) => {}
    }
    if path.file_name().is_none() {
        return Err(wrong(path, "names no file"));
    }
    replace(path, content).map_err(|error| failed(path, error))
}

/// A private file that is removed when this is dropped.
pub(crate) struct PrivateFile {
    path: PathBuf,
}

impl PrivateFile {
    /// Makes a new file with mode 0600.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when there is something of that name already.
    pub(crate) fn create(path: &Path, content: &[u8]) -> Result<Self, Error> {
        let opened = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path);
        let mut file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    format!("`{}` is there already", path.display()),
                )
                .with_help("name a file that does not exist: it is removed at the end"));
            }
            Err(error) => return Err(failed(path, error)),
        };
        // From here on a failure removes the file.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        present().push(path.clone());
        let private = Self { path };
        file.write_all(content)
            .map_err(|error| failed(&private.path, error))?;
        Ok(private)
    }

    /// Gives the file other content, without a moment in which it is not there.
    pub(crate) fn rewrite(&self, content: &[u8]) -> Result<(), Error> {
        write(&self.path, content)
    }
}

impl Drop for PrivateFile {
    fn drop(&mut self) {
        // The program may have removed it itself.
        let _ = std::fs::remove_file(&self.path);
        present().retain(|path| *path != self.path);
    }
}

/// Removes every [`PrivateFile`], for a process that is about to end without dropping them.
pub(crate) fn remove_all() {
    for path in present().drain(..) {
        // The program may have removed it itself.
        let _ = std::fs::remove_file(path);
    }
}

static PRESENT: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn present() -> MutexGuard<'static, Vec<PathBuf>> {
    PRESENT.lock().unwrap_or_else(PoisonError::into_inner)
}

fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // Opened first: what cannot be made durable is not begun.
    let durable = File::open(directory)?;
    let mut file = Builder::new()
        .prefix(".keyferry-")
        .tempfile_in(directory)
        // The temporary name, which the error holds too, says nothing to the user.
        .map_err(|error| io::Error::from(error.kind()))?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    // The temporary file, which has mode 0600, is removed on every way out but this one.
    file.persist(path).map_err(|error| error.error)?;
    durable.sync_all()
}

fn wrong(path: &Path, what: &str) -> Error {
    Error::new(
        ErrorKind::InvalidConfig,
        format!("`{}` {what}", path.display()),
    )
    .with_help("name a file")
}

fn failed(path: &Path, error: io::Error) -> Error {
    Error::new(
        ErrorKind::Internal,
        format!("`{}` cannot be written", path.display()),
    )
    .with_source(error)
    .with_help("name a file in a directory that exists and that you may write to")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_replaced_file_becomes_private() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(mode(&path), 0o600);
        assert_eq!(names(directory.path()), ["out"]);
    }

    #[test]
    fn a_link_is_replaced_and_its_target_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let (link, target) = (
            directory.path().join("link"),
            directory.path().join("target"),
        );
        std::fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        write(&link, b"new").unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"old");
        assert!(std::fs::symlink_metadata(&link).unwrap().is_file());
    }

    #[test]
    fn what_cannot_be_replaced_whole_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(
            write(directory.path(), b"x").unwrap_err().kind(),
            ErrorKind::InvalidConfig
        );
        assert_eq!(
            write(Path::new("/dev/null"), b"x").unwrap_err().kind(),
            ErrorKind::InvalidConfig
        );
        let nowhere = directory.path().join("absent/out");
        assert_eq!(
            write(&nowhere, b"x").unwrap_err().kind(),
            ErrorKind::Internal
        );
        assert!(names(directory.path()).is_empty());
    }

    #[test]
    fn a_private_file_lives_as_long_as_its_owner() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        let private = PrivateFile::create(&path, b"one").unwrap();
        assert_eq!(mode(&path), 0o600);
        let Err(error) = PrivateFile::create(&path, b"x") else {
            panic!("an existing file was taken over");
        };
        assert_eq!(error.kind(), ErrorKind::Conflict);
        private.rewrite(b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        drop(private);
        assert!(names(directory.path()).is_empty());
    }
}
