//! Signals of this process as readable data.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::sys::signal::Signal;
use signal_hook_registry::SigId;

/// A signal that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Which one.
    pub signal: Signal,
    /// Whether the kernel sent it, as for a key pressed on the terminal or a window that changed.
    /// Then every process of the terminal's foreground group got it.
    pub from_kernel: bool,
}

/// Catches signals until dropped; what arrives is read from a pipe.
///
/// After the drop they are swallowed, not given their default action back: keep it for as long as
/// the process lives.
#[derive(Debug)]
pub struct Signals {
    reader: OwnedFd,
    handlers: Vec<SigId>,
}

impl Signals {
    /// Starts catching `signals`, except those that this process was told to ignore (as by
    /// `nohup`): they stay ignored, here and in what it starts.
    ///
    /// # Errors
    /// When the pipe or a handler cannot be made.
    pub fn catch(signals: &[Signal]) -> io::Result<Self> {
        use nix::fcntl::OFlag;
        let (reader, writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        let writer = std::sync::Arc::new(writer);
        let mut caught = Self {
            reader,
            handlers: Vec::new(),
        };
        for &signal in signals {
            if action(signal)? == libc::SIG_IGN {
                continue;
            }
            let writer = writer.clone();
            let handler = move |info: &libc::siginfo_t| {
                let from_kernel = info.si_code > 0;
                let message = [signal as u8, u8::from(from_kernel)];
                // SAFETY: write is async-signal-safe, `message` outlives the call, and the
                // descriptor is owned by this closure. Errors are dropped on purpose: a full pipe
                // means that plenty of signals wait to be read.
                let _ = unsafe {
                    libc::write(writer.as_raw_fd(), message.as_ptr().cast(), message.len())
                };
            };
            // SAFETY: the handler makes one async-signal-safe call and does not allocate, lock or
            // panic; the registry keeps `errno`.
            let id = unsafe { signal_hook_registry::register_sigaction(signal as i32, handler) }?;
            caught.handlers.push(id);
        }
        Ok(caught)
    }

    /// The next signal that has arrived, if any; never blocks.
    ///
    /// # Errors
    /// When the pipe cannot be read.
    pub fn next(&self) -> io::Result<Option<Delivery>> {
        let mut message = [0; 2];
        loop {
            // Two bytes are written and read in one piece: pipes keep so short writes whole.
            let read = nix::unistd::read(&self.reader, &mut message);
            let [signal, from_kernel] = message;
            return match read {
                Ok(_) => Ok(Signal::try_from(i32::from(signal))
                    .ok()
                    .map(|signal| Delivery {
                        signal,
                        from_kernel: from_kernel == 1,
                    })),
                Err(nix::errno::Errno::EINTR) => continue,
                Err(nix::errno::Errno::EAGAIN) => Ok(None),
                Err(errno) => Err(errno.into()),
            };
        }
    }
}

impl AsFd for Signals {
    /// Readable when a signal has arrived.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for id in self.handlers.drain(..) {
            signal_hook_registry::unregister(id);
        }
    }
}

/// The action of `signal` in this process.
fn action(signal: Signal) -> io::Result<libc::sighandler_t> {
    let mut current = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null new action only asks; `current` is valid for writes of a sigaction.
    let done = unsafe { libc::sigaction(signal as i32, std::ptr::null(), current.as_mut_ptr()) };
    nix::errno::Errno::result(done)?;
    // SAFETY: the call succeeded and filled it in; all zeros would be valid as well.
    let current = unsafe { current.assume_init() };
    Ok(current.sa_sigaction)
}

#[cfg(test)]
mod tests {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use nix::sys::signal::{SigHandler, raise};

    use super::*;

    fn wait(signals: &Signals) -> Delivery {
        let mut ready = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        while poll(&mut ready, PollTimeout::NONE) == Err(nix::errno::Errno::EINTR) {}
        signals.next().unwrap().unwrap()
    }

    #[test]
    fn caught_signal_is_read() {
        let signals = Signals::catch(&[Signal::SIGUSR1]).unwrap();
        assert_eq!(signals.next().unwrap(), None);
        raise(Signal::SIGUSR1).unwrap();
        assert_eq!(
            wait(&signals),
            Delivery {
                signal: Signal::SIGUSR1,
                from_kernel: false
            }
        );
        assert_eq!(signals.next().unwrap(), None);
    }

    #[test]
    fn signal_of_the_kernel_is_told_apart() {
        let signals = Signals::catch(&[Signal::SIGCHLD]).unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let expected = Delivery {
            signal: Signal::SIGCHLD,
            from_kernel: true,
        };
        assert_eq!(wait(&signals), expected);
        child.wait().unwrap();
    }

    #[test]
    fn ignored_signal_stays_ignored() {
        // SAFETY: ignoring a signal runs no code of ours.
        unsafe { nix::sys::signal::signal(Signal::SIGUSR2, SigHandler::SigIgn) }.unwrap();
        let signals = Signals::catch(&[Signal::SIGUSR2]).unwrap();
        raise(Signal::SIGUSR2).unwrap();
        assert_eq!(signals.next().unwrap(), None);
        assert_eq!(action(Signal::SIGUSR2).unwrap(), libc::SIG_IGN);
    }
}
