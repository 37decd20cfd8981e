//! What the suite must know of the store behind a backend.

use std::sync::Arc;

use async_trait::async_trait;
use keyferry_core::Backend;

/// A store with a backend in front of it, made for one run of the suite.
#[async_trait]
pub trait Harness: Send + Sync {
    /// The backend. Each call gives another one over the same store.
    fn backend(&self) -> Arc<dyn Backend>;

    /// The key for a name of the suite (`a-z`, `0-9`, `_`), where the store wants another form.
    ///
    /// It may put something in front and change the case, but nothing behind: the keys of names
    /// that begin alike begin alike.
    fn key(&self, name: &str) -> String {
        name.to_owned()
    }

    /// The values that the store can hold, [`Shape::Text`] at least.
    fn holds(&self) -> &[Shape] {
        &Shape::ALL
    }

    /// Stores a value as the newest one, whole at once, so that nobody sees a part of it.
    async fn put(&self, key: &str, value: &[u8]);

    /// Removes a key.
    async fn remove(&self, key: &str);
}

/// A kind of value that a store may hold, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// A line of ASCII.
    Text,
    /// Nothing, which is not the same as no value.
    Empty,
    /// Several lines, with all three ends of a line.
    Lines,
    /// White space at both ends.
    Edges,
    /// Quotes, backslashes, `$`, `#` and `=`, which formats give a meaning.
    Punctuation,
    /// Characters of several planes and directions.
    Unicode,
    /// A JSON object, which is a map.
    Object,
    /// Bytes that are no UTF-8, zero among them.
    Binary,
    /// A text of 64 KiB.
    Large,
}

impl Shape {
    /// Every shape.
    pub const ALL: [Self; 9] = [
        Self::Text,
        Self::Empty,
        Self::Lines,
        Self::Edges,
        Self::Punctuation,
        Self::Unicode,
        Self::Object,
        Self::Binary,
        Self::Large,
    ];

    /// A value of this shape.
    pub fn sample(self) -> Vec<u8> {
        match self {
            Self::Text => b"correct horse battery".to_vec(),
            Self::Empty => Vec::new(),
            Self::Lines => b"first\nsecond\r\nthird\rlast".to_vec(),
            Self::Edges => b" \t inside \n".to_vec(),
            Self::Punctuation => br##"'"`\n\\ $HOME ${X $$ #no =yes: {a}, [b] %41 & * !"##.to_vec(),
            Self::Unicode => "p\u{e4}ssw\u{f6}rd \u{1f511} \u{202e}\u{5d0} e\u{301}".into(),
            Self::Object => br#"{"user": "app", "port": 5432, "tags": ["a"]}"#.to_vec(),
            Self::Binary => vec![0xff, 0xfe, 0x00, 0x80, 0x0a, 0xc3],
            Self::Large => b"0123456789abcdef".repeat(4096),
        }
    }
}
