//! Time and randomness of the real world.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use keyferry_core::{Clock, Entropy, Host, Timestamp};

/// The clock of the operating system, tokio's timer, and jitter seeded by the process.
///
/// Sleeping, which timeouts and retries do, needs a tokio runtime with time enabled.
pub fn system_host() -> Host {
    Host {
        clock: Arc::new(SystemClock::new()),
        entropy: Arc::new(Jitter::seeded()),
    }
}

#[derive(Debug)]
struct SystemClock {
    #[cfg(not(target_os = "linux"))]
    start: std::time::Instant,
}

#[cfg(target_os = "linux")]
impl SystemClock {
    fn new() -> Self {
        Self {}
    }

    /// A few milliseconds coarse, and read without a system call.
    fn read(&self) -> Timestamp {
        use nix::time::{ClockId, clock_gettime};
        // The clock exists since Linux 2.6.32; time would stand still without it, so that what is
        // cached stays as fresh as it was.
        let time =
            clock_gettime(ClockId::CLOCK_MONOTONIC_COARSE).map_or(Duration::ZERO, Duration::from);
        Timestamp::ZERO.after(time)
    }
}

#[cfg(not(target_os = "linux"))]
impl SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the injected clock")]
    fn new() -> Self {
        Self {
            start: std::time::Instant::now(),
        }
    }

    fn read(&self) -> Timestamp {
        Timestamp::ZERO.after(self.start.elapsed())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        self.read()
    }

    fn sleep(&self, duration: Duration) -> futures_util::future::BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// SplitMix64: enough to spread expiries, and without a lock.
#[derive(Debug)]
struct Jitter(AtomicU64);

impl Jitter {
    fn seeded() -> Self {
        Self(AtomicU64::new(
            RandomState::new().hash_one(std::process::id()),
        ))
    }
}

impl Entropy for Jitter {
    fn next(&self) -> u64 {
        let state = self
            .0
            .fetch_add(GAMMA, Ordering::Relaxed)
            .wrapping_add(GAMMA);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_does_not_run_backwards() {
        let clock = SystemClock::new();
        let first = clock.now();
        assert!(clock.now() >= first);
        assert!(first > Timestamp::ZERO || cfg!(not(target_os = "linux")));
    }

    #[test]
    fn jitter_differs_from_call_to_call() {
        let jitter = Jitter::seeded();
        let numbers: std::collections::HashSet<u64> = (0..1000).map(|_| jitter.next()).collect();
        assert_eq!(numbers.len(), 1000);
    }

    #[test]
    fn split_mix_gives_its_published_numbers() {
        let jitter = Jitter(AtomicU64::new(1_234_567));
        assert_eq!(jitter.next(), 6_457_827_717_110_365_317);
        assert_eq!(jitter.next(), 3_203_168_211_198_807_973);
    }
}
