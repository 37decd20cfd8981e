//! Warnings and progress on stderr, in the form that errors have.

use std::fmt;

use anstyle::{AnsiColor, Style};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::arguments::{Global, Output};
use crate::failure::{ERROR, printable};

/// Sends what the library has to say to stderr.
pub(crate) fn install(global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => Level::ERROR,
        (false, 0) => Level::WARN,
        (false, 1) => Level::INFO,
        (false, 2) => Level::DEBUG,
        (false, _) => Level::TRACE,
    };
    let ansi = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(ansi)
        .event_format(Lines {
            output: global.output,
        })
        .finish();
    // Only fails when there is a subscriber already.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// One line an event: `warning: message name=value`, or an object with the same.
struct Lines {
    output: Output,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let level = *event.metadata().level();
        let (name, style) = match level {
            Level::ERROR => ("error", ERROR),
            Level::WARN => ("warning", AnsiColor::Yellow.on_default().bold()),
            Level::INFO => ("info", Style::new()),
            Level::DEBUG => ("debug", Style::new()),
            Level::TRACE => ("trace", Style::new()),
        };
        match self.output {
            Output::Human if writer.has_ansi_escapes() => {
                write!(writer, "{style}{name}:{style:#} {}", fields.message)?;
            }
            Output::Human => write!(writer, "{name}: {}", fields.message)?,
            Output::Json => {
                let mut object = fields.others;
                object.insert("message".to_owned(), fields.message.into());
                return writeln!(writer, "{}", serde_json::json!({ name: object }));
            }
        }
        for (field, value) in &fields.others {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            write!(writer, " {field}={text}")?;
        }
        writeln!(writer)
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: serde_json::Map<String, serde_json::Value>,
}

impl Fields {
    fn add(&mut self, field: &Field, text: String) {
        let text = printable(&text);
        if field.name() == "message" {
            self.message = text;
        } else {
            self.others.insert(field.name().to_owned(), text.into());
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.to_owned());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.add(field, value.to_string());
    }
}
