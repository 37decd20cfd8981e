//! Time and randomness that a test owns.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::future::BoxFuture;
use keyferry_core::{Clock, Entropy, Host, Timestamp};

/// A clock that stands still until it is [advanced](Self::advance). Clones are the same clock.
#[derive(Debug, Clone, Default)]
pub struct ManualClock(Arc<Time>);

#[derive(Debug, Default)]
struct Time {
    nanos: AtomicU64,
    sleepers: Mutex<Vec<Waker>>,
}

impl ManualClock {
    /// Moves the time on and wakes every sleeper whose time has come.
    pub fn advance(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.0.nanos.fetch_add(nanos, Ordering::SeqCst);
        let sleepers = std::mem::take(
            &mut *self
                .0
                .sleepers
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        // Those who still have to wait register again.
        sleepers.into_iter().for_each(Waker::wake);
    }

    /// The number of futures that wait for the time to move.
    pub fn sleepers(&self) -> usize {
        self.0
            .sleepers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// A host with this clock and randomness that moves nothing.
    pub fn host(&self) -> Host {
        Host {
            clock: Arc::new(self.clone()),
            entropy: Arc::new(NoJitter),
        }
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.0.nanos.load(Ordering::SeqCst))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(Sleep {
            time: Arc::clone(&self.0),
            until: self.now().after(duration),
        })
    }
}

struct Sleep {
    time: Arc<Time>,
    until: Timestamp,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut sleepers = self
            .time
            .sleepers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if Timestamp::from_nanos(self.time.nanos.load(Ordering::SeqCst)) >= self.until {
            return Poll::Ready(());
        }
        sleepers.push(context.waker().clone());
        Poll::Pending
    }
}

/// Randomness that is always in the middle: jitter moves nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoJitter;

impl Entropy for NoJitter {
    fn next(&self) -> u64 {
        1000
    }
}
