//! A growing text that leaves no copy of itself behind.

use zeroize::Zeroizing;

/// Text that wipes its old memory when it grows and all of it when it is dropped.
#[derive(Default)]
pub(crate) struct Buffer(Zeroizing<String>);

impl Buffer {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Zeroizing::new(String::with_capacity(bytes)))
    }

    pub(crate) fn push_str(&mut self, text: &str) {
        let needed = self.0.len() + text.len();
        if needed > self.0.capacity() {
            // `String` would move to new memory and leave the old bytes as they were.
            let mut grown =
                Zeroizing::new(String::with_capacity(needed.max(self.0.capacity() * 2)));
            grown.push_str(&self.0);
            self.0 = grown;
        }
        self.0.push_str(text);
    }

    pub(crate) fn push(&mut self, c: char) {
        self.push_str(c.encode_utf8(&mut [0; 4]));
    }

    pub(crate) fn into_text(self) -> Zeroizing<String> {
        self.0
    }
}
