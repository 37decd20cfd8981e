//! The one type that holds plaintext.

use std::fmt;
use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;
use serde_json::value::RawValue;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::error::{Error, ErrorKind, Result};

/// The bytes of a secret, and what is known of their form.
///
/// The bytes are wiped when the last handle is dropped. A handle is cheap to clone and never
/// prints, serializes or dereferences to the plaintext: every use goes through a method whose name
/// starts with `expose`. Equality takes the same time wherever two values of one length differ.
///
/// ```
/// use keyferry_core::SecretValue;
/// let value = SecretValue::text(r#"{"user": "app", "port": 5432}"#);
/// assert_eq!(value.field("port")?.expose_text()?, "5432");
/// assert_eq!(format!("{value:?}"), "SecretValue([redacted])");
/// # Ok::<(), keyferry_core::Error>(())
/// ```
#[derive(Clone)]
pub struct SecretValue(Arc<Plaintext>);

struct Plaintext {
    bytes: Box<[u8]>,
    form: Form,
    // A map is split into its fields at most once, on first use.
    fields: OnceLock<Option<SecretMap>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Whatever the bytes are: a text that is a JSON object is a map.
    Plain,
    /// One JSON value as compact text: a YAML map of a file, a field that is no string.
    Json,
    /// Text or bytes that are to be taken as they stand.
    Raw,
}

/// The fields of a secret that is a JSON object, in the order of the document.
pub type SecretMap = IndexMap<Box<str>, SecretValue>;

impl SecretValue {
    /// Takes a text. The caller's buffer becomes the secret's own where it has no spare capacity;
    /// otherwise it is copied and wiped.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(text.into().into_bytes(), Form::Plain)
    }

    /// Takes bytes that need not be text.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(bytes.into(), Form::Plain)
    }

    /// Takes one JSON value as text, such as a map or a number, that keeps its type.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] when the text is not one JSON value.
    pub fn json(text: impl Into<String>) -> Result<Self> {
        let text = Zeroizing::new(text.into());
        if serde_json::from_str::<&RawValue>(&text).is_err() {
            return Err(Error::new(ErrorKind::Malformed, "the value is no JSON"));
        }
        Ok(Self::new(text.trim().as_bytes().to_vec(), Form::Json))
    }

    fn new(mut bytes: Vec<u8>, form: Form) -> Self {
        let exact = if bytes.capacity() == bytes.len() {
            bytes.into_boxed_slice()
        } else {
            // Shrinking in place may move the bytes and leave the old ones behind.
            let copy = Box::from(bytes.as_slice());
            bytes.zeroize();
            copy
        };
        Self(Arc::new(Plaintext {
            bytes: exact,
            form,
            fields: OnceLock::new(),
        }))
    }

    /// The plaintext bytes.
    pub fn expose_bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// The plaintext as text.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] when the bytes are not UTF-8.
    pub fn expose_text(&self) -> Result<&str> {
        std::str::from_utf8(&self.0.bytes).map_err(|_| {
            Error::new(ErrorKind::Malformed, "the value is binary, not UTF-8 text")
                .with_help("take its bytes, or base64 through JSON output")
        })
    }

    /// Whether the bytes are UTF-8.
    pub fn is_text(&self) -> bool {
        self.expose_text().is_ok()
    }

    /// Whether the value carries a JSON type other than text: a map, list, number, boolean or null.
    pub fn is_typed(&self) -> bool {
        self.0.form == Form::Json || self.expose_map().is_some()
    }

    /// The fields, if the value is a JSON object.
    pub fn expose_map(&self) -> Option<&SecretMap> {
        self.0.fields.get_or_init(|| self.split()).as_ref()
    }

    /// One field of a map. A field that is no string is its compact JSON text.
    ///
    /// # Errors
    /// [`ErrorKind::FieldNotFound`] when the value is no map or has no such field.
    pub fn field(&self, name: &str) -> Result<Self> {
        let Some(map) = self.expose_map() else {
            return Err(Error::new(
                ErrorKind::FieldNotFound,
                format!("field `{name}` of a value that is no map"),
            ));
        };
        map.get(name).cloned().ok_or_else(|| {
            Error::new(
                ErrorKind::FieldNotFound,
                format!("the map has no field `{name}`"),
            )
        })
    }

    /// The same bytes, taken as they stand: never a map, never typed.
    #[must_use]
    pub fn raw(&self) -> Self {
        Self::new(self.0.bytes.to_vec(), Form::Raw)
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        self.0.bytes.len()
    }

    /// Whether there are no bytes: an empty secret, not an absent one.
    pub fn is_empty(&self) -> bool {
        self.0.bytes.is_empty()
    }

    fn split(&self) -> Option<SecretMap> {
        if self.0.form == Form::Raw || !self.0.bytes.trim_ascii().starts_with(b"{") {
            return None;
        }
        // Fields are borrowed from the text, so the parser makes no copies of them.
        let text = std::str::from_utf8(&self.0.bytes).ok()?;
        let raw: IndexMap<Box<str>, &RawValue> = serde_json::from_str(text).ok()?;
        raw.into_iter()
            .map(|(name, value)| Some((name, Self::of_json(value.get())?)))
            .collect()
    }

    fn of_json(json: &str) -> Option<Self> {
        match json
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
        {
            Some(quoted) => Some(Self::new(unescape(quoted)?, Form::Raw)),
            None => Some(Self::new(compact(json), Form::Json)),
        }
    }
}

impl Drop for Plaintext {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl PartialEq for SecretValue {
    fn eq(&self, other: &Self) -> bool {
        self.0.bytes.ct_eq(&other.0.bytes).into()
    }
}

impl Eq for SecretValue {}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue([redacted])")
    }
}

/// The content of a JSON string. `None` for a lone surrogate, which no UTF-8 can hold.
///
/// The text is valid JSON already; the buffer has room for the longest result, so it never moves.
fn unescape(quoted: &str) -> Option<Vec<u8>> {
    if !quoted.contains('\\') {
        return Some(quoted.as_bytes().to_vec());
    }
    let mut out = Zeroizing::new(String::with_capacity(quoted.len()));
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        out.push(match chars.next()? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'u' => unicode_escape(&mut chars)?,
            literal => literal,
        });
    }
    Some(out.as_bytes().to_vec())
}

fn unicode_escape(chars: &mut std::str::Chars<'_>) -> Option<char> {
    let first = hex4(chars)?;
    if !(0xd800..0xdc00).contains(&first) {
        return char::from_u32(first);
    }
    if (chars.next()?, chars.next()?) != ('\\', 'u') {
        return None;
    }
    let second = hex4(chars)?;
    if !(0xdc00..0xe000).contains(&second) {
        return None;
    }
    char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
}

fn hex4(chars: &mut std::str::Chars<'_>) -> Option<u32> {
    (0..4).try_fold(0, |sum, _| Some(sum * 16 + chars.next()?.to_digit(16)?))
}

/// Valid JSON without the white space between its tokens.
fn compact(json: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for &byte in json.as_bytes() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if byte.is_ascii_whitespace() {
            continue;
        } else {
            in_string = byte == b'"';
        }
        out.push(byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn field(json: &str, name: &str) -> String {
        SecretValue::text(json)
            .field(name)
            .unwrap()
            .expose_text()
            .unwrap()
            .to_owned()
    }

    #[test]
    fn only_a_json_object_is_a_map() {
        assert!(SecretValue::text(r#" {"a": 1} "#).expose_map().is_some());
        for text in ["[1]", "1", "\"{}\"", "{", "{}x", "", "null"] {
            assert!(SecretValue::text(text).expose_map().is_none(), "{text}");
        }
    }

    #[test]
    fn a_field_that_is_no_string_is_compact_json_text() {
        assert_eq!(field(r#"{"port": 5432}"#, "port"), "5432");
        assert_eq!(
            field(r#"{"x": [1, {"a b": " \" y"}] }"#, "x"),
            r#"[1,{"a b":" \" y"}]"#
        );
        assert_eq!(
            field(r#"{"big": 123456789012345678901234567890}"#, "big").len(),
            30
        );
        assert_eq!(field(r#"{"none": null}"#, "none"), "null");
        assert!(
            SecretValue::text(r#"{"n": 1}"#)
                .field("n")
                .unwrap()
                .is_typed()
        );
        assert!(
            !SecretValue::text(r#"{"n": "1"}"#)
                .field("n")
                .unwrap()
                .is_typed()
        );
    }

    #[test]
    fn a_string_field_is_never_a_map_of_its_own() {
        let inner = SecretValue::text(r#"{"a": "{\"b\": 1}"}"#)
            .field("a")
            .unwrap();
        assert_eq!(inner.expose_text().unwrap(), r#"{"b": 1}"#);
        assert!(inner.expose_map().is_none());
    }

    #[test]
    fn a_repeated_name_keeps_the_last_value_as_python_does() {
        assert_eq!(field(r#"{"a": 1, "b": 2, "a": 3}"#, "a"), "3");
    }

    #[test]
    fn an_absent_field_and_no_map_are_told_apart_without_the_value() {
        let value = SecretValue::text(r#"{"canary-7f3": "canary-9a1"}"#);
        let error = value.field("b").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FieldNotFound);
        assert!(!format!("{error} {error:?}").contains("canary"));
        assert_eq!(
            SecretValue::text("x").field("b").unwrap_err().kind(),
            ErrorKind::FieldNotFound
        );
    }

    #[test]
    fn raw_never_is_a_map() {
        let raw = SecretValue::text(r#"{"a": 1}"#).raw();
        assert!(raw.expose_map().is_none() && !raw.is_typed());
    }

    #[test]
    fn binary_is_no_text() {
        let value = SecretValue::bytes([0xff, 0x00]);
        assert_eq!(
            value.expose_text().unwrap_err().kind(),
            ErrorKind::Malformed
        );
        assert_eq!(value.expose_bytes(), [0xff, 0x00]);
    }

    #[test]
    fn a_lone_surrogate_keeps_the_object_a_text() {
        assert!(
            SecretValue::text(r#"{"a": "\ud800"}"#)
                .expose_map()
                .is_none()
        );
        assert_eq!(field(r#"{"a": "\ud83d\ude00"}"#, "a"), "😀");
    }

    #[test]
    fn spare_capacity_is_not_kept() {
        let mut text = String::with_capacity(64);
        text.push_str("canary");
        assert_eq!(SecretValue::text(text).len(), 6);
    }

    proptest! {
        #[test]
        fn fields_come_back_as_serde_json_reads_them(map in proptest::collection::btree_map(".{0,9}", ".{0,20}", 0..9)) {
            let value = SecretValue::text(serde_json::to_string(&map).unwrap());
            let fields = value.expose_map().unwrap();
            prop_assert_eq!(fields.len(), map.len());
            for (name, text) in &map {
                prop_assert_eq!(fields[name.as_str()].expose_text().unwrap(), text);
            }
        }

        #[test]
        fn equality_is_that_of_the_bytes(a: Vec<u8>, b: Vec<u8>) {
            prop_assert_eq!(SecretValue::bytes(a.clone()) == SecretValue::bytes(b.clone()), a == b);
        }
    }
}
