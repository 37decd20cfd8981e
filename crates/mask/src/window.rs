//! The first bytes of every form, for skipping text in which none can begin.

/// How many bytes are looked at; no form is shorter.
pub(super) const WINDOW: usize = 4;

/// A bitmap of hashed first windows. It may answer "possible" for text that begins no form, never
/// the other way round.
pub(super) struct Windows {
    bits: Box<[u64; WORDS]>,
}

impl Windows {
    pub(super) fn new<'a>(forms: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut bits = Box::new([0; WORDS]);
        for window in forms.filter_map(|form| form.first_chunk::<WINDOW>()) {
            let (word, bit) = place(*window);
            if let Some(word) = bits.get_mut(word) {
                *word |= bit;
            }
        }
        Self { bits }
    }

    /// The first place from `from` on where a form may begin. Places with less than a window
    /// behind them always may.
    pub(super) fn next(&self, text: &[u8], from: usize) -> usize {
        let rest = text.get(from..).unwrap_or_default();
        let skipped = rest
            .array_windows::<WINDOW>()
            .position(|window| {
                let (word, bit) = place(*window);
                self.bits.get(word).is_some_and(|word| word & bit != 0)
            })
            .unwrap_or(rest.len().saturating_sub(WINDOW - 1));
        from + skipped
    }
}

/// Word and bit of a window: the top bits of a multiplicative hash.
fn place(window: [u8; WINDOW]) -> (usize, u64) {
    let hash = u32::from_le_bytes(window).wrapping_mul(0x9E37_79B1) >> (32 - BITS);
    ((hash / u64::BITS) as usize, 1 << (hash % u64::BITS))
}

const BITS: u32 = 17;
const WORDS: usize = 1 << (BITS - u64::BITS.ilog2());
