//! The primitives that threads meet at, exchangeable for those of the model checker.

#[cfg(not(shuttle))]
mod real {
    use std::sync::Arc;

    pub(crate) use std::sync::Mutex;

    /// A value that is read without a lock and replaced as a whole.
    #[derive(Debug)]
    pub(crate) struct Snapshot<T>(arc_swap::ArcSwap<T>);

    impl<T> Snapshot<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(arc_swap::ArcSwap::from_pointee(value))
        }

        pub(crate) fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
            read(&self.0.load())
        }

        pub(crate) fn replace(&self, value: T) {
            self.0.store(Arc::new(value));
        }
    }
}

#[cfg(shuttle)]
mod real {
    pub(crate) use shuttle::sync::Mutex;

    /// As the real one, with a lock that the model checker sees.
    #[derive(Debug)]
    pub(crate) struct Snapshot<T>(shuttle::sync::RwLock<T>);

    impl<T> Snapshot<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(shuttle::sync::RwLock::new(value))
        }

        pub(crate) fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
            read(
                &self
                    .0
                    .read()
                    .unwrap_or_else(|poisoned| poisoned.into_inner()),
            )
        }

        pub(crate) fn replace(&self, value: T) {
            *self
                .0
                .write()
                .unwrap_or_else(|poisoned| poisoned.into_inner()) = value;
        }
    }
}

pub(crate) use real::{Mutex, Snapshot};

/// Locks a mutex. A holder that panicked leaves every state here consistent.
pub(crate) fn locked<T, R>(mutex: &Mutex<T>, change: impl FnOnce(&mut T) -> R) -> R {
    change(
        &mut mutex
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner()),
    )
}
