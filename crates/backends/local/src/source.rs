//! Reading a file whole, and knowing later whether it is still the same.

use std::fs::{self, Metadata};
use std::io::{self, Read, Seek};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use keyferry_core::{Error, ErrorKind, Result};
use nix::fcntl::OFlag;
use zeroize::Zeroizing;

/// The largest file of several secrets.
pub(crate) const MAX_FILE: u64 = 16 * 1024 * 1024;

/// What the file system says of a file: the same as long as its content is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// A file system may count time in steps as long as this.
const CLOCK_STEP: Duration = Duration::from_secs(2);

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// A name for the content. It is made of the time of the last change and the inode, and never
    /// of the content: a digest of a short secret gives the secret away.
    pub(crate) fn version(&self) -> String {
        let (seconds, nanos) = self.changed;
        format!("{seconds}.{nanos:09}-{:x}", self.inode)
    }

    /// Whether both are of one file, whatever its content.
    pub(crate) fn is_file_of(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }

    /// Whether the file was last changed so long ago that another change must show in its stamp.
    fn is_settled(&self) -> bool {
        #[expect(
            clippy::disallowed_methods,
            reason = "stamps of files are on the wall clock"
        )]
        let now = SystemTime::now();
        let seconds = u64::try_from(self.changed.0).unwrap_or(0);
        let changed = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        changed.is_some_and(|changed| {
            now.duration_since(changed)
                .is_ok_and(|age| age > CLOCK_STEP)
        })
    }
}

/// A file as it was at one moment.
pub(crate) struct Content {
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    pub(crate) stamp: Stamp,
    /// Whether an equal stamp proves equal content.
    pub(crate) settled: bool,
}

/// Opens a file without ever waiting, not even for the other end of a FIFO.
pub(crate) fn open(path: &Path) -> io::Result<fs::File> {
    open_with(path, OFlag::O_NONBLOCK | OFlag::O_NOCTTY)
}

/// Opens a directory, and nothing else.
pub(crate) fn open_directory(path: &Path) -> io::Result<fs::File> {
    open_with(path, OFlag::O_DIRECTORY)
}

fn open_with(path: &Path, flags: OFlag) -> io::Result<fs::File> {
    fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits())
        .open(path)
}

/// Reads a file that is already open; `name` is what errors call it.
pub(crate) fn read(mut file: fs::File, name: &str, limit: u64) -> Result<Content> {
    const ATTEMPTS: usize = 3;
    let failed = |error| unreadable(name, &error);
    for _ in 0..ATTEMPTS {
        let metadata = file.metadata().map_err(failed)?;
        refuse_shape(&metadata, name, limit)?;
        let stamp = Stamp::of(&metadata);
        let settled = stamp.is_settled();
        file.rewind().map_err(failed)?;
        let bytes = read_exactly(&mut file, stamp.size).map_err(failed)?;
        let after = Stamp::of(&file.metadata().map_err(failed)?);
        if let Some(bytes) = bytes
            && after == stamp
        {
            return Ok(Content {
                bytes,
                stamp,
                settled,
            });
        }
    }
    // This one passes, so the retry layer may try again.
    Err(Error::request(
        ErrorKind::Unavailable,
        format!("`{name}` changes while it is read"),
    ))
}

fn refuse_shape(metadata: &Metadata, name: &str, limit: u64) -> Result<()> {
    if !metadata.is_file() {
        let what = if metadata.is_dir() {
            "is a directory"
        } else {
            "is no regular file"
        };
        return Err(Error::new(
            ErrorKind::Malformed,
            format!("`{name}` {what}, a file is expected"),
        ));
    }
    if metadata.size() > limit {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!("`{name}` is larger than {limit} bytes"),
        ));
    }
    Ok(())
}

/// The bytes of a file of that size; `None` if it has another by now. The buffer never grows, so
/// that it leaves no copies behind.
fn read_exactly(file: &mut fs::File, size: u64) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let size = usize::try_from(size).map_err(io::Error::other)?;
    let mut bytes = Zeroizing::new(vec![0; size]);
    match file.read_exact(&mut bytes) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let more = file.read(&mut [0])?;
    Ok((more == 0).then_some(bytes))
}

/// The error for a file that holds several secrets: without it nothing is known of any of them.
pub(crate) fn unreadable(name: &str, error: &io::Error) -> Error {
    let (message, help) = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => (
            format!("there is no file `{name}`"),
            "create it, or correct the `path` of the backend".to_owned(),
        ),
        io::ErrorKind::PermissionDenied => (
            format!("`{name}` may not be read by this user"),
            format!(
                "let the user with id {} read it",
                nix::unistd::Uid::effective()
            ),
        ),
        _ => (
            format!("`{name}` cannot be read: {error}"),
            "check the file and its disk".to_owned(),
        ),
    };
    Error::new(ErrorKind::Unavailable, message).with_help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifo_is_refused_without_waiting_for_its_writer() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("fifo");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let error = read(open(&path).unwrap(), "fifo", 10).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Malformed);
    }

    #[test]
    fn a_file_over_the_limit_is_refused_unread() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        fs::write(&path, "12345").unwrap();
        assert_eq!(*read(open(&path).unwrap(), "f", 5).unwrap().bytes, b"12345");
        let error = read(open(&path).unwrap(), "f", 4).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
    }

    #[test]
    fn a_file_that_just_changed_is_not_settled() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        fs::write(&path, "1").unwrap();
        assert!(!read(open(&path).unwrap(), "f", 9).unwrap().settled);
        let mut stamp = Stamp::of(&fs::metadata(&path).unwrap());
        stamp.changed.0 -= 10;
        assert!(stamp.is_settled());
    }
}
