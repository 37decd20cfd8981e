//! System calls on descriptors that go on when a signal interrupts them.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// A pipe that no other program inherits: its write end, then its read end.
pub(super) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = io::pipe()?;
    Ok((writer.into(), reader.into()))
}

/// Waits until something of interest happens to a file, or the time is up (`None` = never). Says
/// for each file whether it happened; errors and hang-ups always count.
pub(super) fn wait<const N: usize>(
    files: [(BorrowedFd<'_>, PollFlags); N],
    milliseconds: Option<u16>,
) -> io::Result<[bool; N]> {
    let timeout = milliseconds.map_or(PollTimeout::NONE, PollTimeout::from);
    let mut polled = files.map(|(file, interest)| PollFd::new(file, interest));
    loop {
        match poll(&mut polled, timeout) {
            Ok(_) => return Ok(polled.map(|file| file.any().unwrap_or(true))),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Reads what is there; `None` is the end, also that of a terminal whose other side is gone.
pub(super) fn read(file: impl AsFd, buffer: &mut [u8]) -> io::Result<Option<&[u8]>> {
    loop {
        return match nix::unistd::read(file.as_fd(), buffer) {
            Ok(0) | Err(Errno::EIO) => Ok(None),
            Ok(count) => Ok(Some(buffer.get(..count).unwrap_or_default())),
            Err(Errno::EINTR) => continue,
            Err(Errno::EAGAIN) => Ok(Some(&[])),
            Err(errno) => Err(errno.into()),
        };
    }
}

/// Writes everything, also to a file that another program has made non-blocking.
pub(super) fn write_all(file: impl AsFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match nix::unistd::write(file.as_fd(), bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => {
                wait([(file.as_fd(), PollFlags::POLLOUT)], None)?;
            }
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

/// Makes reads and writes of a file return at once.
pub(super) fn set_nonblocking(file: impl AsFd) -> io::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(file.as_fd(), FcntlArg::F_GETFL)?);
    fcntl(file.as_fd(), FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(())
}

/// Keeps a file from the programs that this process starts.
pub(super) fn set_close_on_exec(file: impl AsFd) -> io::Result<()> {
    fcntl(file.as_fd(), FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    Ok(())
}
