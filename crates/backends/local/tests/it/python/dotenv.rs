//! `.env` files.

use std::collections::BTreeMap;

use keyferry_local::DotenvText;
use serde_json::json;

use super::peer::{Peer, Random};

/// Where we differ: `(what, whether a file has it)`.
type Difference = (&'static str, fn(&str) -> bool);

const DIFFERENCES: [Difference; 5] = [
    ("`\\\"` in double quotes is a quote", |text| {
        text.contains("\\\"")
    }),
    (
        "`\\\\n` in double quotes is a backslash and an n, not a line feed",
        |text| text.contains("\\\\"),
    ),
    ("a byte order mark is no part of the first key", |text| {
        text.starts_with('\u{feff}')
    }),
    ("a line without a key is malformed", |text| {
        text.split(['\n', '\r'])
            .filter_map(|line| line.split_once('='))
            .any(|(key, _)| matches!(key.trim_matches(blank), "" | "export"))
    }),
    (
        "no line of a quoted value over several lines is an entry",
        |text| {
            let lines: Vec<_> = text
                .split(['\n', '\r'])
                .map(|line| line.trim_matches(blank))
                .collect();
            let opens = |line: &&str, quote: char| {
                let value = line
                    .split_once('=')
                    .map_or("", |(_, value)| value.trim_matches(blank));
                value.starts_with(quote) && (value.len() == 1 || !value.ends_with(quote))
            };
            ['"', '\''].into_iter().any(|quote| {
                let first = lines.iter().position(|line| opens(line, quote));
                first.is_some_and(|at| lines.iter().skip(at + 1).any(|line| line.ends_with(quote)))
            })
        },
    ),
];

/// What Python's `str.strip` drops.
fn blank(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

const PIECES: [&str; 34] = [
    "A", "B", "KEY", "A=", "B=", "KEY = ", "=", "export ", "export\t", "exportA=", "#", " # x",
    "\n", "\n", "\n", "\r\n", "\r", " ", "\t", "\u{a0}", "\u{1f}", "\u{c}", "\u{85}", "'", "\"",
    "\"", "\\n", "\\t", "\\", "\\\\", "$B", "é", "x y", "\u{200b}",
];

fn line(random: &mut Random) -> String {
    let inside = [
        "a", " ", "\\n", "\\t", "\\r", "\\\\", "\\\"", "'", "\"", "#", "$X", "é", "=",
    ];
    let quote = random.pick(&["\"", "\"", "'", ""]);
    let (before, key) = (
        random.pick(&["", "export ", " "]),
        random.pick(&["A", "B", "C", "D"]),
    );
    let value = random.text(&inside, 5);
    format!("{before}{key}={quote}{value}{quote}\n")
}

#[test]
fn python_reads_the_same_dotenv_files() {
    let mut random = Random(4);
    let mut texts: Vec<String> = (0..6000)
        .map(|index| match index % 3 {
            0 => random.text(&PIECES, 14),
            1 => line(&mut random),
            _ => (0..5).map(|_| line(&mut random)).collect(),
        })
        .collect();
    texts.push("\u{feff}A=1\nB=2".to_owned());
    let arguments: Vec<_> = texts.iter().map(|text| json!([text])).collect();
    let answers: Vec<Vec<(String, String)>> = Peer::start().each("dotenv", &arguments);
    let mut seen = BTreeMap::new();
    let mut same = 0;
    for (text, theirs) in texts.iter().zip(answers) {
        let ours: Vec<_> = DotenvText::parse(text)
            .entries
            .iter()
            .map(|(key, value)| (key.clone(), value.to_string()))
            .collect();
        if ours == theirs {
            same += usize::from(!ours.is_empty());
            continue;
        }
        let difference = DIFFERENCES.iter().find(|(_, has)| has(text));
        let (what, _) = difference
            .unwrap_or_else(|| panic!("unlisted difference: {text:?}: {ours:?}, {theirs:?}"));
        *seen.entry(*what).or_insert(0) += 1;
    }
    assert!(same > 3000, "{same}");
    assert_eq!(
        seen.len(),
        DIFFERENCES.len(),
        "a difference is gone: {seen:?}"
    );
}
