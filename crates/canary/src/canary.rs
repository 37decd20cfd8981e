//! The secrets.

use std::fmt;

/// A secret made for a test, the same at each run.
#[derive(Clone, PartialEq, Eq)]
pub struct Canary {
    form: Form,
    bytes: Vec<u8>,
    secrets: Vec<Vec<u8>>,
}

/// What a [`Canary`] looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// 32 letters and digits, as tokens and API keys are.
    Word,
    /// 32 printable characters, with punctuation that URLs escape.
    Text,
    /// Three lines.
    Lines,
    /// A JSON object whose fields are the secrets.
    Object,
    /// Quotes, backslashes and characters beyond ASCII.
    Quoted,
    /// 32 bytes that are no text, a zero among them.
    Binary,
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 6] = [
        Self::Word,
        Self::Text,
        Self::Lines,
        Self::Object,
        Self::Quoted,
        Self::Binary,
    ];

    /// Its name in lower case, which can be part of a key.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Word => "word",
            Self::Text => "text",
            Self::Lines => "lines",
            Self::Object => "object",
            Self::Quoted => "quoted",
            Self::Binary => "binary",
        }
    }
}

impl Canary {
    /// One of each form.
    pub fn all(seed: u64) -> Vec<Self> {
        Form::ALL.map(|form| Self::new(form, seed)).into()
    }

    /// The canary of this form that a seed stands for.
    pub fn new(form: Form, seed: u64) -> Self {
        let mut random = Random(seed ^ (form as u64 + 1).wrapping_mul(0xa076_1d64_78bd_642f));
        match form {
            Form::Word => Self::of_one(form, random.word(32)),
            // No name starts with `=`, so that this is never a reference by chance.
            Form::Text => Self::of_one(form, format!("={}", random.chars(PRINTABLE, 31))),
            Form::Lines => {
                let lines = [24, 28, 20].map(|length| random.word(length));
                Self::of_parts(form, lines.join("\n"), &lines)
            }
            Form::Object => {
                let secrets = [24, 32, 16].map(|length| random.word(length));
                let [login, password, token] = &secrets;
                let text = format!(
                    r#"{{"login":"{login}","password":"{password}","more":{{"token":["{token}"]}}}}"#
                );
                Self::of_parts(form, text, &secrets)
            }
            Form::Quoted => Self::of_one(form, format!("\"{}", random.chars(QUOTED, 31))),
            Form::Binary => Self::of_one(form, random.binary(32)),
        }
    }

    /// Its form.
    pub fn form(&self) -> Form {
        self.form
    }

    /// The bytes of the secret.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The secret as text; empty for [`Form::Binary`].
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap_or_default()
    }

    /// What is secret in it: the lines, the fields of the object, or all of it.
    pub fn secrets(&self) -> &[Vec<u8>] {
        &self.secrets
    }

    fn of_one(form: Form, secret: impl Into<Vec<u8>>) -> Self {
        let bytes = secret.into();
        Self {
            form,
            secrets: vec![bytes.clone()],
            bytes,
        }
    }

    fn of_parts(form: Form, text: String, secrets: &[String]) -> Self {
        Self {
            form,
            bytes: text.into_bytes(),
            secrets: secrets.iter().map(|it| it.clone().into_bytes()).collect(),
        }
    }
}

impl fmt::Debug for Canary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Canary({})", self.form.name())
    }
}

/// Neither `$`, `{` nor `}`, so that no token is in it by chance.
const PRINTABLE: &str =
    "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789!%&*+-/:;<=>?@^~|";
const QUOTED: &str = "\"'\\\"'\\ABCDEabcde23456äßñ漢字🔑";
const WORD: &str = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn chars(&mut self, alphabet: &str, length: usize) -> String {
        let alphabet: Vec<char> = alphabet.chars().collect();
        (0..length)
            .filter_map(|_| {
                let index = usize::try_from(self.next() >> 16).unwrap_or_default() % alphabet.len();
                alphabet.get(index)
            })
            .collect()
    }

    fn word(&mut self, length: usize) -> String {
        self.chars(WORD, length)
    }

    /// Bytes that start no UTF-8 sequence first, then a zero, then anything.
    fn binary(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0xff, 0x00];
        while bytes.len() < length {
            bytes.extend(self.next().to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canaries_of_a_seed_are_always_the_same_and_those_of_another_differ() {
        assert_eq!(Canary::all(1), Canary::all(1));
        for form in Form::ALL {
            assert_ne!(Canary::new(form, 1), Canary::new(form, 2), "{form:?}");
        }
    }

    #[test]
    fn each_canary_has_its_form() {
        for seed in 0..50 {
            let canary = |form| Canary::new(form, seed);
            assert!(canary(Form::Word).text().len() == 32);
            assert!(canary(Form::Text).text().is_ascii());
            assert_eq!(canary(Form::Lines).text().lines().count(), 3);
            let object = canary(Form::Object);
            assert!(serde_json::from_str::<serde_json::Value>(object.text()).is_ok());
            assert_eq!(object.secrets().len(), 3);
            assert!(canary(Form::Quoted).text().contains('"'));
            assert!(std::str::from_utf8(canary(Form::Binary).bytes()).is_err());
        }
    }
}
