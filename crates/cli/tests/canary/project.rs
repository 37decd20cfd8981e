//! A directory with canaries behind every backend, and the program run in it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use keyferry_canary::{Canary, Form, Scanner, Witness};
use tempfile::TempDir;

const SEED: u64 = 0x6361_6e61_7279;

const BACKENDS: &str = r#"secrets:
  backends:
    env: { type: env }
    dotenv: { type: dotenv, path: .env }
    local: { type: file, path: secrets.yaml }
    mounts: { type: mount, path: mounts, allowed_mounts: [dc] }
  load: ["local:*", "mounts:dc/*"]
"#;

pub(crate) fn canary(form: Form) -> Canary {
    Canary::new(form, SEED)
}

/// The canaries that are text.
pub(crate) fn texts() -> Vec<Canary> {
    let forms = Form::ALL.into_iter();
    forms
        .filter(|form| *form != Form::Binary)
        .map(canary)
        .collect()
}

pub(crate) struct Project {
    root: TempDir,
    given: BTreeSet<PathBuf>,
    pub(crate) witness: Witness,
}

impl Project {
    pub(crate) fn new() -> Self {
        let mut project = Self {
            root: tempfile::tempdir().unwrap(),
            given: BTreeSet::new(),
            witness: Witness::new(Scanner::new(&Canary::all(SEED))),
        };
        std::fs::create_dir(project.root.path().join("tmp")).unwrap();
        let (mut dotenv, mut yaml) = (String::new(), String::new());
        let mut config = format!("{BACKENDS}env:\n");
        for canary in texts() {
            let name = canary.form().name();
            // JSON's escapes are a part of those of YAML.
            writeln!(yaml, "{name}: {}", quoted(&canary)).unwrap();
            let text = canary.text().replace('\\', r"\\").replace('"', r#"\""#);
            writeln!(dotenv, "{name}=\"{}\"", text.replace('\n', "\\n")).unwrap();
            writeln!(config, "  {name}: \"mounts:dc/{name}\"").unwrap();
        }
        project.write("keyferry.yaml", config);
        project.write("secrets.yaml", yaml);
        project.write(".env", dotenv);
        for canary in Canary::all(SEED) {
            let path = format!("mounts/dc/{}", canary.form().name());
            project.write(&path, canary.bytes());
        }
        project
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join("work").join(name)
    }

    /// Writes a file that may hold canaries.
    pub(crate) fn write(&mut self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        self.given.insert(path);
    }

    pub(crate) fn command<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyferry"));
        command
            .args(arguments)
            .current_dir(self.path(""))
            .env_clear()
            .envs(
                texts()
                    .iter()
                    .map(|it| (it.form().name(), it.text().to_owned())),
            )
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("TMPDIR", self.root.path().join("tmp"))
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn output<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that is to show no value: for people and for programs, with every step said.
    /// Returns the exit code.
    pub(crate) fn silent<A: AsRef<OsStr>>(&mut self, arguments: &[A]) -> i32 {
        let name: Vec<_> = arguments
            .iter()
            .map(|it| it.as_ref().display().to_string())
            .collect();
        let name = name.join(" ");
        let mut codes = BTreeSet::new();
        for flags in [&["-vvv"][..], &["--output", "json", "-vv"]] {
            let flags = flags.iter().map(OsStr::new);
            let output = self.output(flags.chain(arguments.iter().map(AsRef::as_ref)));
            self.witness
                .saw(format!("stdout of {name}"), &output.stdout);
            self.witness
                .saw(format!("stderr of {name}"), &output.stderr);
            codes.insert(output.status.code().unwrap());
        }
        assert_eq!(codes.len(), 1, "{name}: {codes:?}");
        codes.pop_first().unwrap()
    }

    /// Runs a command that is to show values, on stdout alone.
    pub(crate) fn shows<A: AsRef<OsStr>>(&mut self, arguments: &[A]) -> Vec<u8> {
        let output = self.output(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        self.witness.saw("stderr", &output.stderr);
        let mut control = Witness::new(Scanner::new(&Canary::all(SEED)));
        control.saw("stdout", &output.stdout);
        assert!(!control.found().is_empty(), "nothing was shown");
        output.stdout
    }

    /// Looks at every file that was not given, `expected` apart.
    pub(crate) fn saw_files(&mut self, expected: &[&str]) {
        let expected: Vec<_> = expected.iter().map(|name| self.path(name)).collect();
        let mut found = Vec::new();
        files(self.root.path(), &mut found);
        for path in found {
            if !self.given.contains(&path) && !expected.contains(&path) {
                let content = std::fs::read(&path).unwrap();
                self.witness
                    .saw(format!("file {}", path.display()), content);
            }
        }
    }

    #[track_caller]
    pub(crate) fn assert_silent(mut self, least: usize) {
        self.saw_files(&[]);
        self.witness.assert_silent(least);
    }
}

pub(crate) fn quoted(canary: &Canary) -> String {
    // JSON's escapes, by hand: this crate has no serializer in its tests.
    let text = canary.text().replace('\\', r"\\").replace('"', r#"\""#);
    format!("\"{}\"", text.replace('\n', "\\n"))
}

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match std::fs::symlink_metadata(&path).unwrap() {
            kind if kind.is_dir() => files(&path, found),
            kind if kind.is_file() => found.push(path),
            _ => {}
        }
    }
}
