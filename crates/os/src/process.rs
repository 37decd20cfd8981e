//! Hardening of this process, and the start of another one free of it.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::OnceLock;

use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{getppid, setsid};

/// Keeps the memory and the files of this process to itself: no core dumps, no tracing by other
/// processes of the user, new files for the owner alone.
///
/// Programs started through [`prepare`] or [`exec_replace`] get the core limit and the file mode
/// mask that this process was started with. Calling it again changes nothing.
///
/// # Errors
/// When the system refuses one of the settings.
pub fn harden_process() -> io::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_CORE)?;
    let mask = umask(Mode::S_IRWXG | Mode::S_IRWXO);
    // Only the first call sees what the process was started with.
    ORIGINAL.get_or_init(|| Original {
        core: (soft, hard),
        mask,
    });
    // The hard limit stays: lowering it could not be undone for the child.
    setrlimit(Resource::RLIMIT_CORE, 0, hard)?;
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_dumpable(false)?;
    Ok(())
}

/// Whose terminal and process group a started program belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// Those of this process.
    Shared,
    /// Its own session, with its standard input as the controlling terminal.
    OwnTerminal,
}

/// Makes `command` start as if this process had never been hardened.
///
/// With [`Session::OwnTerminal`] the program leads a new session. On Linux it is sent SIGTERM
/// when the *thread* that spawns it ends, which is why that thread must wait for it: a program
/// whose wrapper was killed would otherwise live on with nobody to pass its signals, its status
/// or its output.
///
/// The standard library already gives the program an empty signal mask and the default action of
/// SIGPIPE; signals that are caught here have their default action there, and ignored ones stay
/// ignored.
pub fn prepare(command: &mut Command, session: Session) {
    let parent = nix::unistd::getpid();
    let original = ORIGINAL.get();
    let setup = move || {
        restore(original)?;
        if session == Session::OwnTerminal {
            setsid()?;
            take_terminal()?;
        }
        #[cfg(target_os = "linux")]
        nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGTERM)?;
        if getppid() != parent {
            return Err(nix::errno::Errno::ESRCH.into());
        }
        Ok(())
    };
    // SAFETY: `setup` runs between fork and exec. It makes only system calls that are
    // async-signal-safe, takes no lock, and neither allocates nor frees: its captures are `Copy`,
    // and an `io::Error` made from an error number is stored inline.
    unsafe { command.pre_exec(setup) };
}

/// Replaces this process by `command`; returns only if that failed, hardened as before.
pub fn exec_replace(mut command: Command) -> io::Error {
    let original = ORIGINAL.get();
    // SAFETY: there is no fork here; the closure makes two system calls right before exec.
    unsafe { command.pre_exec(move || restore(original)) };
    let error = command.exec();
    if original.is_some()
        && let Err(error) = harden_process()
    {
        return error;
    }
    error
}

/// What this process was started with.
struct Original {
    core: (rlim_t, rlim_t),
    mask: Mode,
}

static ORIGINAL: OnceLock<Original> = OnceLock::new();

fn restore(original: Option<&Original>) -> io::Result<()> {
    if let Some(original) = original {
        let (soft, hard) = original.core;
        setrlimit(Resource::RLIMIT_CORE, soft, hard)?;
        umask(original.mask);
    }
    Ok(())
}

/// Makes standard input the controlling terminal of a session that has none.
fn take_terminal() -> io::Result<()> {
    // SAFETY: TIOCSCTTY takes an integer and touches no memory; a closed descriptor is an error.
    let done = unsafe { libc::ioctl(libc::STDIN_FILENO, libc::TIOCSCTTY as _, 0) };
    nix::errno::Errno::result(done)?;
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// One test, because all of it acts on the one process.
    #[test]
    fn hardening_is_not_inherited() {
        let show = || {
            let mut command = Command::new("sh");
            command.args(["-c", "ulimit -S -c; ulimit -H -c; umask"]);
            command
        };
        let run =
            |mut command: Command| String::from_utf8(command.output().unwrap().stdout).unwrap();

        umask(Mode::from_bits_truncate(0o027));
        let (_, hard) = getrlimit(Resource::RLIMIT_CORE).unwrap();
        let soft = hard.min(4096 * 512);
        setrlimit(Resource::RLIMIT_CORE, soft, hard).unwrap();
        let before = run(show());

        harden_process().unwrap();
        harden_process().unwrap();
        assert_eq!(getrlimit(Resource::RLIMIT_CORE).unwrap(), (0, hard));
        assert!(!nix::sys::prctl::get_dumpable().unwrap());
        assert_ne!(
            run(show()),
            before,
            "without preparation the child inherits it"
        );

        let mut command = show();
        prepare(&mut command, Session::Shared);
        assert_eq!(run(command), before);

        let error = exec_replace(Command::new("/nonexistent/program"));
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert_eq!(getrlimit(Resource::RLIMIT_CORE).unwrap(), (0, hard));
    }

    #[test]
    fn signals_start_as_a_shell_would_leave_them() {
        let mut command = Command::new("grep");
        command.args(["-E", "SigBlk|SigIgn|SigCgt", "/proc/self/status"]);
        prepare(&mut command, Session::Shared);
        let status = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let masks: Vec<u64> = status
            .lines()
            .map(|line| u64::from_str_radix(line.split_once('\t').unwrap().1, 16).unwrap())
            .collect();
        let ignored_here = masks[1];
        assert_eq!(masks[0], 0, "{status}");
        assert_eq!(ignored_here & 1 << (libc::SIGPIPE - 1), 0, "{status}");
    }
}
