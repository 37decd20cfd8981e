//! Masking log text: throughput, and how soon a byte is passed on.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use keyferry_mask::Masker;

use crate::process::built;
use crate::table::{Samples, Table, millis};

const SECRETS: usize = 100;
const MEGABYTES: usize = 64;
const CHUNK: usize = 64 * 1024;

pub(crate) fn run() -> Table {
    let mut table = Table::new("Masking, 100 secrets");
    let secrets: Vec<String> = (0..SECRETS).map(secret).collect();
    let log = log_text(&secrets);
    table.spread(
        "`MaskStream`, log text in chunks of 64 KiB",
        &stream(&secrets, &log),
        "MB/s",
        "≥ 150 MB/s",
    );
    let folder = tempfile::tempdir().expect("a temporary directory");
    let folder = folder.path();
    configure(folder, &secrets);
    std::fs::write(folder.join("log"), &log).expect("a file");
    let keyferry = built();
    let masked = || {
        let mut command = Command::new(&keyferry);
        command.args(["run", "--", "cat"]).current_dir(folder);
        command
    };
    let bare = || {
        let mut command = Command::new("cat");
        command.current_dir(folder);
        command
    };
    table.spread(
        "`keyferry run -- cat log`, whole process",
        &through(masked, log.len()),
        "MB/s",
        "≥ 150 MB/s",
    );
    table.spread("`cat log`", &through(bare, log.len()), "MB/s", "");
    table.spread(
        "a line through `keyferry run -- cat` and back",
        &there_and_back(masked()),
        "ms",
        "≤ 5 ms",
    );
    table.spread(
        "a line through `cat` and back",
        &there_and_back(bare()),
        "ms",
        "",
    );
    table
}

fn secret(index: usize) -> String {
    // Printable, without a pattern that the text shares.
    let mut state = index as u64 + 1;
    let letters = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789-_";
    let mut next = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        letters
            .get((state >> 33) as usize % letters.len())
            .copied()
            .unwrap_or(b'x') as char
    };
    (0..24).map(|_| next()).collect()
}

/// Lines of a web server's log, one in a thousand with a secret.
fn log_text(secrets: &[String]) -> Vec<u8> {
    let mut text = String::with_capacity(MEGABYTES << 20);
    let mut line = 0;
    while text.len() < MEGABYTES << 20 {
        let _ = write!(
            text,
            "2026-11-22T10:{:02}:{:02}.{:03}Z INFO request id={line:08x} method=GET path=/api/v1/items/{} status=200 bytes={}",
            line / 60 % 60,
            line % 60,
            line % 1000,
            line * 7919 % 100_000,
            line * 31 % 65_536
        );
        match secrets.get(line / 1000 % secrets.len()) {
            Some(secret) if line % 1000 == 0 => {
                let _ = writeln!(text, " token={secret}");
            }
            _ => text.push('\n'),
        }
        line += 1;
    }
    text.into_bytes()
}

fn configure(folder: &Path, secrets: &[String]) {
    let mut dotenv = String::new();
    let mut config = "secrets: { backends: { d: { type: dotenv } } }\nenv:\n".to_owned();
    for (index, secret) in secrets.iter().enumerate() {
        let _ = writeln!(dotenv, "S{index}={secret}");
        let _ = writeln!(config, "  S{index}: d:S{index}");
    }
    std::fs::write(folder.join(".env"), dotenv).expect("a file");
    std::fs::write(folder.join("keyferry.yaml"), config).expect("a file");
}

fn stream(secrets: &[String], log: &[u8]) -> Samples {
    let Ok((masker, _)) = Masker::new(secrets.iter().map(String::as_bytes)) else {
        unreachable!("short secrets make a masker")
    };
    let mut out = Vec::with_capacity(2 * CHUNK);
    let samples = (0..9).map(|_| {
        let mut stream = masker.stream();
        let start = Instant::now();
        for chunk in log.chunks(CHUNK) {
            out.clear();
            stream.feed(chunk, &mut out);
        }
        stream.finish(&mut out);
        log.len() as f64 / 1e6 / start.elapsed().as_secs_f64()
    });
    Samples::new(samples.collect())
}

fn through(command: impl Fn() -> Command, bytes: usize) -> Samples {
    let samples = (0..7).map(|_| {
        let mut command = command();
        command.arg("log").stdout(Stdio::piped());
        let start = Instant::now();
        let mut child = command.spawn().expect("the program starts");
        let mut output = child.stdout.take().expect("a pipe");
        std::io::copy(&mut output, &mut std::io::sink()).expect("the output is read");
        assert!(child.wait().is_ok_and(|status| status.success()));
        bytes as f64 / 1e6 / start.elapsed().as_secs_f64()
    });
    Samples::new(samples.collect())
}

fn there_and_back(mut command: Command) -> Samples {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = child.expect("the program starts");
    let mut input = child.stdin.take().expect("a pipe");
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    let mut samples = Vec::new();
    for round in 0..=500 {
        line.clear();
        let start = Instant::now();
        input
            .write_all(b"nothing to hide\n")
            .expect("the program reads");
        output.read_line(&mut line).expect("the program writes");
        if round > 0 {
            samples.push(millis(start.elapsed()));
        }
        assert_eq!(line, "nothing to hide\n");
    }
    drop(input);
    assert!(child.wait().is_ok_and(|status| status.success()));
    Samples::new(samples)
}
