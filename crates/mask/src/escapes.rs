//! The backslash escapes of JSON writers, shells and debug output.

use std::fmt::Write as _;

use zeroize::Zeroizing;

/// What a writer escapes beyond backslashes and control characters.
#[derive(Clone, Copy)]
pub(super) struct Style {
    quotes: &'static [char],
    unicode: Unicode,
    slash: bool,
    html: bool,
}

/// How a writer shows what is not ASCII.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unicode {
    AsIs,
    Lower,
    Upper,
}

/// The styles in use.
pub(super) const STYLES: [Style; 7] = [
    // Most JSON writers, JavaScript's and Rust's among them.
    Style::JSON,
    // Python's `json.dumps`.
    Style {
        unicode: Unicode::Lower,
        ..Style::JSON
    },
    Style {
        unicode: Unicode::Upper,
        ..Style::JSON
    },
    // PHP's `json_encode`.
    Style {
        unicode: Unicode::Lower,
        slash: true,
        ..Style::JSON
    },
    // Go's `json.Marshal`.
    Style {
        html: true,
        ..Style::JSON
    },
    // Python's `repr` between whichever quotes the text does not contain.
    Style {
        quotes: &[],
        ..Style::JSON
    },
    // The shell's `$'…'`.
    Style {
        quotes: &['\''],
        ..Style::JSON
    },
];

impl Style {
    const JSON: Self = Self {
        quotes: &['"'],
        unicode: Unicode::AsIs,
        slash: false,
        html: false,
    };

    /// The text as this style writes it, without the quotes around it.
    pub(super) fn escape(self, text: &str) -> Zeroizing<Vec<u8>> {
        // No escape is longer than six bytes for one byte of text, so nothing is reallocated.
        let mut out = Zeroizing::new(String::with_capacity(text.len() * 6));
        for character in text.chars() {
            self.escape_char(character, &mut out);
        }
        Zeroizing::new(std::mem::take(&mut *out).into_bytes())
    }

    fn escape_char(self, character: char, out: &mut String) {
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\\' => out.push_str("\\\\"),
            '/' if self.slash => out.push_str("\\/"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' if self.html => {
                self.escape_units(character, out)
            }
            _ if self.quotes.contains(&character) => out.extend(['\\', character]),
            '\0'..' ' => self.escape_units(character, out),
            ' '..='~' => out.push(character),
            _ if self.unicode == Unicode::AsIs => out.push(character),
            _ => self.escape_units(character, out),
        }
    }

    /// `\uXXXX`, twice for what needs a surrogate pair.
    fn escape_units(self, character: char, out: &mut String) {
        for unit in character.encode_utf16(&mut [0; 2]) {
            let written = match self.unicode {
                Unicode::Upper => write!(out, "\\u{unit:04X}"),
                Unicode::AsIs | Unicode::Lower => write!(out, "\\u{unit:04x}"),
            };
            debug_assert!(written.is_ok(), "a string takes all text");
        }
    }
}
