//! The forms in which a secret may appear in the output of a program.

use base64::Engine as _;
use base64::prelude::{
    BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use zeroize::Zeroizing;

use super::{MIN_LEN, escapes};

/// Collects the forms of secrets; none is shorter than [`MIN_LEN`].
#[derive(Default)]
pub(super) struct Forms {
    found: Vec<Zeroizing<Vec<u8>>>,
    /// How many bytes were added in every form.
    encoded: usize,
}

impl Forms {
    /// Adds every form of one secret; `false` if it is too short to be masked.
    pub(super) fn add(&mut self, secret: &[u8]) -> bool {
        let line = without_final_newlines(secret);
        if line.len() < MIN_LEN {
            return false;
        }
        self.add_lines(secret);
        self.add_encoded(secret);
        // What a shell's `$(cat file)` leaves of a file.
        if line.len() < secret.len() {
            self.add_encoded(line);
        }
        // What is left where white space around a value is dropped, as by `echo $NAME`.
        let word = line.trim_ascii();
        if word.len() < line.len() && word.len() >= MIN_LEN {
            self.add_encoded(word);
        }
        true
    }

    /// Every form once.
    pub(super) fn into_vec(mut self) -> Vec<Zeroizing<Vec<u8>>> {
        self.found.sort_unstable_by(|a, b| a.as_slice().cmp(b));
        self.found.dedup();
        self.found
    }

    fn push(&mut self, form: Zeroizing<Vec<u8>>) {
        if form.len() >= MIN_LEN {
            self.found.push(form);
        }
    }

    fn push_slice(&mut self, form: &[u8]) {
        if form.len() >= MIN_LEN {
            self.found.push(Zeroizing::new(form.to_vec()));
        }
    }

    /// The lines of a multi-line value, and the whole of it with either line ending: a terminal
    /// writes `\r\n` where the program wrote `\n`. Indentation is left out of lines, so that a
    /// pretty-printed document does not hide every other one's brackets.
    fn add_lines(&mut self, secret: &[u8]) {
        if !secret.contains(&b'\n') {
            return;
        }
        for line in secret.split(|&byte| byte == b'\n') {
            self.push_slice(line.trim_ascii());
        }
        let unix = replaced(secret, b'\r', b"");
        self.push(replaced(&unix, b'\n', b"\r\n"));
        self.push(unix);
    }

    fn add_encoded(&mut self, secret: &[u8]) {
        self.push_slice(secret);
        if secret.len() > MAX_ENCODED || self.encoded + secret.len() > MAX_ENCODED_IN_ALL {
            return;
        }
        self.encoded += secret.len();
        self.add_base64(secret);
        self.push(hex(secret, b"0123456789abcdef"));
        self.push(hex(secret, b"0123456789ABCDEF"));
        self.add_percent(secret);
        self.add_shell(secret);
        self.add_escaped(secret);
        self.add_utf16(secret);
    }

    /// Two bytes for each UTF-16 unit, as Windows programs write text into files and pipes.
    fn add_utf16(&mut self, secret: &[u8]) {
        // Never more than twice the size, so the buffer is not moved.
        let mut form = Zeroizing::new(Vec::with_capacity(2 * secret.len()));
        match std::str::from_utf8(secret) {
            Ok(text) => form.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
            Err(_) => form.extend(secret.iter().flat_map(|byte| [*byte, 0])),
        }
        self.push(form);
    }

    /// Base64 of the secret alone, and of any text that contains it: such text puts the secret at
    /// one of three offsets, of which the characters that depend on the secret alone are a form.
    fn add_base64(&mut self, secret: &[u8]) {
        let padded = [BASE64_STANDARD, BASE64_URL_SAFE];
        let bare = [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD];
        for offset in 0..3_usize {
            let mut text = Zeroizing::new(vec![0; offset + secret.len()]);
            if let Some(tail) = text.get_mut(offset..) {
                tail.copy_from_slice(secret);
            }
            let first = (offset * 8).div_ceil(6);
            let last = text.len() * 8 / 6;
            for engine in &padded {
                let encoded = Zeroizing::new(engine.encode(&*text).into_bytes());
                self.push_slice(encoded.get(first..last).unwrap_or_default());
                // The secret at the very end, as in `user:password`.
                self.push_slice(encoded.get(first..).unwrap_or_default());
                if offset == 0 {
                    self.add_wrapped(&encoded);
                }
            }
            for engine in &bare {
                let encoded = Zeroizing::new(engine.encode(&*text).into_bytes());
                self.push_slice(encoded.get(first..).unwrap_or_default());
            }
        }
    }

    /// The lines into which `base64` (76 columns) and PEM (64) break a long encoding.
    fn add_wrapped(&mut self, encoded: &[u8]) {
        for width in [64, 76] {
            if encoded.len() > width {
                for line in encoded.chunks(width) {
                    self.push_slice(line);
                }
            }
        }
    }

    fn add_percent(&mut self, secret: &[u8]) {
        for set in [URI, COMPONENT, PATH] {
            let encoded = percent(secret, set);
            self.push(lower_escapes(&encoded));
            self.push(encoded);
        }
        let encoded = percent(secret, FORM);
        let spaced = replaced(&encoded, b' ', b"+");
        self.push(lower_escapes(&spaced));
        self.push(spaced);
    }

    fn add_escaped(&mut self, secret: &[u8]) {
        if let Ok(text) = std::str::from_utf8(secret) {
            for style in escapes::STYLES {
                self.push(style.escape(text));
            }
        }
    }

    /// How shells and their `printf %q` quote a word; `'"'"'` is Python's `shlex.quote`.
    fn add_shell(&mut self, secret: &[u8]) {
        self.push(replaced(secret, b'\'', b"'\\''"));
        self.push(replaced(secret, b'\'', b"'\"'\"'"));
        let mut word = Zeroizing::new(Vec::with_capacity(secret.len() * 2));
        for &byte in secret {
            if byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"@%+=:,./-_".contains(&byte) {
                word.push(b'\\');
            }
            word.push(byte);
        }
        self.push(word);
    }
}

fn without_final_newlines(secret: &[u8]) -> &[u8] {
    let kept = secret
        .iter()
        .rposition(|byte| !matches!(byte, b'\n' | b'\r'));
    secret
        .get(..kept.map_or(0, |last| last + 1))
        .unwrap_or_default()
}

/// `bytes` with every `from` replaced. The capacity is exact, so that no copy is left behind.
fn replaced(bytes: &[u8], from: u8, to: &[u8]) -> Zeroizing<Vec<u8>> {
    let count = bytes.iter().filter(|&&byte| byte == from).count();
    let mut out = Zeroizing::new(Vec::with_capacity(bytes.len() + count * to.len()));
    for byte in bytes {
        if *byte == from {
            out.extend_from_slice(to);
        } else {
            out.push(*byte);
        }
    }
    out
}

fn hex(bytes: &[u8], digits: &[u8; 16]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(bytes.len() * 2));
    for byte in bytes {
        out.extend(digits.get(usize::from(byte >> 4)));
        out.extend(digits.get(usize::from(byte & 15)));
    }
    out
}

fn percent(bytes: &[u8], set: &'static AsciiSet) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(bytes.len() * 3));
    out.extend(percent_encode(bytes, set).flat_map(str::bytes));
    out
}

/// Percent-encoded text with lower-case hexadecimal digits.
fn lower_escapes(encoded: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(encoded.len()));
    let mut digits = 0;
    for byte in encoded {
        if digits > 0 {
            digits -= 1;
            out.push(byte.to_ascii_lowercase());
        } else {
            digits = if *byte == b'%' { 2 } else { 0 };
            out.push(*byte);
        }
    }
    out
}

/// Longer values are hidden only as they are and line by line: each byte of a value costs about a
/// kilobyte of memory over all its forms, and no argument or variable of a program is much longer.
const MAX_ENCODED: usize = 64 * 1024;

/// As much as this is hidden in every form, in the order of the secrets; what comes after it, only as
/// it is and line by line. It bounds the memory to some hundred megabytes, whatever a map holds.
const MAX_ENCODED_IN_ALL: usize = 256 * 1024;

/// Everything but the unreserved characters of RFC 3986.
const URI: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// JavaScript's `encodeURIComponent`.
const COMPONENT: &AsciiSet = &URI
    .remove(b'!')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*');
/// A path, as Python's `quote` writes it.
const PATH: &AsciiSet = &URI.remove(b'/');
/// `application/x-www-form-urlencoded`; its space becomes a `+` afterwards.
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'*')
    .remove(b' ');
