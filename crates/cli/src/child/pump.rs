//! Copies one output of the program to ours, masked.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::poll::PollFlags;
use zeroize::Zeroizing;

use super::descriptors::{read, wait, write_all};
use super::layout::{Carrier, Output};
use super::running::Running;
use keyferry_mask::MaskStream;

/// Starts the thread that copies `output` until it ends. When `ended` hangs up, the program has
/// exited. The thread fails when output was lost; that nobody wants it any more is no failure.
pub(super) fn start(
    output: Output,
    stream: Option<MaskStream>,
    ended: Arc<OwnedFd>,
    running: Arc<Running>,
) -> io::Result<JoinHandle<io::Result<()>>> {
    let mut pump = Pump {
        output,
        stream,
        running,
        shown: Vec::with_capacity(BUFFER),
        broken: false,
    };
    thread::Builder::new()
        .name("output".to_owned())
        .spawn(move || match pump.copy(&ended) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        })
}

struct Pump {
    output: Output,
    stream: Option<MaskStream>,
    running: Arc<Running>,
    /// What the masked stream lets through.
    shown: Vec<u8>,
    /// The target is gone and a terminal's output is only taken, so that the program can end.
    broken: bool,
}

impl Pump {
    fn copy(&mut self, ended: &OwnedFd) -> io::Result<()> {
        let mut buffer = Zeroizing::new(vec![0; BUFFER]);
        loop {
            let source = self.output.source.clone();
            let input = PollFlags::POLLIN;
            let [ready, exited] = wait([(source.as_fd(), input), (ended.as_fd(), input)], None)?;
            if exited {
                self.drain(&mut buffer)?;
                break;
            }
            if ready && self.step(&mut buffer)?.is_none() {
                break;
            }
        }
        if let Some(stream) = &mut self.stream {
            stream.finish(&mut self.shown);
        }
        self.write()
    }

    /// Copies what the program left behind, and what descendants add within a short time.
    #[expect(
        clippy::disallowed_methods,
        reason = "bounds how long a foreign process is heard"
    )]
    fn drain(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let mut left = keyferry_os::pending_bytes(&*self.output.source).unwrap_or(0);
        let begin = Instant::now();
        while left > 0 || begin.elapsed() < LONGEST_GRACE {
            let source = self.output.source.clone();
            let [ready] = wait([(source.as_fd(), PollFlags::POLLIN)], Some(SILENCE))?;
            if !ready {
                break;
            }
            match self.step(buffer)? {
                Some(count) => left = left.saturating_sub(count),
                None => break,
            }
        }
        Ok(())
    }

    /// Copies what is there and says how much it was; `None` at the end.
    fn step(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let Some(bytes) = read(&*self.output.source, buffer)? else {
            return Ok(None);
        };
        match &mut self.stream {
            Some(stream) => stream.feed(bytes, &mut self.shown),
            None => self.shown.extend_from_slice(bytes),
        }
        let count = bytes.len();
        self.write()?;
        Ok(Some(count))
    }

    /// Writes what may be shown. Failing ends this thread, which closes the pipe: the program
    /// meets the same broken pipe. Its own terminal is hung up instead.
    fn write(&mut self) -> io::Result<()> {
        if !self.broken
            && let Err(error) = write_all(&self.output.target, &self.shown)
        {
            if self.output.carrier == Carrier::Pipe {
                return Err(error);
            }
            self.running.hang_up();
            self.broken = true;
        }
        self.shown.clear();
        Ok(())
    }
}

const BUFFER: usize = 64 * 1024;

/// How long, in milliseconds, an output must be silent before it is left to a descendant.
const SILENCE: u16 = 200;

/// How long a descendant that is never silent is heard.
const LONGEST_GRACE: Duration = Duration::from_secs(1);
