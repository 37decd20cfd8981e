//! `metadata`, and the versions of values.

use keyferry_core::ErrorKind;

use super::{ensure, fails, good, is};
use crate::suite::{Bench, Outcome};

pub(crate) async fn metadata_tells_the_version_of_the_value(bench: &Bench<'_>) -> Outcome {
    let item = bench.put("told", "value").await;
    let first = good(bench.backend.metadata(&item).await, "metadata")?;
    ensure(first.version.is_some(), || "there is no version".to_owned())?;
    let again = good(bench.backend.metadata(&item).await, "metadata")?;
    ensure(first.version == again.version, || {
        "the version changed although the value did not".to_owned()
    })?;
    let secret = good(bench.backend.read(&item).await, "reading")?;
    ensure(secret.version() == first.version.as_deref(), || {
        "reading gives another version than the metadata".to_owned()
    })
}

pub(crate) async fn metadata_of_what_is_absent_is_not_found(bench: &Bench<'_>) -> Outcome {
    bench.put("metadata_not", "value").await;
    let answer = bench.backend.metadata(&bench.item("metadata_absent")).await;
    fails(answer, ErrorKind::NotFound, "metadata of an absent item").map(|_| ())
}

pub(crate) async fn undeclared_metadata_is_unsupported(bench: &Bench<'_>) -> Outcome {
    let item = bench.put("nometadata", "value").await;
    let answer = bench.backend.metadata(&item).await;
    fails(answer, ErrorKind::Unsupported, "metadata").map(|_| ())
}

pub(crate) async fn a_version_changes_with_the_value(bench: &Bench<'_>) -> Outcome {
    let mut seen: Vec<Box<str>> = Vec::new();
    for value in ["value1", "value2", "value3"] {
        let item = bench.put("versioned", value).await;
        let secret = good(bench.backend.read(&item).await, "reading")?;
        let Some(version) = secret.version() else {
            continue;
        };
        ensure(seen.iter().all(|old| **old != *version), || {
            "two values have the same version".to_owned()
        })?;
        seen.push(Box::from(version));
    }
    Ok(())
}

pub(crate) async fn an_old_version_can_be_read(bench: &Bench<'_>) -> Outcome {
    let item = bench.put("old", "first").await;
    let first = good(bench.backend.read(&item).await, "reading")?;
    bench.put("old", "second").await;
    let version = first.version().ok_or("a read gives no version")?;
    let old = item.clone().with_version(version);
    is(
        bench.backend.read(&old).await,
        b"first",
        "reading an old version",
    )?;
    is(
        bench.backend.read(&item).await,
        b"second",
        "reading the newest version",
    )
}

pub(crate) async fn an_unknown_version_is_not_found(bench: &Bench<'_>) -> Outcome {
    let item = bench.put("unknown", "value").await;
    for version in ["999999999", "none-such"] {
        let answer = bench
            .backend
            .read(&item.clone().with_version(version))
            .await;
        fails(answer, ErrorKind::NotFound, "reading an unknown version")?;
    }
    Ok(())
}

pub(crate) async fn an_undeclared_version_is_unsupported(bench: &Bench<'_>) -> Outcome {
    let item = bench.put("noversion", "value").await.with_version("1");
    let answer = bench.backend.read(&item).await;
    fails(answer, ErrorKind::Unsupported, "reading a version").map(|_| ())
}
