//! Listing deliveries, and what was answered.

use std::str::FromStr;

use doorward_policy::Timestamp;
use doorward_relay::events::Event;
use doorward_relay::{Delivery, DeliveryFilter, DeliveryPlace, DeliveryState, EventReader};

use super::types::{Answer, DeliveriesPage, DeliveryAnswer, DeliveryList, DeliveryView};
use crate::admin::error::AdminError;
use crate::admin::events::{LISTED_MAX, Names, event_id};
use crate::admin::service::{Admin, Handle};
use crate::relay::Destination;

/// A place in a list: `<replay>.<number of the event>`.
pub(super) fn place(typed: Option<&str>) -> Result<Option<DeliveryPlace>, AdminError> {
    let Some(typed) = typed else { return Ok(None) };
    let number = |text: &str| i64::from_str(text).ok();
    let both = typed.split_once('.');
    let parsed = both.and_then(|(replay, seq)| Some((number(replay)?, number(seq)?)));
    let (replay, seq) = parsed.ok_or_else(|| {
        AdminError::usage("--after: a place in the list is what the page before it gave as `next`")
    })?;
    Ok(Some(DeliveryPlace { replay, seq }))
}

pub(super) fn told(place: Option<DeliveryPlace>) -> Option<String> {
    place.map(|place| format!("{}.{}", place.replay, place.seq))
}

/// A delivery as it is shown.
pub(super) fn view(names: &Names, delivery: &Delivery) -> DeliveryView {
    let time = |ms: Option<i64>| ms.map(Timestamp::from_millis);
    DeliveryView {
        destination: names.destination(delivery.lane.destination),
        replay: Some(delivery.lane.replay).filter(|replay| *replay != 0),
        event: delivery.event.map(|event| event.to_string()),
        seq: delivery.seq,
        state: delivery.state.as_str().to_owned(),
        attempts: Some(delivery.attempts),
        first_at: time(delivery.first_ms),
        last_at: time(delivery.last_ms),
        next_at: time(delivery.next_ms),
        status: delivery.status,
        note: delivery.note.clone(),
    }
}

fn state(typed: Option<&str>) -> Result<Option<DeliveryState>, AdminError> {
    let Some(typed) = typed else { return Ok(None) };
    DeliveryState::of(typed).map(Some).ok_or_else(|| {
        let names = DeliveryState::ALL.map(DeliveryState::as_str).join(", ");
        AdminError::usage(format_args!("a delivery's state is one of {names}"))
    })
}

impl Admin {
    /// The number of a destination, where one is named.
    pub(super) fn number_of(&self, named: Option<&str>) -> Result<Option<i64>, AdminError> {
        let found = named.map(|name| Destination::find(self.store(), name));
        Ok(found.transpose()?.map(|found| found.end.number))
    }
}

impl Handle<DeliveryList> for Admin {
    fn handle(&self, call: DeliveryList) -> Result<DeliveriesPage, AdminError> {
        let state = state(call.state.as_deref())?;
        let after = place(call.after.as_deref())?;
        if after.is_some() && (call.destination.is_none() || call.event.is_some()) {
            return Err(AdminError::usage(
                "--after goes with one destination's list",
            ));
        }
        let only = self.number_of(call.destination.as_deref())?;
        let Some(events) = self.parts.events.get()? else {
            return Ok(DeliveriesPage::default());
        };
        let (reader, names) = (events.reader(), Names::of(self.store())?);
        if let Some(id) = &call.event {
            let event = reader.event(&event_id(id)?)?;
            let mut deliveries = self.deliveries_of(reader, &names, &event)?;
            let of = only.map(|number| names.destination(number));
            deliveries.retain(|one| {
                of.as_ref().is_none_or(|name| one.destination == *name)
                    && state.is_none_or(|state| one.state == state.as_str())
                    && (call.replay).is_none_or(|replay| one.replay.unwrap_or(0) == replay)
            });
            let next = None;
            return Ok(DeliveriesPage { deliveries, next });
        }
        let filter = DeliveryFilter {
            state,
            replay: call.replay,
        };
        let limit = call.limit.clamp(1, LISTED_MAX);
        let of: Vec<i64> = match only {
            Some(number) => vec![number],
            None => names.destinations().iter().map(|end| end.number).collect(),
        };
        let mut found = DeliveriesPage::default();
        for number in of {
            let page = reader.deliveries(number, &filter, after, limit)?;
            let shown = page.deliveries.iter().map(|one| view(&names, one));
            found.deliveries.extend(shown);
            found.next = told(page.next).filter(|_| only.is_some());
        }
        Ok(found)
    }
}

impl Handle<DeliveryAnswer> for Admin {
    fn handle(&self, call: DeliveryAnswer) -> Result<Answer, AdminError> {
        let id = event_id(&call.event)?;
        let destination = Destination::find(self.store(), &call.destination)?;
        let never = || {
            AdminError::failed(format_args!(
                "event {id} was not tried at '{}'; `doorward events show {id}` says what came of it",
                destination.end.name
            ))
        };
        let events = self.parts.events.get()?.ok_or_else(never)?;
        let reader = events.reader();
        let event = reader.event(&id)?;
        let tried = reader.deliveries_of(event.seq)?.into_iter();
        let last = tried
            .filter(|one| one.lane.destination == destination.end.number)
            .max_by_key(|one| one.last_ms)
            .ok_or_else(never)?;
        let answer = reader.answer(last.lane, last.seq)?;
        let answer = answer.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let names = Names::of(self.store())?;
        Ok(Answer {
            delivery: view(&names, &last),
            // Once more: secrets may be known by now that were not when it was kept.
            answer: answer.map(crate::scrubbed::scrub),
        })
    }
}

impl Admin {
    /// What came of an event, at each destination: what was tried, and what was not.
    pub(in crate::admin) fn deliveries_of(
        &self,
        reader: &EventReader,
        names: &Names,
        event: &Event,
    ) -> Result<Vec<DeliveryView>, AdminError> {
        let tried = reader.deliveries_of(event.seq)?;
        let mut shown: Vec<DeliveryView> = tried.iter().map(|one| view(names, one)).collect();
        for end in names.destinations() {
            let is_its =
                |one: &Delivery| one.lane.destination == end.number && one.lane.replay == 0;
            if event.quarantined.is_some() || tried.iter().any(is_its) {
                continue;
            }
            // One that has not begun is owed nothing yet.
            let Some(cursor) = reader.cursor(end.number)? else {
                continue;
            };
            let state = match event.seq > cursor {
                true => "waiting",
                false => "not_sent",
            };
            shown.push(DeliveryView {
                destination: end.name.clone(),
                replay: None,
                event: Some(event.id.to_string()),
                seq: event.seq,
                state: state.to_owned(),
                attempts: None,
                first_at: None,
                last_at: None,
                next_at: None,
                status: None,
                note: None,
            });
        }
        shown.sort_by(|one, other| {
            (&one.destination, one.replay).cmp(&(&other.destination, other.replay))
        });
        Ok(shown)
    }
}
