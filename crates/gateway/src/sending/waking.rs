//! Waking whoever uses a connection, and nobody else.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// What a connection wakes. It is polled by the call that uses it, so what its parts tell each other
/// meanwhile needs no waking, and while it lies idle there is nobody to be woken.
#[derive(Debug, Default)]
pub(crate) struct Waking {
    state: AtomicU8,
    user: Mutex<Option<Waker>>,
}

/// It is being polled: what wakes it now is only noted.
const POLLED: u8 = 1;
/// It was woken meanwhile.
const WOKEN: u8 = 2;

impl Waking {
    /// Polls what was given the connection's waker, on behalf of the task of `cx`. What wakes it
    /// while it is polled is passed on if it is not ready.
    pub(crate) fn poll<T>(&self, cx: &Context<'_>, poll: impl FnOnce() -> Poll<T>) -> Poll<T> {
        self.state.store(POLLED, Ordering::SeqCst);
        self.enter(cx.waker());
        let polled = poll();
        let before = self.state.swap(0, Ordering::SeqCst);
        if polled.is_pending() && before & WOKEN != 0 {
            cx.waker().wake_by_ref();
        }
        polled
    }

    /// From now on nobody is woken, until it is polled.
    pub(crate) fn rest(&self) {
        self.state.store(POLLED, Ordering::SeqCst);
        let user = self.user().take();
        drop(user);
    }

    fn enter(&self, waker: &Waker) {
        let mut user = self.user();
        if !user.as_ref().is_some_and(|user| user.will_wake(waker)) {
            *user = Some(waker.clone());
        }
    }

    fn user(&self) -> std::sync::MutexGuard<'_, Option<Waker>> {
        self.user.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Waking {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.fetch_or(WOKEN, Ordering::SeqCst) & POLLED == 0
            && let Some(user) = &*self.user()
        {
            user.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn only_a_user_that_waits_is_woken() {
        let waking = Arc::new(Waking::default());
        let ours = Waker::from(Arc::clone(&waking));
        let count = Arc::new(Count::default());
        let user = Waker::from(Arc::clone(&count));
        let cx = Context::from_waker(&user);
        let woken = || count.0.swap(0, Ordering::SeqCst);

        ours.wake_by_ref();
        assert_eq!(woken(), 0, "nobody uses it");
        let polled = waking.poll(&cx, || {
            ours.wake_by_ref();
            Poll::Ready(())
        });
        assert_eq!((polled, woken()), (Poll::Ready(()), 0), "it need not wait");
        let polled: Poll<()> = waking.poll(&cx, || {
            ours.wake_by_ref();
            Poll::Pending
        });
        assert_eq!((polled, woken()), (Poll::Pending, 1), "it came meanwhile");
        let _ = waking.poll(&cx, || Poll::<()>::Pending);
        assert_eq!(woken(), 0);
        ours.wake_by_ref();
        assert_eq!(woken(), 1, "it waits");
        waking.rest();
        ours.wake_by_ref();
        assert_eq!(woken(), 0);
        drop(user);
        assert_eq!(Arc::strong_count(&count), 1, "its task is let go");
    }
}
