//! Masking of secret values in a stream of bytes.
//!
//! A [`Masker`] knows the secrets in every form in which programs print them (`forms`); a
//! [`MaskStream`] is one output being masked. Every byte that belongs to any occurrence of any form
//! is hidden, also where occurrences overlap, and each unbroken run of hidden bytes becomes one
//! [`MASK`], so neither the length of a secret nor the number of its pieces shows.
//!
//! The forms stand in one Aho-Corasick automaton whose state survives chunk borders. The depth of
//! the state is the length of the longest end of the text that begins a secret: exactly that much
//! is held back, every other byte passes at once. Text from which no secret can start (nearly all
//! of it) never reaches the automaton, because a bitmap of the first four bytes of every form rules
//! it out.
//!
//! The forms are wiped from memory once the automaton is built, and held text is wiped when it is
//! dropped. The automaton itself belongs to its crate, spells out every form, and is not wiped.

mod escapes;
mod forms;
mod window;

#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::contiguous;
use aho_corasick::{Anchored, BuildError, MatchError, MatchKind};
use zeroize::Zeroizing;

use forms::Forms;
use window::{WINDOW, Windows};

/// What stands in the output for a run of hidden bytes.
pub const MASK: &[u8] = b"****";

/// Values shorter than this are not masked: they would hide half of an ordinary text.
pub const MIN_LEN: usize = 4;

/// The secrets to hide, ready to be searched for; clones share them.
#[derive(Clone)]
pub struct Masker {
    current: Arc<Current>,
}

/// What is searched for, and how often that was replaced.
struct Current {
    /// `None` when there is nothing to hide.
    search: Mutex<Option<Arc<Search>>>,
    generation: AtomicUsize,
}

/// What a [`Masker`] does and does not cover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaskReport {
    /// Secrets that will be hidden.
    pub masked: usize,
    /// Secrets that are shorter than [`MIN_LEN`] and therefore stay visible. Empty ones, which
    /// have nothing to hide, are not counted.
    pub too_short: usize,
}

/// The secrets are too long to be searched for.
#[derive(Debug)]
pub struct MaskError;

impl Masker {
    /// Prepares to hide `secrets`.
    pub fn new<'a>(
        secrets: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<(Self, MaskReport), MaskError> {
        let mut forms = Forms::default();
        let mut report = MaskReport::default();
        for secret in secrets.into_iter().filter(|secret| !secret.is_empty()) {
            if forms.add(secret) {
                report.masked += 1;
            } else {
                report.too_short += 1;
            }
        }
        let forms = forms.into_vec();
        let search = if forms.is_empty() {
            None
        } else {
            Some(Arc::new(Search::new(&forms)?))
        };
        let current = Current {
            search: Mutex::new(search),
            generation: AtomicUsize::new(0),
        };
        let masker = Self {
            current: Arc::new(current),
        };
        Ok((masker, report))
    }

    /// Hides, from the next byte of every output on, what `other` hides. That must include what
    /// is hidden now: the beginning of a secret may be waiting for its end.
    pub fn replace(&self, other: &Self) {
        let search = other.current.lock().clone();
        *self.current.lock() = search;
        self.current.generation.fetch_add(1, Ordering::Release);
    }

    /// Starts masking one output.
    pub fn stream(&self) -> MaskStream {
        let generation = self.current.generation.load(Ordering::Acquire);
        let search = self.current.lock().clone();
        let held = search.as_ref().map_or(0, |search| search.longest);
        MaskStream {
            current: self.current.clone(),
            generation,
            state: search.as_ref().map(|search| search.start),
            search,
            seen: 0,
            sent: 0,
            after_mask: false,
            covered: Vec::new(),
            held: Zeroizing::new(Vec::with_capacity(held)),
        }
    }
}

impl Current {
    fn lock(&self) -> MutexGuard<'_, Option<Arc<Search>>> {
        self.search.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masker").finish_non_exhaustive()
    }
}

impl fmt::Display for MaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the values are too long to be masked")
    }
}

impl std::error::Error for MaskError {}

impl From<BuildError> for MaskError {
    fn from(_: BuildError) -> Self {
        Self
    }
}

impl From<MatchError> for MaskError {
    fn from(_: MatchError) -> Self {
        Self
    }
}

/// One output being masked. Positions count the bytes of the whole stream.
pub struct MaskStream {
    current: Arc<Current>,
    generation: usize,
    search: Option<Arc<Search>>,
    state: Option<StateID>,
    /// How much came in.
    seen: u64,
    /// How much of it was passed on or hidden for good.
    sent: u64,
    /// Whether the byte before `sent` was hidden.
    after_mask: bool,
    /// Occurrences found and not yet written, in order, merged where they touch.
    covered: Vec<Range<u64>>,
    /// The bytes from `sent` to `seen`: a secret may begin there.
    held: Zeroizing<Vec<u8>>,
}

impl MaskStream {
    /// Takes the next bytes of the output and appends to `out` what may be shown.
    pub fn feed(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let generation = self.current.generation.load(Ordering::Acquire);
        if generation != self.generation {
            self.generation = generation;
            self.adopt();
        }
        let (Some(search), Some(state)) = (self.search.clone(), self.state) else {
            out.extend_from_slice(chunk);
            return;
        };
        let base = self.seen;
        self.seen += chunk.len() as u64;
        let state = search.scan(state, chunk, |found, len| {
            let end = base + found as u64;
            cover(&mut self.covered, end.saturating_sub(len)..end);
        });
        self.state = Some(state);
        let undecided = u64::from(search.node(state).depth);
        self.release(self.seen.saturating_sub(undecided), base, chunk, out);
    }

    /// Ends the output: what was held back did not become a secret.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.release(self.seen, self.seen, &[], out);
        self.state = self.search.as_ref().map(|search| search.start);
    }

    /// Goes over to the present secrets, with what is held back read again.
    fn adopt(&mut self) {
        let Some(search) = self.current.lock().clone() else {
            return;
        };
        let base = self.seen.saturating_sub(self.held.len() as u64);
        let mut found = std::mem::take(&mut self.covered);
        let state = search.scan(search.start, &self.held, |end, len| {
            let end = base + end as u64;
            found.push(end.saturating_sub(len)..end);
        });
        found.sort_by_key(|range| range.start);
        for range in found {
            match self.covered.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => self.covered.push(range),
            }
        }
        // Growing in place could move the text and leave a copy behind.
        let mut held = Zeroizing::new(Vec::with_capacity(search.longest.max(self.held.len())));
        held.extend_from_slice(&self.held);
        self.held = held;
        self.state = Some(state);
        self.search = Some(search);
    }

    /// Writes everything before `decided` and whatever hidden run reaches it, then keeps the rest.
    fn release(&mut self, decided: u64, base: u64, chunk: &[u8], out: &mut Vec<u8>) {
        let covered = std::mem::take(&mut self.covered);
        let mut waiting = covered.into_iter().peekable();
        while let Some(range) = waiting.next_if(|range| range.start <= decided.max(self.sent)) {
            self.copy_until(range.start, base, chunk, out);
            if !self.after_mask {
                out.extend_from_slice(MASK);
            }
            self.after_mask = true;
            self.sent = self.sent.max(range.end);
        }
        self.covered = waiting.collect();
        self.copy_until(decided, base, chunk, out);
        self.hold(base, chunk);
    }

    /// Shows the bytes from `sent` to `end`.
    fn copy_until(&mut self, end: u64, base: u64, chunk: &[u8], out: &mut Vec<u8>) {
        if end <= self.sent {
            return;
        }
        let first_held = base.saturating_sub(self.held.len() as u64);
        out.extend_from_slice(part(&self.held, first_held, self.sent..end));
        out.extend_from_slice(part(chunk, base, self.sent..end));
        self.sent = end;
        self.after_mask = false;
    }

    fn hold(&mut self, base: u64, chunk: &[u8]) {
        let gone = self
            .sent
            .saturating_sub(base.saturating_sub(self.held.len() as u64));
        let gone = usize::try_from(gone)
            .unwrap_or(usize::MAX)
            .min(self.held.len());
        self.held.drain(..gone);
        self.held
            .extend_from_slice(part(chunk, base, self.sent..u64::MAX));
    }
}

impl fmt::Debug for MaskStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MaskStream")
            .field("seen", &self.seen)
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}

/// The part of `bytes`, which begin at position `base`, that lies in `range`.
fn part(bytes: &[u8], base: u64, range: Range<u64>) -> &[u8] {
    let index = |position: u64| {
        usize::try_from(position.saturating_sub(base))
            .unwrap_or(usize::MAX)
            .min(bytes.len())
    };
    bytes
        .get(index(range.start)..index(range.end))
        .unwrap_or_default()
}

/// Adds an occurrence that ends after all known ones.
fn cover(covered: &mut Vec<Range<u64>>, mut range: Range<u64>) {
    while let Some(last) = covered.pop_if(|last| last.end >= range.start) {
        range.start = range.start.min(last.start);
    }
    covered.push(range);
}

/// The automaton over all forms.
struct Search {
    automaton: contiguous::NFA,
    start: StateID,
    nodes: Vec<Node>,
    windows: Windows,
    longest: usize,
}

/// What the text read so far means in one state of the automaton.
#[derive(Clone, Copy, Default)]
struct Node {
    /// Length of the longest end of the text that begins a form.
    depth: u32,
    /// Length of the longest form the text ends with; 0 = none.
    found: u32,
}

impl Search {
    fn new(forms: &[Zeroizing<Vec<u8>>]) -> Result<Self, MaskError> {
        let automaton = contiguous::Builder::new()
            .match_kind(MatchKind::Standard)
            .prefilter(false)
            .build(forms.iter().map(|form| form.as_slice()))?;
        let start = automaton.start_state(Anchored::No)?;
        let mut search = Self {
            longest: automaton.max_pattern_len(),
            automaton,
            start,
            nodes: Vec::new(),
            windows: Windows::new(forms.iter().map(|form| form.as_slice())),
        };
        for form in forms {
            search.learn(form)?;
        }
        Ok(search)
    }

    /// Walks one form through the automaton: after its n-th byte the state has depth n. Every
    /// state but the start lies on such a walk.
    fn learn(&mut self, form: &[u8]) -> Result<(), MaskError> {
        let mut state = self.start;
        for (depth, &byte) in (1..).zip(form) {
            state = self.automaton.next_state(Anchored::No, state, byte);
            let found = if self.automaton.is_match(state) {
                (0..self.automaton.match_len(state))
                    .map(|index| self.automaton.match_pattern(state, index))
                    .map(|pattern| self.automaton.pattern_len(pattern))
                    .max()
                    .unwrap_or_default()
            } else {
                0
            };
            let found = u32::try_from(found).map_err(|_| MaskError)?;
            if self.nodes.len() <= state.as_usize() {
                self.nodes.resize(state.as_usize() + 1, Node::default());
            }
            if let Some(node) = self.nodes.get_mut(state.as_usize()) {
                *node = Node { depth, found };
            }
        }
        Ok(())
    }

    fn node(&self, state: StateID) -> Node {
        self.nodes
            .get(state.as_usize())
            .copied()
            .unwrap_or_default()
    }

    /// Runs over `chunk` and reports the end and the length of the longest form that ends at each
    /// byte.
    fn scan(&self, mut state: StateID, chunk: &[u8], mut found: impl FnMut(usize, u64)) -> StateID {
        let mut at = 0;
        let mut tried = usize::MAX;
        let mut depth = self.node(state).depth as usize;
        while let Some(&byte) = chunk.get(at) {
            // No form begins before `begin`; jump to the next place where one can.
            if depth < WINDOW
                && let Some(begin) = at.checked_sub(depth)
                && begin != tried
            {
                tried = self.windows.next(chunk, begin);
                if tried > begin {
                    (state, at, depth) = (self.start, tried, 0);
                    continue;
                }
            }
            state = self.automaton.next_state(Anchored::No, state, byte);
            at += 1;
            let node = self.node(state);
            depth = node.depth as usize;
            if node.found > 0 {
                found(at, u64::from(node.found));
            }
        }
        state
    }
}
