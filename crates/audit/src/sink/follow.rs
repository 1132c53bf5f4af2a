//! A sink's thread: from the ledger to the receiver, and the place remembered.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use doorward_ledger::log::{Cursor, CursorFile, LogError, Reader, Record};

use super::backoff::Retry;
use super::config::Start;
use super::line::{Deliver, Failure, Limits, Line};
use super::metrics::Meter;
use super::stop::Stop;
use crate::audit::Audit;
use crate::entry::Show;
use crate::error::{AuditError, Result};

/// How often a sink that has nothing to do looks whether it shall end.
const POLL: Duration = Duration::from_millis(200);
/// The place is remembered this often: each costs two syncs of the ledger's disk.
const REMEMBER: Duration = Duration::from_secs(1);
/// A single entry is refused so often before it is skipped, and twice as often for each one that was
/// skipped just before: a receiver that refuses everything gets to see few of them.
const REFUSALS: u32 = 3;
const REFUSALS_DOUBLED: u32 = 10;

/// Follows the ledger for one sink.
pub(super) struct Follower {
    audit: Arc<Audit>,
    reader: Reader,
    remembered: CursorFile,
    show: Show,
    retry: Retry,
    target: Box<dyn Deliver>,
    limits: Limits,
    stop: Arc<Stop>,
    meter: Arc<Meter>,
    name: String,
    cursor: Option<Cursor>,
    /// Read, and not made into a line yet.
    unread: Option<Record>,
    pending: VecDeque<Line>,
    /// All before it is done with.
    position: u64,
    /// What is remembered, and since when.
    stored: u64,
    stored_at: Instant,
    /// Most entries of the next batch.
    limit: usize,
    failures: u32,
    refusals: u32,
    skips: u32,
}

/// What a follower is made of.
pub(super) struct Parts {
    pub(super) audit: Arc<Audit>,
    pub(super) remembered: CursorFile,
    pub(super) start: Start,
    pub(super) show: Show,
    pub(super) retry: Retry,
    pub(super) target: Box<dyn Deliver>,
    pub(super) stop: Arc<Stop>,
    pub(super) meter: Arc<Meter>,
    pub(super) name: String,
}

impl Follower {
    /// Takes up where the sink came to before.
    pub(super) fn new(parts: Parts) -> Result<Self> {
        let reader = parts.audit.reader();
        let size = reader.size();
        let position = match (parts.remembered.load()?, parts.start) {
            (Some(place), _) if place > size => {
                tracing::warn!(
                    sink = parts.name,
                    place,
                    size,
                    "the ledger ends before the place this sink came to; it goes on at its end"
                );
                size
            }
            (Some(place), _) => place,
            (None, Start::Beginning) => reader.minimum(),
            (None, Start::End) => size,
        };
        // From now on there is a place, also when nothing is ever delivered.
        parts.remembered.store(position)?;
        parts.meter.change(|metrics| metrics.position = position);
        let limits = parts.target.limits();
        Ok(Self {
            audit: parts.audit,
            reader,
            remembered: parts.remembered,
            show: parts.show,
            retry: parts.retry,
            target: parts.target,
            limits,
            stop: parts.stop,
            meter: parts.meter,
            name: parts.name,
            cursor: None,
            unread: None,
            pending: VecDeque::new(),
            position,
            stored: position,
            stored_at: Instant::now(),
            limit: limits.entries.max(1),
            failures: 0,
            refusals: 0,
            skips: 0,
        })
    }

    /// Until it is stopped.
    pub(super) fn run(mut self) {
        let ended = Ended(Arc::clone(&self.meter));
        while !self.stop.is_over() {
            if self.pending.is_empty()
                && let Err(error) = self.fill()
            {
                self.failed(&error.to_string(), None);
            } else if self.pending.is_empty() {
                self.check();
            } else if self.send() {
                self.remember_in_time();
                continue;
            } else {
                break;
            }
            if self.stop.is_ending() {
                break;
            }
            self.remember_in_time();
        }
        self.remember();
        self.target.close();
        drop(ended);
    }

    /// Nothing is to be delivered: is what was delivered sure?
    fn check(&mut self) {
        match self.target.check(&self.stop) {
            Err(Failure::Later { why, after }) => self.failed(&why, after),
            Err(Failure::Refused(why)) => self.failed(&why, None),
            Err(Failure::Stopped) => {}
            Ok(()) => self.succeeded(),
        }
    }

    /// Ends a row of failures.
    fn succeeded(&mut self) {
        if self.failures > 0 {
            tracing::info!(sink = self.name, "the sink delivers again");
            self.meter.change(|metrics| metrics.last_error = None);
        }
        self.failures = 0;
    }

    /// Reads what there is, up to a batch; waits a moment for the first, and the batch's time for
    /// the rest.
    fn fill(&mut self) -> Result<()> {
        let began = Instant::now();
        let linger = self.limits.linger;
        let left = || linger.saturating_sub(began.elapsed());
        let mut bytes = 0;
        let mut wait = POLL;
        while self.pending.len() < self.limits.entries && bytes < self.limits.bytes {
            let Some(record) = self.read(wait)? else {
                wait = left().min(POLL);
                if self.pending.is_empty() || wait.is_zero() || self.stop.is_ending() {
                    break;
                }
                continue;
            };
            match self.audit.entry(&record, self.show) {
                Ok(entry) => {
                    let line = Line::new(&entry, self.target.text(&entry));
                    if self.pending.is_empty() {
                        self.meter.set_oldest(line.at);
                    }
                    bytes += line.text.len();
                    self.pending.push_back(line);
                }
                Err(AuditError::Leaf(error)) => {
                    tracing::warn!(sink = self.name, seq = record.sequence, %error,
                        "this is no leaf; it is skipped");
                    self.meter.change(|metrics| metrics.skipped += 1);
                    if self.pending.is_empty() {
                        self.done_with(record.sequence);
                    }
                }
                Err(error) => {
                    self.unread = Some(record);
                    // What is there already goes out first.
                    return if self.pending.is_empty() {
                        Err(error)
                    } else {
                        Ok(())
                    };
                }
            }
            wait = left().min(POLL);
        }
        Ok(())
    }

    /// The next record, waiting for it no longer than told; not at all when ending.
    fn read(&mut self, wait: Duration) -> Result<Option<Record>> {
        if let Some(record) = self.unread.take() {
            return Ok(Some(record));
        }
        loop {
            match self.try_read(wait) {
                Err(LogError::Pruned { sequence, minimum }) => {
                    self.cursor = None;
                    if !self.pending.is_empty() {
                        // Told once these lines are delivered.
                        return Ok(None);
                    }
                    self.pruned(sequence, minimum);
                }
                Err(error) => {
                    self.cursor = None;
                    return Err(error.into());
                }
                Ok(record) => return Ok(record),
            }
        }
    }

    fn try_read(&mut self, wait: Duration) -> std::result::Result<Option<Record>, LogError> {
        let next = self
            .pending
            .back()
            .map_or(self.position, |line| line.sequence + 1);
        let cursor = match &mut self.cursor {
            Some(cursor) => cursor,
            None => self.cursor.insert(self.reader.from(next)?),
        };
        if self.stop.is_ending() || wait.is_zero() {
            return cursor.next();
        }
        let began = Instant::now();
        let record = cursor.follow(wait)?;
        if record.is_none() {
            // A closed log does not wait.
            self.stop.wait(wait.saturating_sub(began.elapsed()));
        }
        Ok(record)
    }

    /// The ledger begins later than where this sink was: what lay between is gone.
    fn pruned(&mut self, sequence: u64, minimum: u64) {
        let missed = minimum.saturating_sub(sequence);
        tracing::warn!(
            sink = self.name,
            missed,
            first = sequence,
            "leaves were pruned before this sink came to them"
        );
        self.meter.change(|metrics| metrics.missed += missed);
        self.done_with(minimum.saturating_sub(1));
    }

    /// One attempt; `false` when the sink shall end.
    fn send(&mut self) -> bool {
        let count = self.limit.min(self.pending.len());
        let lines = self.pending.make_contiguous();
        let lines = lines.get(..count).unwrap_or_default();
        let now = self.audit.now();
        match self.target.deliver(lines, now, &self.stop) {
            Ok(()) => {
                self.succeeded();
                (self.refusals, self.skips) = (0, 0);
                self.limit = self.limit.saturating_mul(2).min(self.limits.entries.max(1));
                self.meter.change(|metrics| {
                    metrics.sent += count as u64;
                    metrics.last_error = None;
                });
                self.drop_lines(count);
                true
            }
            Err(Failure::Stopped) => false,
            Err(Failure::Later { why, after }) => {
                self.failed(&why, after);
                !self.stop.is_ending()
            }
            Err(Failure::Refused(why)) => {
                self.refused(count, &why);
                // Looking for the one that is refused goes on to the end.
                count > 1 || !self.stop.is_ending()
            }
        }
    }

    /// Halves the batch until the entry is alone that the receiver does not take.
    fn refused(&mut self, count: usize, why: &str) {
        if count > 1 {
            self.limit = count / 2;
            self.meter.change(|metrics| {
                metrics.failures += 1;
                metrics.last_error = Some(why.to_owned());
            });
            return;
        }
        self.refusals += 1;
        if self.refusals < REFUSALS << self.skips.min(REFUSALS_DOUBLED) {
            self.failed(why, None);
            return;
        }
        if let Some(line) = self.pending.front() {
            tracing::warn!(
                sink = self.name,
                seq = line.sequence,
                entry = line.name,
                why,
                "the receiver refuses this entry for good; it is skipped"
            );
        }
        self.meter.change(|metrics| {
            metrics.failures += 1;
            metrics.skipped += 1;
            metrics.last_error = Some(why.to_owned());
        });
        self.skips += 1;
        (self.refusals, self.failures) = (0, 0);
        self.drop_lines(1);
    }

    /// Counts a failure and waits.
    fn failed(&mut self, why: &str, after: Option<Duration>) {
        self.failures = self.failures.saturating_add(1);
        if self.failures == 1 {
            tracing::warn!(sink = self.name, why, "the sink fails; it is tried again");
        }
        self.meter.change(|metrics| {
            metrics.failures += 1;
            metrics.last_error = Some(why.to_owned());
        });
        // Waiting may be long: what was delivered is remembered before.
        self.remember();
        let wait = self.retry.wait(self.failures, fastrand::f64(), after);
        if !self.stop.is_ending() {
            self.stop.wait(wait);
        }
    }

    fn drop_lines(&mut self, count: usize) {
        let last = self
            .pending
            .drain(..count.min(self.pending.len()))
            .next_back();
        if let Some(last) = last {
            self.done_with(last.sequence);
        }
        self.meter
            .set_oldest(self.pending.front().and_then(|line| line.at));
    }

    fn done_with(&mut self, sequence: u64) {
        self.position = sequence + 1;
        let position = self.position;
        self.meter.change(|metrics| metrics.position = position);
    }

    fn remember_in_time(&mut self) {
        if self.stored_at.elapsed() >= REMEMBER {
            self.remember();
        }
    }

    /// Remembers the place, once what was delivered is safe.
    fn remember(&mut self) {
        if self.position == self.stored {
            return;
        }
        self.stored_at = Instant::now();
        let sure = self
            .target
            .check(&self.stop)
            .map_err(|failure| match failure {
                Failure::Later { why, .. } | Failure::Refused(why) => why,
                Failure::Stopped => "the time was over".to_owned(),
            });
        let stored = sure.and_then(|()| {
            let stored = self.remembered.store(self.position);
            stored.map_err(|error| error.to_string())
        });
        match stored {
            Ok(()) => self.stored = self.position,
            Err(why) => self.meter.change(|metrics| {
                metrics.failures += 1;
                metrics.last_error = Some(why);
            }),
        }
    }
}

/// Says that the thread ended, however it did.
struct Ended(Arc<Meter>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.change(|metrics| metrics.running = false);
    }
}
