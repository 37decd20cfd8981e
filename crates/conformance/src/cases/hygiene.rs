//! No value occurs in what a person or a log gets to see.

use keyferry_core::{Error, Item};

use super::{ensure, good};
use crate::harness::Shape;
use crate::suite::{Bench, Outcome};

const CANARY: &str = "canary-4f1c-5a7e";

fn clean(shown: &str, what: &str) -> Outcome {
    ensure(!shown.contains(CANARY), || format!("{what} shows a value"))
}

fn clean_error(error: &Error, what: &str) -> Outcome {
    let mut shown = format!("{error} {error:?} {}", error.help().unwrap_or_default());
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        shown.push_str(&format!(" {inner} {inner:?}"));
        cause = inner.source();
    }
    clean(&shown, what)
}

pub(crate) async fn debug_shows_no_value(bench: &Bench<'_>) -> Outcome {
    let item = bench.put("canary", CANARY).await;
    let secret = good(bench.backend.read(&item).await, "reading")?;
    // After a read, when the value may have been kept.
    clean(
        &format!("{:?} {:#?}", bench.backend, bench.backend),
        "the backend's `Debug`",
    )?;
    clean(&format!("{secret:?}"), "the secret's `Debug`")
}

pub(crate) async fn errors_show_no_value(bench: &Bench<'_>) -> Outcome {
    let item = bench.put("canary", CANARY).await;
    good(bench.backend.read(&item).await, "reading")?;
    let versioned = item.clone().with_version("none-such");
    for item in [bench.item("canary_absent"), versioned, Item::new("")] {
        if let Err(error) = bench.backend.read(&item).await {
            clean_error(&error, "an error of `read`")?;
        }
        if let Err(error) = bench.backend.metadata(&item).await {
            clean_error(&error, "an error of `metadata`")?;
        }
        if let Err(error) = bench.backend.read_batch(std::slice::from_ref(&item)).await {
            clean_error(&error, "an error of `read_batch`")?;
        }
        if let Err(error) = bench.backend.watch(&item) {
            clean_error(&error, "an error of `watch`")?;
        }
    }
    if bench.holds().contains(&Shape::Binary) {
        let item = bench
            .put("canary", [CANARY.as_bytes(), &[0xff]].concat())
            .await;
        let secret = good(bench.backend.read(&item).await, "reading")?;
        if let Err(error) = secret.value().expose_text() {
            clean_error(&error, "the error for binary as text")?;
        }
    }
    Ok(())
}

pub(crate) async fn findings_show_no_value(bench: &Bench<'_>) -> Outcome {
    bench.put("canary", CANARY).await;
    for finding in bench.backend.diagnose().await {
        clean(&finding.subject, "a finding")?;
        if let Err(error) = &finding.outcome {
            clean_error(error, "a finding")?;
            return Err(format!("`{}` is found bad: {error}", finding.subject));
        }
    }
    Ok(())
}
