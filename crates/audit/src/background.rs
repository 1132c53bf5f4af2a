//! The thread that seals and appends what nobody waits for.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use doorward_ledger::LeafBytes;
use doorward_ledger::log::{AppendError, Ticket};
use doorward_policy::Timestamp;

use crate::audit::{Core, state};
use crate::draft::Draft;
use crate::error::{AuditError, Result};
use crate::inbox::{Inbox, Message};

/// How often minutes that are over are looked for.
const TICK: Duration = Duration::from_secs(1);
/// How long a full queue is waited for, and how often.
const FULL_WAITS: u32 = 500;
const FULL_PAUSE: Duration = Duration::from_millis(10);
/// A clock that goes back by less is no news.
const CLOCK_BACK_MS: i64 = 2_000;

/// The thread's state.
pub(crate) struct Worker {
    core: Arc<Core>,
    inbox: Arc<Inbox>,
    clock: ClockWatch,
    /// Appended and not known to be durable yet.
    under_way: VecDeque<Ticket>,
}

impl Worker {
    pub(crate) fn new(core: Arc<Core>, inbox: Arc<Inbox>) -> Self {
        let clock = ClockWatch::new((core.clock)());
        Self {
            core,
            inbox,
            clock,
            under_way: VecDeque::new(),
        }
    }

    pub(crate) fn run(mut self) {
        loop {
            let mut leaves = Vec::new();
            for message in self.inbox.take(TICK) {
                match message {
                    Message::Draft(draft) => {
                        leaves.extend(self.seal(*draft));
                        self.core.waiting.fetch_sub(1, Ordering::Relaxed);
                    }
                    Message::CallEnded(ended) => {
                        leaves.extend(self.taken(self.core.seal_end(&ended.end())));
                        self.core.waiting.fetch_sub(1, Ordering::Relaxed);
                    }
                    Message::Flush(done) => {
                        self.append(&std::mem::take(&mut leaves));
                        self.settle();
                        // Whoever asked may have given up.
                        let _ = done.send(());
                    }
                    Message::End => {
                        let ended = self.core.refusals().ended(None);
                        leaves.extend(ended.into_iter().filter_map(|draft| self.seal(draft)));
                        self.append(&leaves);
                        self.tell_lost();
                        self.settle();
                        return;
                    }
                }
            }
            self.append(&leaves);
            self.tick();
        }
    }

    fn tick(&mut self) {
        let now = (self.core.clock)();
        let Some(back_ms) = self.clock.look(now, Instant::now()) else {
            return;
        };
        let ended = self.core.refusals().ended(Some(now));
        let mut leaves: Vec<_> = ended
            .into_iter()
            .filter_map(|draft| self.seal(draft))
            .collect();
        if back_ms >= CLOCK_BACK_MS {
            let mut draft = state(now, "clock_back");
            let metadata = &mut draft.act.metadata;
            metadata.insert("back_ms".to_owned(), back_ms.into());
            leaves.extend(self.seal(draft));
        }
        self.append(&leaves);
        self.tell_lost();
    }

    /// The leaf of an act. One that can't be sealed is counted.
    fn seal(&self, draft: Draft) -> Option<LeafBytes> {
        self.taken(self.core.seal(draft).map(|(_, leaf)| leaf))
    }

    fn taken(&self, leaf: Result<LeafBytes>) -> Option<LeafBytes> {
        leaf.inspect_err(|error| self.core.lose(1, error)).ok()
    }

    /// Puts leaves on their way together, so that they share a sync.
    fn append(&mut self, mut leaves: &[LeafBytes]) {
        self.collect();
        let mut waits = 0;
        while !leaves.is_empty() {
            let (taken, refused) = self.core.log.append_all(leaves);
            leaves = leaves.get(taken.len()..).unwrap_or_default();
            self.under_way.extend(taken);
            match refused {
                None => {}
                Some(AppendError::QueueFull { .. }) if waits < FULL_WAITS => {
                    waits += 1;
                    std::thread::sleep(FULL_PAUSE);
                }
                Some(error) => {
                    self.core
                        .lose(leaves.len() as u64, &AuditError::from(error));
                    return;
                }
            }
        }
    }

    /// Lets go of what is decided.
    fn collect(&mut self) {
        let mut lost = 0;
        while let Some(durable) = self.under_way.front().and_then(Ticket::is_durable) {
            self.under_way.pop_front();
            lost += u64::from(!durable);
        }
        if lost > 0 {
            self.core
                .lose(lost, &AuditError::NotRecorded("the ledger halted before"));
        }
    }

    /// Waits for the disk.
    fn settle(&mut self) {
        let mut lost = 0;
        for ticket in self.under_way.drain(..) {
            lost += u64::from(ticket.wait().is_err());
        }
        if lost > 0 {
            self.core
                .lose(lost, &AuditError::NotRecorded("the ledger halted before"));
        }
    }

    /// Records how many acts were lost.
    fn tell_lost(&self) {
        let lost = self.core.lost.load(Ordering::Relaxed);
        if lost == 0 || self.core.log.status().halt.is_some() {
            return;
        }
        let mut draft = state((self.core.clock)(), "lost");
        draft.act.metadata.insert("acts".to_owned(), lost.into());
        if self.core.record_blocking(draft).is_ok() {
            self.core.lost.fetch_sub(lost, Ordering::Relaxed);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Also when it panicked: what is noted from now on is not recorded.
        self.core.ended.store(true, Ordering::Relaxed);
        let left = self.inbox.close();
        self.core.waiting.fetch_sub(
            left.iter()
                .filter(|message| matches!(message, Message::Draft(_) | Message::CallEnded(_)))
                .count(),
            Ordering::Relaxed,
        );
    }
}

/// Holds the clock against time as it passes.
struct ClockWatch {
    wall: Timestamp,
    at: Instant,
}

impl ClockWatch {
    fn new(wall: Timestamp) -> Self {
        Self {
            wall,
            at: Instant::now(),
        }
    }

    /// How far the clock went back since the last look, in milliseconds; `None` within the same
    /// tick as the last look.
    fn look(&mut self, wall: Timestamp, at: Instant) -> Option<i64> {
        let passed = at.saturating_duration_since(self.at);
        if passed < TICK {
            return None;
        }
        let passed = i64::try_from(passed.as_millis()).unwrap_or(i64::MAX);
        let back = passed.saturating_sub(wall.millis_since(self.wall));
        *self = Self { wall, at };
        Some(back.max(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_goes_back_is_seen_and_one_that_goes_on_is_not() {
        let wall = Timestamp::from_seconds(1_800_000_000);
        let mut watch = ClockWatch::new(wall);
        let at = watch.at;
        let after = |seconds| at + Duration::from_secs(seconds);
        assert_eq!(watch.look(wall, at), None);
        assert_eq!(watch.look(wall.plus_millis(5_000), after(5)), Some(0));
        assert_eq!(watch.look(wall.plus_millis(1_000), after(6)), Some(5_000));
        assert_eq!(watch.look(wall.plus_millis(90_000), after(7)), Some(0));
    }
}
