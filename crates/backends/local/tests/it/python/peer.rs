//! A Python process with the packages, and random input for it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/python/peer.py");

/// A Python process that answers until it is dropped.
pub(super) struct Peer {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts the Python of `KEYFERRY_PYTHON`.
    pub(super) fn start() -> Self {
        let python = std::env::var_os("KEYFERRY_PYTHON").expect(
            "KEYFERRY_PYTHON names a Python with the packages; \
             `cargo xtask python` makes one and says its path",
        );
        let mut process = Command::new(&python)
            .arg(SCRIPT)
            .env("PYTHONUTF8", "1")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{python:?} does not start: {error}"));
        Self {
            input: process.stdin.take(),
            output: BufReader::new(process.stdout.take().unwrap()),
            process,
        }
    }

    /// The answers to one question with each of these lists of arguments.
    pub(super) fn each<T: DeserializeOwned>(
        &mut self,
        question: &str,
        arguments: &[Value],
    ) -> Vec<T> {
        let request = json!({"do": question, "each": arguments}).to_string();
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{request}").unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        let answers: Vec<T> = serde_json::from_str(&answer)
            .expect("no answer; `cargo xtask python` installs the packages anew");
        assert_eq!(answers.len(), arguments.len());
        answers
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.wait();
    }
}

/// Random numbers that are the same in every run (SplitMix64).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % (end as u64)).unwrap()
    }

    pub(super) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    /// Up to `most` of the pieces, one after another.
    pub(super) fn text(&mut self, pieces: &[&str], most: usize) -> String {
        let count = self.below(most + 1);
        (0..count).map(|_| self.pick(pieces)).collect()
    }
}
