//! Canonical secret URIs: the vectors shared by every binding, and random ones.

use std::collections::BTreeMap;

use keyferry_core::{ErrorKind, Reference};
use serde::Deserialize;
use serde_json::json;

use super::peer::{Peer, Random};

const VECTORS: &str = include_str!("../../../../../core/testdata/uri-vectors.json");

#[derive(Deserialize)]
struct Vectors {
    accepted: Vec<Accepted>,
    refused: Vec<Refused>,
}

#[derive(Deserialize)]
struct Accepted {
    text: String,
    canonical: String,
    /// Why the package does otherwise, where it does.
    ours: Option<String>,
}

#[derive(Deserialize)]
struct Refused {
    text: String,
    /// `None` where only the length is wrong.
    code: Option<String>,
    ours: Option<String>,
}

/// A canonical form, or a code.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Canonical(String),
    Code(String),
}

fn ours(text: &str) -> Answer {
    match Reference::parse(text) {
        Ok(reference) => Answer::Canonical(reference.canonical().to_owned()),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidReference);
            Answer::Code(error.code().unwrap_or_default().to_owned())
        }
    }
}

fn code(code: &str) -> Answer {
    Answer::Code(code.to_owned())
}

#[test]
fn uri_vectors_hold() {
    let vectors: Vectors = serde_json::from_str(VECTORS).unwrap();
    for vector in vectors.accepted {
        assert_eq!(
            ours(&vector.text),
            Answer::Canonical(vector.canonical.clone())
        );
        assert_eq!(ours(&vector.canonical), Answer::Canonical(vector.canonical));
    }
    for vector in vectors.refused {
        let expected = vector.code.as_deref().unwrap_or_default();
        assert_eq!(ours(&vector.text), code(expected), "{:?}", vector.text);
    }
}

#[test]
fn python_holds_the_uri_vectors_but_for_those_marked_as_ours() {
    let vectors: Vectors = serde_json::from_str(VECTORS).unwrap();
    let accepted = vectors.accepted.into_iter().map(|vector| {
        (
            vector.text,
            Answer::Canonical(vector.canonical),
            vector.ours,
        )
    });
    let refused = vectors.refused.into_iter().map(|vector| {
        (
            vector.text,
            Answer::Code(vector.code.unwrap_or_default()),
            vector.ours,
        )
    });
    let all: Vec<_> = accepted.chain(refused).collect();
    let arguments: Vec<_> = all.iter().map(|(text, ..)| json!([text])).collect();
    let answers: Vec<Answer> = Peer::start().each("uri", &arguments);
    for ((text, expected, ours), theirs) in all.iter().zip(answers) {
        assert_eq!(theirs == *expected, ours.is_none(), "{text:?}: {theirs:?}");
    }
}

/// A text, how the package is asked for it, its parts, and what the package answered.
struct Case<'a> {
    text: &'a str,
    asked: &'a str,
    scheme: &'a str,
    segments: Vec<&'a str>,
    query: &'a str,
    theirs: Answer,
}

/// Where we differ: `(what, whether it decides a case, what we answer then)`. The first counts.
type Difference = (&'static str, fn(&Case<'_>) -> bool, &'static str);

const DIFFERENCES: [Difference; 6] = [
    (
        "a control character is refused anywhere",
        |case| case.text.contains(char::is_control),
        "ILLEGAL_SEGMENT",
    ),
    (
        "only ASCII letters have a lower case",
        |case| !case.scheme.is_ascii(),
        "UNSUPPORTED_ENGINE",
    ),
    (
        "an engine is not empty",
        |case| case.scheme.ends_with('+') && case.theirs != code("UNSUPPORTED_ENGINE"),
        "UNSUPPORTED_ENGINE",
    ),
    (
        "an unknown key of the query is refused, not kept",
        |case| {
            let unknown = case
                .query
                .split('&')
                .any(|pair| !pair.is_empty() && pair.split('=').next() != Some("version"));
            unknown && !refused_for_its_query(&case.theirs) && !refused_before_its_query(case)
        },
        "AMBIGUOUS_QUERY",
    ),
    (
        "a segment has at most 128 bytes",
        |case| over(case, |_, segment| segment.len() > 128),
        "ILLEGAL_SEGMENT",
    ),
    (
        "a path has at most 32 segments",
        |case| over(case, |index, _| index >= 32),
        "ILLEGAL_SEGMENT",
    ),
];

/// Whether a segment is over a limit, and the first fault of the path.
fn over(case: &Case<'_>, limit: fn(usize, &str) -> bool) -> bool {
    let mut segments = case.segments.iter().enumerate();
    let wildcard = case.segments.iter().position(|it| it.contains('*'));
    let over = segments.position(|(index, segment)| limit(index, segment));
    over.is_some_and(|over| wildcard.is_none_or(|wildcard| over < wildcard))
        && (accepted(&case.theirs) || case.theirs == code("INVALID_WILDCARD"))
}

fn accepted(answer: &Answer) -> bool {
    matches!(answer, Answer::Canonical(_))
}

fn refused_for_its_query(answer: &Answer) -> bool {
    *answer == code("AMBIGUOUS_QUERY") || *answer == code("DOUBLE_MOUNT_SOURCE")
}

fn refused_before_its_query(case: &Case<'_>) -> bool {
    let before = case.asked.split('?').next().unwrap();
    case.scheme.is_empty()
        || case.theirs == code("UNSUPPORTED_ENGINE")
        || before.matches('#').count() > 1
}

const PIECES: [&str; 24] = [
    "/",
    "/",
    "/",
    "secret",
    "app",
    "A.b_c-1",
    "..",
    ".",
    "%2f",
    "%2F",
    "%20",
    "*",
    "#",
    "#token",
    "?",
    "?version=3",
    "&version=4",
    "&x=1",
    "=",
    "mount=a",
    " ",
    "é",
    "\n",
    "\u{85}",
];
const SCHEMES: [&str; 16] = [
    "openbao",
    "openbao+kv2",
    "OpenBao+KV2",
    "hashicorp",
    "hashicorp+kv2",
    "db",
    "db+cred",
    "db+db",
    "bootstrap",
    "file",
    "yaml",
    "openbao+",
    "file+kv2",
    "vault",
    "hashicorp+\u{212a}v2",
    "",
];

/// Neither another form of reference, nor too long: those are not this grammar.
fn random_uri(random: &mut Random) -> String {
    let scheme = random.pick(&SCHEMES);
    let path = match random.below(4) {
        0 => random.text(&PIECES, 8),
        1 => format!("secret/{}", random.text(&PIECES, 6)),
        2 => {
            let count = random.below(40);
            format!("m{}{}", "/s".repeat(count), random.text(&PIECES, 1))
        }
        _ => {
            let tails = [
                "",
                "/",
                "#f",
                "?version=3",
                "#f?version=3",
                "?version=3#f",
                "?version=3#",
                "?x=1",
                "?version=",
                "?version",
                "?mount=m",
                "?version=1&version=2",
                "#f#g",
                "#f?version=3#g",
                "#",
                "?",
                "?&",
                "?version=3#f?g",
                "\n",
            ];
            format!(
                "secret/{}{}",
                "a".repeat(random.below(150)),
                random.pick(&tails)
            )
        }
    };
    format!("{scheme}://{path}")
}

/// The order of field and query that the package knows; the other one is ours beside it.
fn in_their_order(text: &str) -> Option<String> {
    let (before, query) = text.split_once('?')?;
    let (query, field) = query.split_once('#')?;
    // A second field of any kind is left to them as one.
    Some(if before.contains('#') || field.contains(['#', '?']) {
        format!("{before}#a#b")
    } else {
        format!("{before}#{field}?{query}")
    })
}

#[test]
fn python_reads_the_same_uris() {
    let mut random = Random(5);
    let texts: Vec<_> = (0..20_000).map(|_| random_uri(&mut random)).collect();
    let asked: Vec<_> = texts
        .iter()
        .map(|text| in_their_order(text).unwrap_or_else(|| text.clone()))
        .collect();
    let arguments: Vec<_> = asked.iter().map(|text| json!([text])).collect();
    let answers: Vec<Answer> = Peer::start().each("uri", &arguments);
    let mut seen = BTreeMap::new();
    let mut canonical = 0;
    for ((text, asked), theirs) in texts.iter().zip(&asked).zip(answers) {
        let (scheme, rest) = asked.split_once("://").unwrap();
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let path = rest.split('#').next().unwrap().trim_end_matches('/');
        let segments = path.split('/').collect();
        let case = Case {
            text,
            asked,
            scheme,
            segments,
            query,
            theirs,
        };
        let difference = DIFFERENCES.iter().find(|(_, decides, _)| decides(&case));
        let expected = match difference {
            Some((_, _, answer)) => code(answer),
            None => case.theirs.clone(),
        };
        assert_eq!(
            ours(text),
            expected,
            "{text:?}: {difference:?}, asked {asked:?}",
            difference = difference.map(|it| it.0)
        );
        canonical += usize::from(accepted(&expected));
        if let Some((what, ..)) = difference
            && case.theirs != expected
        {
            *seen.entry(*what).or_insert(0) += 1;
        }
        if *asked != *text && accepted(&expected) {
            *seen.entry("a field may follow the query").or_insert(0) += 1;
        }
    }
    assert!(canonical > 1000, "{canonical}");
    assert_eq!(
        seen.len(),
        DIFFERENCES.len() + 1,
        "a difference is gone: {seen:?}"
    );
}
