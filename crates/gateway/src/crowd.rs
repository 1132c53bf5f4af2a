//! Room for those who have something to ask: who only waits makes place.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use tokio::sync::Notify;

/// The open connections on which no request is under way, those that wait longest first. Neither a
/// connection that never sends a whole head nor an idle one keeps others out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Crowd(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    by_age: BTreeMap<u64, Arc<Notify>>,
}

impl Crowd {
    /// A place for a connection, which waits for its first request.
    pub(crate) fn enter(&self) -> Arc<Seat> {
        let seat = Seat {
            crowd: self.clone(),
            under_way: AtomicUsize::new(0),
            ticket: Mutex::new(None),
            leave: Arc::new(Notify::new()),
        };
        seat.wait();
        Arc::new(seat)
    }

    /// Asks the connection that has waited longest to go. False when none waits.
    pub(crate) fn make_room(&self) -> bool {
        let eldest = self.lock().by_age.pop_first();
        eldest.is_some_and(|(_, leave)| {
            leave.notify_one();
            true
        })
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place.
#[derive(Debug)]
pub(crate) struct Seat {
    crowd: Crowd,
    under_way: AtomicUsize,
    ticket: Mutex<Option<u64>>,
    leave: Arc<Notify>,
}

impl Seat {
    /// A request is under way as long as what is returned lives.
    pub(crate) fn ask(self: &Arc<Self>) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        self.forget();
        UnderWay(Arc::clone(self))
    }

    /// Done when the connection is to go. What was asked for when a request came in the meantime
    /// is passed over.
    pub(crate) async fn left(&self) {
        loop {
            self.leave.notified().await;
            if self.under_way.load(Ordering::SeqCst) == 0 {
                return;
            }
        }
    }

    fn wait(&self) {
        let mut waiting = self.crowd.lock();
        let ticket = waiting.next;
        waiting.next += 1;
        waiting.by_age.insert(ticket, Arc::clone(&self.leave));
        drop(waiting);
        *self.ticket() = Some(ticket);
    }

    fn forget(&self) {
        if let Some(ticket) = self.ticket().take() {
            self.crowd.lock().by_age.remove(&ticket);
        }
    }

    fn ticket(&self) -> MutexGuard<'_, Option<u64>> {
        self.ticket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.forget();
    }
}

/// A request that is under way on a connection.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<Seat>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        if self.0.under_way.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.wait();
        }
    }
}

/// A body whose request is under way until the body is passed on.
#[derive(Debug)]
pub(crate) struct Occupying<B> {
    pub(crate) body: B,
    pub(crate) _under_way: UnderWay,
}

impl<B: Body + Unpin> Body for Occupying<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(seat: &Seat) -> bool {
        let mut left = Box::pin(seat.left());
        let mut cx = Context::from_waker(std::task::Waker::noop());
        left.as_mut().poll(&mut cx).is_ready()
    }

    #[test]
    fn who_waits_longest_goes_first_and_who_is_served_stays() {
        let crowd = Crowd::default();
        let (one, two, three) = (crowd.enter(), crowd.enter(), crowd.enter());
        let served = one.ask();
        assert!(crowd.make_room());
        assert!(!leaves(&one) && leaves(&two) && !leaves(&three));
        drop(served);
        assert!(crowd.make_room());
        assert!(!leaves(&one) && leaves(&three), "one began to wait later");
        assert!(crowd.make_room());
        assert!(leaves(&one));
        assert!(!crowd.make_room(), "nobody is left");
    }

    #[test]
    fn a_request_that_comes_in_the_meantime_is_served() {
        let crowd = Crowd::default();
        let seat = crowd.enter();
        assert!(crowd.make_room());
        let _served = seat.ask();
        assert!(!leaves(&seat));
    }

    #[test]
    fn who_is_gone_is_not_waited_for() {
        let crowd = Crowd::default();
        drop(crowd.enter());
        assert!(!crowd.make_room());
    }
}
