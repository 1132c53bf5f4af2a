//! One delivery, from its head to its answer.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::ArcSwap;
use bytes::Bytes;
use doorward_policy::Timestamp;
use doorward_webhook::{Delivery, EventKeys, SchemeFault, Schemes};
use http::Method;
use http::request::Parts;
use http_body::Body;
use ipnet::IpNet;
use tokio::time::Instant;

use super::address::sender;
use super::limits::DoorLimits;
use super::making::{Intakes, Unmade, Work, is_json};
use super::observe::{Counts, Minute, Observer, Refusal, SourceFigures};
use super::read::{Came, Memory, Proof, Reading, Stop};
use super::source::{ClosedSource, Source, SourceParts, Sources, decoy};
use super::strangers::Strangers;
use super::turns::Turns;
use crate::events::{NewEvent, Quarantine, TakeError, Taken};
use crate::store::EventStore;

/// An event on its way to the disk.
pub type Taking = Pin<Box<dyn Future<Output = Result<Taken, TakeError>> + Send>>;

/// What takes events in.
pub trait TakesEvents: Send + Sync + 'static {
    /// Takes an event in, as [`EventStore::take`] does: resolves once it is on disk.
    fn take(&self, event: NewEvent) -> Taking;
}

impl TakesEvents for Arc<EventStore> {
    fn take(&self, event: NewEvent) -> Taking {
        let store = Self::clone(self);
        Box::pin(async move { EventStore::take(&store, event).await })
    }
}

/// What time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What a door is made of.
pub struct DoorParts {
    /// What takes events in.
    pub store: Arc<dyn TakesEvents>,
    /// The makers of their keys: the store's.
    pub keys: EventKeys,
    /// What is bounded.
    pub limits: DoorLimits,
    /// Networks of proxies whose `X-Forwarded-For` is believed.
    pub trusted: Vec<IpNet>,
    /// Whom the ledger's facts are told to.
    pub observer: Arc<dyn Observer>,
    /// The clock.
    pub clock: Clock,
    /// Random bytes, for what is asked when there is no such source.
    pub random: [u8; 32],
}

/// The door. Cloning gives another handle to the same.
#[derive(Clone)]
pub struct Door(Arc<Inner>);

struct Inner {
    store: Arc<dyn TakesEvents>,
    intakes: Arc<Intakes>,
    limits: DoorLimits,
    trusted: Vec<IpNet>,
    observer: Arc<dyn Observer>,
    clock: Clock,
    decoy: Schemes,
    sources: ArcSwap<Sources>,
    nowhere: Arc<Counts>,
    strangers: Strangers,
    memory: Memory,
    /// For bodies that nothing proves yet, so that they take no room from the others.
    unproved_memory: Memory,
    unproved: Turns,
    /// When it was last said that a delivery was not taken, in seconds.
    said: AtomicI64,
    start: Instant,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Door")
    }
}

/// Who calls.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer {
    pub(super) address: IpAddr,
    /// SHA-256 of the certificate that was shown and found valid.
    pub(super) certificate: Option<[u8; 32]>,
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Taken,
    Malformed,
    Unproved,
    NotFound,
    Method,
    Slow,
    TooLarge,
    TooOften,
    /// To be sent again after so many seconds.
    Unavailable(u8),
}

/// After so many seconds a delivery is to be sent again: soon, or when somebody made room.
const SOON: u8 = 5;
const LATER: u8 = 30;
/// Most characters of a source's name.
const NAME_MAX: usize = 64;

impl Door {
    /// A door without sources yet.
    ///
    /// # Errors
    /// Never, as long as the crypto library works.
    pub fn new(parts: DoorParts) -> Result<Self, SchemeFault> {
        let limits = parts.limits.fitting();
        Ok(Self(Arc::new(Inner {
            store: parts.store,
            intakes: Arc::new(Intakes::new(parts.keys, limits.body_bytes)),
            trusted: parts.trusted,
            observer: parts.observer,
            clock: parts.clock,
            decoy: decoy(&parts.random)?,
            sources: ArcSwap::default(),
            nowhere: Arc::default(),
            strangers: Strangers::new(&limits),
            memory: Memory::new(limits.memory_bytes),
            unproved_memory: Memory::new(limits.memory_bytes / 4),
            unproved: Turns::new(limits.unproved),
            said: AtomicI64::new(i64::MIN),
            start: Instant::now(),
            limits,
        })))
    }

    /// From now on these are the sources. What was counted of those that stay goes on.
    pub fn set_sources(&self, parts: Vec<SourceParts>) {
        self.set_sources_and(parts, Vec::new());
    }

    /// The same, with sources that take nothing for now: how deliveries to them would prove
    /// themselves is not known, so that none is refused for good.
    pub fn set_sources_and(&self, parts: Vec<SourceParts>, closed: Vec<ClosedSource>) {
        let before = self.0.sources.load_full();
        let after = Arc::new(before.follow(parts, closed));
        self.0.sources.store(Arc::clone(&after));
        for gone in before.iter() {
            let number = gone.parts.number;
            if !after.iter().any(|source| source.parts.number == number) {
                self.tell(&gone.counts, Some(number));
            }
        }
    }

    /// Tells the observer what was not told yet. Called every minute, and at the end.
    pub fn tell_all(&self) {
        for source in self.0.sources.load().iter() {
            self.tell(&source.counts, Some(source.parts.number));
        }
        self.tell(&self.0.nowhere, None);
    }

    fn tell(&self, counts: &Counts, source: Option<i64>) {
        let minute: Option<Minute> = counts.take_minute(source, self.now().millis());
        if let Some(minute) = minute {
            self.0.observer.minute(minute);
        }
    }

    /// Numbers of each source.
    pub fn figures(&self) -> Vec<SourceFigures> {
        let sources = self.0.sources.load();
        let figures = sources.iter().map(|source| {
            let schemes = source.parts.schemes.count();
            source.counts.figures(source.parts.number, schemes)
        });
        figures.collect()
    }

    /// Numbers of what was sent to no source; its number is 0.
    pub fn figures_of_no_source(&self) -> SourceFigures {
        self.0.nowhere.figures(0, 0)
    }

    /// Whether a source was taken away: nobody asks for its counts any more.
    fn is_gone(&self, source: &Source) -> bool {
        self.0.sources.load().get(&source.parts.name).is_none()
    }

    pub(super) fn limits(&self) -> &DoorLimits {
        &self.0.limits
    }

    fn now(&self) -> Timestamp {
        (self.0.clock)()
    }

    /// Counts a failure, and says what is answered to it.
    fn fail(&self, counts: &Counts, refusal: Refusal, address: IpAddr, answer: Answer) -> Answer {
        counts.refused(refusal, self.now().millis());
        if self.0.strangers.failed(address, self.0.start.elapsed()) {
            answer
        } else {
            Answer::TooOften
        }
    }

    fn unavailable(&self, counts: &Counts, seconds: u8) -> Answer {
        counts.refused(Refusal::Unavailable, self.now().millis());
        Answer::Unavailable(seconds)
    }

    /// Answers one request.
    pub(super) async fn answer<B>(&self, head: Parts, body: B, peer: &Peer) -> Answer
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let Some(name) = name(head.uri.path()) else {
            return Answer::NotFound;
        };
        if head.method != Method::POST {
            return Answer::Method;
        }
        let inner = &self.0;
        let now = self.now();
        let address = sender(peer.address, &head.headers, &inner.trusted);
        let source = inner.sources.load().get(name).cloned();
        let verdict = {
            let schemes = source
                .as_ref()
                .map_or(&inner.decoy, |source| &source.parts.schemes);
            let delivery = Delivery {
                head: &head.headers,
                certificate: peer.certificate.as_ref(),
            };
            schemes.head(&delivery, now)
        };
        let Some(source) = source else {
            if let Some(counts) = inner.sources.load().closed(name) {
                return self.unavailable(counts, LATER);
            }
            return self.fail(&inner.nowhere, Refusal::NoSource, address, Answer::Unproved);
        };
        let fail = |refusal, answer| self.fail(&source.counts, refusal, address, answer);
        if !source.allows(address) {
            return fail(Refusal::Network, Answer::Unproved);
        }
        let pending = match verdict {
            Ok(pending) => pending,
            Err(refused) => return fail(Refusal::Proof(refused.why), Answer::Unproved),
        };
        let (proof, _turn) = match pending.settled() {
            Some(verified) => (Proof::Proved(verified), None),
            None => {
                // Whose signature is over the body is read without any proof: but few at once, and
                // none who failed too often. They may be who they say, so it is no 4xx.
                if inner.strangers.is_over(address, inner.start.elapsed()) {
                    return self.unavailable(&source.counts, LATER);
                }
                let wait = inner.limits.unproved_wait;
                let Some(turn) = inner.unproved.take(address, wait).await else {
                    return self.unavailable(&source.counts, SOON);
                };
                (Proof::Open(pending), Some(turn))
            }
        };
        let reading = Reading {
            limits: &inner.limits,
            memory: match proof {
                Proof::Proved(_) => &inner.memory,
                Proof::Open(_) => &inner.unproved_memory,
            },
        };
        let came = match reading.read(body, &proof).await {
            Ok(came) => came,
            Err(stop) => {
                let proved = matches!(proof, Proof::Proved(_));
                return match stop {
                    Stop::NoMemory => self.unavailable(&source.counts, SOON),
                    Stop::TooLarge => fail(Refusal::TooLarge, Answer::TooLarge),
                    Stop::Refused(refused) => fail(Refusal::Proof(refused.why), Answer::TooLarge),
                    Stop::Slow | Stop::Broken if proved => {
                        source.counts.refused(Refusal::Body, self.now().millis());
                        Answer::Unavailable(SOON)
                    }
                    Stop::Slow => fail(Refusal::Body, Answer::Slow),
                    Stop::Broken => fail(Refusal::Body, Answer::Malformed),
                };
            }
        };
        let made = match came {
            Came::Whole(body, share) => {
                let readable = is_json(&head.headers);
                let work = Work {
                    intakes: Arc::clone(&inner.intakes),
                    source: Arc::clone(&source),
                    received_ms: now.millis(),
                    proof,
                    readable,
                };
                let made = work.run(body).await;
                made.map(|(event, verified)| (event, verified, Some(share)))
            }
            Came::Larger(body, verified) => {
                let kept = (body.kept(), Some(body.sha256));
                let event = inner.intakes.with(0, |intake| {
                    intake.apart(source.of(), kept, now.millis(), Quarantine::TooLarge)
                });
                Ok((event, verified, None))
            }
        };
        let (event, verified, share) = match made {
            Ok(made) => made,
            Err(Unmade::Refused(why)) => return fail(Refusal::Proof(why), Answer::Unproved),
            Err(Unmade::Failed) => return self.unavailable(&source.counts, SOON),
        };
        source.counts.proved(verified, now.millis());
        self.take(&source, event, share).await
    }

    /// Takes an event in and counts it, although the sender may be gone by then.
    async fn take(
        &self,
        source: &Arc<Source>,
        event: NewEvent,
        share: Option<super::read::Share>,
    ) -> Answer {
        let (door, source) = (self.clone(), Arc::clone(source));
        let taking = tokio::spawn(async move {
            let quarantined = event.quarantined;
            let taken = door.0.store.take(event).await;
            drop(share);
            match taken {
                Ok(taken) => {
                    let at = door.now().millis();
                    if source.counts.took(taken, quarantined, at) || door.is_gone(&source) {
                        door.tell(&source.counts, Some(source.parts.number));
                    }
                    Answer::Taken
                }
                Err(error) => {
                    let second = door.now().millis() / 1_000;
                    if door.0.said.swap(second, Ordering::Relaxed) != second {
                        let source = source.parts.number;
                        tracing::warn!(source, %error, "deliveries are not taken");
                    }
                    let soon = matches!(error, TakeError::Busy | TakeError::Closed);
                    door.unavailable(&source.counts, if soon { SOON } else { LATER })
                }
            }
        });
        taking.await.unwrap_or(Answer::Unavailable(SOON))
    }
}

/// The name of a source, in a path that may be one's.
fn name(path: &str) -> Option<&str> {
    let name = path.strip_prefix("/in/")?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    ((1..=NAME_MAX).contains(&name.len()) && name.bytes().all(plain)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_a_path_of_one_form() {
        assert_eq!(name("/in/src_0123"), Some("src_0123"));
        for bad in [
            "/", "/in/", "/in", "/in/a/", "/in/a/b", "/in/%61", "/in/..", "/IN/a", "//in/a",
        ] {
            assert_eq!(name(bad), None, "{bad}");
        }
        assert_eq!(name(&format!("/in/{}", "a".repeat(65))), None);
    }
}
