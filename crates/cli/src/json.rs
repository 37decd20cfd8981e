//! Secret values as JSON: text is a string, a map stays a map, bytes are `{"base64": "…"}`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use keyferry::SecretValue;
use zeroize::Zeroizing;

use crate::secret_buffer::SecretBuffer;

/// Appends a value with the type it has.
pub(crate) fn push_value(out: &mut SecretBuffer, value: &SecretValue) {
    if let Some(map) = value.expose_map() {
        push_object(
            out,
            map.iter().map(|(name, field)| (&**name, field)),
            push_value,
        );
    } else if value.is_typed() {
        // Compact JSON text already: a number, a list, a boolean or null.
        out.push(value.expose_bytes());
    } else {
        push_plain(out, value);
    }
}

/// Appends a value as text, whatever its type.
pub(crate) fn push_plain(out: &mut SecretBuffer, value: &SecretValue) {
    match value.expose_text() {
        Ok(text) => push_string(out, text),
        Err(_) => {
            out.push_str(r#"{"base64":""#);
            let encoded = Zeroizing::new(BASE64_STANDARD.encode(value.expose_bytes()));
            out.push_str(&encoded);
            out.push_str(r#""}"#);
        }
    }
}

/// Appends an object.
pub(crate) fn push_object<'a>(
    out: &mut SecretBuffer,
    entries: impl IntoIterator<Item = (&'a str, &'a SecretValue)>,
    push: impl Fn(&mut SecretBuffer, &SecretValue),
) {
    out.push_str("{");
    for (index, (name, value)) in entries.into_iter().enumerate() {
        if index > 0 {
            out.push_str(",");
        }
        push_string(out, name);
        out.push_str(":");
        push(out, value);
    }
    out.push_str("}");
}

fn push_string(out: &mut SecretBuffer, text: &str) {
    #[expect(
        clippy::expect_used,
        reason = "a string serializes, and the buffer takes everything"
    )]
    serde_json::to_writer(out, text).expect("a buffer in memory takes a string");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn read(value: &SecretValue) -> Value {
        let mut out = SecretBuffer::default();
        push_value(&mut out, value);
        serde_json::from_slice(out.as_bytes()).unwrap()
    }

    #[test]
    fn types_are_kept() {
        assert_eq!(read(&SecretValue::text("5432")), json!("5432"));
        assert_eq!(
            read(&SecretValue::text(
                r#"{ "port" : 5432, "tags": ["a"], "n": null }"#
            )),
            json!({"port": 5432, "tags": ["a"], "n": null})
        );
        assert_eq!(
            read(
                &SecretValue::text(r#"{"port": 5432}"#)
                    .field("port")
                    .unwrap()
            ),
            json!(5432)
        );
        assert_eq!(read(&SecretValue::text("[1]")), json!("[1]"));
        assert_eq!(
            read(&SecretValue::text(r#"{"a":1}"#).raw()),
            json!(r#"{"a":1}"#)
        );
        assert_eq!(
            read(&SecretValue::bytes([0xff, 0])),
            json!({"base64": "/wA="})
        );
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text: String) {
            prop_assume!(SecretValue::text(text.clone()).expose_map().is_none());
            prop_assert_eq!(read(&SecretValue::text(text.clone())), json!(text));
        }
    }
}
