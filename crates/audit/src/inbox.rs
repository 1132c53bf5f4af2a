//! What the background is sent: gathered for a moment, so that whoever sends wakes nobody.

use std::sync::mpsc::Sender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::call_end::Ended;
use crate::draft::Draft;

/// How long what comes in waits for more: to wake the background for each act would cost whoever
/// sends it more than the act itself.
const GATHER: Duration = Duration::from_millis(5);
/// With so many waiting, no more are waited for.
const ENOUGH: usize = 1024;

/// What the background is sent.
pub(crate) enum Message {
    /// Record this.
    Draft(Box<Draft>),
    /// Record how a call ended.
    CallEnded(Box<dyn Ended>),
    /// Say when all before is durable, or can't be.
    Flush(Sender<()>),
    /// Record what is left and end.
    End,
}

/// Messages that wait, at most so many.
pub(crate) struct Inbox {
    most: usize,
    waiting: Mutex<Waiting>,
    wake: Condvar,
}

#[derive(Default)]
struct Waiting {
    messages: Vec<Message>,
    /// The background sleeps until there is a message.
    asleep: bool,
    /// Somebody waits for what is to come of them.
    urgent: bool,
    /// Nobody takes them any more.
    closed: bool,
}

impl Inbox {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            waiting: Mutex::default(),
            wake: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends an act; false if there are too many, or nobody takes them.
    #[must_use]
    pub(crate) fn note(&self, message: Message) -> bool {
        let mut waiting = self.lock();
        if waiting.closed || waiting.messages.len() >= self.most {
            return false;
        }
        waiting.messages.push(message);
        let wakes = waiting.asleep || waiting.messages.len() == ENOUGH;
        waiting.asleep = false;
        drop(waiting);
        if wakes {
            self.wake.notify_one();
        }
        true
    }

    /// Sends what is not to wait; false if nobody takes it.
    #[must_use]
    pub(crate) fn hurry(&self, message: Message) -> bool {
        let mut waiting = self.lock();
        if waiting.closed {
            return false;
        }
        waiting.messages.push(message);
        waiting.urgent = true;
        waiting.asleep = false;
        drop(waiting);
        self.wake.notify_one();
        true
    }

    /// Takes all that wait, in their order, once there are some or the time is over.
    pub(crate) fn take(&self, patience: Duration) -> Vec<Message> {
        let mut waiting = self.lock();
        let until = Instant::now() + patience;
        while waiting.messages.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            waiting.asleep = true;
            waiting = self.wait(waiting, left);
        }
        waiting.asleep = false;
        let until = Instant::now() + GATHER;
        while !waiting.messages.is_empty() && !waiting.urgent && waiting.messages.len() < ENOUGH {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            waiting = self.wait(waiting, left);
        }
        waiting.urgent = false;
        // As many come next, more or less: room that grows is moved each time.
        let room = Vec::with_capacity(waiting.messages.len());
        std::mem::replace(&mut waiting.messages, room)
    }

    fn wait<'a>(
        &self,
        waiting: MutexGuard<'a, Waiting>,
        left: Duration,
    ) -> MutexGuard<'a, Waiting> {
        let waited = self.wake.wait_timeout(waiting, left);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Nothing is taken any more. Gives what still waits.
    pub(crate) fn close(&self) -> Vec<Message> {
        let mut waiting = self.lock();
        waiting.closed = true;
        std::mem::take(&mut waiting.messages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::state;
    use doorward_policy::Timestamp;
    use std::sync::Arc;

    fn message() -> Message {
        let draft = state(Timestamp::from_seconds(1_800_000_000), "test");
        Message::Draft(Box::new(draft))
    }

    #[test]
    fn what_is_sent_is_taken_together_and_in_order() {
        let inbox = Inbox::new(3);
        assert!((0..3).all(|_| inbox.note(message())));
        assert!(!inbox.note(message()), "there are too many");
        assert!(inbox.hurry(Message::End), "but this is heard");
        let taken = inbox.take(Duration::from_secs(60));
        assert_eq!(taken.len(), 4);
        assert!(matches!(taken.last(), Some(Message::End)));
        assert!(inbox.take(Duration::ZERO).is_empty());
        assert!(inbox.note(message()), "there is room again");
        assert_eq!(inbox.close().len(), 1);
        assert!(!inbox.note(message()) && !inbox.hurry(Message::End));
    }

    #[test]
    fn who_sleeps_is_woken() {
        let inbox = Arc::new(Inbox::new(10));
        let taking = Arc::clone(&inbox);
        let taken = std::thread::spawn(move || taking.take(Duration::from_secs(60)).len());
        while !inbox.lock().asleep {
            std::thread::yield_now();
        }
        let start = Instant::now();
        assert!(inbox.note(message()));
        assert_eq!(taken.join().unwrap(), 1);
        assert!(start.elapsed() < Duration::from_secs(30));
    }
}
