//! Whole processes: start-up time and memory of the command line.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};

use crate::table::{Samples, Table, millis};

const RUNS: usize = 60;

pub(crate) fn run() -> Table {
    let mut table = Table::new("Whole processes");
    let keyferry = built();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let folder = folder.path();
    std::fs::write(folder.join(".env"), "X=value\n").expect("a file");
    let get = [keyferry.as_os_str(), "get".as_ref(), "env:X".as_ref()];
    let truth = ["true".as_ref()];
    let run = [
        keyferry.as_os_str(),
        "run".as_ref(),
        "--".as_ref(),
        "true".as_ref(),
    ];
    // Taken in turns, so that all see the same moods of the machine.
    let [get_time, true_time, run_time] = in_turns(folder, [&get, &truth, &run]);
    table.spread("`keyferry get env:X`", &get_time, "ms", "≤ 10 ms");
    table.count(
        "`keyferry get env:X`, peak resident",
        peak_of(folder, &get),
        "≤ 15 MB",
    );
    table.spread("`true`", &true_time, "ms", "");
    table.spread("`keyferry run -- true`", &run_time, "ms", "");
    let added = run_time.median() - true_time.median();
    table.count(
        "added by `keyferry run`",
        format!("{added:.2} ms"),
        "≤ 10 ms",
    );
    secretspec(&mut table, folder);
    table
}

fn secretspec(table: &mut Table, folder: &Path) {
    let what = "`secretspec run --provider env -- true` (0.21.1)";
    let Ok(program) = std::env::var("KEYFERRY_SECRETSPEC") else {
        return table.count(what, "not measured: KEYFERRY_SECRETSPEC is not set", "");
    };
    let manifest = "[project]\nname = \"bench\"\nrevision = \"1.0\"\n\n[profiles.default]\nX = { description = \"x\", required = true }\n";
    std::fs::write(folder.join("secretspec.toml"), manifest).expect("a file");
    let run = [
        program.as_ref(),
        "run".as_ref(),
        "--provider".as_ref(),
        "env".as_ref(),
        "--".as_ref(),
        "true".as_ref(),
    ];
    let get = [
        program.as_ref(),
        "get".as_ref(),
        "--provider".as_ref(),
        "env".as_ref(),
        "X".as_ref(),
    ];
    let [run_time, get_time] = in_turns(folder, [&run, &get]);
    table.spread(what, &run_time, "ms", "");
    table.spread("`secretspec get --provider env X`", &get_time, "ms", "");
    table.count("`secretspec get`, peak resident", peak_of(folder, &get), "");
}

type Words<'a> = &'a [&'a std::ffi::OsStr];

fn in_turns<const N: usize>(folder: &Path, commands: [Words<'_>; N]) -> [Samples; N] {
    let mut samples: [Vec<f64>; N] = [const { Vec::new() }; N];
    for round in 0..=RUNS {
        for (command, samples) in commands.iter().zip(&mut samples) {
            let time = once(folder, command);
            if round > 0 {
                samples.push(time);
            }
        }
    }
    samples.map(Samples::new)
}

fn command(folder: &Path, words: Words<'_>) -> Command {
    let (program, args) = words.split_first().expect("a program");
    let mut command = Command::new(program);
    command
        .args(args)
        .current_dir(folder)
        .env("X", "value")
        .env("HOME", folder);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

fn once(folder: &Path, words: Words<'_>) -> f64 {
    let mut command = command(folder, words);
    let start = Instant::now();
    let output = command.output().expect("the program starts");
    let time = millis(start.elapsed());
    assert!(
        output.status.success(),
        "{words:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    time
}

/// Peak resident memory, measured in a process that has had no other child.
fn peak_of(folder: &Path, words: Words<'_>) -> String {
    let own = std::env::current_exe().expect("this program");
    let mut command = Command::new(own);
    let output = command
        .arg("--peak")
        .args(words)
        .current_dir(folder)
        .env("X", "value")
        .output();
    let output = output.expect("this program runs");
    format!("{} MB", String::from_utf8_lossy(&output.stdout).trim())
}

/// Runs a command and prints its peak resident memory in MB.
pub(crate) fn peak(words: &[&str]) {
    let words: Vec<&std::ffi::OsStr> = words.iter().map(std::ffi::OsStr::new).collect();
    let own = getrusage(UsageWho::RUSAGE_SELF)
        .expect("the usage")
        .max_rss();
    once(Path::new("."), &words);
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the children's usage");
    // A child starts as a copy of its parent, whose size is then the least that can be seen.
    let note = if usage.max_rss() <= own { "≤ " } else { "" };
    println!("{note}{:.1}", usage.max_rss() as f64 * 1024.0 / 1e6);
}

/// The `keyferry` beside this program, built in the same profile.
pub(crate) fn built() -> PathBuf {
    let own = std::env::current_exe().expect("this program");
    let program = own.with_file_name("keyferry");
    assert!(
        program.exists(),
        "build it first: cargo build --release -p keyferry-cli"
    );
    program
}
