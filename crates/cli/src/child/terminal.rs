//! A terminal that the program has for itself while ours is connected to it.
//!
//! Ours is in raw mode meanwhile, so that every key reaches the program's terminal, whose line
//! discipline makes of it what the program has asked for: Ctrl-C a signal, Ctrl-D an end of input.
//!
//! Ctrl-Z stops a program that does nothing about it, and then us. One that catches the signal
//! and then stops itself is not stopped: the kernel forbids that in a session without a shell, so
//! such a program redraws its screen and goes on.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use keyferry_os::Signal;
use nix::poll::PollFlags;
use nix::sys::signal::{SigSet, SigmaskHow};
use nix::sys::termios::{
    LocalFlags, SetArg, SpecialCharacterIndices, Termios, cfmakeraw, tcgetattr, tcsetattr,
};
use nix::unistd::{Pid, getpgrp, isatty, tcgetpgrp};
use zeroize::Zeroizing;

use super::descriptors;
use super::layout::{pseudo_terminal, same_file};
use super::running::Running;

/// Our terminal, and our side of the program's.
pub(super) struct Terminal {
    ours: OwnedFd,
    master: Arc<OwnedFd>,
    /// The modes our terminal had, while it is in raw mode.
    saved: Mutex<Option<Termios>>,
    hung_up: AtomicBool,
    stopping: AtomicBool,
    wake: OwnedFd,
    woken: OwnedFd,
}

impl Terminal {
    /// Whether both are one terminal and this process may use it.
    pub(super) fn is_shared(stdin: BorrowedFd<'_>, stdout: BorrowedFd<'_>) -> bool {
        isatty(stdin).unwrap_or(false) && same_file(stdin, stdout) && is_foreground(stdin)
    }

    /// Opens a terminal like `ours`; the other returned end is the program's.
    pub(super) fn open(ours: BorrowedFd<'_>) -> io::Result<(Self, OwnedFd)> {
        let (master, end) = pseudo_terminal()?;
        tcsetattr(&end, SetArg::TCSANOW, &tcgetattr(ours)?)?;
        let (wake, woken) = descriptors::pipe()?;
        descriptors::set_nonblocking(&wake)?;
        descriptors::set_nonblocking(&woken)?;
        let terminal = Self {
            ours: ours.try_clone_to_owned()?,
            master,
            saved: Mutex::new(None),
            hung_up: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            wake,
            woken,
        };
        terminal.resize()?;
        Ok((terminal, end))
    }

    pub(super) fn master(&self) -> Arc<OwnedFd> {
        self.master.clone()
    }

    /// The group of processes that the program's terminal belongs to now.
    pub(super) fn foreground(&self) -> Option<Pid> {
        tcgetpgrp(&*self.master)
            .ok()
            .filter(|group| group.as_raw() > 0)
    }

    /// Passes the size of our window on.
    pub(super) fn resize(&self) -> io::Result<()> {
        keyferry_os::set_window_size(&*self.master, keyferry_os::window_size(&self.ours)?)
    }

    /// Connects our terminal to the program's, if we may; in the background we may not.
    pub(super) fn enter(&self) {
        let mut saved = self.saved();
        if saved.is_none()
            && is_foreground(self.ours.as_fd())
            && let Ok(modes) = tcgetattr(&self.ours)
        {
            let mut raw = modes.clone();
            cfmakeraw(&mut raw);
            if tcsetattr(&self.ours, SetArg::TCSANOW, &raw).is_ok() {
                *saved = Some(modes);
            }
        }
        drop(saved);
        // A terminal that is gone has no size to pass on.
        let _ = self.resize();
        self.wake();
    }

    /// Gives our terminal the modes back that it had.
    pub(super) fn leave(&self) {
        if let Some(modes) = self.saved().take() {
            // If a shell has taken the terminal meanwhile, changing it would stop us instead.
            let mut blocked = SigSet::empty();
            blocked.add(Signal::SIGTTOU);
            let mask = blocked.thread_swap_mask(SigmaskHow::SIG_BLOCK);
            // A terminal that is gone needs no modes.
            let _ = tcsetattr(&self.ours, SetArg::TCSANOW, &modes);
            if let Ok(mask) = mask {
                let _ = mask.thread_set_mask();
            }
        }
    }

    /// Notes that our terminal is gone; `true` the first time.
    pub(super) fn hang_up(&self) -> bool {
        !self.hung_up.swap(true, Ordering::Relaxed)
    }

    /// Starts the thread that copies what is typed.
    pub(super) fn start_keyboard(&self, running: Arc<Running>) -> io::Result<JoinHandle<()>> {
        thread::Builder::new()
            .name("keyboard".to_owned())
            .spawn(move || {
                if let Some(terminal) = running.terminal()
                    && terminal.copy_keys(&running).is_err()
                {
                    running.hang_up();
                }
            })
    }

    /// Makes that thread end.
    pub(super) fn stop_keyboard(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wake();
    }

    fn copy_keys(&self, running: &Running) -> io::Result<()> {
        let mut buffer = Zeroizing::new([0; READ]);
        let mut typed = Keys::new();
        while !self.stopping.load(Ordering::Acquire) {
            let connected = self.saved().is_some();
            let listen = connected && typed.is_empty();
            let [woken, key, room] = descriptors::wait(
                [
                    (self.woken.as_fd(), PollFlags::POLLIN),
                    if listen {
                        (self.ours.as_fd(), PollFlags::POLLIN)
                    } else {
                        self.idle()
                    },
                    if typed.is_empty() {
                        self.idle()
                    } else {
                        (self.master.as_fd(), PollFlags::POLLOUT)
                    },
                ],
                None,
            )?;
            if woken {
                descriptors::read(&self.woken, &mut *buffer)?;
            }
            if key && listen && self.saved().is_some() {
                match descriptors::read(&self.ours, &mut *buffer)? {
                    Some(keys) => self.take_keys(keys, running, &mut typed),
                    None => return Err(io::ErrorKind::UnexpectedEof.into()),
                }
            }
            if room && !typed.is_empty() {
                typed.write_to(&self.master)?;
            }
        }
        Ok(())
    }

    /// Something to wait for that is waited for anyway.
    fn idle(&self) -> (BorrowedFd<'_>, PollFlags) {
        (self.woken.as_fd(), PollFlags::POLLIN)
    }

    /// Queues keys for the program, or stops it where the kernel would not.
    fn take_keys(&self, keys: &[u8], running: &Running, typed: &mut Keys) {
        for &key in keys {
            if key == CTRL_Z && self.would_stop(key, running.pid()) {
                // What cannot be stopped has ended.
                let _ = running.signal_group(Signal::SIGSTOP);
            } else {
                typed.push(key);
            }
        }
    }

    /// Whether `key` would stop a program that nobody but its terminal stops. The kernel drops the
    /// signal of that key here, because the program leads a session that has no shell in it.
    fn would_stop(&self, key: u8, program: Pid) -> bool {
        self.foreground() == Some(program)
            && tcgetattr(&*self.master).is_ok_and(|modes| {
                modes.local_flags.contains(LocalFlags::ISIG)
                    && modes
                        .control_chars
                        .get(SpecialCharacterIndices::VSUSP as usize)
                        == Some(&key)
            })
            && stops_by_default(program)
    }

    fn wake(&self) {
        // A full pipe wakes as well.
        let _ = nix::unistd::write(&self.wake, &[0]);
    }

    fn saved(&self) -> MutexGuard<'_, Option<Termios>> {
        self.saved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Typed keys, perhaps a password, on their way.
struct Keys {
    bytes: Zeroizing<Vec<u8>>,
}

impl Keys {
    fn new() -> Self {
        // Room for one read, so that growing leaves no copy behind.
        Self {
            bytes: Zeroizing::new(Vec::with_capacity(READ)),
        }
    }

    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn push(&mut self, key: u8) {
        self.bytes.push(key);
    }

    fn write_to(&mut self, master: impl AsFd) -> io::Result<()> {
        use nix::errno::Errno;
        match nix::unistd::write(master, &self.bytes) {
            Ok(count) => {
                self.bytes.drain(..count);
                Ok(())
            }
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

fn is_foreground(terminal: BorrowedFd<'_>) -> bool {
    tcgetpgrp(terminal) == Ok(getpgrp())
}

/// Whether SIGTSTP has its default action in the program; `false` where the system does not tell.
fn stops_by_default(program: Pid) -> bool {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{program}/status")) else {
        return false;
    };
    let bit = 1_u64 << (Signal::SIGTSTP as i32 - 1);
    let handled = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .is_none_or(|mask| mask & bit != 0)
    };
    !handled("SigIgn:") && !handled("SigCgt:")
}

/// How many keys are taken at once.
const READ: usize = 1024;

const CTRL_Z: u8 = 0x1a;
