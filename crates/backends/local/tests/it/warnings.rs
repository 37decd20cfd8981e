//! What the backends write to the log.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use keyferry_core::{Backend, Item};
use keyferry_local::Dotenv;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Keeps every event as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{}={value:?} ", field.name()).unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = self.0.lock().unwrap();
        event.record(&mut Line(&mut text));
        text.push_str(event.metadata().target());
        text.push('\n');
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn a_malformed_line_is_warned_about_once_by_number_and_never_by_content() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join(".env");
    std::fs::write(&path, "A=canary-1\ncanary-2\n\n=canary-3\n").unwrap();
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let backend = Dotenv::new(&path);
    for _ in 0..3 {
        backend.read(&Item::new("A")).await.unwrap();
    }
    let text = log.0.lock().unwrap().clone();
    let warnings: Vec<_> = text
        .lines()
        .filter(|line| line.contains("malformed"))
        .collect();
    assert_eq!(warnings.len(), 2, "{text}");
    assert!(warnings[0].contains("line=2 ") && warnings[1].contains("line=4 "));
    assert!(!text.contains("canary"));
}
