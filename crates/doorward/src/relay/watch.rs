//! The watch over subscriptions: one that Instantly has switched off is switched on again once our own
//! door is well, and what was missed is fetched back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use doorward_alert::{Alert, AlertKind, Severity};
use doorward_audit::Draft;
use doorward_catalog::Op;
use doorward_catalog::wire::Webhook;
use doorward_ledger::{Act, Actor, ActorKind, Event, Resource, Text, Verdict};
use doorward_policy::Timestamp;
use doorward_relay::reconcile::{Reconciled, Span, Subscribed, fill, rebuild};
use doorward_store::Workspace;
use doorward_upstream::Client;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::running::Relay;
use super::secrets::header_of;
use super::{ProofKept, ProofSettings, Source, sends};
use crate::admin::{AdminError, now};
use crate::inventory::{Reach, keeper};

/// How often each subscription is looked at: one that is off is on again within a minute.
const EVERY: Duration = Duration::from_secs(20);
/// How often what Instantly lists as sent is held against what came, though nothing was wrong.
const FILL_EVERY: Duration = Duration::from_secs(300);
/// How far back it is looked beyond the last good point: Instantly's retries, and clocks.
const OVERLAP_MS: i64 = 3_600_000;
/// How far back it is looked the first time, and at the most.
const FIRST_MS: i64 = 2 * 86_400_000;
const MOST_MS: i64 = 30 * 86_400_000;
/// What Instantly lists may be late by so much.
const LATE_MS: i64 = 60_000;
/// Share of failed deliveries, in percent, that is told of, and from how many on.
const FAILING: f64 = 10.0;
const FAILING_OF: u64 = 20;

/// Watches until it is dropped.
pub(crate) async fn watch_subscriptions(relay: Arc<Relay>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut filled: HashMap<i64, Instant> = HashMap::new();
    loop {
        ticks.tick().await;
        let sources = match relay.subscribed().await {
            Ok(sources) => sources,
            Err(error) => {
                tracing::warn!(%error, "the sources to be watched could not be read");
                continue;
            }
        };
        filled.retain(|number, _| sources.iter().any(|one| one.source.end.number == *number));
        for one in sources {
            let number = one.source.end.number;
            let due = filled
                .get(&number)
                .is_none_or(|last| last.elapsed() >= FILL_EVERY);
            match relay.look_at(&one, due).await {
                Ok(()) if due => {
                    filled.insert(number, Instant::now());
                }
                Ok(()) => {}
                Err(error) => {
                    tracing::warn!(source = one.source.end.name, %error, "a subscription could not be seen to");
                }
            }
        }
    }
}

/// A source with a subscription, and how Instantly is asked about it.
pub(crate) struct Watched {
    /// The source.
    pub(crate) source: Source,
    /// Its workspace.
    pub(crate) workspace: Workspace,
    client: Client,
}

/// What is asked of Instantly for the watch; without the first nothing can be.
const WATCHING: [Op; 4] = [
    Op::GetWebhook,
    Op::ListWebhookEvent,
    Op::ResumeWebhook,
    Op::TestWebhook,
];

impl Relay {
    /// The sources that have subscriptions, each with a client of Instantly. Those of which nothing can
    /// be asked are told in the log.
    async fn subscribed(self: &Arc<Self>) -> Result<Vec<Watched>, AdminError> {
        let relay = Arc::clone(self);
        let found = tokio::task::spawn_blocking(move || {
            let all = Source::all(relay.parts.store.as_ref())?.into_iter();
            let active = all.filter(|one| one.is_active() && one.settings.subscription.is_some());
            let watched = active.filter_map(|source| match relay.watched(source) {
                Ok(watched) => Some(watched),
                Err(error) => {
                    tracing::info!(%error, "a subscription is not watched");
                    None
                }
            });
            Ok(watched.collect())
        });
        found.await.map_err(AdminError::failed)?
    }

    /// A source, and a client under the key that may do the most of what is asked. Blocks.
    ///
    /// # Errors
    /// When no key may, or its value can't be read.
    pub(crate) fn watched(&self, source: Source) -> Result<Watched, AdminError> {
        let workspace = self.parts.store.workspace(source.workspace_id())?;
        let key = (1..=WATCHING.len())
            .rev()
            .find_map(|most| keeper(&workspace, WATCHING.get(..most)?, None));
        let Some(key) = key else {
            return Err(AdminError::failed(format_args!(
                "no upstream key of '{}' may read its webhooks (webhooks:read), so that source '{}' is not \
                 watched",
                workspace.name, source.end.name
            )));
        };
        let reach = Reach {
            secrets: Arc::clone(&self.parts.secrets),
            plain_http: self.parts.plain_http,
            pacing: Some(self.parts.pacing.clone()),
        };
        let client = reach.under(&workspace, key)?;
        Ok(Watched {
            source,
            workspace,
            client,
        })
    }

    /// Looks at one subscription, and sees to what it finds.
    async fn look_at(self: &Arc<Self>, one: &Watched, fill_too: bool) -> Result<(), AdminError> {
        let Some(there) = &one.source.settings.subscription else {
            return Ok(());
        };
        let webhook = one.client.webhooks().get(&there.id).await;
        let webhook = match webhook {
            Ok(webhook) => webhook,
            Err(doorward_upstream::Error::NotFound { .. }) => {
                self.tell(
                    one,
                    "is not at Instantly any more",
                    "Nothing comes in any more: `doorward webhook delete`, and create it again.",
                    Severity::High,
                );
                return Ok(());
            }
            Err(error) => return Err(AdminError::failed(error)),
        };
        let off_since = webhook
            .timestamp_error
            .as_deref()
            .and_then(|text| text.parse::<Timestamp>().ok());
        if webhook.is_disabled() {
            self.switch_on(one, &webhook).await?;
        }
        if fill_too || webhook.is_disabled() {
            let was_off = webhook.is_disabled().then(|| off_since.unwrap_or_else(now));
            let found = self.reconcile(one, None, was_off, |_| {}).await?;
            if found.recovered + found.reconstructed + found.unrecoverable > 0 {
                tracing::info!(
                    source = one.source.end.name,
                    recovered = found.recovered,
                    reconstructed = found.reconstructed,
                    unrecoverable = found.unrecoverable,
                    "what was missed is fetched back"
                );
            }
        }
        if fill_too {
            self.look_at_failures(one).await;
        }
        Ok(())
    }

    /// Switches a subscription on that Instantly has switched off, once our door is well.
    async fn switch_on(
        self: &Arc<Self>,
        one: &Watched,
        webhook: &Webhook,
    ) -> Result<(), AdminError> {
        let since = webhook.timestamp_error.as_deref().unwrap_or("a while");
        if self.events().figures().full {
            self.tell(
                one,
                "is switched off at Instantly, and there is no room for events here",
                "Make room on the disk; it is switched on again then, and what was missed is fetched back.",
                Severity::Critical,
            );
            return Ok(());
        }
        if self.sends_another(one, webhook).await {
            self.tell(
                one,
                "is switched off at Instantly, and sends another secret than the source takes",
                "Somebody changed its headers there: `doorward webhook rotate-secret` gives it a new one, \
                 and `doorward webhook resume` switches it on.",
                Severity::Critical,
            );
            return Ok(());
        }
        one.client
            .webhooks()
            .resume(&webhook.id)
            .await
            .map_err(AdminError::failed)?;
        let tested = one.client.webhooks().test(&webhook.id).await;
        let works = tested.as_ref().is_ok_and(|tested| tested.success);
        self.parts.record.note(resumed(one, &webhook.id, works));
        let text = match works {
            true => {
                "It was switched on again, and a test event arrived. What was missed is fetched back."
            }
            false => {
                "It was switched on again, and a test event did not arrive: is the door reached from outside?"
            }
        };
        self.tell(
            one,
            &format!("was switched off at Instantly since {since}"),
            text,
            match works {
                true => Severity::High,
                false => Severity::Critical,
            },
        );
        Ok(())
    }

    /// Whether the subscription proves itself with none of the secrets that the source takes.
    async fn sends_another(self: &Arc<Self>, one: &Watched, webhook: &Webhook) -> bool {
        let (relay, proofs) = (Arc::clone(self), one.source.settings.proofs());
        let values = tokio::task::spawn_blocking(move || {
            let read = |text: &str| relay.parts.secrets.read(&text.parse().ok()?).ok();
            let of = |kept: &ProofKept| {
                let proof = ProofSettings::parse(&kept.proof).ok()?;
                let values = kept.secrets.iter().map(|kept| read(&kept.reference));
                Some((proof, values.collect::<Option<Vec<_>>>()?))
            };
            proofs.iter().map(of).collect::<Option<Vec<_>>>()
        });
        // What can't be read is no reason to leave it off.
        let Ok(Some(values)) = values.await else {
            return false;
        };
        !values.iter().all(|(proof, values)| {
            let mut values = values.iter();
            values.any(|value| sends(webhook, &header_of(proof, value).unwrap_or_default()))
        })
    }

    /// Fetches back what was missed since then, or since the last good point.
    ///
    /// # Errors
    /// When Instantly can't be asked or nothing can be stored.
    pub(crate) async fn reconcile(
        self: &Arc<Self>,
        one: &Watched,
        since: Option<Timestamp>,
        was_off: Option<Timestamp>,
        told: impl FnMut(&Reconciled),
    ) -> Result<Reconciled, AdminError> {
        let Some(there) = &one.source.settings.subscription else {
            return Err(AdminError::usage(format_args!(
                "source '{}' has no subscription at Instantly: there is nothing to hold it against",
                one.source.end.name
            )));
        };
        let workspace =
            one.workspace.instantly_id.clone().ok_or_else(|| {
                AdminError::failed("Instantly's id of the workspace is not known")
            })?;
        let at = now().millis();
        let mark = format!("reconciled/{}", one.source.end.number);
        let from = match since {
            Some(since) => since.millis(),
            None => {
                let (relay, name) = (Arc::clone(self), mark.clone());
                let last = tokio::task::spawn_blocking(move || relay.events().reader().mark(&name));
                let last = last.await.map_err(AdminError::failed)??;
                let off = was_off.map_or(i64::MAX, Timestamp::millis);
                let begun = one.source.end.created_at.millis();
                let from = last.unwrap_or_else(|| (at - FIRST_MS).max(begun)).min(off);
                (from - OVERLAP_MS).max(at - MOST_MS)
            }
        };
        let source = Subscribed {
            source: one.source.end.number,
            workspace,
            url: one.source.url(),
            event: there.event.clone(),
            campaign: there.campaign.clone(),
        };
        let clock = || now().millis();
        let (events, client) = (self.events(), &one.client);
        let span = Span {
            from_ms: from,
            to_ms: at + LATE_MS,
        };
        let mut found = fill(events, client, &source, span, clock, told)
            .await
            .map_err(AdminError::failed)?;
        if let Some(off) = was_off {
            let span = Span {
                from_ms: off.millis().max(from),
                to_ms: at,
            };
            let rebuilt = rebuild(events, client, &source, span, clock).await;
            found.add(rebuilt.map_err(AdminError::failed)?);
        }
        if found.whole {
            self.events().mark(mark, at - LATE_MS).await?;
        }
        if found.recovered + found.reconstructed + found.unrecoverable > 0 {
            self.parts.record.note(reconciled(one, &found, from));
        }
        if found.unrecoverable > 0 {
            self.tell(
                one,
                &format!("missed {} events that can't be fetched back", found.unrecoverable),
                "Instantly lists them without what was in them: `doorward webhook reconcile` names them.",
                Severity::Critical,
            );
        }
        Ok(found)
    }

    /// Tells when too many deliveries of today fail, as Instantly counts them.
    async fn look_at_failures(self: &Arc<Self>, one: &Watched) {
        let today: String = now().to_string().chars().take(10).collect();
        let counts = match one
            .client
            .webhook_events()
            .summary(Some(&today), Some(&today))
            .await
        {
            Ok(counts) => counts,
            Err(error) => {
                tracing::debug!(%error, "how many deliveries fail is not known");
                return;
            }
        };
        let failed = counts.failed_events as f64 * 100.0 / (counts.total_events.max(1)) as f64;
        if counts.total_events >= FAILING_OF && failed > FAILING {
            self.tell(
                one,
                &format!("{failed:.0} % of today's deliveries of its workspace failed"),
                "Instantly switches a subscription off when too many fail: `doorward webhook test`.",
                Severity::High,
            );
        }
    }

    fn tell(&self, one: &Watched, what: &str, text: &str, severity: Severity) {
        let title = format!("the subscription of source {} {what}", one.source.end.name);
        tracing::warn!(
            source = one.source.end.name,
            what,
            "a subscription needs to be seen to"
        );
        self.parts.alerts.tell(
            Alert::new(AlertKind::WebhookTrouble, title, now())
                .severity(severity)
                .text(text)
                .fact("workspace", &one.workspace.name)
                .key(format_args!("{}/{what}", one.source.end.id)),
        );
    }
}

fn own(one: &Watched, action: &str, verdict: Verdict) -> Act {
    let mut act = Act::new(action.to_owned(), verdict);
    act.actor = Some(Actor::of(ActorKind::Doorward));
    act.workspace = Some(one.workspace.id.clone());
    let mut resource = Resource {
        kind: "webhook_source".to_owned(),
        ..Resource::default()
    };
    let id = Text::Clear(one.source.end.id.clone());
    resource.ids.insert("source_id".to_owned(), id);
    act.resource = Some(resource);
    act
}

fn resumed(one: &Watched, id: &str, works: bool) -> Draft {
    let verdict = match works {
        true => Verdict::Success,
        false => Verdict::Unknown,
    };
    let mut act = own(one, "webhook.resume", verdict);
    act.metadata.insert("subscription_id".to_owned(), id.into());
    Draft::new(now(), act, Event::Admin)
}

fn reconciled(one: &Watched, found: &Reconciled, from: i64) -> Draft {
    let mut act = own(one, "webhook.reconcile", Verdict::Success);
    for (name, count) in [
        ("received", found.received),
        ("recovered", found.recovered),
        ("reconstructed", found.reconstructed),
        ("unrecoverable", found.unrecoverable),
    ] {
        act.metadata.insert(name.to_owned(), count.into());
    }
    let since = Timestamp::from_millis(from).to_string();
    act.metadata.insert("since".to_owned(), since.into());
    Draft::new(now(), act, Event::Admin)
}
