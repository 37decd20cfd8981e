//! `watch`.

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use keyferry_core::{ErrorKind, Item, Metadata, Result as Answer};

use super::{ensure, fails, good};
use crate::suite::{Bench, Outcome};

type Versions = BoxStream<'static, Answer<Metadata>>;

fn watched(bench: &Bench<'_>, item: &Item) -> Result<Versions, String> {
    good(bench.backend.watch(item), "watching")
}

async fn next(stream: &mut Versions) -> Result<Answer<Metadata>, String> {
    let answer = stream.next().await;
    answer.ok_or_else(|| "the stream ended".to_owned())
}

/// Waits for the version that reading gives now.
async fn until_present(bench: &Bench<'_>, item: &Item, stream: &mut Versions) -> Outcome {
    let secret = good(bench.backend.read(item).await, "reading")?;
    ensure(secret.version().is_some(), || {
        "a read gives no version".to_owned()
    })?;
    loop {
        match next(stream).await? {
            Ok(metadata) if metadata.version.as_deref() == secret.version() => return Ok(()),
            _ => {}
        }
    }
}

pub(crate) async fn the_present_version_is_yielded_at_once(bench: &Bench<'_>) -> Outcome {
    let item = bench.put("watched", "value1").await;
    let mut stream = watched(bench, &item)?;
    let first = good(next(&mut stream).await?, "the first version")?;
    let secret = good(bench.backend.read(&item).await, "reading")?;
    ensure(first.version.as_deref() == secret.version(), || {
        "the first version is not the present one".to_owned()
    })?;
    for value in ["value2", "value3"] {
        bench.put("watched", value).await;
        until_present(bench, &item, &mut stream).await?;
    }
    Ok(())
}

pub(crate) async fn a_change_before_the_first_poll_is_not_lost(bench: &Bench<'_>) -> Outcome {
    let item = bench.put("early", "value1").await;
    let mut stream = watched(bench, &item)?;
    bench.put("early", "value2").await;
    until_present(bench, &item, &mut stream).await
}

pub(crate) async fn a_stream_goes_on_after_the_item_disappeared(bench: &Bench<'_>) -> Outcome {
    let item = bench.put("vanishing", "value1").await;
    let mut stream = watched(bench, &item)?;
    good(next(&mut stream).await?, "the first version")?;
    bench.remove("vanishing").await;
    fails(
        next(&mut stream).await?,
        ErrorKind::NotFound,
        "the stream of a removed item",
    )?;
    bench.put("vanishing", "value2").await;
    until_present(bench, &item, &mut stream).await
}

pub(crate) async fn undeclared_watching_is_unsupported(bench: &Bench<'_>) -> Outcome {
    let item = bench.put("nowatch", "value").await;
    fails(
        bench.backend.watch(&item),
        ErrorKind::Unsupported,
        "watching",
    )
    .map(|_| ())
}
