//! The relay of a running server: its door, its deliveries, and what they are set to.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use doorward_alert::{Alert, AlertKind};
use doorward_audit::Audit;
use doorward_gateway::Pacing;
use doorward_policy::Timestamp;
use doorward_relay::EventStore;
use doorward_relay::deliver::{Clock, DeliverOptions, Dispatcher, Scrub};
use doorward_relay::receive::{ClosedSource, Door, DoorLimits, DoorParts, SourceParts};
use doorward_secrets::Secrets;
use doorward_store::Store;
use secrecy::SecretString;
use tokio::sync::mpsc;

use super::build;
use super::observe::{Tells, Told, Writes};
use super::wanted::Doubts;
use super::{Destination, Source};
use crate::admin::{AdminError, now};
use crate::alerts::AlertDesk;
use crate::config::RelayConfig;
use crate::exit::Failure;
use crate::prometheus::Text;
use crate::scrubbed::known_secrets;
use crate::secret::random;

/// Under which name the relay's secrets are known to the scrubber.
const KNOWN: &str = "webhook secrets";

/// What the relay works with.
pub(crate) struct RelayParts {
    /// Where sources and destinations are kept.
    pub(crate) store: Arc<dyn Store>,
    /// Where their secrets are read.
    pub(crate) secrets: Arc<Secrets>,
    /// The events.
    pub(crate) events: Arc<EventStore>,
    /// The record.
    pub(crate) record: Arc<Audit>,
    /// Whom trouble is told to.
    pub(crate) alerts: AlertDesk,
    /// Gives calls of Instantly their turn.
    pub(crate) pacing: Pacing,
    /// Whether an emulated workspace may be called in plain text on other machines.
    pub(crate) plain_http: bool,
    /// How it is configured.
    pub(crate) config: RelayConfig,
}

/// The relay.
pub(crate) struct Relay {
    pub(super) parts: RelayParts,
    door: Door,
    dispatcher: Dispatcher,
    /// Sources by number as they were last built: one whose secret can't be read now stays as it was.
    built: Mutex<HashMap<i64, SourceParts>>,
    told: Mutex<Option<mpsc::UnboundedReceiver<Told>>>,
    doubts: Doubts,
    /// Whether a source can't be taken up.
    closed: AtomicBool,
}

/// Removes all known secrets of others from what destinations answer.
struct Known;

impl Scrub for Known {
    fn scrub(&self, bytes: &[u8]) -> Vec<u8> {
        match known_secrets().scrubber() {
            Some(scrubber) => scrubber.scrub(bytes).into_owned(),
            None => Vec::new(),
        }
    }
}

impl Relay {
    /// A relay that is set to what is kept now. Within a runtime.
    ///
    /// # Errors
    /// When what is kept can't be read.
    pub(crate) fn new(parts: RelayParts) -> Result<Arc<Self>, Failure> {
        let (tell, told) = mpsc::unbounded_channel();
        let door = Door::new(DoorParts {
            store: Arc::new(Arc::clone(&parts.events)),
            keys: parts.events.keys(),
            limits: DoorLimits {
                body_bytes: parts.config.body_bytes,
                ..DoorLimits::default()
            },
            trusted: parts.config.trusted_proxies.clone(),
            observer: Arc::new(Writes::new(
                Arc::clone(&parts.record),
                Arc::clone(&parts.store),
            )),
            clock: Arc::new(now),
            random: *random::<32>()?,
        })
        .map_err(Failure::failed)?;
        let options = DeliverOptions {
            clock: Clock::system(),
            scrub: Some(Arc::new(Known)),
            observer: Arc::new(Tells(tell.clone())),
            grace: Duration::from_secs(10),
            ..DeliverOptions::default()
        };
        let dispatcher = Dispatcher::new(Arc::clone(&parts.events), options);
        let relay = Arc::new(Self {
            parts,
            door,
            dispatcher,
            built: Mutex::default(),
            told: Mutex::new(Some(told)),
            doubts: Doubts::new(tell),
            closed: AtomicBool::new(false),
        });
        relay.load()?;
        Ok(relay)
    }

    /// Takes up what is kept of sources and destinations now. Blocks; within a runtime.
    ///
    /// # Errors
    /// When it can't be read. Of one that can't be built the rest is taken up; it is told.
    pub(crate) fn load(&self) -> Result<(), AdminError> {
        let (store, at) = (self.parts.store.as_ref(), now());
        let mut known: Vec<SecretString> = Vec::new();
        let mut sources = HashMap::new();
        let mut closed = Vec::new();
        let mut before = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        for source in Source::all(store)?.iter().filter(|one| one.is_active()) {
            match build::source(source, store, &self.parts.secrets, at) {
                Ok((parts, values)) => {
                    known.extend(values);
                    sources.insert(source.end.number, parts);
                }
                Err(why) => {
                    let kept = before.remove(&source.end.number);
                    self.tell_fault("source", &source.end.name, &why, kept.is_some());
                    match kept {
                        Some(kept) => {
                            sources.insert(source.end.number, kept);
                        }
                        None => closed.push(ClosedSource {
                            name: source.end.id.clone(),
                            number: source.end.number,
                        }),
                    }
                }
            }
        }
        let mut destinations = Vec::new();
        for destination in Destination::all(store)?
            .iter()
            .filter(|one| one.is_active())
        {
            let (config, secrets) = (&self.parts.config, &self.parts.secrets);
            match build::destination(destination, config, secrets, &self.doubts, at) {
                Ok((built, values)) => {
                    known.extend(values);
                    destinations.push(Arc::new(built));
                }
                Err(why) => self.tell_fault("destination", &destination.end.name, &why, false),
            }
        }
        // Before anything goes out that could hold one of them.
        known_secrets()
            .set(KNOWN, known)
            .map_err(AdminError::failed)?;
        self.closed.store(!closed.is_empty(), Ordering::Relaxed);
        let open = sources.values().cloned().collect();
        self.door.set_sources_and(open, closed);
        *before = sources;
        drop(before);
        for (number, fault) in self.dispatcher.set(&destinations) {
            let name = destinations.iter().find(|one| one.number == number);
            let name = name.map_or("", |one| one.name.as_str());
            self.tell_fault("destination", name, &fault.to_string(), false);
        }
        self.look();
        Ok(())
    }

    fn tell_fault(&self, what: &str, name: &str, why: &str, stays: bool) {
        tracing::warn!(
            what,
            name,
            why,
            stays,
            "an end of the relay can't be taken up"
        );
        let title = format!("the {what} {name} can't be taken up");
        let text = match (what, stays) {
            (_, true) => "It goes on as it was.",
            ("source", _) => {
                "Its deliveries are answered 503 until it can be, so that they are sent again; it is tried \
                 every few seconds."
            }
            _ => "Its events are kept, and wait.",
        };
        self.parts.alerts.tell(
            Alert::new(AlertKind::WebhookTrouble, title, now())
                .text(text)
                .fact("why", why)
                .key(format_args!("{what}/{name}")),
        );
    }

    /// The door.
    pub(crate) fn door(&self) -> Door {
        self.door.clone()
    }

    /// When the newest secret of each of a source's [`proofs`](super::SourceSettings::proofs) was used
    /// last, and when the one before it.
    pub(crate) fn secret_uses(&self, source: i64) -> Vec<[Option<Timestamp>; 2]> {
        let figures = self.door.figures();
        let of = figures.into_iter().find(|one| one.number == source);
        let used = of.map(|one| one.secrets).unwrap_or_default().into_iter();
        used.map(|each| each.map(|at| at.map(Timestamp::from_millis)))
            .collect()
    }

    /// Whether a source can't be taken up now.
    pub(super) fn has_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// The events.
    pub(crate) fn events(&self) -> &Arc<EventStore> {
        &self.parts.events
    }

    /// Something was changed in the events by others.
    pub(crate) fn look(&self) {
        self.dispatcher.look();
    }

    /// What deliveries tell; once.
    pub(super) fn told(&self) -> Option<mpsc::UnboundedReceiver<Told>> {
        self.told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Lets attempts under way end.
    pub(crate) async fn end(&self) {
        self.dispatcher.drain().await;
    }

    /// How it fares, among the metrics.
    pub(crate) fn show(&self, text: &mut Text) {
        let names = |ends: Vec<doorward_store::RelayEnd>| -> HashMap<i64, String> {
            ends.into_iter().map(|end| (end.number, end.name)).collect()
        };
        let of = |kind| names(self.parts.store.relay_ends(kind).unwrap_or_default());
        let sources = of(doorward_store::EndKind::Source);
        for one in self.door.figures() {
            let Some(name) = sources.get(&one.number) else {
                continue;
            };
            for (what, count) in [("stored", one.stored), ("known", one.known)] {
                let help =
                    "Deliveries that were taken in, by source and whether their event was new";
                let labels = [("source", name.as_str()), ("event", what)];
                text.counter("webhooks_received_total", help, &labels, count);
            }
            let help = "Deliveries that are kept in quarantine, by source";
            let labels = [("source", name.as_str())];
            text.counter("webhooks_quarantined_total", help, &labels, one.quarantined);
            for (why, count) in one.refused.iter() {
                let help = "Requests to a source that were refused, by source and reason";
                let labels = [("source", name.as_str()), ("reason", why)];
                text.counter("webhooks_refused_total", help, &labels, count);
            }
        }
        let destinations = of(doorward_store::EndKind::Destination);
        for one in self.dispatcher.figures() {
            let Some(name) = destinations.get(&one.destination) else {
                continue;
            };
            for (what, count) in [("arrived", one.delivered), ("failed", one.failed)] {
                let help = "Attempts to deliver an event, by destination and what came of them";
                let labels = [("destination", name.as_str()), ("outcome", what)];
                text.counter("webhook_attempts_total", help, &labels, count);
            }
            let labels = [("destination", name.as_str())];
            let help = "Deliveries that were given up, by destination";
            text.counter("webhook_dead_letters_total", help, &labels, one.dead);
            let help = "Attempts under way, by destination";
            text.gauge("webhook_attempts_under_way", help, &labels, one.under_way);
            let help = "Whether a destination is left alone for a while (1)";
            text.gauge("webhook_breaker_open", help, &labels, u8::from(one.open));
        }
        for (number, count) in self.doubts.figures() {
            let Some(name) = destinations.get(&number) else {
                continue;
            };
            let help =
                "Events of which a destination's condition could not tell, and that are delivered";
            let labels = [("destination", name.as_str())];
            text.counter("webhook_conditions_unclear_total", help, &labels, count);
        }
        let figures = self.parts.events.figures();
        let help = "Events that wait to be written";
        text.gauge("events_waiting", help, &[], figures.waiting);
        let help = "Whether there is no room for events (1)";
        text.gauge("events_full", help, &[], u8::from(figures.full));
        for (why, count) in [
            ("busy", figures.refused_busy),
            ("full", figures.refused_full),
            ("failed", figures.refused_failed),
        ] {
            let help = "Events that could not be stored, by reason";
            text.counter("events_refused_total", help, &[("reason", why)], count);
        }
    }
}
