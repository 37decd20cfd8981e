//! Everything that is traced.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Metadata, Subscriber};

/// Collects every event and span of this thread, at every level, until it is dropped.
pub struct Capture {
    log: Log,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Capture {
    /// Starts to collect.
    pub fn start() -> Self {
        let log = Log::default();
        let guard = tracing::subscriber::set_default(log.clone());
        Self { log, _guard: guard }
    }

    /// What was traced so far: a line for each event, with all its fields.
    pub fn text(&self) -> String {
        let text = self.log.0.lock();
        text.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Log {
    fn line(&self, metadata: &Metadata<'_>, record: impl FnOnce(&mut Line)) {
        let mut line = Line(format!("{} {}", metadata.level(), metadata.target()));
        record(&mut line);
        self.push(&line.0);
    }

    fn push(&self, line: &str) {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(line);
        text.push('\n');
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.line(span.metadata(), |line| span.record(line));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut line = Line::default();
        values.record(&mut line);
        self.push(&line.0);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.line(event.metadata(), |line| event.record(line));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        let _ = write!(self.0, " {field}={value:?}");
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        // As it is: `Debug` would escape it.
        let _ = write!(self.0, " {field}={value}");
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let _ = write!(self.0, " {field}={value} {value:?}");
    }
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_and_spans_of_every_level_are_collected_until_the_end() {
        let capture = Capture::start();
        let span = tracing::trace_span!("span", of_span = "s\"");
        span.in_scope(|| tracing::trace!(number = 7, "an event"));
        tracing::error!(text = %"shown");
        let text = capture.text();
        for part in [
            "TRACE",
            "of_span=s\"",
            "number=7",
            "message=an event",
            "text=shown",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        drop(capture);
        assert!(Capture::start().text().is_empty());
    }
}
