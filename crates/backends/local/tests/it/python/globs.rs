//! Patterns, and what they select for a preload.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::sync::Arc;

use keyferry_core::{Backend, Pattern};
use keyferry_local::{Dotenv, Env, File};
use serde_json::json;

use super::peer::{Peer, Random};

const PATTERN: [&str; 24] = [
    "a", "b", "c", "A", "*", "*", "?", "[", "[", "]", "!", "-", "^", "\\", "/", ".", "é", "[a-c]",
    "[!b]", "[]", "&&", "~", "[b-a", "[b-a!",
];
const NAME: [&str; 16] = [
    "a", "b", "c", "A", "a", "b", "-", "]", "[", "!", "^", "\\", "/", "é", "\n", "~",
];

#[test]
fn python_fnmatch_agrees_on_every_pattern() {
    let mut random = Random(1);
    let pairs: Vec<_> = (0..40_000)
        .map(|_| (random.text(&NAME, 5), random.text(&PATTERN, 6)))
        .collect();
    let arguments: Vec<_> = pairs.iter().map(|pair| json!(pair)).collect();
    let answers: Vec<bool> = Peer::start().each("fnmatch", &arguments);
    for ((name, pattern), answer) in pairs.iter().zip(&answers) {
        let ours = Pattern::new(pattern).matches(name);
        assert_eq!(ours, *answer, "{pattern:?} on {name:?}");
    }
    // Otherwise it is a test of two ways to say no.
    let matching = answers.iter().filter(|answer| **answer).count();
    assert!(matching > 1000, "{matching}");
}

/// Some names and a pattern.
fn preload(random: &mut Random) -> (BTreeSet<String>, String) {
    let part = ["DB_", "db_", "API", "KEY", "_", "A", "B", "1", "PASSWORD"];
    let count = random.below(12);
    let names = (0..count).map(|_| format!("K{}", random.text(&part, 4)));
    let names = names.collect();
    let pattern = ["*", "*", "K", "DB_", "?", "[A-D]", "[!_]", "KEY", "_", "b"];
    (names, random.text(&pattern, 4))
}

async fn agree(
    kind: &str,
    backend: &dyn Backend,
    content: serde_json::Value,
    pattern: &str,
    peer: &mut Peer,
) -> usize {
    let theirs: Vec<Vec<String>> = peer.each("list", &[json!([kind, content, pattern])]);
    let mut ours = backend.list(&Pattern::new(pattern)).await.unwrap();
    ours.sort();
    let mut theirs = theirs.concat();
    theirs.sort();
    assert_eq!(ours, theirs, "{kind}: {pattern:?} on {content}");
    ours.len()
}

#[tokio::test]
async fn python_preloads_select_the_same_names() {
    let (mut random, mut peer, mut selected) = (Random(2), Peer::start(), 0);
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("values");
    for _ in 0..300 {
        let (names, pattern) = preload(&mut random);
        let variables: BTreeMap<String, OsString> = names
            .iter()
            .map(|name| (name.clone(), "x".into()))
            .collect();
        let content: BTreeMap<_, _> = names.iter().map(|name| (name, "x")).collect();
        let env = Env::new(Arc::new(variables));
        selected += agree("env", &env, json!(content), &pattern, &mut peer).await;

        let text: String = names
            .iter()
            .map(|name| format!("export {name}=x\n"))
            .collect();
        std::fs::write(&path, &text).unwrap();
        selected += agree(
            "dotenv",
            &Dotenv::new(&path),
            json!(text),
            &pattern,
            &mut peer,
        )
        .await;

        let text: String = names.iter().map(|name| format!("{name}: x\n")).collect();
        std::fs::write(&path, &text).unwrap();
        selected += agree("file", &File::new(&path), json!(text), &pattern, &mut peer).await;
    }
    assert!(selected > 200, "{selected}");
}
