//! Opening files that must lie beneath a directory.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

/// Opens `relative` for reading, refusing any path that leaves the directory `root` on the way.
///
/// Symbolic links that stay inside are followed (Kubernetes mounts consist of them). Opening never
/// blocks, not even on a FIFO; whoever reads the file first checks that it is a regular one.
///
/// # Errors
/// `EXDEV` (kind `CrossesDevices`) when the path leaves the directory, `Unsupported` when the
/// kernel cannot confine it, else whatever opening says.
#[cfg(target_os = "linux")]
pub fn open_beneath(root: impl AsFd, relative: &Path) -> io::Result<File> {
    use nix::errno::Errno;
    use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};

    let how = OpenHow::new()
        .flags(OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY)
        .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    loop {
        return match openat2(root.as_fd(), relative, how) {
            Ok(file) => Ok(File::from(file)),
            // A rename or mount elsewhere raced with the walk, which says nothing about this path.
            Err(Errno::EAGAIN | Errno::EINTR) => continue,
            Err(Errno::ENOSYS) => Err(unsupported()),
            Err(errno) => Err(errno.into()),
        };
    }
}

/// Refuses: only Linux can confine a path to a directory in one call.
///
/// # Errors
/// Always `Unsupported`.
#[cfg(not(target_os = "linux"))]
pub fn open_beneath(_root: impl AsFd, _relative: &Path) -> io::Result<File> {
    Err(unsupported())
}

fn unsupported() -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        "this system cannot confine a path to a directory (openat2, Linux 5.6)",
    )
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;
    use std::io::Read;
    use std::os::unix::fs::{FileTypeExt, symlink};

    use super::*;

    fn open(root: &Path, relative: &str) -> io::Result<File> {
        open_beneath(File::open(root)?, Path::new(relative))
    }

    #[test]
    fn file_behind_inner_links_is_opened() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("..2026")).unwrap();
        fs::write(root.path().join("..2026/key"), "value").unwrap();
        symlink("..2026", root.path().join("..data")).unwrap();
        symlink("..data/key", root.path().join("key")).unwrap();
        let mut text = String::new();
        open(root.path(), "key")
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "value");
    }

    #[test]
    fn path_that_leaves_the_directory_is_refused() {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("root");
        fs::create_dir(&root).unwrap();
        fs::write(outer.path().join("secret"), "value").unwrap();
        symlink("../secret", root.join("relative")).unwrap();
        symlink(outer.path().join("secret"), root.join("absolute")).unwrap();
        symlink(outer.path(), root.join("up")).unwrap();
        for path in [
            "../secret",
            "relative",
            "absolute",
            "up/secret",
            "/etc/passwd",
            "../root/relative",
        ] {
            let error = open(&root, path).unwrap_err();
            assert_eq!(
                error.kind(),
                io::ErrorKind::CrossesDevices,
                "{path}: {error}"
            );
        }
    }

    #[test]
    fn link_of_proc_is_refused() {
        let error = open(Path::new("/proc/self"), "fd/0").unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ELOOP));
    }

    #[test]
    fn fifo_does_not_block() {
        let root = tempfile::tempdir().unwrap();
        nix::unistd::mkfifo(&root.path().join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(
            open(root.path(), "fifo")
                .unwrap()
                .metadata()
                .unwrap()
                .file_type()
                .is_fifo()
        );
    }

    #[test]
    fn absent_file_is_not_found() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(
            open(root.path(), "none").unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }
}
