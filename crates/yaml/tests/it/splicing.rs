//! Replacing values in place.

use keyferry_yaml::{
    Document, ErrorKind, Limits, Node, PathSegment, Replacement, ScalarType, Splice, Stream,
};
use proptest::prelude::*;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::model::{Tree, any_text, any_tree, write, write_as_json};
use crate::typing::any_json;

fn text(value: &str) -> Replacement {
    Replacement::Text(Zeroizing::new(value.to_owned()))
}

fn json(value: &str) -> Replacement {
    Replacement::Json(Zeroizing::new(value.to_owned()))
}

/// Replaces every text that is `$` by what `with` says.
fn spliced(source: &str, with: impl Fn() -> Replacement) -> String {
    let stream = Stream::parse(source, Limits::RENDER).unwrap();
    let mut splice = Splice::new(&stream, source);
    for document in stream.documents() {
        for (_, node) in document
            .scalars()
            .filter(|(_, node)| node.text().unwrap().trim() == "$")
        {
            splice.replace(node, with()).unwrap();
        }
    }
    splice.finish().unwrap().to_string()
}

#[test]
fn text_keeps_its_surroundings() {
    let cases = [
        ("a: $ # c\nb: 1\n", "v", "a: v # c\nb: 1\n"),
        ("a: $   # c\n", "yes", "a: \"yes\"   # c\n"),
        ("a: \"$\"\n", "v", "a: \"v\"\n"),
        ("a: '$'\n", "it's", "a: \"it's\"\n"),
        ("a: [$, b]\n", "v", "a: [\"v\", b]\n"),
        ("{\n\t\"a\": \"$\"\n}", "x\ny", "{\n\t\"a\": \"x\\ny\"\n}"),
        ("- $\n- &x $\n- *x\n", "v", "- v\n- &x v\n- *x\n"),
        ("a: !!str $\n", "5", "a: !!str \"5\"\n"),
        ("\u{feff}a: $\r\nb: $\r\n", "v", "\u{feff}a: v\r\nb: v\r\n"),
        ("a: $\n---\na: $\n", "v", "a: v\n---\na: v\n"),
        ("$", "a: b", "\"a: b\""),
        ("a:\n  # c\n  $\n", "v", "a:\n  # c\n  v\n"),
        ("? a\n: $\n", "v", "? a\n: v\n"),
    ];
    for (source, value, expected) in cases {
        assert_eq!(spliced(source, || text(value)), expected, "{source:?}");
    }
}

#[test]
fn block_scalars_keep_their_layout() {
    let cases = [
        ("a: |\n  $\nb: 1\n", "x\ny\n", "a: |\n  x\n  y\nb: 1\n"),
        (
            "a: |  # c\n    $\n\n\n# d\nb: 1\n",
            "x\n\ny",
            "a: |-  # c\n    x\n\n    y\n\n\n# d\nb: 1\n",
        ),
        ("a: >-\n  $\nb: 1\n", "x y", "a: |-\n  x y\nb: 1\n"),
        (
            "a: |\r\n  $\r\nb: 1\r\n",
            "x\ny\n",
            "a: |\r\n  x\r\n  y\r\nb: 1\r\n",
        ),
        ("a: |\n  $", "x\n", "a: |\n  x\n"),
        ("a: |-\n  $", "x\ny", "a: |-\n  x\n  y"),
        (
            "a: &x !!str\n  # c\n  |+\n  $\n\nb: 1\n",
            "x\n",
            "a: &x !!str\n  # c\n  |\n  x\n\nb: 1\n",
        ),
    ];
    for (source, value, expected) in cases {
        assert_eq!(spliced(source, || text(value)), expected, "{source:?}");
    }
}

#[test]
fn text_that_no_block_can_hold_is_quoted_behind_its_header() {
    let cases = [
        ("a: | # c\n  $\nb: 1\n", " x", "a: \" x\" # c\nb: 1\n"),
        ("a: |+\n  $\n\nb: 1\n", "x\n\n", "a: \"x\\n\\n\"\n\nb: 1\n"),
        ("a: |2\n  $\nb: 1\n", "x\n", "a: \"x\\n\"\nb: 1\n"),
        ("- |\n- |-\n- |\n  $\n", "x\n", "- |\n- |-\n- |\n  x\n"),
        ("? |\n: |+\n  $\n", "x", "? |\n: |-\n  x\n"),
        ("- |\n  $\n- >\n $\n", "x\ry", "- \"x\\ry\"\n- \"x\\ry\"\n"),
        ("--- |\n$\n", "--- x", "--- \"--- x\"\n"),
    ];
    for (source, value, expected) in cases {
        assert_eq!(spliced(source, || text(value)), expected, "{source:?}");
    }
}

#[test]
fn maps_and_lists_become_blocks_where_they_can() {
    let map = r#"{"k": 1, "yes": {"l": ["no", {"m": true, "o": []}]}}"#;
    let block = "k: 1\n@\"yes\":\n@  l:\n@    - \"no\"\n@    - m: true\n@      o: []";
    let at = |indent: usize| block.replace('@', &" ".repeat(indent));
    let cases = [
        ("a: $\nb: 1\n", format!("a:\n  {}\nb: 1\n", at(2))),
        (
            "a: '$' # c\nb: 1\n",
            format!("a: # c\n  {}\nb: 1\n", at(2)).replace("a: #", "a:  #"),
        ),
        (
            "- $ # c\n- b\n",
            format!("- {}\n- b\n", at(2)).replacen("k: 1", "k: 1 # c", 1),
        ),
        ("- - $", format!("- - {}", at(4))),
        ("a:\n    $\n", format!("a:\n    {}\n", at(4))),
        ("$\n", format!("{}\n", at(0))),
        (
            "- a: &x $\n",
            format!("- a: &x\n    {}\n", at(4)).replace("&x ", "&x"),
        ),
    ];
    for (source, expected) in cases {
        assert_eq!(spliced(source, || json(map)), expected, "{source:?}");
    }
}

#[test]
fn maps_and_lists_stay_on_one_line_elsewhere() {
    let cases = [
        ("a: [$]\n", r#"{"b": [1, "x"]}"#, "a: [{\"b\":[1,\"x\"]}]\n"),
        ("{\"a\": \"$\"}", r#"{"b": null}"#, "{\"a\": {\"b\":null}}"),
        ("- &x $\n", r#"{"b": 1}"#, "- &x {\"b\":1}\n"),
        ("--- $\n", r#"{"b": 1}"#, "--- {\"b\":1}\n"),
        ("a: |-\n  $\nb: 1\n", r#"{"b": 1}"#, "a: {\"b\":1}\nb: 1\n"),
        ("a: $\n", "{}", "a: {}\n"),
        ("a: $\n", "[]", "a: []\n"),
    ];
    for (source, value, expected) in cases {
        assert_eq!(spliced(source, || json(value)), expected, "{source:?}");
    }
}

#[test]
fn json_scalars_keep_their_type_and_digits() {
    let cases = [
        ("5", "a: 5\n"),
        (
            "123456789012345678901234567890",
            "a: 123456789012345678901234567890\n",
        ),
        ("1e5", "a: 1.0e+5\n"),
        ("true", "a: true\n"),
        ("null", "a: null\n"),
        ("\"5\"", "a: \"5\"\n"),
        ("\"v\"", "a: v\n"),
    ];
    for (value, expected) in cases {
        assert_eq!(spliced("a: $\n", || json(value)), expected);
    }
}

#[test]
fn what_cannot_be_replaced_is_refused_with_its_line() {
    let source = "a: [x]\nb:\nc: !t $\nd: &x 1\ne: *x\n";
    let stream = Stream::parse(source, Limits::RENDER).unwrap();
    let root = stream.documents()[0].root();
    let mut splice = Splice::new(&stream, source);
    for (key, line, replacement) in [
        ("a", 1, text("v")),
        ("b", 2, text("v")),
        ("c", 3, json("{}")),
        ("d", 4, json("{")),
        ("e", 5, text("v")),
    ] {
        let node = root.find(&[PathSegment::Key(key)]).unwrap();
        let error = splice.replace(node, replacement).unwrap_err();
        assert_eq!(
            (error.kind(), error.line()),
            (ErrorKind::Splice, line),
            "{key}"
        );
    }
}

#[test]
fn a_result_that_would_not_read_back_is_withheld() {
    let source = "a: $\n";
    let stream = Stream::parse(source, Limits::RENDER).unwrap();
    let (_, node) = stream.documents()[0].scalars().next().unwrap();
    let mut splice = Splice::new(&stream, "a: b: $\n");
    splice.replace(node, text("canary")).unwrap();
    let error = splice.finish().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Splice);
    assert!(!error.to_string().contains("canary"));

    let long_key = format!("{{\"{}\": 1}}", "k".repeat(2000));
    let mut splice = Splice::new(&stream, source);
    let error = splice.replace(node, json(&long_key)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Splice);
}

#[test]
fn replacements_are_not_shown() {
    assert_eq!(
        format!("{:?} {:?}", text("canary"), json("\"canary\"")),
        "Text(…) Json(…)"
    );
}

#[derive(Debug, Clone)]
enum New {
    Keep,
    Text(String),
    Json(Value),
}

fn any_new() -> impl Strategy<Value = New> {
    prop_oneof![
        2 => Just(New::Keep),
        3 => any_text().prop_map(New::Text),
        2 => any_json().prop_map(New::Json),
    ]
}

/// Splices the news into the scalars in turn and checks the result against them.
fn check(source: &str, news: &[New]) -> String {
    let stream =
        Stream::parse(source, Limits::RENDER).unwrap_or_else(|error| panic!("{error}: {source}"));
    let old: Vec<_> = stream
        .documents()
        .iter()
        .flat_map(Document::scalars)
        .collect();
    let mut splice = Splice::new(&stream, source);
    for ((_, node), new) in old.iter().zip(news.iter().cycle()) {
        match new {
            New::Keep => Ok(()),
            New::Text(value) => splice.replace(node, text(value)),
            New::Json(value) => splice.replace(node, json(&value.to_string())),
        }
        .unwrap();
    }
    let out = splice
        .finish()
        .unwrap_or_else(|error| panic!("{error}: {source}"));
    let new_stream = Stream::parse(&out, Limits::RENDER).unwrap();
    for ((path, node), new) in old.iter().zip(news.iter().cycle()) {
        let found = new_stream.documents()[0]
            .find(path.segments())
            .unwrap_or_else(|| panic!("{path}: {}", &*out));
        match new {
            New::Keep => assert_eq!(
                (found.text(), found.scalar_type()),
                (node.text(), node.scalar_type())
            ),
            New::Text(value) => {
                assert_eq!(
                    (found.text(), found.scalar_type()),
                    (Some(value.as_str()), Some(ScalarType::String))
                );
            }
            New::Json(value) => assert_eq!(&found.to_json().unwrap(), value),
        }
    }
    out.to_string()
}

/// What stands between the scalars, in order. Keys are part of it.
fn gaps(source: &str) -> Vec<String> {
    let stream = Stream::parse(source, Limits::RENDER).unwrap();
    let nodes: Vec<&Node> = stream
        .documents()
        .iter()
        .flat_map(|d| d.scalars().map(|(_, node)| node))
        .collect();
    let starts = nodes
        .iter()
        .map(|node| node.span().start)
        .chain([source.len()]);
    let ends = [0]
        .into_iter()
        .chain(nodes.iter().map(|node| node.span().end));
    ends.zip(starts)
        .map(|(end, start)| source[end..start].to_owned())
        .collect()
}

fn comments(source: &str) -> Vec<String> {
    let numbers = source.split("#c").skip(1);
    numbers
        .map(|rest| rest.chars().take_while(char::is_ascii_digit).collect())
        .collect()
}

fn is_bare(tree: &Tree) -> bool {
    matches!(tree, Tree::Text(..))
}

proptest! {
    #[test]
    fn spliced_yaml_reads_back(
        tree in any_tree(), news in prop::collection::vec(any_new(), 1..6), crlf in any::<bool>(),
    ) {
        let source = write(&tree, if crlf { "\r\n" } else { "\n" });
        let out = check(&source, &news);
        for comment in comments(&source) {
            prop_assert!(comments(&out).contains(&comment), "{} lost: {}", comment, out);
        }
    }

    #[test]
    fn bytes_between_texts_do_not_change(
        tree in any_tree(), news in prop::collection::vec(any_text().prop_map(New::Text), 1..6), crlf in any::<bool>(),
    ) {
        let source = write(&tree.without_blocks(), if crlf { "\r\n" } else { "\n" });
        prop_assert_eq!(gaps(&check(&source, &news)), gaps(&source));
    }

    #[test]
    fn spliced_json_stays_json(
        tree in any_tree(), news in prop::collection::vec(any_new(), 1..6), pretty in any::<bool>(),
    ) {
        prop_assume!(!is_bare(&tree));
        let source = write_as_json(&tree, pretty);
        let out = check(&source, &news);
        let parsed: Value = serde_json::from_str(&out).unwrap();
        let read = Document::parse(&out, Limits::RENDER).unwrap();
        prop_assert_eq!(read.root().to_json().unwrap(), parsed);
    }

    #[test]
    fn nothing_replaced_changes_nothing(tree in any_tree()) {
        let source = write(&tree, "\n");
        prop_assert_eq!(check(&source, &[New::Keep]), source);
    }
}
