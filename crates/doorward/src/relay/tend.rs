//! What is done for the relay while it runs: what deliveries tell, old events, secrets that end.

use std::sync::Arc;
use std::time::Duration;

use doorward_alert::{Alert, AlertKind, Severity};
use doorward_audit::Draft;
use doorward_ledger::{Act, Actor, ActorKind, Event, Resource, Text, Verdict};
use doorward_relay::Retention;
use doorward_store::EndState;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::Destination;
use super::observe::Told;
use super::running::Relay;
use crate::admin::now;

/// How often secrets that end, and old events, are looked for.
const EVERY: Duration = Duration::from_secs(30);
/// How often a source that can't be taken up is tried: whoever sends to it tries again in half a minute.
const AGAIN: Duration = Duration::from_secs(5);
const DAY_MS: i64 = 86_400_000;

/// Tends the relay until it is dropped.
pub(crate) async fn tend(relay: Arc<Relay>) {
    let Some(mut told) = relay.told() else { return };
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            one = told.recv() => match one {
                Some(one) => relay.see_to(one).await,
                None => return,
            },
            _ = ticks.tick() => relay.tidy().await,
            () = sleep(AGAIN), if relay.has_closed() => relay.take_up().await,
        }
    }
}

impl Relay {
    /// Takes up what is kept of the ends, and what of their secrets can be read by now.
    async fn take_up(self: &Arc<Self>) {
        let relay = Arc::clone(self);
        match tokio::task::spawn_blocking(move || relay.load()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the relay's ends could not be read again"),
            Err(error) => tracing::error!(%error, "reading the relay's ends failed"),
        }
    }

    async fn tidy(self: &Arc<Self>) {
        self.take_up().await;
        let config = &self.parts.config;
        let limits = Retention {
            max_age_ms: i64::try_from(config.keep_days)
                .unwrap_or(i64::MAX)
                .saturating_mul(DAY_MS),
            max_bytes: (config.keep_mib as u64).saturating_mul(1 << 20),
        };
        match self.events().retain(limits, now().millis()).await {
            Ok(retained) if retained.undelivered > 0 => {
                let title = "events were removed that a destination was still owed";
                self.parts.alerts.tell(
                    Alert::new(AlertKind::WebhookTrouble, title, now())
                        .severity(Severity::High)
                        .text(
                            "They were older, or more, than is kept: see `keep_days` and `keep_mib` under \
                             [relay], and `doorward destination list`.",
                        )
                        .fact("events", retained.undelivered)
                        .key("undelivered"),
                );
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "old events could not be removed"),
        }
    }

    async fn see_to(self: &Arc<Self>, told: Told) {
        let (Told::Gone(number)
        | Told::Breaker(number, _)
        | Told::Dead(number)
        | Told::Doubt(number)) = told;
        let relay = Arc::clone(self);
        let found = tokio::task::spawn_blocking(move || {
            let all = Destination::all(relay.parts.store.as_ref())?;
            let found = all.into_iter().find(|one| one.end.number == number);
            match (found, told) {
                (Some(found), Told::Gone(_)) if found.is_active() => {
                    let why = "it answered 410 Gone".to_owned();
                    let state = Some((EndState::Disabled, why));
                    let found = found.save(relay.parts.store.as_ref(), state, now())?;
                    relay.load()?;
                    Ok(Some(found))
                }
                (found, _) => Ok::<_, crate::admin::AdminError>(found),
            }
        });
        let found = match found.await {
            Ok(Ok(Some(found))) => found,
            Ok(Ok(None)) => return,
            Ok(Err(error)) => {
                tracing::error!(%error, "what a destination answered could not be seen to");
                return;
            }
            Err(error) => {
                tracing::error!(%error, "what a destination answered could not be seen to");
                return;
            }
        };
        let name = &found.end.name;
        let (title, text) = match told {
            Told::Gone(_) => (
                format!("destination {name} answered that it is gone, and is disabled"),
                format!(
                    "Its events are kept: `doorward destination resume {name}` when it is back."
                ),
            ),
            Told::Breaker(_, true) => (
                format!("destination {name} fails, and is tried less often"),
                format!(
                    "Its events are kept. What it answers: `doorward deliveries list --destination {name}`."
                ),
            ),
            Told::Breaker(_, false) => {
                tracing::info!(destination = name, "a destination is back");
                return;
            }
            Told::Doubt(_) => (
                format!("the condition of {name} can't tell of an event"),
                format!(
                    "It is delivered, and so is every other of which it can't tell: they are counted in \
                     `webhook_conditions_unclear_total`. See `doorward destination show {name}`."
                ),
            ),
            Told::Dead(_) => (
                format!("deliveries to {name} were given up"),
                format!(
                    "See `doorward dead-letter list --destination {name}`, and have them tried again."
                ),
            ),
        };
        if matches!(told, Told::Gone(_)) {
            self.parts.record.note(disabled(&found));
        }
        self.parts.alerts.tell(
            Alert::new(AlertKind::WebhookTrouble, title, now())
                .text(text)
                .key(format_args!("{told:?}")),
        );
    }
}

fn disabled(found: &Destination) -> Draft {
    let mut act = Act::new("destination.disable".to_owned(), Verdict::Success);
    act.actor = Some(Actor::of(ActorKind::Doorward));
    let mut resource = Resource {
        kind: "webhook_destination".to_owned(),
        ..Resource::default()
    };
    resource.ids.insert(
        "destination_id".to_owned(),
        Text::Clear(found.end.id.clone()),
    );
    act.resource = Some(resource);
    act.metadata
        .insert("why".to_owned(), found.end.why.clone().into());
    Draft::new(now(), act, Event::Admin)
}
