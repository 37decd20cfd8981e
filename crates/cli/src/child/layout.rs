//! Which files a masked program gets for its standard streams.
//!
//! | ours | the program's |
//! |---|---|
//! | stdin and stdout are our terminal, which we may use | a terminal and session of its own for both; our keyboard is copied to it |
//! | an output that is a terminal, in any other case | a pseudo-terminal that only carries output; the program stays in our session and reads our stdin |
//! | any other output | a pipe |
//!
//! Outputs that are the same file with us (`2>&1`, one terminal) are one stream, in which the order
//! of what is written stays. In the second case the real terminal's keyboard and signals reach the
//! program directly, as in `keyferry run -- app | less`, where it is not ours to read.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Weak};

use nix::pty::openpty;
use nix::sys::stat::fstat;
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};

use super::descriptors;
use super::terminal::Terminal;

/// The files of a program and what this process holds of them.
#[derive(Default)]
pub(super) struct Layout {
    pub(super) stdin: Option<OwnedFd>,
    pub(super) stdout: Option<OwnedFd>,
    pub(super) stderr: Option<OwnedFd>,
    pub(super) outputs: Vec<Output>,
    /// The program's own terminal.
    pub(super) terminal: Option<Terminal>,
    /// Pseudo-terminals that only carry output, each with the terminal it stands for.
    pub(super) mirrors: Vec<Mirror>,
}

/// One stream to be copied.
pub(super) struct Output {
    pub(super) source: Arc<OwnedFd>,
    pub(super) target: OwnedFd,
    pub(super) carrier: Carrier,
}

/// What carries an output from the program to us.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    /// The terminal that the program has for itself.
    OwnTerminal,
    /// A pipe, or a pseudo-terminal that is used like one.
    Pipe,
}

/// A pseudo-terminal whose window follows that of another terminal.
pub(super) struct Mirror {
    /// Open as long as its output is copied; a program must not write to one that nobody reads.
    follower: Weak<OwnedFd>,
    leader: OwnedFd,
}

impl Mirror {
    /// Gives it the size that the other one has now.
    pub(super) fn update(&self) -> io::Result<()> {
        match self.follower.upgrade() {
            Some(follower) => {
                keyferry_os::set_window_size(&*follower, keyferry_os::window_size(&self.leader)?)
            }
            None => Ok(()),
        }
    }
}

impl Layout {
    /// The layout for a program whose outputs are masked.
    pub(super) fn masked() -> io::Result<Self> {
        let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
        let mut layout = Self::default();
        let joined = same_file(stdout.as_fd(), stderr.as_fd());
        if Terminal::is_shared(stdin.as_fd(), stdout.as_fd()) {
            let (terminal, end) = Terminal::open(stdin.as_fd())?;
            layout.outputs.push(Output {
                source: terminal.master(),
                target: stdout.as_fd().try_clone_to_owned()?,
                carrier: Carrier::OwnTerminal,
            });
            layout.terminal = Some(terminal);
            layout.stdin = Some(end.try_clone()?);
            layout.stdout = Some(end);
        } else {
            layout.stdout = Some(layout.output(stdout.as_fd())?);
        }
        layout.stderr = match &layout.stdout {
            Some(end) if joined => Some(end.try_clone()?),
            _ => Some(layout.output(stderr.as_fd())?),
        };
        Ok(layout)
    }

    /// Adds a stream that ends up in `target`; the returned end is the program's.
    fn output(&mut self, target: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        let target = target.try_clone_to_owned()?;
        if !nix::unistd::isatty(&target).unwrap_or(false) {
            let (end, source) = descriptors::pipe()?;
            self.outputs.push(Output {
                source: Arc::new(source),
                target,
                carrier: Carrier::Pipe,
            });
            return Ok(end);
        }
        let (master, end) = pseudo_terminal()?;
        let mut modes = tcgetattr(&end)?;
        // The real terminal does the processing; doing it twice would double carriage returns.
        cfmakeraw(&mut modes);
        tcsetattr(&end, SetArg::TCSANOW, &modes)?;
        let mirror = Mirror {
            follower: Arc::downgrade(&master),
            leader: target.try_clone()?,
        };
        mirror.update()?;
        self.mirrors.push(mirror);
        self.outputs.push(Output {
            source: master,
            target,
            carrier: Carrier::Pipe,
        });
        Ok(end)
    }
}

/// A new pseudo-terminal: our side, which never blocks, and the program's.
pub(super) fn pseudo_terminal() -> io::Result<(Arc<OwnedFd>, OwnedFd)> {
    let pair = openpty(None, None)?;
    descriptors::set_close_on_exec(&pair.master)?;
    descriptors::set_close_on_exec(&pair.slave)?;
    descriptors::set_nonblocking(&pair.master)?;
    Ok((Arc::new(pair.master), pair.slave))
}

/// Whether two descriptors lead to the same place.
pub(super) fn same_file(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> bool {
    match (fstat(one), fstat(other)) {
        (Ok(one), Ok(other)) => {
            (one.st_dev, one.st_ino, one.st_rdev) == (other.st_dev, other.st_ino, other.st_rdev)
        }
        _ => false,
    }
}
