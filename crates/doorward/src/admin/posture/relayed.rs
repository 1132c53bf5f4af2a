//! Where webhooks come in, and how that goes.

use std::collections::BTreeSet;

use doorward_policy::Timestamp;
use doorward_posture::here::{Quarantined, SourceFacts};
use doorward_posture::live::{Cause, Seen};
use doorward_relay::{EventFilter, EventStore, Order};
use doorward_store::EndState;

use super::DAY_MS;
use super::known::Known;
use crate::admin::error::AdminError;
use crate::relay::{Destination, Source};

/// Events in quarantine that are counted of a source.
const COUNTED: u64 = 100_000;
const PAGE: usize = 1_000;

impl Known<'_> {
    /// The sources of the workspace that are in use.
    pub(super) fn sources(&self) -> Result<Vec<SourceFacts>, AdminError> {
        let store = self.admin.store();
        let mine: Vec<Source> = Source::all(store)?
            .into_iter()
            .filter(|source| source.workspace_id() == self.workspace.id)
            .filter(|source| source.end.state == EndState::Active)
            .collect();
        if mine.is_empty() {
            return Ok(Vec::new());
        }
        let events = self.admin.parts.events.get()?;
        let used = self.used_types()?;
        let now = self.round.now;
        let facts = mine.into_iter().map(|source| {
            let number = source.end.number;
            let (reconciled_to, quarantined) = match &events {
                Some(events) => (marked(events, number), counted(events, number, now)),
                // Where nothing ever came in, nothing was held against anything.
                None => (None.into(), Quarantined::default().into()),
            };
            let url = source.url();
            SourceFacts {
                url,
                subscription: source.settings.subscription.map(|there| there.id),
                allow: source.settings.allow,
                secret_made_at: source.settings.secrets.first().map(|kept| kept.made_at),
                reconciled_to,
                quarantined,
                used_types: used.clone(),
                created_at: source.end.created_at,
                id: source.end.id,
                name: source.end.name,
            }
        });
        Ok(facts.collect())
    }

    /// The event types that destinations take of this workspace; none when one takes them all, or there
    /// is no destination.
    fn used_types(&self) -> Result<Option<Vec<String>>, AdminError> {
        let all = Destination::all(self.admin.store())?.into_iter();
        let taking = all.filter(|one| one.end.state == EndState::Active);
        let id = self.workspace.instantly_id.as_ref();
        let taking = taking.filter(|one| {
            let of = &one.settings.workspaces;
            of.is_empty() || id.is_some_and(|id| of.contains(id))
        });
        let mut types: Option<BTreeSet<String>> = None;
        for one in taking {
            if one.settings.events.is_empty() {
                return Ok(None);
            }
            types.get_or_insert_default().extend(one.settings.events);
        }
        Ok(types.map(|types| types.into_iter().collect()))
    }
}

/// Up to when a source's events were held against what Instantly sent.
fn marked(events: &EventStore, number: i64) -> Seen<Option<Timestamp>> {
    match events.reader().mark(&format!("reconciled/{number}")) {
        Ok(mark) => Seen::Looked(mark.map(Timestamp::from_millis)),
        Err(error) => Seen::not(Cause::Failed, format!("the events can't be read: {error}")),
    }
}

/// The events of a source that are in quarantine, of the last two days.
fn counted(events: &EventStore, number: i64, now: Timestamp) -> Seen<Quarantined> {
    let day = now.plus_millis(-DAY_MS).millis();
    let filter = EventFilter {
        source: Some(number),
        quarantined: Some(true),
        since_ms: Some(now.plus_millis(-2 * DAY_MS).millis()),
        ..EventFilter::default()
    };
    let mut counts = Quarantined::default();
    let mut after = None;
    loop {
        let listed = events
            .reader()
            .list(&filter, Order::NewestFirst, after, PAGE, false);
        let page = match listed {
            Ok(page) => page,
            Err(error) => {
                let told = format!("the events can't be read: {error}");
                return Seen::not(Cause::Failed, told);
            }
        };
        for event in &page.events {
            match event.received_ms >= day {
                true => counts.today += 1,
                false => counts.yesterday += 1,
            }
        }
        after = page.next;
        if after.is_none() || counts.today + counts.yesterday >= COUNTED {
            return Seen::Looked(counts);
        }
    }
}
