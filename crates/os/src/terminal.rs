//! The size of a terminal's window.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use nix::pty::Winsize;

/// The size of the window of `terminal`.
///
/// # Errors
/// When it is no terminal.
pub fn window_size(terminal: impl AsFd) -> io::Result<Winsize> {
    let mut size = Winsize {
        ws_row: 0,
        ws_col: 0,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: TIOCGWINSZ writes one winsize to the valid pointer, or fails.
    let done = unsafe {
        libc::ioctl(
            terminal.as_fd().as_raw_fd(),
            libc::TIOCGWINSZ as _,
            &raw mut size,
        )
    };
    nix::errno::Errno::result(done)?;
    Ok(size)
}

/// Sets the size of the window of `terminal`; its foreground processes get SIGWINCH if it changed.
///
/// # Errors
/// When it is no terminal.
pub fn set_window_size(terminal: impl AsFd, size: Winsize) -> io::Result<()> {
    // SAFETY: TIOCSWINSZ reads one winsize from the valid pointer, or fails.
    let done = unsafe {
        libc::ioctl(
            terminal.as_fd().as_raw_fd(),
            libc::TIOCSWINSZ as _,
            &raw const size,
        )
    };
    nix::errno::Errno::result(done)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_is_read_back_on_the_other_end() {
        let pair = nix::pty::openpty(None, None).unwrap();
        let size = Winsize {
            ws_row: 33,
            ws_col: 101,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        set_window_size(&pair.master, size).unwrap();
        let read = window_size(&pair.slave).unwrap();
        assert_eq!((read.ws_row, read.ws_col), (33, 101));
    }

    #[test]
    fn pipe_has_no_size() {
        let (reader, _writer) = nix::unistd::pipe().unwrap();
        assert!(window_size(&reader).is_err());
    }
}
