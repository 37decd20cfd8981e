//! `keyferry doctor`: looks at what has to be in order before any secret can be had.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use keyferry::{Config, Entry, Error, ErrorKind, Registry, exit_code_of_all, system_host};
use serde_json::json;

use crate::arguments::{Output, with_exit_codes};
use crate::failure::{Failure, message, printable};
use crate::output;
use crate::session::Session;

/// Looks at configuration, backends, permissions and clock, and says what to do next
#[derive(Debug, Args)]
#[command(after_help = with_exit_codes!(
    "Examples:
  keyferry doctor
  keyferry doctor --output json"
))]
pub(crate) struct Arguments {}

impl Arguments {
    pub(crate) fn execute(self, session: &Session) -> Result<u8, Failure> {
        let mut report = Report::default();
        report.clock();
        if let Some(config) = report.config(session) {
            match config.registry(&system_host()) {
                Ok(registry) => session.block_on(report.backends(&registry)),
                Err(error) => report.bad("backends", None, error),
            }
        }
        let written = match session.output() {
            Output::Json => output::write_json(&report.object()),
            Output::Human => output::write(report.lines().as_bytes()),
        };
        output::reported(written, exit_code_of_all(report.errors().map(Error::kind)))
    }
}

#[derive(Default)]
struct Report(Vec<Line>);

struct Line {
    subject: String,
    backend: Option<String>,
    status: Status,
    message: String,
    error: Option<Error>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Good,
    /// Works, and should be otherwise.
    Warning,
    Bad,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warning => "warning",
            Self::Bad => "error",
        }
    }
}

impl Report {
    fn clock(&mut self) {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the clock being examined"
        )]
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        if now > RELEASED {
            self.good("clock", None, "the clock is plausible");
        } else {
            let error = Error::new(ErrorKind::InvalidConfig, "the clock is years behind");
            self.bad(
                "clock",
                None,
                error.with_help("set the clock of this machine"),
            );
        }
    }

    fn config(&mut self, session: &Session) -> Option<Config> {
        let path = match session.config_path() {
            Ok(path) => path,
            Err(error) => {
                self.bad("configuration", None, error);
                return None;
            }
        };
        match session.config() {
            Ok(config) => {
                match path {
                    Some(path) => self.good(
                        "configuration",
                        None,
                        &format!("`{}` is in order", path.display()),
                    ),
                    None => self.warn(
                        "configuration",
                        None,
                        "no `keyferry.yaml` here or above: only the implicit backends are there",
                        "write a `keyferry.yaml`, or name one with `--config` or KEYFERRY_CONFIG",
                    ),
                }
                if !config.enabled() {
                    let what = "secrets are switched off by `secrets.enabled: false`";
                    self.warn(
                        "configuration",
                        None,
                        what,
                        "set it to `true`, or leave it out",
                    );
                }
                Some(config)
            }
            Err(Failure::Errors(errors)) => {
                for error in errors {
                    self.bad("configuration", None, error);
                }
                None
            }
            Err(Failure::NotStarted(..) | Failure::ClosedPipe) => None,
        }
    }

    async fn backends(&mut self, registry: &Registry) {
        for entry in registry.entries() {
            let findings = entry.backend().diagnose().await;
            if findings.is_empty() {
                self.good(entry.kind(), Some(entry), "nothing to look at");
            }
            for finding in findings {
                match finding.outcome {
                    Ok(()) => {
                        self.good(&finding.subject, Some(entry), "in order");
                        self.permissions(&finding.subject, entry);
                    }
                    Err(error) => self.bad(&finding.subject, Some(entry), error),
                }
            }
        }
    }

    /// A file of secrets is for its owner.
    fn permissions(&mut self, subject: &str, entry: &Entry) {
        if !FILES.contains(&entry.kind()) {
            return;
        }
        let Ok(metadata) = Path::new(subject).metadata() else {
            return;
        };
        let mode = metadata.permissions().mode() & 0o7777;
        if metadata.is_file() && mode & 0o077 != 0 {
            self.warn(
                subject,
                Some(entry),
                &format!("others may read or change it (mode {mode:04o})"),
                &format!("chmod 600 {subject}"),
            );
        }
    }

    fn good(&mut self, subject: &str, entry: Option<&Entry>, message: &str) {
        self.0
            .push(Line::new(subject, entry, Status::Good, message, None));
    }

    fn warn(&mut self, subject: &str, entry: Option<&Entry>, message: &str, help: &str) {
        // The kind is not shown: a warning decides nothing.
        let error = Error::new(ErrorKind::InvalidConfig, message).with_help(help);
        self.0.push(Line::new(
            subject,
            entry,
            Status::Warning,
            message,
            Some(error),
        ));
    }

    fn bad(&mut self, subject: &str, entry: Option<&Entry>, error: Error) {
        let text = message(&error);
        self.0
            .push(Line::new(subject, entry, Status::Bad, &text, Some(error)));
    }

    fn errors(&self) -> impl Iterator<Item = &Error> {
        let bad = self.0.iter().filter(|line| line.status == Status::Bad);
        bad.filter_map(|line| line.error.as_ref())
    }

    fn object(&self) -> serde_json::Value {
        let findings = self.0.iter().map(|line| {
            json!({
                "subject": line.subject,
                "backend": line.backend,
                "status": line.status.name(),
                "message": line.message,
                "help": line.help(),
            })
        });
        json!({
            "findings": findings.collect::<Vec<_>>(),
            "ok": self.errors().next().is_none(),
        })
    }

    fn lines(&self) -> String {
        let mut text = String::new();
        for line in &self.0 {
            let backend = line.backend.as_ref().map(|name| format!("{name}: "));
            let backend = backend.unwrap_or_default();
            let (status, subject) = (line.status.name(), printable(&line.subject));
            text.push_str(&format!(
                "{status:<8} {backend}{subject}: {}\n",
                line.message
            ));
            if let Some(help) = line.help() {
                text.push_str(&format!("         help: {}\n", printable(help)));
            }
        }
        text
    }
}

impl Line {
    fn new(
        subject: &str,
        entry: Option<&Entry>,
        status: Status,
        message: &str,
        error: Option<Error>,
    ) -> Self {
        Self {
            subject: subject.to_owned(),
            backend: entry.map(|entry| entry.name().to_string()),
            status,
            message: message.to_owned(),
            error,
        }
    }

    fn help(&self) -> Option<&str> {
        self.error.as_ref().and_then(Error::help)
    }
}

/// The types whose findings name files that hold secrets.
const FILES: [&str; 2] = ["dotenv", "file"];

/// The start of 2026: an earlier time is wrong.
const RELEASED: Duration = Duration::from_secs(1_767_225_600);
