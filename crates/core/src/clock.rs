//! Time and randomness, injected.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

/// A point on the clock's own monotonic time line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The start of the time line.
    pub const ZERO: Self = Self(0);
    /// Later than every other point.
    pub const NEVER: Self = Self(u64::MAX);

    /// The point `nanos` nanoseconds after the start of the time line.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// This point moved by `duration`, at most to [`Timestamp::NEVER`].
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }

    /// The time since `earlier`, zero if that is in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// The time that the pipeline lives by.
///
/// `now` is on the path of every cache hit: it must be monotonic and cheap, and a resolution of a
/// few milliseconds is enough.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// The current time.
    fn now(&self) -> Timestamp;

    /// Completes once `duration` has passed. Dropping the future cancels it.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// The randomness behind jitter. It need not be cryptographic.
pub trait Entropy: Send + Sync + fmt::Debug + 'static {
    /// The next random number.
    fn next(&self) -> u64;
}

/// What the pipeline takes from the program it runs in.
#[derive(Debug, Clone)]
pub struct Host {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The randomness of jitter.
    pub entropy: Arc<dyn Entropy>,
}

/// `duration` moved by at most `percent` per cent up or down.
pub(crate) fn jittered(duration: Duration, percent: u32, entropy: &dyn Entropy) -> Duration {
    // 0 ..= 2000 thousandths of the spread, so that both ends can occur.
    let share = i64::try_from(entropy.next() % 2001).unwrap_or(1000) - 1000;
    let spread = duration.as_secs_f64() * f64::from(percent) / 100.0;
    let moved = duration.as_secs_f64() + spread * (share as f64) / 1000.0;
    Duration::try_from_secs_f64(moved).unwrap_or(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Fixed(u64);
    impl Entropy for Fixed {
        fn next(&self) -> u64 {
            self.0
        }
    }

    #[test]
    fn jitter_stays_within_its_percentage() {
        let base = Duration::from_secs(300);
        assert_eq!(jittered(base, 10, &Fixed(0)), Duration::from_secs(270));
        assert_eq!(jittered(base, 10, &Fixed(1000)), base);
        assert_eq!(jittered(base, 10, &Fixed(2000)), Duration::from_secs(330));
    }

    #[test]
    fn far_points_saturate_instead_of_wrapping() {
        assert_eq!(
            Timestamp::NEVER.after(Duration::from_secs(1)),
            Timestamp::NEVER
        );
        assert_eq!(Timestamp::ZERO.since(Timestamp::NEVER), Duration::ZERO);
    }
}
