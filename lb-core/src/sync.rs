//! The locks and atomics of this crate, so that loom can take their place:
//! `RUSTFLAGS="--cfg loom" cargo test -p lb-core --release --lib loom`.

#[cfg(not(loom))]
pub(crate) use std::sync::{
    Mutex,
    atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering},
};

#[cfg(loom)]
pub(crate) use loom::sync::{
    Mutex,
    atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering},
};

/// Stands between a sequentially consistent write and a sequentially consistent
/// read of something else, where two threads cross and one at least must see the
/// other. The accesses see to that by themselves, so this is nothing, except
/// under loom, which takes them for acquire and release and knows sequential
/// consistency of fences only.
pub(crate) fn crossing() {
    #[cfg(loom)]
    loom::sync::atomic::fence(Ordering::SeqCst);
}

/// Locks, and goes on with the data of a thread that panicked: every critical
/// section of this crate leaves its data consistent at each step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> impl std::ops::DerefMut<Target = T> + '_ {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
