//! Programs run by a driver: this test binary, started again with streams that the test holds.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child as Process, ChildStdin, ExitStatus, Output};

use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::sys::signal::kill;
use nix::sys::termios::{LocalFlags, tcgetattr};

use super::*;

const SECRET: &str = "hunter2-secret";
const KEY: &str = "-----BEGIN-----\nfirst line\nsecond line\n-----END-----\n";

fn command(script: &str, masker: Option<Masker>) -> Command {
    let variable = |name: &str, value: &str| {
        (
            OsString::from(name),
            Zeroizing::new(value.as_bytes().to_vec()),
        )
    };
    Command {
        program: "sh".into(),
        args: vec!["-c".into(), script.into()],
        env: vec![variable("SECRET", SECRET), variable("KEY", KEY)],
        masker,
    }
}

/// Does what a driver is told; by itself, the simplest case.
#[test]
fn driver() {
    let Some(script) = std::env::var_os("DRIVER_SCRIPT") else {
        assert_eq!(run(command("exit 7", None)).unwrap(), Exit::Code(7));
        return;
    };
    let masker = Masker::new([SECRET.as_bytes(), KEY.as_bytes()]).unwrap().0;
    descriptors::write_all(io::stdout(), b"<start>").unwrap();
    let exit = run(command(script.to_str().unwrap(), Some(masker))).unwrap();
    std::process::exit(exit.code());
}

/// A script that says `ready` and waits for a signal. `wait` cannot miss one, unlike `read`.
fn waiting(traps: &str) -> String {
    format!("trap 'kill $!' EXIT; {traps}; sleep 1000 & echo ready; while :; do wait; done")
}

fn driver_of(script: &str) -> std::process::Command {
    let mut driver = std::process::Command::new(std::env::current_exe().unwrap());
    driver
        .args(["child::tests::driver", "--exact", "--nocapture", "--quiet"])
        .env("DRIVER_SCRIPT", script);
    driver
}

/// Runs a script behind pipes, with nothing to read.
fn piped(script: &str) -> Output {
    let mut output = driver_of(script).stdin(Stdio::null()).output().unwrap();
    let start = output
        .stdout
        .windows(7)
        .position(|window| window == b"<start>")
        .unwrap();
    output.stdout.drain(..start + 7);
    output
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A driver whose output is read step by step.
struct Driven {
    process: Process,
    output: File,
    read: String,
}

impl Driven {
    fn new(mut process: Process) -> Self {
        let output = OwnedFd::from(process.stdout.take().unwrap()).into();
        Self::with_output(process, output)
    }

    fn with_output(process: Process, output: File) -> Self {
        let mut driven = Self {
            process,
            output,
            read: String::new(),
        };
        driven.read_until("<start>");
        driven
    }

    /// What came before `end`; the rest is kept.
    fn read_until(&mut self, end: &str) -> String {
        let mut buffer = [0; 512];
        while !self.read.contains(end) {
            let count = self.output.read(&mut buffer).unwrap();
            assert_ne!(count, 0, "{end:?} is missing after {:?}", self.read);
            self.read.push_str(text(&buffer[..count]));
        }
        let (before, after) = self.read.split_once(end).unwrap();
        let (before, after) = (before.to_owned(), after.to_owned());
        self.read = after;
        before
    }

    /// How it ended, and what it wrote until then.
    fn end(mut self) -> (ExitStatus, String) {
        let mut rest = std::mem::take(&mut self.read).into_bytes();
        let mut buffer = [0; 512];
        while let Ok(count @ 1..) = self.output.read(&mut buffer) {
            rest.extend_from_slice(&buffer[..count]);
        }
        (self.process.wait().unwrap(), text(&rest).to_owned())
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.process.id() as i32), signal).unwrap();
    }

    fn input(&mut self) -> &mut ChildStdin {
        self.process.stdin.as_mut().unwrap()
    }
}

fn driven(script: &str) -> Driven {
    let mut driver = driver_of(script);
    Driven::new(
        driver
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    )
}

/// A driver in a terminal of its own, as in a new window; `ours` is what the window holds.
struct Window {
    driven: Driven,
    ours: File,
    slave: OwnedFd,
}

fn terminal() -> OpenptyResult {
    let size = Winsize {
        ws_row: 33,
        ws_col: 101,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let pair = openpty(&size, None).unwrap();
    descriptors::set_close_on_exec(&pair.master).unwrap();
    descriptors::set_close_on_exec(&pair.slave).unwrap();
    pair
}

fn window(script: &str) -> Window {
    let pair = terminal();
    let stderr = pair.slave.try_clone().unwrap();
    window_in(script, pair, stderr)
}

fn window_in(script: &str, pair: OpenptyResult, stderr: OwnedFd) -> Window {
    let mut driver = driver_of(script);
    driver
        .stdin(pair.slave.try_clone().unwrap())
        .stdout(pair.slave.try_clone().unwrap())
        .stderr(stderr);
    keyferry_os::prepare(&mut driver, Session::OwnTerminal);
    let process = driver.spawn().unwrap();
    let ours = File::from(pair.master);
    let driven = Driven::with_output(process, ours.try_clone().unwrap());
    Window {
        driven,
        ours,
        slave: pair.slave,
    }
}

impl Window {
    fn type_keys(&mut self, keys: &str) {
        self.ours.write_all(keys.as_bytes()).unwrap();
    }

    fn is_raw(&self) -> bool {
        !tcgetattr(&self.slave)
            .unwrap()
            .local_flags
            .contains(LocalFlags::ICANON)
    }

    /// How the driver ended; its terminal outlives it.
    fn end(mut self) -> i32 {
        self.driven.process.wait().unwrap().code().unwrap()
    }
}

#[test]
fn both_outputs_are_masked_apart() {
    let output = piped("echo out $SECRET; echo err $SECRET >&2");
    assert_eq!(text(&output.stdout), "out ****\n");
    assert_eq!(text(&output.stderr), "err ****\n");
}

#[test]
fn output_into_a_file_is_masked() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let status = driver_of("echo $SECRET")
        .stdout(File::create(&path).unwrap())
        .status()
        .unwrap();
    assert!(status.success());
    assert!(
        std::fs::read_to_string(&path)
            .unwrap()
            .ends_with("<start>****\n")
    );
}

#[test]
fn multi_line_value_is_masked_whole_and_by_line() {
    let output =
        piped(r#"echo "<$KEY>"; printf %s "$KEY" | tail -n 2; printf 'one: second line.'"#);
    assert_eq!(text(&output.stdout), "<****>\n****\n****\none: ****.");
}

#[test]
fn secret_written_in_pieces_is_masked() {
    let output = piped("printf hunt; printf er2-; printf secret; printf ' hunter'");
    assert_eq!(text(&output.stdout), "**** hunter");
}

#[test]
fn outputs_into_the_same_file_keep_their_order() {
    let (reader, writer) = io::pipe().unwrap();
    let mut driver = driver_of("for i in 1 2 3 4 5 6; do echo o$i; echo e$i >&2; done");
    driver
        .stdin(Stdio::null())
        .stdout(writer.try_clone().unwrap())
        .stderr(writer);
    let process = driver.spawn().unwrap();
    drop(driver);
    let mut driven = Driven::with_output(process, OwnedFd::from(reader).into());
    let expected: String = (1..=6).map(|i| format!("o{i}\ne{i}\n")).collect();
    driven.read_until(&expected);
    assert!(driven.end().0.success());
}

#[test]
fn exit_code_is_the_programs() {
    assert_eq!(piped("exit 42").status.code(), Some(42));
    assert_eq!(piped("kill -TERM $$").status.code(), Some(128 + 15));
}

#[test]
fn program_that_cannot_run_is_told_apart() {
    let missing = Command {
        program: "/nonexistent/program".into(),
        ..command("", None)
    };
    assert_eq!(run(missing).unwrap_err().kind(), io::ErrorKind::NotFound);
    let file = tempfile::NamedTempFile::new().unwrap();
    let closed = Command {
        program: file.path().into(),
        ..command("", None)
    };
    assert_eq!(
        run(closed).unwrap_err().kind(),
        io::ErrorKind::PermissionDenied
    );
}

#[test]
fn prompt_is_shown_before_it_is_answered() {
    let mut driven = driven("printf 'name: '; read x; echo hello $x");
    driven.read_until("name: ");
    driven.input().write_all(b"you\n").unwrap();
    assert_eq!(driven.end().1, "hello you\n");
}

#[test]
fn signals_reach_the_program() {
    for (signal, code) in [
        (Signal::SIGTERM, 15),
        (Signal::SIGINT, 2),
        (Signal::SIGHUP, 1),
        (Signal::SIGQUIT, 3),
        (Signal::SIGUSR1, 10),
        (Signal::SIGUSR2, 12),
    ] {
        let driven_by = waiting(&format!("trap 'echo caught; exit {code}' {code}"));
        let mut driven = driven(&driven_by);
        driven.read_until("ready\n");
        driven.signal(signal);
        let (status, output) = driven.end();
        assert_eq!(
            (status.code(), output.as_str()),
            (Some(code), "caught\n"),
            "{signal}"
        );
    }
}

#[test]
fn ignored_signals_stay_ignored() {
    let mut shell = std::process::Command::new("sh");
    shell
        .args([
            "-c",
            "trap '' HUP USR1; exec \"$DRIVER\" child::tests::driver --exact --nocapture --quiet",
        ])
        .env("DRIVER", std::env::current_exe().unwrap())
        .env(
            "DRIVER_SCRIPT",
            "kill -HUP $PPID; kill -USR1 $PPID; kill -HUP $$; kill -USR1 $$; echo alive",
        )
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let driven = Driven::new(shell.spawn().unwrap());
    let (status, output) = driven.end();
    assert_eq!((status.code(), output.as_str()), (Some(0), "alive\n"));
}

#[test]
fn key_of_the_terminal_interrupts_once_when_output_is_piped() {
    let pair = terminal();
    let mut driver = driver_of(&waiting(
        "trap 'echo interrupted' INT; trap 'echo end; exit 0' USR1",
    ));
    driver
        .stdin(pair.slave)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    keyferry_os::prepare(&mut driver, Session::OwnTerminal);
    let mut driven = Driven::new(driver.spawn().unwrap());
    driven.read_until("ready\n");
    File::from(pair.master.try_clone().unwrap())
        .write_all(b"\x03")
        .unwrap();
    driven.read_until("interrupted\n");
    driven.signal(Signal::SIGUSR1);
    let (status, output) = driven.end();
    assert_eq!((status.code(), output.as_str()), (Some(0), "end\n"));
}

#[test]
fn terminal_that_goes_away_hangs_up_a_program_with_piped_output() {
    let pair = terminal();
    let mut driver = driver_of(&waiting("trap 'echo hup; exit 3' HUP"));
    driver
        .stdin(pair.slave)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    keyferry_os::prepare(&mut driver, Session::OwnTerminal);
    let mut driven = Driven::new(driver.spawn().unwrap());
    drop(driver);
    driven.read_until("ready\n");
    drop(pair.master);
    assert_eq!(driven.end().0.code(), Some(3));
}

#[test]
fn program_does_not_outlive_a_killed_wrapper() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = directory.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut driven = driven(&format!(
        "exec 9> {}; echo ready; exec sleep 1000",
        fifo.display()
    ));
    let mut held_by_the_program = File::open(&fifo).unwrap();
    driven.read_until("ready\n");
    driven.signal(Signal::SIGKILL);
    let mut nothing = String::new();
    held_by_the_program.read_to_string(&mut nothing).unwrap();
    assert_eq!(driven.end().0.code(), None);
}

#[test]
fn reader_that_goes_away_breaks_the_programs_pipe() {
    let mut driver = driver_of("yes; echo $? >&2");
    driver
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut driven = Driven::new(driver.spawn().unwrap());
    driven.read_until("y\n");
    let Driven {
        process, output, ..
    } = driven;
    drop(output);
    let output = process.wait_with_output().unwrap();
    assert_eq!(text(&output.stderr).lines().next(), Some("141"));
    assert!(output.status.success());
}

#[test]
fn descendant_that_keeps_the_output_open_is_left_behind() {
    let mut driven = driven("sleep 1000 & echo $!; echo $SECRET; printf 'end hunter'");
    let sleeper = driven.read_until("\n").parse().unwrap();
    let (status, output) = driven.end();
    kill(Pid::from_raw(sleeper), Signal::SIGKILL).unwrap();
    assert!(status.success());
    assert_eq!(output, "****\nend hunter");
}

#[test]
fn large_output_is_complete() {
    let output = piped("seq 1 200000");
    let expected: String = (1..=200_000).map(|i| format!("{i}\n")).collect();
    assert!(
        text(&output.stdout) == expected,
        "{} of {} bytes",
        output.stdout.len(),
        expected.len()
    );
}

#[test]
fn terminated_program_is_killed_after_the_grace() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = directory.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let deaf = |trap: &str| {
        let script = format!("{trap}; echo > {}; exec sleep 1000", fifo.display());
        let child = Child::spawn(command(&script, None)).unwrap();
        std::fs::read(&fifo).unwrap();
        child
    };
    let child = deaf("trap '' TERM");
    child.handle().terminate(Duration::from_millis(10)).unwrap();
    assert_eq!(child.wait().unwrap(), Exit::Signal(9));

    let child = deaf(":");
    let handle = child.handle();
    handle.terminate(Duration::from_secs(60)).unwrap();
    assert_eq!(child.wait().unwrap(), Exit::Signal(15));
    handle.signal(Signal::SIGTERM).unwrap();
}

#[test]
fn program_on_a_terminal_sees_a_terminal() {
    let mut window = window(
        "test -t 0 && test -t 1 && test -t 2 && echo terminal; stty size; echo $SECRET; \
         echo $SECRET >&2; echo by name $SECRET > /dev/tty; exit 4",
    );
    window
        .driven
        .read_until("terminal\r\n33 101\r\n****\r\n****\r\nby name ****\r\n");
    assert_eq!(window.end(), 4);
}

#[test]
fn terminal_is_raw_while_the_program_runs_and_restored_afterwards() {
    let mut window = window("stty -a; echo ready; read x; exit 0");
    let modes = window.driven.read_until("ready\r\n");
    assert!(
        modes.contains(" icanon") && modes.contains(" echo "),
        "{modes}"
    );
    assert!(window.is_raw());
    let (ours, slave) = (
        window.ours.try_clone().unwrap(),
        window.slave.try_clone().unwrap(),
    );
    window.type_keys("\r");
    assert_eq!(window.end(), 0);
    assert!(
        tcgetattr(&slave)
            .unwrap()
            .local_flags
            .contains(LocalFlags::ICANON | LocalFlags::ECHO)
    );
    drop(ours);
}

#[test]
fn terminal_is_restored_when_the_program_is_killed() {
    let mut window = window("echo ready; kill -KILL $$");
    window.driven.read_until("ready\r\n");
    let slave = window.slave.try_clone().unwrap();
    let _ours = window.ours.try_clone().unwrap();
    assert_eq!(window.end(), 128 + 9);
    assert!(
        tcgetattr(&slave)
            .unwrap()
            .local_flags
            .contains(LocalFlags::ICANON)
    );
}

#[test]
fn window_size_follows() {
    let mut window = window(&waiting("trap 'stty size; exit 0' WINCH"));
    window.driven.read_until("ready\r\n");
    let size = Winsize {
        ws_row: 40,
        ws_col: 90,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    keyferry_os::set_window_size(&window.ours, size).unwrap();
    window.driven.read_until("40 90\r\n");
    assert_eq!(window.end(), 0);
}

#[test]
fn keys_mean_what_they_mean_on_a_terminal() {
    let mut window = window(&waiting("trap 'echo interrupted; exit 5' INT; cat"));
    window.type_keys("typed\r");
    window.driven.read_until("typed\r\ntyped\r\n");
    window.type_keys("\x04");
    window.driven.read_until("ready\r\n");
    window.type_keys("\x03");
    window.driven.read_until("interrupted\r\n");
    assert_eq!(window.end(), 5);
}

#[test]
fn stopped_program_goes_on_where_nobody_could_continue_us() {
    let mut window = window("kill -STOP $$; echo resumed; read x; echo got $x");
    window.driven.read_until("resumed\r\n");
    window.type_keys("\x1ahi\r");
    window.driven.read_until("got hi\r\n");
    assert_eq!(window.end(), 0);
}

#[test]
fn stop_and_continue_reach_program_and_terminal() {
    // A job of an interactive shell, which is what can continue us.
    let pair = terminal();
    let script = "echo ready; read x; echo got $x";
    let mut shell = std::process::Command::new("bash");
    shell
        .args(["--norc", "--noprofile", "-i"])
        .env("DRIVER_SCRIPT", script)
        .env("DRIVER", std::env::current_exe().unwrap())
        .env("PS1", "PROMPT ")
        .stdin(pair.slave.try_clone().unwrap())
        .stdout(pair.slave.try_clone().unwrap())
        .stderr(pair.slave.try_clone().unwrap());
    keyferry_os::prepare(&mut shell, Session::OwnTerminal);
    let process = shell.spawn().unwrap();
    let mut ours = File::from(pair.master);
    let output = ours.try_clone().unwrap();
    let mut driven = Driven {
        process,
        output,
        read: String::new(),
    };
    driven.read_until("PROMPT ");
    ours.write_all(b"$DRIVER child::tests::driver --exact --nocapture --quiet\n")
        .unwrap();
    driven.read_until("ready\r\n");
    ours.write_all(b"\x1a").unwrap();
    driven.read_until("Stopped");
    driven.read_until("PROMPT ");
    ours.write_all(b"fg\n").unwrap();
    driven.read_until("--quiet\r\n");
    ours.write_all(b"hi\r").unwrap();
    driven.read_until("got hi\r\n");
    driven.read_until("PROMPT ");
    ours.write_all(b"exit 6\n").unwrap();
    driven.read_until("exit 6");
    assert_eq!(driven.process.wait().unwrap().code(), Some(6));
}

#[test]
fn terminal_that_goes_away_hangs_up_the_program() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("seen");
    let script = waiting(&format!("trap 'echo hup > {}; exit 3' HUP", path.display()));
    let mut window = window(&script);
    window.driven.read_until("ready\r\n");
    let Window {
        driven,
        ours,
        slave,
    } = window;
    let Driven {
        mut process,
        output,
        ..
    } = driven;
    drop((output, ours, slave));
    assert_eq!(process.wait().unwrap().code(), Some(3));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "hup\n");
}

#[test]
fn broken_pipe_beside_a_terminal_does_not_hang_it_up() {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let script = "trap '' PIPE; while echo $SECRET >&2; do :; done; echo alive";
    let mut window = window_in(script, terminal(), writer.into());
    window.driven.read_until("alive\r\n");
    assert_eq!(window.end(), 0);
}

#[test]
fn lost_output_is_a_failure() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut driver = driver_of("echo lost >&2; echo written");
    driver
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(full);
    let (status, output) = Driven::new(driver.spawn().unwrap()).end();
    assert!(output.starts_with("written\n"));
    assert!(!status.success());
}

#[test]
fn terminal_for_output_alone_is_still_a_terminal() {
    let pair = terminal();
    let mut driver =
        driver_of("read x; test -t 0 || test -t 2 || test -t 1 && stty size <&1; echo $SECRET $x");
    driver
        .stdin(Stdio::piped())
        .stdout(pair.slave.try_clone().unwrap())
        .stderr(Stdio::null());
    let mut driven = Driven::with_output(driver.spawn().unwrap(), File::from(pair.master));
    driven.input().write_all(b"piped\n").unwrap();
    driven.read_until("33 101\r\n**** piped\r\n");
    drop(driver);
    drop(pair.slave);
    assert!(driven.end().0.success());
}

#[test]
fn terminal_for_errors_alone_is_still_a_terminal() {
    let pair = terminal();
    let mut driver = driver_of("test -t 2 && ! test -t 1 && echo $SECRET >&2; echo $SECRET");
    driver
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(pair.slave.try_clone().unwrap());
    let driven = Driven::new(driver.spawn().unwrap());
    drop(driver);
    drop(pair.slave);
    let mut errors = String::new();
    // The end of a terminal is an error.
    let _ = File::from(pair.master).read_to_string(&mut errors);
    assert_eq!(errors, "****\r\n");
    assert_eq!(driven.end().1, "****\n");
}

#[test]
fn replaced_process_is_the_program() {
    let error = replace(Command {
        program: "/nonexistent/program".into(),
        ..command("", None)
    });
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}
