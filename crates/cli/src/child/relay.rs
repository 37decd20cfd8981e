//! Passes the signals of this process on to the program it runs.
//!
//! They are caught once and for the life of the process: between two children (`--watch`), one
//! that would have ended this process still does.

use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use keyferry_os::{Delivery, Signal, Signals};
use nix::poll::PollFlags;

use super::descriptors::wait;
use super::running::Running;

/// Where caught signals go.
pub(super) struct Relay {
    current: Mutex<Option<Arc<Running>>>,
}

/// Every signal that a program may be controlled with, and that can be caught. SIGTSTP keeps its
/// default action: the kernel knows best whether somebody could continue us.
const PASSED_ON: [Signal; 8] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGWINCH,
    Signal::SIGCONT,
];

impl Relay {
    /// The relay of this process, started if it is not yet.
    pub(super) fn start() -> io::Result<&'static Self> {
        static RELAY: OnceLock<Relay> = OnceLock::new();
        static STARTING: Mutex<()> = Mutex::new(());
        let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(relay) = RELAY.get() {
            return Ok(relay);
        }
        let signals = Signals::catch(&PASSED_ON)?;
        let relay = RELAY.get_or_init(|| Self {
            current: Mutex::new(None),
        });
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                // Reading a pipe of our own only fails when the process is beyond help.
                let _ = relay.serve(&signals);
            })?;
        Ok(relay)
    }

    /// The child started last, if any. Signals wait while this is locked.
    pub(super) fn lock(&self) -> MutexGuard<'_, Option<Arc<Running>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, signals: &Signals) -> io::Result<()> {
        loop {
            wait([(signals.as_fd(), PollFlags::POLLIN)], None)?;
            while let Some(delivery) = signals.next()? {
                let running = self.lock().clone();
                match running {
                    Some(running) => running.pass_on(delivery),
                    None => act(delivery),
                }
            }
        }
    }
}

/// Does what the signal would have done uncaught.
pub(super) fn act(delivery: Delivery) {
    // Unknown signals are not among those caught.
    let _ = signal_hook::low_level::emulate_default_handler(delivery.signal as i32);
}
