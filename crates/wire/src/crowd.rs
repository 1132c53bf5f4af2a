//! Room for those who have something to ask: who only waits makes place.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

/// The open connections on which no request is under way, those that wait longest first. Neither a
/// connection that never sends a whole head nor an idle one keeps others out.
#[derive(Debug, Clone, Default)]
pub struct Crowd(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    by_age: BTreeMap<u64, Arc<Notify>>,
}

impl Crowd {
    /// A place for a connection, which waits for its first request.
    pub fn enter(&self) -> Arc<Seat> {
        let seat = Seat {
            crowd: self.clone(),
            state: Mutex::new(State::default()),
            leave: Arc::new(Notify::new()),
        };
        seat.wait(&mut seat.state());
        Arc::new(seat)
    }

    /// Asks the connection that has waited longest to go. False when none waits.
    pub fn make_room(&self) -> bool {
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
pub struct Seat {
    crowd: Crowd,
    state: Mutex<State>,
    leave: Arc<Notify>,
}

/// What a connection is doing. HTTP/2 has many requests under way at once.
#[derive(Debug, Default)]
struct State {
    under_way: usize,
    ticket: Option<u64>,
    /// Since when no request is under way.
    idle_since: Option<Instant>,
}

impl Seat {
    /// A request is under way as long as what is returned lives.
    pub fn ask(self: &Arc<Self>) -> UnderWay {
        let mut state = self.state();
        state.under_way += 1;
        self.forget(&mut state);
        UnderWay(Arc::clone(self))
    }

    /// Done when the connection is to go. What was asked for when a request came in the meantime
    /// is passed over.
    pub async fn left(&self) {
        loop {
            self.leave.notified().await;
            if self.state().under_way == 0 {
                return;
            }
        }
    }

    /// Done when no request was under way for so long.
    pub async fn idle(&self, patience: Duration) {
        loop {
            let since = self.state().idle_since;
            match since {
                None => sleep(patience).await,
                Some(since) if since.elapsed() >= patience => return,
                Some(since) => sleep_until(since + patience).await,
            }
        }
    }

    fn wait(&self, state: &mut State) {
        let mut waiting = self.crowd.lock();
        let ticket = waiting.next;
        waiting.next += 1;
        waiting.by_age.insert(ticket, Arc::clone(&self.leave));
        drop(waiting);
        state.ticket = Some(ticket);
        state.idle_since = Some(Instant::now());
    }

    fn forget(&self, state: &mut State) {
        state.idle_since = None;
        if let Some(ticket) = state.ticket.take() {
            self.crowd.lock().by_age.remove(&ticket);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.forget(&mut self.state());
    }
}

/// A request that is under way on a connection.
#[derive(Debug)]
pub struct UnderWay(Arc<Seat>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.under_way = state.under_way.saturating_sub(1);
        if state.under_way == 0 {
            self.0.wait(&mut state);
        }
    }
}

/// Pieces of so many bytes keep their request under way until they are written.
const LARGE: usize = 16 * 1024;

/// A body whose request is under way until the body is passed on, and its large pieces are written.
#[derive(Debug)]
pub struct Occupying<B> {
    body: B,
    under_way: Arc<UnderWay>,
}

impl<B> Occupying<B> {
    /// The body of a request that is under way.
    pub fn new(body: B, under_way: UnderWay) -> Self {
        Self {
            body,
            under_way: Arc::new(under_way),
        }
    }
}

/// A piece of a body.
struct Piece {
    bytes: Bytes,
    _under_way: Arc<UnderWay>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Occupying<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let under_way = &self.under_way;
        let hold = |bytes: Bytes| match bytes.len() {
            0..LARGE => bytes,
            _ => Bytes::from_owner(Piece {
                bytes,
                _under_way: Arc::clone(under_way),
            }),
        };
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(hold))))
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
    fn of_many_requests_the_last_one_counts() {
        let crowd = Crowd::default();
        let seat = crowd.enter();
        let (one, two) = (seat.ask(), seat.ask());
        drop(one);
        assert!(!crowd.make_room(), "the other is under way");
        drop(two);
        assert!(crowd.make_room() && leaves(&seat));
        assert!(!crowd.make_room(), "it was there once");
    }

    #[tokio::test]
    async fn who_asks_nothing_for_long_is_idle() {
        let crowd = Crowd::default();
        let seat = crowd.enter();
        let patience = Duration::from_millis(20);
        let asked = seat.ask();
        let idle = tokio::time::timeout(patience * 3, seat.idle(patience));
        assert!(idle.await.is_err(), "a request is under way");
        drop(asked);
        let start = Instant::now();
        seat.idle(patience).await;
        assert!(start.elapsed() >= patience / 2);
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
