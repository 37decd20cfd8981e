//! The program that `keyferry run` starts.
//!
//! With a masker the program's output passes through this process. Which file it gets for each
//! stream follows from ours (`layout`): a pseudo-terminal where ours is a terminal, so that it
//! behaves as it would there, a pipe otherwise. One thread per stream masks and copies (`pump`).
//! Signals that this process gets are passed on (`relay`), and a terminal used by both sides is
//! handed over with its modes, its window size, its keyboard and its job control (`terminal`).
//!
//! Whoever takes part in one child holds an `Arc<Running>`. Output goes straight to our files:
//! what this process has buffered for them must be flushed before.

mod descriptors;
mod layout;
mod pump;
mod relay;
mod running;
mod terminal;

#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use keyferry_os::{Session, Signal};
use nix::unistd::Pid;
use zeroize::Zeroizing;

use keyferry_mask::Masker;
use layout::{Layout, Output};
use relay::Relay;
use running::Running;

/// What to run.
pub(crate) struct Command {
    /// A path, or a name to be looked up in `PATH`.
    pub(crate) program: OsString,
    /// Its arguments.
    pub(crate) args: Vec<OsString>,
    /// Variables added to the environment of this process. Starting a program copies them into
    /// memory of the standard library, which only a wiping allocator clears.
    pub(crate) env: Vec<(OsString, Zeroizing<Vec<u8>>)>,
    /// Hides secrets in its output; without one it writes where this process would.
    pub(crate) masker: Option<Masker>,
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl Exit {
    /// The exit code that says the same, as shells have it.
    pub(crate) fn code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
        }
    }
}

/// Catches signals before there is a program. When one ends this process, `cleanup` runs first.
///
/// # Errors
/// When they cannot be caught.
pub(crate) fn catch_signals(cleanup: fn()) -> io::Result<()> {
    relay::CLEANUP.get_or_init(|| cleanup);
    relay::Relay::start().map(|_| ())
}

/// How often somebody asked this process to end, which it passes on to its program.
pub(crate) fn times_asked_to_end() -> usize {
    relay::ASKED_TO_END.load(Ordering::SeqCst)
}

/// Becomes the program. Returns only if that failed; the masker of the command is not used.
pub(crate) fn replace(command: Command) -> io::Error {
    keyferry_os::exec_replace(prepared(&command))
}

/// A started program. Signals of this process go to the one started last.
pub(crate) struct Child {
    running: Arc<Running>,
    supervisor: JoinHandle<io::Result<Exit>>,
}

impl Child {
    /// Starts a program.
    ///
    /// # Errors
    /// Of kind `NotFound` when there is no such program and `PermissionDenied` when it may not be
    /// executed; any other kind means that it could not be set up.
    pub(crate) fn spawn(command: Command) -> io::Result<Self> {
        let (sender, receiver) = mpsc::sync_channel(1);
        // The child lives no longer than the thread that spawned it (`keyferry_os::prepare`), so
        // that thread is one that waits for it, whoever calls this.
        let supervisor = thread::Builder::new()
            .name("child".to_owned())
            .spawn(move || supervise(command, &sender))?;
        match receiver.recv() {
            Ok(running) => Ok(Self {
                running,
                supervisor,
            }),
            Err(mpsc::RecvError) => match join(supervisor) {
                Ok(_) => Err(io::Error::other("the child ended unseen")),
                Err(error) => Err(error),
            },
        }
    }

    /// A way to act on the program while someone waits for it.
    pub(crate) fn handle(&self) -> Handle {
        Handle {
            running: self.running.clone(),
        }
    }

    /// Waits until the program has ended and its output is written.
    ///
    /// A descendant that keeps the output open after that is heard until it has been silent for
    /// 200 ms, for at most a second; later output of it meets a closed pipe. On a terminal of the
    /// program's own it is hung up, as when a window is closed.
    ///
    /// # Errors
    /// When some of its output could not be written, unless nobody wants it any more (a closed
    /// pipe), or the system cannot tell how it ended.
    pub(crate) fn wait(self) -> io::Result<Exit> {
        join(self.supervisor)
    }
}

/// Acts on a started program.
#[derive(Clone)]
pub(crate) struct Handle {
    running: Arc<Running>,
}

impl Handle {
    /// Sends the program a signal; nothing happens when it has ended.
    ///
    /// # Errors
    /// When this process may not signal it.
    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        self.running.signal(signal)
    }

    /// Asks the program to end (SIGTERM), makes it end (SIGKILL) when it has not after `grace`,
    /// and returns when it has. On a terminal of its own that goes for its process group.
    ///
    /// # Errors
    /// When this process may not signal it.
    pub(crate) fn terminate(&self, grace: Duration) -> io::Result<()> {
        self.running.signal_group(Signal::SIGTERM)?;
        self.running.signal_group(Signal::SIGCONT)?;
        if !self.running.wait_ended(Some(grace)) {
            self.running.signal_group(Signal::SIGKILL)?;
            self.running.wait_ended(None);
        }
        Ok(())
    }
}

fn join(supervisor: JoinHandle<io::Result<Exit>>) -> io::Result<Exit> {
    supervisor
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("the thread that watches the child failed")))
}

/// The command without its streams.
fn prepared(command: &Command) -> std::process::Command {
    let mut prepared = std::process::Command::new(&command.program);
    prepared.args(&command.args);
    for (name, value) in &command.env {
        prepared.env(name, OsStr::from_bytes(value));
    }
    prepared
}

/// Starts the program, serves its streams, and waits for it.
fn supervise(command: Command, started: &mpsc::SyncSender<Arc<Running>>) -> io::Result<Exit> {
    let relay = Relay::start()?;
    let masker = command.masker.clone();
    let mut layout = match &masker {
        Some(_) => Layout::masked()?,
        None => Layout::default(),
    };
    // Signals wait until there is somebody to pass them on to.
    let mut slot = relay.lock();
    let pid = spawn(command, &mut layout)?;
    let running = Arc::new(Running::new(pid, layout.terminal.take(), layout.mirrors));
    *slot = Some(running.clone());
    drop(slot);
    let attached = Attached { running };
    let (ended, on_end) = descriptors::pipe()?;
    let streams = match attached.serve(layout.outputs, masker.as_ref(), on_end) {
        Ok(streams) => streams,
        Err(error) => {
            // Nobody hears of a child whose streams are not served.
            attached.running.signal_group(Signal::SIGKILL)?;
            attached.running.wait()?;
            return Err(error);
        }
    };
    // The receiver waits for this message and nothing else.
    let _ = started.send(attached.running.clone());
    let exit = attached.running.wait();
    drop(ended);
    let copied = streams.finish(&attached.running);
    exit.and_then(|exit| copied.map(|()| exit))
}

/// A child that has our terminal, until this is dropped, whatever happens.
struct Attached {
    running: Arc<Running>,
}

impl Attached {
    /// Starts to copy the child's streams.
    fn serve(
        &self,
        outputs: Vec<Output>,
        masker: Option<&Masker>,
        on_end: OwnedFd,
    ) -> io::Result<Streams> {
        self.running.started();
        let on_end = Arc::new(on_end);
        let pumps = outputs
            .into_iter()
            .map(|output| {
                let stream = masker.map(Masker::stream);
                pump::start(output, stream, on_end.clone(), self.running.clone())
            })
            .collect::<io::Result<_>>()?;
        Ok(Streams {
            pumps,
            keyboard: self.running.start_keyboard()?,
        })
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.running.finish();
    }
}

/// The threads that copy a child's streams.
struct Streams {
    pumps: Vec<JoinHandle<io::Result<()>>>,
    keyboard: Option<JoinHandle<()>>,
}

impl Streams {
    /// Waits until all output is written; fails if some was lost.
    fn finish(self, running: &Running) -> io::Result<()> {
        let mut result = Ok(());
        for pump in self.pumps {
            let copied = pump
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("the thread that copies it failed")))
                .map_err(|error| {
                    io::Error::new(
                        error.kind(),
                        format!("the output could not be written: {error}"),
                    )
                });
            result = result.and(copied);
        }
        running.finish();
        if let Some(keyboard) = self.keyboard {
            // Keys that nobody takes any more cannot be lost.
            let _ = keyboard.join();
        }
        result
    }
}

/// Starts the program with the files of `layout`, closing this process's copies of them.
fn spawn(command: Command, layout: &mut Layout) -> io::Result<Pid> {
    let mut prepared = prepared(&command);
    drop(command);
    if let Some(file) = layout.stdin.take() {
        prepared.stdin(Stdio::from(file));
    }
    if let Some(file) = layout.stdout.take() {
        prepared.stdout(Stdio::from(file));
    }
    if let Some(file) = layout.stderr.take() {
        prepared.stderr(Stdio::from(file));
    }
    let session = match layout.terminal {
        Some(_) => Session::OwnTerminal,
        None => Session::Shared,
    };
    keyferry_os::prepare(&mut prepared, session);
    let child = prepared.spawn()?;
    let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
    Ok(Pid::from_raw(pid))
}
