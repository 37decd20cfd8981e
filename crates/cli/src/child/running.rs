//! A program that runs: its process, whether it has ended, and the terminal it was given.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use keyferry_os::{Delivery, Signal};
use nix::errno::Errno;
use nix::sys::signal::{kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{Pid, getpid, getsid};

use super::layout::Mirror;
use super::terminal::Terminal;
use super::{Exit, relay};

/// What everybody who deals with one child shares.
pub(super) struct Running {
    pid: Pid,
    state: Mutex<State>,
    changed: Condvar,
    terminal: Option<Terminal>,
    mirrors: Vec<Mirror>,
}

#[derive(Default)]
struct State {
    /// The process is reaped, and its number may belong to another one.
    ended: bool,
    /// Deadly signals that came after that.
    impatience: u32,
    /// Its output is written as well, and our terminal is ours again.
    finished: bool,
    /// This process was continued since the program stopped.
    continued: bool,
}

impl Running {
    pub(super) fn new(pid: Pid, terminal: Option<Terminal>, mirrors: Vec<Mirror>) -> Self {
        Self {
            pid,
            state: Mutex::default(),
            changed: Condvar::new(),
            terminal,
            mirrors,
        }
    }

    /// Takes over our terminal, if the program has got one of its own.
    pub(super) fn started(&self) {
        if let Some(terminal) = &self.terminal {
            terminal.enter();
        }
    }

    pub(super) fn start_keyboard(self: &Arc<Self>) -> io::Result<Option<JoinHandle<()>>> {
        self.terminal
            .as_ref()
            .map(|terminal| terminal.start_keyboard(self.clone()))
            .transpose()
    }

    /// Gives our terminal back.
    pub(super) fn finish(&self) {
        self.lock().finished = true;
        if let Some(terminal) = &self.terminal {
            terminal.stop_keyboard();
            terminal.leave();
        }
    }

    pub(super) fn terminal(&self) -> Option<&Terminal> {
        self.terminal.as_ref()
    }

    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// Sends the process a signal, unless it has ended.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        self.send(|| kill(self.pid, signal))
    }

    /// Sends a signal to the process and, if it leads a group of its own, to all of that.
    pub(super) fn signal_group(&self, signal: Signal) -> io::Result<()> {
        if self.terminal.is_none() {
            return self.signal(signal);
        }
        self.send(|| killpg(self.pid, signal))
    }

    fn send(&self, send: impl FnOnce() -> nix::Result<()>) -> io::Result<()> {
        // The lock keeps the process from being reaped meanwhile.
        let state = self.lock();
        if state.ended {
            return Ok(());
        }
        match send() {
            // A process that has exited and waits to be reaped.
            Ok(()) | Err(Errno::ESRCH) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Tells the program that its own terminal is gone.
    pub(super) fn hang_up(&self) {
        if let Some(terminal) = &self.terminal
            && terminal.hang_up()
        {
            // Its foreground job may be another group than its own. What cannot be signalled
            // has ended.
            let _ = self.signal_group(Signal::SIGHUP);
            let _ = self.signal_group(Signal::SIGCONT);
            if let Some(group) = terminal.foreground().filter(|group| *group != self.pid) {
                let _ = killpg(group, Signal::SIGHUP);
                let _ = killpg(group, Signal::SIGCONT);
            }
        }
    }

    /// Acts on a signal that this process got.
    pub(super) fn pass_on(&self, delivery: Delivery) {
        let passed = match delivery.signal {
            Signal::SIGWINCH => self.resize(delivery),
            Signal::SIGCONT => self.resume(),
            _ if self.has_ended() => {
                self.end_early(delivery);
                Ok(())
            }
            _ if self.has_got(delivery) => Ok(()),
            signal => self.signal(signal),
        };
        // A program with other rights than ours cannot be signalled; it goes on.
        drop(passed);
    }

    /// Whether the program got this signal as we did: the kernel sends those of a terminal's keys
    /// to its whole foreground group, of which a program in our session is a member. That the
    /// terminal is gone it tells the leader of the session alone.
    fn has_got(&self, delivery: Delivery) -> bool {
        let alone = delivery.signal == Signal::SIGHUP && getsid(None) == Ok(getpid());
        delivery.from_kernel && self.terminal.is_none() && !alone
    }

    fn resize(&self, delivery: Delivery) -> io::Result<()> {
        if let Some(terminal) = &self.terminal {
            // The kernel tells the programs of that terminal.
            return terminal.resize();
        }
        for mirror in &self.mirrors {
            mirror.update()?;
        }
        // What got the kernel's signal may have asked for the size before it was changed.
        if !self.mirrors.is_empty() || !delivery.from_kernel {
            return self.signal(Signal::SIGWINCH);
        }
        Ok(())
    }

    /// Continues after a stop of this process, or with it in the foreground again.
    fn resume(&self) -> io::Result<()> {
        if let Some(terminal) = &self.terminal
            && !self.lock().finished
        {
            terminal.enter();
            self.lock().continued = true;
            self.changed.notify_all();
        }
        self.signal_group(Signal::SIGCONT)
    }

    /// A deadly signal after the program has ended. The first one may well be what ended it and
    /// come late, unless it was sent to us alone when all was done; a second one means us.
    fn end_early(&self, delivery: Delivery) {
        let mut state = self.lock();
        state.impatience += 1;
        if state.finished && !delivery.from_kernel {
            state.impatience += 1;
        }
        if state.impatience > 1 {
            drop(state);
            if let Some(terminal) = &self.terminal {
                terminal.leave();
            }
            relay::act(delivery);
        }
    }

    /// Waits until the process has ended, at most for `limit`; says whether it has.
    pub(super) fn wait_ended(&self, limit: Option<Duration>) -> bool {
        let state = self.lock();
        match limit {
            Some(limit) => {
                self.changed
                    .wait_timeout_while(state, limit, |state| !state.ended)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
                    .ended
            }
            None => {
                self.changed
                    .wait_while(state, |state| !state.ended)
                    .unwrap_or_else(PoisonError::into_inner)
                    .ended
            }
        }
    }

    /// Waits for the process and reaps it; as process 1, also every orphan.
    pub(super) fn wait(&self) -> io::Result<Exit> {
        let mut events = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        if self.terminal.is_some() {
            events |= WaitPidFlag::WSTOPPED;
        }
        loop {
            let whom = if getpid() == Pid::from_raw(1) {
                Id::All
            } else {
                Id::Pid(self.pid)
            };
            let event = match waitid(whom, events) {
                Ok(event) => event,
                Err(Errno::EINTR) => continue,
                Err(errno) => return Err(errno.into()),
            };
            match event.pid().map(|pid| self.reap(pid)).transpose()?.flatten() {
                Some(WaitStatus::Exited(_, code)) => return Ok(Exit::Code(code)),
                Some(WaitStatus::Signaled(_, signal, _)) => return Ok(Exit::Signal(signal as i32)),
                Some(WaitStatus::Stopped(..)) => self.stop_too(),
                _ => {}
            }
        }
    }

    /// Takes the event that was seen; `None` if it was not about the program.
    fn reap(&self, pid: Pid) -> io::Result<Option<WaitStatus>> {
        // From here on nobody may signal the process until it is known whether it still exists.
        let mut state = self.lock();
        let status = waitpid(pid, Some(WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED))?;
        if pid != self.pid {
            return Ok(None);
        }
        match status {
            WaitStatus::Exited(..) | WaitStatus::Signaled(..) => {
                state.ended = true;
                self.changed.notify_all();
            }
            WaitStatus::Stopped(..) => state.continued = false,
            _ => {}
        }
        Ok(Some(status))
    }

    /// The program was stopped: gives the terminal back and stops our own group, as Ctrl-Z would
    /// have done. Where nobody could continue us the kernel does not stop us, and the program goes
    /// on at once.
    fn stop_too(&self) {
        if let Some(terminal) = &self.terminal {
            terminal.leave();
        }
        // Our own group can always be signalled.
        let _ = kill(Pid::from_raw(0), Signal::SIGTSTP);
        let state = self.lock();
        // Another thread may take the signal a moment later; time does not pass while stopped.
        let waited = self
            .changed
            .wait_timeout_while(state, STOP_DELAY, |state| !state.continued)
            .unwrap_or_else(PoisonError::into_inner);
        drop(waited);
        // What cannot be continued has ended.
        let _ = self.resume();
    }

    fn has_ended(&self) -> bool {
        self.lock().ended
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a stop of this process may take to come into effect.
const STOP_DELAY: Duration = Duration::from_millis(100);
