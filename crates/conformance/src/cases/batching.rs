//! `read_batch`.

use keyferry_core::{ErrorKind, Item, Result as Answer, Secret};

use super::{ensure, fails, good, is};
use crate::suite::{Bench, Outcome};

/// Reads the items in batches of the declared size.
async fn read(bench: &Bench<'_>, items: &[Item]) -> Result<Vec<Answer<Secret>>, String> {
    let size = bench.backend.capabilities().batch.unwrap_or(1).max(1);
    let mut answers = Vec::new();
    for batch in items.chunks(size) {
        let answer = bench.backend.read_batch(batch).await;
        let answer = good(answer, &format!("reading a batch of {}", batch.len()))?;
        ensure(answer.len() == batch.len(), || {
            format!("{} items gave {} answers", batch.len(), answer.len())
        })?;
        answers.extend(answer);
    }
    Ok(answers)
}

pub(crate) async fn answers_come_in_the_order_of_the_items(bench: &Bench<'_>) -> Outcome {
    for name in ["order_a", "order_b", "order_c"] {
        bench.put(name, name).await;
    }
    // Neither the order of the alphabet nor the one they were put in.
    let names = ["order_c", "order_a", "order_b"];
    let items = names.map(|name| bench.item(name));
    for (answer, name) in read(bench, &items).await?.into_iter().zip(names) {
        is(answer, name.as_bytes(), "reading a batch")?;
    }
    Ok(())
}

pub(crate) async fn one_bad_item_fails_alone(bench: &Bench<'_>) -> Outcome {
    let first = bench.put("alone_1", "first").await;
    let last = bench.put("alone_2", "last").await;
    let items = [first, bench.item("alone_absent"), last];
    let mut answers = read(bench, &items).await?.into_iter();
    let mut next = || answers.next().ok_or("an answer is missing");
    is(next()?, b"first", "reading beside an absent item")?;
    fails(
        next()?,
        ErrorKind::NotFound,
        "reading an absent item in a batch",
    )?;
    is(next()?, b"last", "reading beside an absent item")
}

pub(crate) async fn a_whole_batch_is_taken(bench: &Bench<'_>) -> Outcome {
    const MOST: usize = 32;
    let size = bench.backend.capabilities().batch.unwrap_or(1).min(MOST);
    let mut items = Vec::new();
    for index in 0..size {
        items.push(
            bench
                .put(&format!("whole_{index}"), index.to_string())
                .await,
        );
    }
    for (index, answer) in read(bench, &items).await?.into_iter().enumerate() {
        is(
            answer,
            index.to_string().as_bytes(),
            "reading a whole batch",
        )?;
    }
    let none = good(
        bench.backend.read_batch(&[]).await,
        "reading a batch of nothing",
    )?;
    ensure(none.is_empty(), || {
        "a batch of nothing gave an answer".to_owned()
    })
}

pub(crate) async fn undeclared_batches_are_unsupported(bench: &Bench<'_>) -> Outcome {
    let item = bench.put("nobatch", "value").await;
    let answer = bench.backend.read_batch(&[item]).await;
    fails(answer, ErrorKind::Unsupported, "reading a batch").map(|_| ())
}
