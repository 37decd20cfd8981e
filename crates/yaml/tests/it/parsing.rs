//! Which texts are read, which are refused, and where.

use keyferry_yaml::{Content, Document, ErrorKind, Limits, Path, PathSegment, Stream};
use proptest::prelude::*;

fn refusal(text: &str) -> (ErrorKind, usize, usize) {
    let error = Document::parse(text, Limits::CONFIG).expect_err(text);
    (error.kind(), error.line(), error.column())
}

#[test]
fn config_refuses_what_is_more_than_data() {
    let cases = [
        ("a: &x 1\n", ErrorKind::Anchor, 1, 7),
        ("a: 1\nb: *x\n", ErrorKind::Anchor, 2, 4),
        ("a:\n  <<: {b: 1}\n", ErrorKind::Anchor, 2, 3),
        ("a: !custom 1\n", ErrorKind::Tag, 1, 12),
        ("a: !!str 1\n", ErrorKind::Tag, 1, 10),
        ("a: 1\n? [x]\n: 2\n", ErrorKind::ComplexKey, 2, 3),
        (
            "a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n",
            ErrorKind::DuplicateKey,
            5,
            3,
        ),
        ("{\"a\": 1, \"a\": 2}", ErrorKind::DuplicateKey, 1, 10),
        ("a: 1\n---\nb: 1\n", ErrorKind::MultipleDocuments, 2, 1),
        ("a: 1\n b: 2\n", ErrorKind::Syntax, 2, 3),
        ("b: 1\na: [1, 2\n", ErrorKind::Syntax, 2, 4),
        ("a:\n\tb: 1\n", ErrorKind::Syntax, 2, 2),
        ("a: \u{0}b\n", ErrorKind::Syntax, 1, 4),
        ("# a\n# \u{0}\nb: 1\n", ErrorKind::Syntax, 2, 3),
        ("%YAML 1.1\n---\na: 1\n", ErrorKind::Syntax, 1, 1),
    ];
    for (text, kind, line, column) in cases {
        assert_eq!(refusal(text), (kind, line, column), "{text:?}");
    }
}

#[test]
fn duplicate_key_names_the_key_and_its_first_line() {
    let error = Document::parse("port: 1\nb: 2\nport: 3\n", Limits::CONFIG).unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 3, column 1: duplicate key `port`, first on line 1"
    );
}

#[test]
fn errors_never_quote_a_value() {
    let texts = [
        "a: \"canary",
        "a: 'canary' canary",
        "a: \"canary\\q\"",
        "canary: canary: canary",
        "a: @canary",
        "a: *canary",
        "a: !canary!canary canary",
        "- canary\ncanary",
        "%canary\n---\na",
        "a: &canary canary",
        "{a: canary canary: [}",
        "a: |canary\n  canary",
        "[canary, canary",
    ];
    for text in texts {
        for error in [
            Document::parse(text, Limits::CONFIG).expect_err(text),
            match Stream::parse(text, Limits::RENDER) {
                Err(error) => error,
                Ok(_) => continue,
            },
        ] {
            assert!(
                !format!("{error} {error:?}").contains("canary"),
                "{text:?}: {error}"
            );
        }
    }
}

#[test]
fn debug_of_a_tree_shows_no_value() {
    let text = "a: canary\nb: ['canary', \"canary\"]\n";
    let document = Document::parse(text, Limits::CONFIG).unwrap();
    let shown = format!(
        "{document:?} {:?}",
        document.scalars().map(|(_, node)| node).collect::<Vec<_>>()
    );
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let text = "\u{feff}a: b\n";
    let document = Document::parse(text, Limits::CONFIG).unwrap();
    let node = document.find(&[PathSegment::Key("a")]).unwrap();
    assert_eq!(node.text(), Some("b"));
    assert_eq!(text.get(node.span().start..node.span().end), Some("b"));
}

#[test]
fn json_with_tabs_is_read() {
    let document = Document::parse(
        "{\n\t\"a\": [1,\n\t\t\"\\ud83d\\ude00\\/\"]\n}\n",
        Limits::CONFIG,
    )
    .unwrap();
    assert_eq!(
        document.root().to_json_text().unwrap().as_str(),
        r#"{"a":[1,"😀/"]}"#
    );
}

#[test]
fn an_empty_text_is_null() {
    for text in ["", "# nothing\n", "---\n"] {
        let document = Document::parse(text, Limits::CONFIG).unwrap();
        assert_eq!(
            document.root().to_json().unwrap(),
            serde_json::Value::Null,
            "{text:?}"
        );
    }
    assert!(
        Stream::parse("# nothing\n", Limits::RENDER)
            .unwrap()
            .documents()
            .is_empty()
    );
}

#[test]
fn limits_are_exact() {
    let limits = Limits {
        max_bytes: 20,
        max_depth: 2,
        max_nodes: 4,
    };
    let kind = |text: &str| {
        Document::parse(text, limits)
            .err()
            .map(|error| error.kind())
    };
    assert_eq!(kind("[[1]]"), None);
    assert_eq!(kind("[[[1]]]"), Some(ErrorKind::TooDeep));
    assert_eq!(kind("a:\n b:\n  c: 1\n"), Some(ErrorKind::TooDeep));
    assert_eq!(kind("[1, 2, 3]"), None);
    assert_eq!(kind("[1, 2, 3, 4]"), Some(ErrorKind::TooLarge));
    assert_eq!(kind("aaaaaaaaaaaaaaaaaaaa"), None);
    assert_eq!(kind("aaaaaaaaaaaaaaaaaaaaa"), Some(ErrorKind::TooLarge));
}

#[test]
fn no_limit_allows_trees_too_deep_to_walk() {
    let limits = Limits {
        max_depth: usize::MAX,
        ..Limits::RENDER
    };
    for depth in [129, 20_000] {
        for open in ["[", "{a: ", "- "] {
            let error = Stream::parse(&open.repeat(depth), limits).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TooDeep, "{open} {depth}");
        }
    }
    assert!(Document::parse(&format!("{}{}", "[".repeat(128), "]".repeat(128)), limits).is_ok());
}

#[test]
fn a_stream_keeps_documents_apart_and_uninterpreted() {
    let text = "a: &x 1\nb: *x\n---\n<<: {c: !t 2}\n";
    let stream = Stream::parse(text, Limits::RENDER).unwrap();
    let [first, second] = stream.documents() else {
        panic!("two documents")
    };
    let alias = first.find(&[PathSegment::Key("b")]).unwrap();
    assert!(matches!(alias.content(), Content::Alias));
    assert_eq!(alias.to_json().unwrap_err().kind(), ErrorKind::Anchor);
    assert_eq!(
        second.root().to_json_text().unwrap_err().kind(),
        ErrorKind::Tag
    );
    assert_eq!(second.root().to_json_text().unwrap_err().line(), 4);
    assert_eq!(
        Stream::parse("a: *x\n", Limits::RENDER).unwrap_err().kind(),
        ErrorKind::Anchor
    );
}

#[test]
fn paths_are_located() {
    use PathSegment::{Index, Key};
    let text = "secrets:\n  backends:\n    aws: { prefix: p }\nload:\n- a\n- b\n-   c\n";
    let document = Document::parse(text, Limits::CONFIG).unwrap();
    let locate =
        |path: &[PathSegment<'_>]| document.locate(path).map(|span| (span.line, span.column));
    let prefix = [Key("secrets"), Key("backends"), Key("aws"), Key("prefix")];
    assert_eq!(locate(&prefix), Some((3, 12)));
    assert_eq!(locate(&[Key("load"), Index(2)]), Some((7, 5)));
    assert_eq!(locate(&[Key("load"), Index(3)]), None);
    assert_eq!(locate(&[]), Some((1, 1)));
    assert_eq!(
        document
            .nearest(&[Key("secrets"), Key("backends"), Key("x"), Key("y")])
            .line,
        2
    );
    assert_eq!(document.nearest(&[Key("none")]).line, 1);
}

#[test]
fn scalars_come_in_order_with_their_paths() {
    let text = "z: 1\na: x\nl: [y, null, {k k: \"2\"}]\nb: |\n  t\ne:\n";
    let document = Document::parse(text, Limits::CONFIG).unwrap();
    let found: Vec<(String, &str)> = document
        .scalars()
        .map(|(path, node)| (path.to_string(), node.text().unwrap()))
        .collect();
    let expected = [
        ("a", "x"),
        ("l[0]", "y"),
        ("l[2].\"k k\"", "2"),
        ("b", "t\n"),
    ];
    assert_eq!(found, expected.map(|(path, text)| (path.to_owned(), text)));
    for (path, node) in document.scalars() {
        assert!(std::ptr::eq(
            document.find(Path::segments(&path)).unwrap(),
            node
        ));
    }
}

#[test]
fn a_bare_scalar_is_a_document() {
    let document = Document::parse("hello\n", Limits::CONFIG).unwrap();
    let found: Vec<String> = document
        .scalars()
        .map(|(path, _)| path.to_string())
        .collect();
    assert_eq!(found, [""]);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = Document::parse(&text, Limits::CONFIG);
        let _ = Stream::parse(&text, Limits::RENDER);
    }

    #[test]
    fn yaml_like_text_is_read_or_refused(parts in prop::collection::vec(
        prop::sample::select(vec![
            "a", "- ", ": ", "\n", "  ", "?", "|", ">", "|2-", "\"", "'", "#", " #", "&a ", "*a", "!t ", "!!str ",
            "[", "]", "{", "}", ",", "---\n", "...\n", "%YAML 1.2\n", "\t", "\r\n", "\u{feff}", "é", "<<", "~", "\\",
        ]), 0..40))
    {
        let text = parts.concat();
        let _ = Document::parse(&text, Limits::CONFIG);
        if let Ok(stream) = Stream::parse(&text, Limits::RENDER) {
            for document in stream.documents() {
                for (_, node) in document.scalars() {
                    let span = node.span();
                    prop_assert!(text.get(span.start..span.end).is_some());
                }
            }
        }
    }
}
