//! A future that several tasks wait for, driven by whichever of them is polled.
//!
//! The one of `futures` can lose a wake-up: a task that starts to wait while another one polls, just
//! after the inner future asked to be polled again, is forgotten if that other one then leaves.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, TryLockError, Weak};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::future::BoxFuture;

use crate::sync::{Mutex, locked};

/// A handle to a future whose result is cloned for every handle. The future goes on while one
/// handle is left and polled, and is dropped with the last.
pub(crate) struct Shared<T> {
    ride: Arc<Ride<T>>,
    seat: u64,
}

/// A handle that does not keep the future.
pub(crate) struct WeakShared<T>(Weak<Ride<T>>);

struct Ride<T> {
    future: Mutex<Option<BoxFuture<'static, T>>>,
    board: Arc<Board<T>>,
}

/// What the waiting tasks and the inner future's waker meet at. It does not hold the future, which
/// holds the waker.
struct Board<T>(Mutex<State<T>>);

struct State<T> {
    result: Option<T>,
    waiting: BTreeMap<u64, Waker>,
    last_seat: u64,
    // The future asked to be polled again since it was last polled.
    woken: bool,
}

impl<T: Clone + Send + 'static> Shared<T> {
    pub(crate) fn new(future: BoxFuture<'static, T>) -> Self {
        let state = State {
            result: None,
            waiting: BTreeMap::new(),
            last_seat: 0,
            woken: false,
        };
        let board = Arc::new(Board(Mutex::new(state)));
        Self {
            ride: Arc::new(Ride {
                future: Mutex::new(Some(future)),
                board,
            }),
            seat: 0,
        }
    }

    pub(crate) fn downgrade(&self) -> WeakShared<T> {
        WeakShared(Arc::downgrade(&self.ride))
    }

    /// The result, or a note of who waits for it.
    fn result_or_wait(&self, waker: &Waker) -> Option<T> {
        locked(&self.ride.board.0, |state| {
            if state.result.is_none() {
                let known = state
                    .waiting
                    .entry(self.seat)
                    .or_insert_with(|| waker.clone());
                known.clone_from(waker);
            }
            state.result.clone()
        })
    }
}

impl<T: Clone + Send + 'static> Future for Shared<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let board = &self.ride.board;
        if let Some(result) = self.result_or_wait(context.waker()) {
            return Poll::Ready(result);
        }
        let mut future = match self.ride.future.try_lock() {
            Ok(future) => future,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Another task polls it now, and wakes this one if the future has asked for more.
            Err(TryLockError::WouldBlock) => return Poll::Pending,
        };
        let Some(inner) = future.as_mut() else {
            // It landed between the look at the result and the lock.
            drop(future);
            return self
                .result_or_wait(context.waker())
                .map_or(Poll::Pending, Poll::Ready);
        };
        locked(&board.0, |state| state.woken = false);
        let polled = inner
            .as_mut()
            .poll(&mut Context::from_waker(&Waker::from(Arc::clone(board))));
        if let Poll::Ready(result) = polled {
            *future = None;
            drop(future);
            board.land(result.clone());
            return Poll::Ready(result);
        }
        drop(future);
        // ORDER: after the lock is free, or the tasks would find it taken and wait again.
        if locked(&board.0, |state| state.woken) {
            board.wake_all();
        }
        Poll::Pending
    }
}

impl<T: Send + 'static> Board<T> {
    fn land(&self, result: T) {
        let waiting = locked(&self.0, |state| {
            state.result = Some(result);
            std::mem::take(&mut state.waiting)
        });
        waiting.into_values().for_each(Waker::wake);
    }

    fn wake_all(&self) {
        let waiting: Vec<_> = locked(&self.0, |state| state.waiting.values().cloned().collect());
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl<T: Send + 'static> Wake for Board<T> {
    fn wake(self: Arc<Self>) {
        locked(&self.0, |state| state.woken = true);
        self.wake_all();
    }
}

impl<T> WeakShared<T> {
    /// A new handle, if one is left.
    pub(crate) fn upgrade(&self) -> Option<Shared<T>> {
        self.0.upgrade().map(Shared::seated)
    }
}

impl<T> Shared<T> {
    fn seated(ride: Arc<Ride<T>>) -> Self {
        let seat = locked(&ride.board.0, |state| {
            state.last_seat += 1;
            state.last_seat
        });
        Self { ride, seat }
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self::seated(Arc::clone(&self.ride))
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        // The waker is dropped outside the lock: it may be the last handle of a task.
        let _own = locked(&self.ride.board.0, |state| state.waiting.remove(&self.seat));
    }
}

impl<T> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("seat", &self.seat)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Mutex, OnceLock};

    use futures_util::FutureExt;
    use futures_util::future::{pending, poll_fn};

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn poll<T: Clone + Send + 'static>(shared: &mut Shared<T>, count: &Arc<Count>) -> Poll<T> {
        shared.poll_unpin(&mut Context::from_waker(&Waker::from(Arc::clone(count))))
    }

    #[test]
    fn a_task_that_starts_to_wait_while_another_polls_is_not_forgotten() {
        let second: Arc<OnceLock<Mutex<Shared<u8>>>> = Arc::default();
        let (one, two) = (Arc::<Count>::default(), Arc::<Count>::default());
        let mut polls = 0;
        let mut first = Shared::new({
            let (second, two) = (Arc::clone(&second), Arc::clone(&two));
            poll_fn(move |context| {
                polls += 1;
                if polls == 2 {
                    return Poll::Ready(7);
                }
                context.waker().wake_by_ref();
                // The second task comes just now.
                let mut second = second.get().unwrap().lock().unwrap();
                assert!(poll(&mut second, &two).is_pending());
                Poll::Pending
            })
            .boxed()
        });
        second.set(Mutex::new(first.clone())).unwrap();
        assert!(poll(&mut first, &one).is_pending());
        drop(first);
        assert!(two.0.load(Ordering::SeqCst) > 0);
        assert_eq!(
            poll(&mut second.get().unwrap().lock().unwrap(), &two),
            Poll::Ready(7)
        );
    }

    #[test]
    fn every_handle_gets_the_result_and_is_woken_for_it() {
        let mut ready = false;
        let mut first = Shared::new(
            poll_fn(move |_| {
                if std::mem::replace(&mut ready, true) {
                    Poll::Ready(7)
                } else {
                    Poll::Pending
                }
            })
            .boxed(),
        );
        let mut second = first.clone();
        let (one, two) = (Arc::<Count>::default(), Arc::<Count>::default());
        assert!(poll(&mut first, &one).is_pending());
        assert_eq!(poll(&mut second, &two), Poll::Ready(7));
        assert_eq!(one.0.load(Ordering::SeqCst), 1);
        assert_eq!(poll(&mut first, &one), Poll::Ready(7));
        assert_eq!(poll(&mut first.clone(), &one), Poll::Ready(7));
    }

    #[test]
    fn the_future_is_dropped_with_the_last_handle() {
        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        let mut first = Shared::new(
            async move {
                pending::<()>().await;
                drop(held);
            }
            .boxed(),
        );
        assert!(poll(&mut first, &Arc::default()).is_pending());
        let (second, weak) = (first.clone(), first.downgrade());
        drop(first);
        assert_eq!(Arc::strong_count(&alive), 2);
        drop(second);
        assert_eq!(Arc::strong_count(&alive), 1);
        assert!(weak.upgrade().is_none());
    }
}
