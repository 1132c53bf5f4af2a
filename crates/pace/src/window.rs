//! The exact log of what was sent, and when it lets the next call go.

use std::collections::VecDeque;
use std::time::Duration;

use crate::config::{Nanos, duration, nanos};

/// At most `calls` in any stretch of `length`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) calls: usize,
    pub(crate) length: Nanos,
}

/// The whole pace, in thousandths.
const WHOLE: u32 = 1_000;
/// What a second of successes gives back.
const STEP: u32 = 50;
/// The pace never falls below this: an eighth of the budget.
const LEAST: u32 = 125;
const SECOND: Nanos = 1_000_000_000;
/// A `Retry-After` is believed up to here.
const LONGEST_BLOCK: Duration = Duration::from_secs(600);

/// What was sent under one limit (with one or two windows), newest last, as much as the windows need.
#[derive(Debug)]
pub(crate) struct Log {
    windows: Vec<Window>,
    keep: usize,
    sent: VecDeque<Nanos>,
    /// Thousandths of the budget that the upstream is believed to bear.
    pub(crate) pace: u32,
    pub(crate) blocked_until: Nanos,
    changed_at: Nanos,
    /// The queue one slot is held for.
    pub(crate) held_for: Option<usize>,
}

impl Log {
    pub(crate) fn new(windows: Vec<Window>) -> Log {
        Log {
            keep: windows.iter().map(|w| w.calls).max().unwrap_or(1),
            windows,
            sent: VecDeque::new(),
            pace: WHOLE,
            blocked_until: Nanos::MIN,
            changed_at: Nanos::MIN,
            held_for: None,
        }
    }

    /// Counts in other windows from now on.
    pub(crate) fn set_windows(&mut self, windows: Vec<Window>) {
        let most = windows.iter().map(|w| w.calls).max().unwrap_or(1);
        // Never less: what was sent is still needed when the limits are raised again.
        self.keep = self.keep.max(most);
        self.windows = windows;
        self.held_for = None;
    }

    pub(crate) fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// Calls a window allows at the present pace.
    pub(crate) fn allowed(&self, window: Window) -> usize {
        if self.pace >= WHOLE {
            return window.calls;
        }
        let pace = usize::try_from(self.pace).unwrap_or(0);
        (window.calls.saturating_mul(pace) / 1_000).max(1)
    }

    /// The earliest time the next call of that queue may go.
    pub(crate) fn ready_at(&self, queue: usize) -> Nanos {
        let held = usize::from(self.held_for.is_some_and(|holder| holder != queue));
        let mut at = self.blocked_until;
        for window in &self.windows {
            let allowed = self.allowed(*window).saturating_sub(held);
            // The call that must have left the window before another may enter.
            let gate = match allowed {
                0 => self.sent.back(),
                n => self
                    .sent
                    .len()
                    .checked_sub(n)
                    .and_then(|i| self.sent.get(i)),
            };
            if let Some(sent) = gate {
                at = at.max(sent.saturating_add(window.length));
            }
        }
        at
    }

    pub(crate) fn send(&mut self, now: Nanos) {
        if self.sent.len() >= self.keep {
            self.sent.pop_front();
        }
        self.sent.push_back(now);
    }

    /// Takes back a call that was counted as sent at that time, if it is still in mind.
    pub(crate) fn take_back(&mut self, at: Nanos) {
        if let Ok(found) = self.sent.binary_search(&at) {
            self.sent.remove(found);
        }
    }

    /// Calls sent in the window that ends now, and when the oldest of them leaves it.
    pub(crate) fn used(&self, window: Window, now: Nanos) -> (usize, Option<Nanos>) {
        let first = self
            .sent
            .partition_point(|sent| sent.saturating_add(window.length) <= now);
        let oldest = self
            .sent
            .get(first)
            .map(|t| t.saturating_add(window.length));
        (self.sent.len().saturating_sub(first), oldest)
    }

    /// Calls a second that the tightest window allows, in thousandths, at least 1.
    pub(crate) fn milli_rate(&self) -> u64 {
        self.windows
            .iter()
            .map(|w| {
                let calls = u128::try_from(self.allowed(*w)).unwrap_or(u128::MAX);
                let length = u128::try_from(w.length).unwrap_or(1).max(1);
                u64::try_from(calls.saturating_mul(1_000_000_000_000) / length).unwrap_or(u64::MAX)
            })
            .min()
            .unwrap_or(1)
            .max(1)
    }

    /// The upstream said it was too much. Answers to calls that were on their way together are one
    /// complaint: the pace is halved once a second at most.
    pub(crate) fn complained(&mut self, now: Nanos, retry_after: Option<Duration>) {
        let wait = retry_after
            .unwrap_or(Duration::from_secs(1))
            .min(LONGEST_BLOCK);
        self.blocked_until = self.blocked_until.max(now.saturating_add(nanos(wait)));
        if now >= self.changed_at.saturating_add(SECOND) {
            self.pace = (self.pace / 2).max(LEAST);
            self.changed_at = now;
        }
    }

    /// The upstream took a call. Whether there is more room than before.
    pub(crate) fn went_well(&mut self, now: Nanos) -> bool {
        let settled = self.changed_at.saturating_add(SECOND);
        if self.pace >= WHOLE || now < settled || now < self.blocked_until {
            return false;
        }
        self.pace = (self.pace + STEP).min(WHOLE);
        self.changed_at = now;
        true
    }

    /// As full as the windows allow: what may have been sent before `now`, as late as it could be.
    /// Windows over a minute are not guessed: that would close them for hours or a month.
    pub(crate) fn assume_full(&mut self, now: Nanos, longest: Nanos) {
        let mut sent = Vec::new();
        let Some(short) = self.windows.first().copied() else {
            return;
        };
        if short.length > longest {
            return;
        }
        let mut at = now;
        while sent.len() < self.keep {
            for _ in 0..short.calls.min(self.keep.saturating_sub(sent.len())) {
                sent.push(at);
            }
            at = at.saturating_sub(short.length);
        }
        self.merge(sent);
    }

    /// Adds calls sent at those times to the log.
    pub(crate) fn merge(&mut self, times: impl IntoIterator<Item = Nanos>) {
        let mut all: Vec<Nanos> = self.sent.drain(..).chain(times).collect();
        all.sort_unstable();
        let spare = all.len().saturating_sub(self.keep);
        self.sent = all.into_iter().skip(spare).collect();
    }

    /// Takes out all that was sent.
    pub(crate) fn drain(&mut self) -> Vec<Nanos> {
        self.sent.drain(..).collect()
    }

    /// Ages of what still counts at `now`, oldest first.
    pub(crate) fn ages(&self, now: Nanos) -> impl Iterator<Item = Duration> {
        let longest = self.windows.iter().map(|w| w.length).max().unwrap_or(0);
        self.sent
            .iter()
            .filter(move |sent| sent.saturating_add(longest) > now)
            .map(move |sent| duration(now.saturating_sub(*sent)))
    }

    /// Whether it can be forgotten: nothing in it counts any more.
    pub(crate) fn is_whole(&self) -> bool {
        self.pace >= WHOLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> Log {
        Log::new(vec![
            Window {
                calls: 3,
                length: 10,
            },
            Window {
                calls: 5,
                length: 100,
            },
        ])
    }

    #[test]
    fn both_windows_gate() {
        let mut log = log();
        for now in [0, 0, 0] {
            assert!(log.ready_at(0) <= now);
            log.send(now);
        }
        assert_eq!(log.ready_at(0), 10);
        log.send(10);
        log.send(10);
        assert_eq!(log.ready_at(0), 100, "the long window is full");
        assert_eq!(
            log.used(
                Window {
                    calls: 3,
                    length: 10
                },
                19
            ),
            (2, Some(20))
        );
    }

    #[test]
    fn an_unknown_past_is_the_fullest_one_that_was_allowed() {
        let mut log = log();
        log.assume_full(0, 10);
        // 3 at 0 and 2 at -10: the short window opens at 10, the long one at 90.
        assert_eq!(log.sent, [-10, -10, 0, 0, 0]);
        assert_eq!(log.ready_at(0), 90);
    }

    #[test]
    fn a_held_slot_is_not_for_others() {
        let mut log = log();
        log.send(0);
        log.send(0);
        log.held_for = Some(1);
        assert_eq!(log.ready_at(0), 10);
        assert!(log.ready_at(1) <= 0);
    }

    #[test]
    fn complaints_halve_once_a_second_and_successes_give_back() {
        let mut log = Log::new(vec![Window {
            calls: 80,
            length: SECOND,
        }]);
        log.complained(0, None);
        log.complained(1, Some(Duration::from_secs(3)));
        assert_eq!(log.allowed(log.windows[0]), 40);
        assert_eq!(log.blocked_until, 3 * SECOND + 1);
        assert!(!log.went_well(2 * SECOND));
        let mut now = 3 * SECOND + 1;
        let mut steps = 0;
        while log.pace < WHOLE {
            assert!(log.went_well(now));
            assert!(!log.went_well(now), "one step a second");
            now += SECOND;
            steps += 1;
        }
        assert_eq!(steps, 10);
        for second in 0..20 {
            log.complained(now + second * SECOND, None);
        }
        assert_eq!(log.allowed(log.windows[0]), 10, "an eighth is the least");
    }

    #[test]
    fn a_hostile_retry_after_is_bounded() {
        let mut log = log();
        log.complained(0, Some(Duration::MAX));
        assert_eq!(log.blocked_until, 600 * SECOND);
    }
}
