//! Bytes that hold secrets and grow without leaving copies behind.

use std::io;

use zeroize::{Zeroize, Zeroizing};

/// A growing text or file that holds secrets; wiped when dropped, and whenever it moves.
#[derive(Default)]
pub(crate) struct SecretBuffer(Zeroizing<Vec<u8>>);

impl SecretBuffer {
    /// Appends bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let needed = self.0.len() + bytes.len();
        if needed > self.0.capacity() {
            let mut larger = Vec::with_capacity(needed.max(self.0.capacity() * 2));
            larger.extend_from_slice(&self.0);
            self.0.zeroize();
            *self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }

    /// Appends text.
    pub(crate) fn push_str(&mut self, text: &str) {
        self.push(text.as_bytes());
    }

    /// What was appended.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Lets serializers write into it.
impl io::Write for SecretBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_comes_back_in_order() {
        let mut buffer = SecretBuffer::default();
        for n in 0..1000_u32 {
            buffer.push_str(&n.to_string());
        }
        let expected: String = (0..1000_u32).map(|n| n.to_string()).collect();
        assert_eq!(buffer.as_bytes(), expected.as_bytes());
    }
}
