//! `kind`, `capabilities` and `read`.

use std::sync::Arc;

use keyferry_core::{ErrorKind, Item, Scope};
use tokio::task::JoinSet;

use super::{ensure, fails, good, is};
use crate::harness::Shape;
use crate::suite::{Bench, Outcome};

pub(crate) async fn kind_is_a_word(bench: &Bench<'_>) -> Outcome {
    let kind = bench.backend.kind();
    let word = kind.starts_with(|c: char| c.is_ascii_lowercase())
        && kind
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b));
    ensure(word, || format!("`{kind}` is no lower-case word"))
}

pub(crate) async fn capabilities_are_constant(bench: &Bench<'_>) -> Outcome {
    let before = bench.backend.capabilities();
    let item = bench.put("constant", "value").await;
    good(bench.backend.read(&item).await, "reading")?;
    ensure(before == bench.backend.capabilities(), || {
        "they changed after a read".to_owned()
    })?;
    ensure(before.batch != Some(0), || {
        "a batch of 0 items is declared".to_owned()
    })
}

pub(crate) async fn every_shape_comes_back_as_it_was_put(bench: &Bench<'_>) -> Outcome {
    ensure(bench.holds().contains(&Shape::Text), || {
        "the harness holds no text".to_owned()
    })?;
    for shape in bench.holds() {
        let item = bench.put("shape", shape.sample()).await;
        let doing = format!("reading a value of shape {shape:?}");
        is(bench.backend.read(&item).await, &shape.sample(), &doing)?;
    }
    // Whatever the last shape was, it would slow down the cases that follow.
    bench.remove("shape").await;
    Ok(())
}

pub(crate) async fn an_object_is_a_map(bench: &Bench<'_>) -> Outcome {
    if !bench.holds().contains(&Shape::Object) {
        return Ok(());
    }
    let item = bench.put("object", Shape::Object.sample()).await;
    let secret = good(bench.backend.read(&item).await, "reading an object")?;
    let port = good(secret.value().field("port"), "picking a field")?;
    ensure(port.expose_bytes() == b"5432", || {
        "a field has another value".to_owned()
    })
}

pub(crate) async fn absent_is_not_found(bench: &Bench<'_>) -> Outcome {
    bench.put("absent_not", "value").await;
    for name in ["absent", "absent_n", "absent_not_"] {
        let answer = bench.backend.read(&bench.item(name)).await;
        fails(answer, ErrorKind::NotFound, "reading an absent item")?;
    }
    Ok(())
}

pub(crate) async fn removed_is_not_found(bench: &Bench<'_>) -> Outcome {
    let item = bench.put("removed", "value").await;
    good(bench.backend.read(&item).await, "reading")?;
    bench.remove("removed").await;
    let answer = bench.backend.read(&item).await;
    fails(answer, ErrorKind::NotFound, "reading a removed item")?;
    Ok(())
}

pub(crate) async fn a_new_value_is_read(bench: &Bench<'_>) -> Outcome {
    // Of equal length and within a moment, so that neither size nor a coarse clock tells.
    for value in ["value1", "value2", "value3", "value1"] {
        let item = bench.put("changing", value).await;
        is(
            bench.backend.read(&item).await,
            value.as_bytes(),
            "reading a new value",
        )?;
    }
    Ok(())
}

pub(crate) async fn case_of_keys_counts(bench: &Bench<'_>) -> Outcome {
    let item = bench.put("case", "value").await;
    let swapped: String = item
        .key()
        .chars()
        .map(|c| match c {
            c if c.is_ascii_lowercase() => c.to_ascii_uppercase(),
            c => c.to_ascii_lowercase(),
        })
        .collect();
    match bench.backend.read(&Item::new(swapped)).await {
        Ok(_) => Err("a key in the other case was found".to_owned()),
        Err(_) => Ok(()),
    }
}

pub(crate) async fn odd_keys_fail_as_one_item(bench: &Bench<'_>) -> Outcome {
    let item = bench.put("odd", "value").await;
    let key = item.key();
    let long = "x".repeat(9000);
    let odd = [
        String::new(),
        format!("{key}\0"),
        format!("{key}\n"),
        format!("{key}/../{key}"),
        format!("{key}=x"),
        format!("{key}*"),
        long,
    ];
    for odd in odd {
        let shown = odd.get(..odd.len().min(20)).unwrap_or_default();
        match bench.backend.read(&Item::new(odd.as_str())).await {
            Ok(_) => return Err(format!("the key {shown:?} was found")),
            Err(error) if error.scope() == Scope::Request => {
                return Err(format!(
                    "the key {shown:?} failed the whole request: {error}"
                ));
            }
            Err(_) => {}
        }
    }
    Ok(())
}

pub(crate) async fn many_reads_at_once_do_not_mix(bench: &Bench<'_>) -> Outcome {
    const KEYS: usize = 8;
    let mut items = Vec::new();
    for index in 0..KEYS {
        let value = format!("value {index}");
        items.push((bench.put(&format!("many_{index}"), &value).await, value));
    }
    let mut reads = JoinSet::new();
    for (item, value) in items.iter().cycle().take(KEYS * 16) {
        let (item, value) = (item.clone(), value.clone());
        let backend = Arc::clone(&bench.backend);
        reads.spawn(async move {
            is(
                backend.read(&item).await,
                value.as_bytes(),
                "reading at once",
            )
        });
    }
    while let Some(read) = reads.join_next().await {
        read.map_err(|_| "a read panicked".to_owned())??;
    }
    Ok(())
}
