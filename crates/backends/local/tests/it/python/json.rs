//! Which texts are maps.

use std::collections::BTreeSet;

use keyferry_core::SecretValue;
use serde::Deserialize;
use serde_json::json;

use super::peer::{Peer, Random};

#[derive(Deserialize)]
struct Answer {
    /// The fields in order, and the text of those that are strings.
    map: Option<Vec<(String, Option<String>)>>,
    raises: Option<String>,
}

/// Where we differ: `(what, whether a text has it, whether it is a map to us)`.
type Difference = (&'static str, fn(&str) -> bool, bool);

const DIFFERENCES: [Difference; 4] = [
    (
        "nesting may be deep, where Python raises",
        |text| text.len() > 100_000,
        true,
    ),
    (
        "a number may be long, where Python raises",
        |text| text.len() > 5000,
        true,
    ),
    (
        "`NaN` and `Infinity` are no JSON",
        |text| text.contains("NaN") || text.contains("Infinity"),
        false,
    ),
    (
        "a lone surrogate cannot be UTF-8",
        |text| text.contains("\\ud83d") || text.contains("\\udc00"),
        false,
    ),
];

const PIECES: [&str; 32] = [
    "{",
    "{",
    "}",
    "}",
    "[",
    "]",
    ":",
    ":",
    ",",
    "\"a\"",
    "\"a\":1",
    "\"b\": \"x\"",
    "\"\\u00e9\\n\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "1",
    "-0",
    "01",
    "1.5e3",
    "1e999",
    "NaN",
    "-Infinity",
    "null",
    "true",
    "True",
    " ",
    "\n",
    "\u{a0}",
    "\u{c}",
    "'",
    "\\",
    "x",
];

fn object(random: &mut Random) -> String {
    let values = [
        "1",
        "-0",
        "1e999",
        "null",
        "true",
        "[]",
        "[1, {\"x\": \"}\"}]",
        "{}",
        "NaN",
        "\"\"",
        "\"é\\n\\\\\"",
        "\"\\udc00\"",
        "\"\\ud83d\\ude00 \\/\\b\\f\"",
        "01",
        "\"\t\"",
    ];
    let keys = ["a", "b", "", "\\u0061", "é", "a b"];
    let count = random.below(4);
    let fields: Vec<_> = (0..count)
        .map(|_| {
            format!(
                "\"{}\"{}:{}",
                random.pick(&keys),
                random.pick(&["", " "]),
                random.pick(&values)
            )
        })
        .collect();
    format!(
        "{}{{{}}}{}",
        random.pick(&["", "", " ", "\n", "\u{feff}"]),
        fields.join(random.pick(&[",", ", "])),
        random.pick(&["", "", "\n", "x"])
    )
}

#[test]
fn python_takes_the_same_texts_for_maps() {
    let mut random = Random(3);
    let mut texts: Vec<String> = (0..8000)
        .map(|index| match index % 2 {
            0 => object(&mut random),
            _ => random.text(&PIECES, 9),
        })
        .collect();
    texts.push(format!("{{\"a\": {}}}", "[".repeat(200) + &"]".repeat(200)));
    texts.push(format!(
        "{{\"a\": {}{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    ));
    texts.push(format!("{{\"a\": {}}}", "9".repeat(6000)));
    let arguments: Vec<_> = texts.iter().map(|text| json!([text])).collect();
    let answers: Vec<Answer> = Peer::start().each("json", &arguments);
    let mut seen = BTreeSet::new();
    let mut maps = 0;
    for (text, answer) in texts.iter().zip(&answers) {
        let value = SecretValue::text(text.as_str());
        let ours = value.expose_map();
        if same(ours, answer) {
            maps += usize::from(ours.is_some());
            continue;
        }
        let shown: String = text.chars().take(80).collect();
        let difference = DIFFERENCES.iter().find(|(_, has, _)| has(text));
        let (what, _, map) = difference.unwrap_or_else(|| panic!("unlisted difference: {shown:?}"));
        assert_eq!(ours.is_some(), *map, "{shown:?}");
        seen.insert(*what);
    }
    assert!(maps > 1000, "{maps}");
    assert_eq!(
        seen.len(),
        DIFFERENCES.len(),
        "a difference is gone: {seen:?}"
    );
}

fn same(ours: Option<&keyferry_core::SecretMap>, theirs: &Answer) -> bool {
    if theirs.raises.is_some() {
        return false;
    }
    match (ours, &theirs.map) {
        (None, None) => true,
        (Some(ours), Some(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().zip(theirs).all(|((name, value), (key, text))| {
                    **name == **key
                        && match text {
                            Some(text) => value.expose_text().unwrap() == text && !value.is_typed(),
                            None => value.is_typed(),
                        }
                })
        }
        _ => false,
    }
}
