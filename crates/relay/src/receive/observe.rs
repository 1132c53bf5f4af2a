//! What is counted at the door, for metrics and for the ledger.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use doorward_webhook::{Verified, Which, Why};
use ring::digest::{Context, SHA256};

use crate::events::{EventId, Quarantine, Taken};

/// Why a request was refused. For us alone: whoever sent it learns none of this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// It did not prove itself.
    Proof(Why),
    /// It came from a network that the source does not allow.
    Network,
    /// There is no such source.
    NoSource,
    /// It is larger than is taken, and did not prove itself.
    TooLarge,
    /// Its body came too slowly, or broke off.
    Body,
    /// It could not be stored, or there was no memory for it: answered 503.
    Unavailable,
}

impl Refusal {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proof(why) => why.as_str(),
            Self::Network => "network",
            Self::NoSource => "no_source",
            Self::TooLarge => "too_large",
            Self::Body => "body",
            Self::Unavailable => "unavailable",
        }
    }
}

/// Numbers by name, of the few names that there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted(Vec<(&'static str, u64)>);

impl Counted {
    fn add(&mut self, name: &'static str) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => self.0.push((name, 1)),
        }
    }

    /// The number of a name.
    pub fn get(&self, name: &str) -> u64 {
        let known = self.0.iter().find(|(known, _)| *known == name);
        known.map_or(0, |(_, count)| *count)
    }

    /// Each name and number.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.0.iter().copied()
    }

    /// All together.
    pub fn total(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }
}

/// What one source took in and refused in a while, for the ledger: a minute, or less when much came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minute {
    /// Number of the source; none of what was sent to no source.
    pub source: Option<i64>,
    /// When it began, in milliseconds of Unix time.
    pub from_ms: i64,
    /// When it ended.
    pub until_ms: i64,
    /// Deliveries that were stored as events.
    pub stored: u64,
    /// Deliveries of events that were there already.
    pub known: u64,
    /// Deliveries that were kept in quarantine, by why. They are among those stored or known.
    pub quarantined: Counted,
    /// Requests refused, by why.
    pub refused: Counted,
    /// SHA-256 of the stored events' ids (16 bytes each), in ascending order; none when none was.
    pub digest: Option<[u8; 32]>,
}

/// What is told of.
pub trait Observer: Send + Sync + 'static {
    /// What a source took in and refused. Called from the door's own tasks: it must not block.
    fn minute(&self, minute: Minute);
}

/// Numbers of one source since the door was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFigures {
    /// Number of the source.
    pub number: i64,
    /// Deliveries that were stored as events.
    pub stored: u64,
    /// Deliveries of events that were there already.
    pub known: u64,
    /// Of those, how many were quarantined.
    pub quarantined: u64,
    /// Requests refused, by why.
    pub refused: Counted,
    /// When the last delivery was stored or known, in milliseconds of Unix time.
    pub last_ms: Option<i64>,
    /// When each scheme's current secret was used last, and its other one.
    pub secrets: Vec<[Option<i64>; 2]>,
}

/// Most schemes of a source.
const SCHEMES: usize = 8;
/// So many ids at most are held for a digest.
const IDS: usize = 10_000;

/// Counts of one source, or of what was sent to none.
#[derive(Debug, Default)]
pub(super) struct Counts {
    stored: AtomicU64,
    known: AtomicU64,
    quarantined: AtomicU64,
    last: AtomicI64,
    used: [[AtomicI64; 2]; SCHEMES],
    now: Mutex<Now>,
}

/// What is not told of yet.
#[derive(Debug, Default)]
struct Now {
    from_ms: Option<i64>,
    stored: u64,
    known: u64,
    quarantined: Counted,
    refused: Counted,
    refused_ever: Counted,
    ids: Vec<EventId>,
}

impl Counts {
    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn proved(&self, verified: Verified, at: i64) {
        for (used, which) in self.used.iter().zip(verified.secrets()) {
            let [current, other] = used;
            let used = match which {
                Which::Current => current,
                Which::Other => other,
            };
            used.store(at, Ordering::Relaxed);
        }
    }

    /// Counts what was taken in. True when so much came that it is to be told of now.
    pub(super) fn took(&self, taken: Taken, quarantine: Option<Quarantine>, at: i64) -> bool {
        self.last.fetch_max(at, Ordering::Relaxed);
        let mut now = self.now();
        now.from_ms.get_or_insert(at);
        if let Some(quarantine) = quarantine {
            self.quarantined.fetch_add(1, Ordering::Relaxed);
            now.quarantined.add(quarantine.as_str());
        }
        match taken {
            Taken::Stored(id) => {
                self.stored.fetch_add(1, Ordering::Relaxed);
                now.stored += 1;
                now.ids.push(id);
            }
            Taken::Known(_) => {
                self.known.fetch_add(1, Ordering::Relaxed);
                now.known += 1;
            }
        }
        now.ids.len() >= IDS
    }

    pub(super) fn refused(&self, refusal: Refusal, at: i64) {
        let mut now = self.now();
        now.from_ms.get_or_insert(at);
        now.refused.add(refusal.as_str());
        now.refused_ever.add(refusal.as_str());
    }

    /// What is not told of yet, if there is something; afterwards there is nothing.
    pub(super) fn take_minute(&self, source: Option<i64>, until_ms: i64) -> Option<Minute> {
        let mut now = self.now();
        let from_ms = now.from_ms.take()?;
        let mut ids = std::mem::take(&mut now.ids);
        let minute = Minute {
            source,
            from_ms,
            until_ms: until_ms.max(from_ms),
            stored: std::mem::take(&mut now.stored),
            known: std::mem::take(&mut now.known),
            quarantined: std::mem::take(&mut now.quarantined),
            refused: std::mem::take(&mut now.refused),
            digest: None,
        };
        drop(now);
        ids.sort_unstable();
        let digest = (!ids.is_empty()).then(|| digest(&ids));
        Some(Minute { digest, ..minute })
    }

    pub(super) fn figures(&self, number: i64, schemes: usize) -> SourceFigures {
        let at = |at: &AtomicI64| Some(at.load(Ordering::Relaxed)).filter(|at| *at != 0);
        let used = self.used.iter().take(schemes);
        SourceFigures {
            number,
            stored: self.stored.load(Ordering::Relaxed),
            known: self.known.load(Ordering::Relaxed),
            quarantined: self.quarantined.load(Ordering::Relaxed),
            refused: self.now().refused_ever.clone(),
            last_ms: at(&self.last),
            secrets: used.map(|used| used.each_ref().map(at)).collect(),
        }
    }
}

fn digest(ids: &[EventId]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    ids.iter().for_each(|id| context.update(id.as_bytes()));
    let mut digest = [0; 32];
    let found = context.finish();
    digest
        .iter_mut()
        .zip(found.as_ref())
        .for_each(|(to, from)| *to = *from);
    digest
}
