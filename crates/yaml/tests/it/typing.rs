//! What values mean, and their JSON.

use keyferry_yaml::{Document, Limits, PathSegment, ScalarType};
use proptest::prelude::*;
use serde_json::{Value, json};

fn document(text: &str) -> Document {
    Document::parse(text, Limits::RENDER).unwrap()
}

#[test]
fn only_plain_scalars_have_a_type() {
    let document = document("- 1\n- '1'\n- \"1\"\n- |\n  1\n- >-\n  1\n- yes\n-\n");
    let types: Vec<ScalarType> = document
        .root()
        .items()
        .iter()
        .filter_map(|node| node.scalar_type())
        .collect();
    use ScalarType::{Int, Null, String};
    assert_eq!(types, [Int, String, String, String, String, String, Null]);
}

#[test]
fn json_is_typed() {
    let text = "a: 1\nb: [true, ~, 1.5, x]\nc: {d: '1', 2: 0x10}\ne: 18446744073709551615\n";
    let expected = json!({
        "a": 1, "b": [true, null, 1.5, "x"], "c": {"d": "1", "2": 16}, "e": u64::MAX,
    });
    assert_eq!(document(text).root().to_json().unwrap(), expected);
}

#[test]
fn numbers_are_never_rounded_in_silence() {
    let text = "[123456789012345678901234567890, .inf, 1e999, 12345678901234567890.5]";
    let big = document(text);
    let expected = json!([
        "123456789012345678901234567890",
        ".inf",
        "1e999",
        12345678901234567890.5
    ]);
    assert_eq!(big.root().to_json().unwrap(), expected);
    assert_eq!(
        big.root().to_json_text().unwrap().as_str(),
        r#"[123456789012345678901234567890,".inf",1.0e+999,12345678901234567890.5]"#
    );
}

#[test]
fn json_text_keeps_the_order_of_keys() {
    let text = "z: 1\na: 'x\"y'\nm:\n  k: [TRUE, +1, .5]\n  b:\n";
    assert_eq!(
        document(text).root().to_json_text().unwrap().as_str(),
        r#"{"z":1,"a":"x\"y","m":{"k":[true,1,0.5],"b":null}}"#
    );
}

#[test]
fn missing_paths_are_none() {
    let document = document("a: [1]\n");
    assert!(
        document
            .find(&[PathSegment::Key("a"), PathSegment::Key("b")])
            .is_none()
    );
    assert!(document.find(&[PathSegment::Index(0)]).is_none());
}

pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|n| Value::from(f64::from(n) / 8.0)),
        crate::model::any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(crate::model::any_text(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn json_reads_back(value in any_json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        // JSON may hold characters that YAML wants escaped.
        prop_assume!(!text.contains(|c: char| c.is_control() && c != '\n' || matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}')));
        let read = document(&text);
        prop_assert_eq!(read.root().to_json().unwrap(), value.clone());
        let again: Value = serde_json::from_str(&read.root().to_json_text().unwrap()).unwrap();
        prop_assert_eq!(again, value);
    }
}
