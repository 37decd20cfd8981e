//! The encodings in which a secret may leak.

use std::fmt::Write as _;

use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// A way to write bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Encoding {
    /// As they are.
    Raw,
    /// Base64 of a text in which the bytes start at a multiple of three.
    Base64At0,
    /// Base64 of a text in which one byte is before them, or a multiple of three more.
    Base64At1,
    /// Base64 of a text in which two bytes are before them, or a multiple of three more.
    Base64At2,
    /// Base64 for URLs, wherever the bytes start in its text.
    Base64Url,
    /// Two lower-case digits for each byte.
    HexLower,
    /// Two upper-case digits for each byte.
    HexUpper,
    /// `%XX` for all but the unreserved characters of RFC 3986.
    Percent,
    /// The inside of a JSON string.
    JsonEscaped,
    /// Two bytes for each UTF-16 unit; for what is no text, for each byte.
    Utf16Le,
}

impl Encoding {
    /// Every encoding.
    pub const ALL: [Self; 10] = [
        Self::Raw,
        Self::Base64At0,
        Self::Base64At1,
        Self::Base64At2,
        Self::Base64Url,
        Self::HexLower,
        Self::HexUpper,
        Self::Percent,
        Self::JsonEscaped,
        Self::Utf16Le,
    ];

    /// The text of the bytes wherever they occur: what depends on them alone. Several where there
    /// are several ways.
    pub fn spellings(self, bytes: &[u8]) -> Vec<Vec<u8>> {
        match self {
            Self::Raw => vec![bytes.to_vec()],
            Self::Base64At0 => vec![base64(&BASE64_STANDARD_NO_PAD, bytes, 0)],
            Self::Base64At1 => vec![base64(&BASE64_STANDARD_NO_PAD, bytes, 1)],
            Self::Base64At2 => vec![base64(&BASE64_STANDARD_NO_PAD, bytes, 2)],
            Self::Base64Url => [0, 1, 2]
                .map(|offset| base64(&BASE64_URL_SAFE_NO_PAD, bytes, offset))
                .into(),
            Self::HexLower => vec![hex(bytes).into_bytes()],
            Self::HexUpper => vec![hex(bytes).to_ascii_uppercase().into_bytes()],
            Self::Percent => vec![percent(bytes).into_bytes()],
            Self::JsonEscaped => json(bytes),
            Self::Utf16Le => vec![utf16(bytes)],
        }
    }
}

/// The characters that depend on the bytes alone, `offset` bytes into a text.
fn base64(engine: &impl base64::Engine, bytes: &[u8], offset: usize) -> Vec<u8> {
    let text = [vec![0; offset].as_slice(), bytes].concat();
    let encoded = engine.encode(&text).into_bytes();
    let (first, last) = ((offset * 8).div_ceil(6), text.len() * 8 / 6);
    encoded.get(first..last).unwrap_or_default().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a string does not fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn percent(bytes: &[u8]) -> String {
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    percent_encode(bytes, RESERVED).to_string()
}

/// With characters beyond ASCII as they are, and as `\uXXXX`.
fn json(bytes: &[u8]) -> Vec<Vec<u8>> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Vec::new();
    };
    let quoted = serde_json::Value::from(text).to_string();
    let inside = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or_default();
    let mut ascii = String::new();
    for c in inside.chars() {
        if c.is_ascii() {
            ascii.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(ascii, "\\u{unit:04x}");
        }
    }
    vec![inside.as_bytes().to_vec(), ascii.into_bytes()]
}

fn utf16(bytes: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Err(_) => bytes.iter().flat_map(|byte| [*byte, 0]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;

    #[test]
    fn every_base64_text_holds_one_of_the_alignments() {
        let secret = b"some secret bytes";
        let aligned = [
            Encoding::Base64At0,
            Encoding::Base64At1,
            Encoding::Base64At2,
        ];
        for (before, encoding) in ["", "u", "u:", "usr", "user"]
            .iter()
            .zip(aligned.iter().cycle())
        {
            let text = BASE64_STANDARD.encode([before.as_bytes(), secret, b"tail"].concat());
            let [spelling] = encoding.spellings(secret).try_into().unwrap();
            assert!(
                text.contains(std::str::from_utf8(&spelling).unwrap()),
                "{before}"
            );
        }
    }

    #[test]
    fn known_spellings() {
        let one = |encoding: Encoding, bytes: &[u8]| {
            String::from_utf8(encoding.spellings(bytes).remove(0)).unwrap()
        };
        assert_eq!(one(Encoding::HexUpper, b"\xab\x01"), "AB01");
        assert_eq!(one(Encoding::Percent, b"a/~ "), "a%2F~%20");
        assert_eq!(one(Encoding::JsonEscaped, b"\"\\\n"), r#"\"\\\n"#);
        assert_eq!(
            Encoding::JsonEscaped.spellings("ä🔑".as_bytes())[1],
            br"\u00e4\ud83d\udd11"
        );
        assert_eq!(Encoding::Utf16Le.spellings(b"ab"), [b"a\0b\0"]);
    }
}
