//! A directory with a configuration and secrets, and the program run in it.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use tempfile::TempDir;

/// The password of the fixture; it must never show where values do not belong.
pub(crate) const PASSWORD: &str = "canary-hunter2";

const CONFIG: &str = r#"
secrets:
  backends:
    env: { type: env }
    dotenv: { type: dotenv, path: .env }
    local: { type: file, path: secrets.yaml }
    mounts: { type: mount, path: mounts, allowed_mounts: [dc] }
  load: ["local:db_*"]
env:
  DB_PASSWORD: "local:db_password"
"#;

const SECRETS: &str = r#"
db_password: canary-hunter2
pg: { user: app, password: canary-pg-pass, port: 5432 }
pin: "123"
text: "line one\nline two"
"#;

pub(crate) struct Project {
    directory: TempDir,
}

impl Project {
    /// A directory with nothing in it.
    pub(crate) fn empty() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// A directory with one backend of each type.
    pub(crate) fn new() -> Self {
        let project = Self::empty();
        project.write("keyferry.yaml", CONFIG);
        project.write("secrets.yaml", SECRETS);
        project.write(".env", "API_KEY=canary-api-key\n");
        project.write("mounts/dc/ldap.json", r#"{"bind_pw": "canary-ldap"}"#);
        project.write("mounts/dc/binary", [0xff, 0x00, 0xfe]);
        project
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        // In one step, as the watch of a running program expects from a careful writer.
        let new = path.with_extension("new");
        std::fs::write(&new, content).unwrap();
        std::fs::rename(&new, path).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The names in the directory, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(self.directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The program with no variables but the needed ones.
    pub(crate) fn command<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Command {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn keyferry<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Run {
        Run::of(self.command(arguments).output().unwrap())
    }
}

pub(crate) fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_keyferry"))
}

/// What became of a run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output
                .status
                .code()
                .unwrap_or_else(|| -output.status.signal().unwrap()),
            stdout: output.stdout,
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.stdout).unwrap()
    }

    /// The output of a run that succeeded in silence.
    #[track_caller]
    pub(crate) fn good(self) -> Self {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""));
        self
    }

    /// The messages of a run that failed and printed nothing.
    #[track_caller]
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}", self.stderr);
        assert_eq!(self.text(), "");
        assert!(!self.stderr.contains("canary"), "{}", self.stderr);
        self.stderr
    }
}

/// Lines as they come, for tests that wait for them.
pub(crate) struct Lines(Receiver<String>);

impl Lines {
    pub(crate) fn of(stream: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines() {
                let Ok(line) = line else { break };
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self(receiver)
    }

    /// The next line.
    #[track_caller]
    pub(crate) fn next(&self) -> String {
        self.0.recv_timeout(PATIENCE).expect("no line came in time")
    }

    /// The next line that holds `text`.
    #[track_caller]
    pub(crate) fn find(&self, text: &str) -> String {
        loop {
            let line = self.next();
            if line.contains(text) {
                return line;
            }
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(30);
