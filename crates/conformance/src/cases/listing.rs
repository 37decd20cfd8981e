//! `list`.

use std::collections::BTreeSet;

use keyferry_core::{ErrorKind, Item, Pattern};

use super::{ensure, fails, good};
use crate::suite::{Bench, Outcome};

/// The names listed, after a check that there are no duplicates.
async fn listed(bench: &Bench<'_>, pattern: &str) -> Result<BTreeSet<String>, String> {
    let names = bench.backend.list(&Pattern::new(pattern)).await;
    let names = good(names, &format!("listing `{pattern}`"))?;
    let count = names.len();
    let names: BTreeSet<_> = names.into_iter().collect();
    ensure(names.len() == count, || {
        format!("`{pattern}` lists a name twice")
    })?;
    Ok(names)
}

pub(crate) async fn exact_names_and_globs_are_listed(bench: &Bench<'_>) -> Outcome {
    for name in ["glob_1", "glob_2", "glob_22", "glob9"] {
        bench.put(name, "value").await;
    }
    let prefix = bench.item("glob").key().to_owned();
    let expected: [(&str, &[&str]); 7] = [
        ("_1", &["_1"]),
        // A store that filters by prefix would list `_22` too.
        ("_2", &["_2"]),
        ("_?", &["_1", "_2"]),
        ("_*", &["_1", "_2", "_22"]),
        ("_[!1]*", &["_2", "_22"]),
        ("_[2-3]", &["_2"]),
        ("*", &["_1", "_2", "_22", "9"]),
    ];
    for (pattern, names) in expected {
        let got = listed(bench, &format!("{prefix}{pattern}")).await?;
        let names = names.iter().map(|name| bench.item(&format!("glob{name}")));
        let names: BTreeSet<_> = names.map(|item| item.key().to_owned()).collect();
        ensure(got == names, || {
            format!("`{prefix}{pattern}` lists {got:?}, not {names:?}")
        })?;
    }
    Ok(())
}

pub(crate) async fn no_match_is_an_empty_list(bench: &Bench<'_>) -> Outcome {
    let item = bench.put("nomatch", "value").await;
    for pattern in [
        format!("{}_*", item.key()),
        format!("{}_", item.key()),
        String::new(),
    ] {
        let got = listed(bench, &pattern).await?;
        ensure(got.is_empty(), || format!("`{pattern}` lists {got:?}"))?;
    }
    Ok(())
}

pub(crate) async fn names_are_listed_once_and_can_be_read(bench: &Bench<'_>) -> Outcome {
    bench.put("once", "value").await;
    bench.put("once", "another").await;
    bench.put("once_gone", "value").await;
    bench.remove("once_gone").await;
    let names = listed(bench, "*").await?;
    ensure(names.contains(bench.item("once").key()), || {
        "a name is missing".to_owned()
    })?;
    for name in names {
        good(
            bench.backend.read(&Item::new(name)).await,
            "reading a listed name",
        )?;
    }
    Ok(())
}

pub(crate) async fn undeclared_listing_is_unsupported(bench: &Bench<'_>) -> Outcome {
    let answer = bench.backend.list(&Pattern::new("*")).await;
    fails(answer, ErrorKind::Unsupported, "listing").map(|_| ())
}
