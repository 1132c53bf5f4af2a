//! What became of the client's calls.

use std::time::{Duration, Instant};

use crate::faults::Fault;
use crate::load::Called;

/// Calls by what became of them.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    pub(crate) carried: usize,
    /// While there was no server to call.
    pub(crate) down: usize,
    /// Refused because nothing could be recorded: no room.
    pub(crate) ledger: usize,
    /// Struck by an injected fault: themselves, or by the pace that its 429s brought about.
    pub(crate) injected: usize,
    /// Because of the rotation.
    pub(crate) failed: Vec<String>,
}

impl Tally {
    pub(crate) fn of(calls: &[Called], downs: &[(Instant, Instant)], fault: Fault) -> Tally {
        let mut tally = Tally::default();
        for call in calls {
            let margin = Duration::from_millis(100);
            let down = downs
                .iter()
                .any(|(from, to)| call.from <= *to + margin && call.to >= *from);
            match &call.answer {
                Ok((200..=299, _)) => tally.carried += 1,
                Err(_) if down => tally.down += 1,
                Ok((503, body))
                    if fault == Fault::DiskFull && body.contains("ledger_unavailable") =>
                {
                    tally.ledger += 1;
                }
                Ok((429, body)) if fault == Fault::Storm && body.contains("\"paced\"") => {
                    tally.injected += 1;
                }
                Ok((_, body)) if body.contains("a fault was asked for") => tally.injected += 1,
                other => tally
                    .failed
                    .push(format!("a {} failed: {other:?}", call.what)),
            }
        }
        tally
    }

    /// What does not hold.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let mut wrong: Vec<String> = self.failed.iter().take(5).cloned().collect();
        if self.carried == 0 {
            wrong.push("no call of the client was carried".to_owned());
        }
        wrong
    }

    pub(crate) fn add(&mut self, other: &Tally) {
        self.carried += other.carried;
        self.down += other.down;
        self.ledger += other.ledger;
        self.injected += other.injected;
        self.failed.extend_from_slice(&other.failed);
    }
}
