//! How much waits to be read.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// The number of bytes that can be read from a pipe or terminal right now.
///
/// # Errors
/// When the system cannot tell for this kind of file.
pub fn pending_bytes(file: impl AsFd) -> io::Result<usize> {
    let mut count: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int to the valid pointer, or fails.
    let done = unsafe {
        libc::ioctl(
            file.as_fd().as_raw_fd(),
            libc::FIONREAD as _,
            &raw mut count,
        )
    };
    nix::errno::Errno::result(done)?;
    Ok(usize::try_from(count).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_bytes_are_pending_until_read() {
        let (reader, writer) = nix::unistd::pipe().unwrap();
        assert_eq!(pending_bytes(&reader).unwrap(), 0);
        nix::unistd::write(&writer, b"12345").unwrap();
        assert_eq!(pending_bytes(&reader).unwrap(), 5);
    }
}
