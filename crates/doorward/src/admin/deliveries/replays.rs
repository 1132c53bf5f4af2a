//! Replays: events that are delivered once more.

use std::ops::ControlFlow;

use doorward_policy::Timestamp;
use doorward_relay::deliver::{ReplayFilter, Want};
use doorward_relay::events::Body;
use doorward_relay::{EventFilter, EventReader, EventStore, NewReplay, Order, Replay, ReplayState};
use doorward_webhook::Filter;
use tokio::runtime::Handle as Runtime;

use super::types::{ReplayCancel, ReplayList, ReplayPlan, ReplayShow, ReplayStart, ReplayView};
use crate::admin::error::AdminError;
use crate::admin::events::{Names, event_id};
use crate::admin::service::{Admin, Handle, now};
use crate::relay::{Destination, wanted_by};

/// Most events a second.
const RATE_MAX: u32 = 10_000;
/// Types that are told apart in a plan.
const TYPES_TOLD: usize = 64;
/// Events that may be stored in another order than they were received in.
const DISORDER: i64 = 20_000;

impl Handle<ReplayStart> for Admin {
    fn handle(&self, call: ReplayStart) -> Result<ReplayPlan, AdminError> {
        if !(1..=RATE_MAX).contains(&call.rate) {
            return Err(AdminError::usage(format_args!(
                "--rate is 1 to {RATE_MAX} events a second"
            )));
        }
        let destination = Destination::find(self.store(), &call.destination)?;
        let workspaces = call.workspaces.iter().map(|name| self.instantly_id(name));
        let asked = ReplayFilter {
            filter: Filter {
                types: call.types.clone(),
                campaigns: call.campaigns.clone(),
                workspaces: workspaces.collect::<Result<_, _>>()?,
            },
            since_ms: call.since.map(|time| time.millis()),
            until_ms: call.until.map(|time| time.millis()),
            // Who names an event wants that one.
            unwanted: call.event.is_some(),
        };
        asked.filter.check().map_err(AdminError::usage)?;
        let mut plan = ReplayPlan::of(&destination, call.rate);
        let Some(events) = self.parts.events.get()? else {
            return match &call.event {
                Some(_) => Err(AdminError::failed("no event ever came in")),
                None => Ok(plan),
            };
        };
        let range = match &call.event {
            Some(typed) => Some(plan.take_one(events.reader(), typed)?),
            None => plan.count(events.reader(), &destination, &asked)?,
        };
        let Some((first_seq, last_seq)) = range.filter(|_| !call.dry_run) else {
            return Ok(plan);
        };
        let new = NewReplay {
            destination: destination.end.number,
            filter: serde_json::to_string(&asked).map_err(AdminError::failed)?,
            first_seq,
            last_seq,
            rate: f64::from(call.rate),
        };
        let at = now().millis();
        let begun = Runtime::current().block_on(async {
            // A replay is of a destination that has begun.
            events.begin(new.destination, None, at).await?;
            events.replay(new, at).await
        })?;
        // Whoever delivers looks at once.
        self.relay_changed()?;
        plan.replay = Some(self.replay(&events, begun)?);
        Ok(plan)
    }
}

impl ReplayPlan {
    fn of(destination: &Destination, rate: u32) -> Self {
        Self {
            destination: destination.end.name.clone(),
            state: destination.end.state.as_str().to_owned(),
            events: 0,
            gone: 0,
            bytes: 0,
            types: Default::default(),
            first_at: None,
            last_at: None,
            rate,
            replay: None,
        }
    }

    fn add(&mut self, event: &doorward_relay::events::Event) {
        self.events += 1;
        self.bytes += event.size;
        let at = Some(Timestamp::from_millis(event.received_ms));
        self.first_at = self.first_at.min(at).or(at);
        self.last_at = self.last_at.max(at);
        let kind = match self.types.len() < TYPES_TOLD || self.types.contains_key(&event.event_type)
        {
            true => event.event_type.clone(),
            false => "(others)".to_owned(),
        };
        *self.types.entry(kind).or_default() += 1;
    }

    /// The one event that is named.
    fn take_one(&mut self, reader: &EventReader, typed: &str) -> Result<(i64, i64), AdminError> {
        let event = reader.event(&event_id(typed)?)?;
        let why = match (&event.quarantined, &event.body) {
            (Some(why), _) => Some(format!(
                "it is in quarantine ({why}), and what is there is delivered to nobody"
            )),
            (None, Body::Whole(_)) => None,
            (None, Body::Erased) => Some("the person that it was about was erased".to_owned()),
            (None, _) => Some("its payload is not there any more".to_owned()),
        };
        if let Some(why) = why {
            return Err(AdminError::usage(format_args!(
                "{} can't be delivered again: {why}",
                event.id
            )));
        }
        self.add(&event);
        Ok((event.seq, event.seq))
    }

    /// Counts what is asked for; the first and the last of it, if there is anything.
    fn count(
        &mut self,
        reader: &EventReader,
        destination: &Destination,
        asked: &ReplayFilter,
    ) -> Result<Option<(i64, i64)>, AdminError> {
        let Some((first, last)) = reader.ends()? else {
            return Ok(None);
        };
        let own = Filter {
            types: destination.settings.events.clone(),
            campaigns: destination.settings.campaigns.clone(),
            workspaces: destination.settings.workspaces.clone(),
        };
        let condition = wanted_by(destination).map_err(AdminError::failed)?;
        let holds = |seq| match &condition {
            None => Ok(true),
            Some(condition) => reader.event_at(seq).map(|found| {
                let whole = found.filter(|event| event.body.bytes().is_some());
                whole.is_some_and(|event| condition.wants(&event))
            }),
        };
        let mut failed = None;
        let mut range: Option<(i64, i64)> = None;
        let after = begin(reader, asked.since_ms)?.map_or(first - 1, |seq| seq.max(first - 1));
        reader.walk(after, last, |event| {
            let wants = |filter: &Filter| {
                filter.wants(
                    &event.event_type,
                    event.campaign.as_deref(),
                    &event.workspace,
                )
            };
            if event.quarantined.is_none()
                && asked
                    .since_ms
                    .is_none_or(|since| event.received_ms >= since)
                && asked.until_ms.is_none_or(|until| event.received_ms < until)
                && wants(&asked.filter)
                && wants(&own)
            {
                if matches!(event.body, Body::Erased | Body::Removed) {
                    self.gone += 1;
                    return ControlFlow::Continue(());
                }
                match holds(event.seq) {
                    Ok(false) => return ControlFlow::Continue(()),
                    Ok(true) => {}
                    Err(error) => {
                        failed = Some(error);
                        return ControlFlow::Break(());
                    }
                }
                self.add(&event);
                let first = range.map_or(event.seq, |(first, _)| first);
                range = Some((first, event.seq));
            }
            ControlFlow::Continue(())
        })?;
        match failed {
            Some(error) => Err(error.into()),
            None => Ok(range),
        }
    }
}

/// After which event those of a time and later are; none for all.
fn begin(reader: &EventReader, since_ms: Option<i64>) -> Result<Option<i64>, AdminError> {
    let filter = EventFilter {
        since_ms,
        ..EventFilter::default()
    };
    if since_ms.is_none() {
        return Ok(None);
    }
    let page = reader.list(&filter, Order::OldestFirst, None, 1, false)?;
    Ok(page.events.first().map(|event| event.seq - DISORDER))
}

impl Handle<ReplayList> for Admin {
    fn handle(&self, call: ReplayList) -> Result<Vec<ReplayView>, AdminError> {
        let only = match &call.destination {
            Some(name) => Some(Destination::find(self.store(), name)?.end.number),
            None => None,
        };
        let Some(events) = self.parts.events.get()? else {
            return Ok(Vec::new());
        };
        let names = Names::of(self.store())?;
        let found = events.reader().replays(only, call.running)?;
        Ok(found.iter().map(|one| view(&names, one)).collect())
    }
}

impl Handle<ReplayShow> for Admin {
    fn handle(&self, call: ReplayShow) -> Result<ReplayView, AdminError> {
        let events = self.replayed(call.replay)?;
        self.replay(&events, call.replay)
    }
}

impl Handle<ReplayCancel> for Admin {
    fn handle(&self, call: ReplayCancel) -> Result<ReplayView, AdminError> {
        let events = self.replayed(call.replay)?;
        let found = events.reader().replay(call.replay)?;
        if found.state != ReplayState::Running {
            return Err(AdminError::usage(format_args!(
                "replay {} is {} already",
                call.replay,
                found.state.as_str()
            )));
        }
        let at = now().millis();
        let ended = events.end_replay(call.replay, ReplayState::Cancelled, at);
        Runtime::current().block_on(ended)?;
        self.relay_changed()?;
        self.replay(&events, call.replay)
    }
}

impl Admin {
    /// The events, of which there is such a replay.
    fn replayed(&self, id: i64) -> Result<std::sync::Arc<EventStore>, AdminError> {
        let none = doorward_relay::RelayError::NoReplay(id);
        self.parts.events.get()?.ok_or_else(|| none.into())
    }

    fn replay(&self, events: &EventStore, id: i64) -> Result<ReplayView, AdminError> {
        let found = events.reader().replay(id)?;
        Ok(view(&Names::of(self.store())?, &found))
    }
}

fn view(names: &Names, replay: &Replay) -> ReplayView {
    let asked: ReplayFilter = serde_json::from_str(&replay.asked.filter).unwrap_or_default();
    ReplayView {
        id: replay.id,
        destination: names.destination(replay.asked.destination),
        state: replay.state.as_str().to_owned(),
        types: asked.filter.types,
        campaigns: asked.filter.campaigns,
        workspaces: asked.filter.workspaces,
        first_seq: replay.asked.first_seq,
        last_seq: replay.asked.last_seq,
        done_seq: replay.cursor,
        rate: replay.asked.rate,
        matched: replay.matched,
        delivered: replay.delivered,
        dead: replay.dead,
        discarded: replay.discarded,
        begun_at: Timestamp::from_millis(replay.made_ms),
        ended_at: replay.ended_ms.map(Timestamp::from_millis),
    }
}
