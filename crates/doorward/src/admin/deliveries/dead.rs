//! Dead letters: what was tried as often as it is tried.

use std::sync::Arc;

use doorward_relay::EventStore;
use tokio::runtime::Handle as Runtime;

use super::list::{place, told, view};
use super::types::{DeadDiscard, DeadList, DeadRetry, DeliveriesPage};
use crate::admin::error::AdminError;
use crate::admin::events::{LISTED_MAX, Names, event_id};
use crate::admin::service::{Admin, Handle, now};
use crate::relay::Destination;

/// Dead letters that are taken on at once.
const AT_ONCE: u64 = 2_000;

impl Handle<DeadList> for Admin {
    fn handle(&self, call: DeadList) -> Result<DeliveriesPage, AdminError> {
        let after = place(call.after.as_deref())?;
        if after.is_some() && call.destination.is_none() {
            return Err(AdminError::usage(
                "--after goes with one destination's list",
            ));
        }
        let only = self.number_of(call.destination.as_deref())?;
        let Some(events) = self.parts.events.get()? else {
            return Ok(DeliveriesPage::default());
        };
        let (reader, names) = (events.reader(), Names::of(self.store())?);
        let of: Vec<i64> = match only {
            Some(number) => vec![number],
            None => names.destinations().iter().map(|end| end.number).collect(),
        };
        let limit = call.limit.clamp(1, LISTED_MAX);
        let mut found = DeliveriesPage::default();
        for number in of {
            let page = reader.dead(number, after, limit)?;
            let shown = page.deliveries.iter().map(|one| view(&names, one));
            found.deliveries.extend(shown);
            found.next = told(page.next).filter(|_| only.is_some());
        }
        Ok(found)
    }
}

/// What is to be done with dead letters.
#[derive(Debug, Clone, Copy)]
enum With {
    Retry,
    Discard,
}

impl Handle<DeadRetry> for Admin {
    fn handle(&self, call: DeadRetry) -> Result<u64, AdminError> {
        let count = self.dead(&call.destination, call.event.as_deref(), With::Retry)?;
        // Whoever delivers looks at once.
        self.relay_changed()?;
        Ok(count)
    }
}

impl Handle<DeadDiscard> for Admin {
    fn handle(&self, call: DeadDiscard) -> Result<u64, AdminError> {
        self.dead(&call.destination, call.event.as_deref(), With::Discard)
    }
}

impl Admin {
    /// Does it with one dead letter, or with as many as there are now: what dies meanwhile is another.
    fn dead(&self, destination: &str, event: Option<&str>, with: With) -> Result<u64, AdminError> {
        let number = Destination::find(self.store(), destination)?.end.number;
        let event = event.map(event_id).transpose()?;
        let Some(events) = self.parts.events.get()? else {
            return Ok(0);
        };
        let reader = events.reader();
        if let Some(id) = event {
            let seq = reader.event(&id)?.seq;
            return done(&events, number, Some(seq), with);
        }
        let there = reader.backlog(number)?.map_or(0, |backlog| backlog.dead);
        let mut all = 0;
        for _ in 0..there.div_ceil(AT_ONCE) {
            match done(&events, number, None, with)? {
                0 => break,
                some => all += some,
            }
        }
        Ok(all)
    }
}

fn done(
    events: &Arc<EventStore>,
    destination: i64,
    one: Option<i64>,
    with: With,
) -> Result<u64, AdminError> {
    let at = now().millis();
    let done = Runtime::current().block_on(async {
        match with {
            With::Retry => events.revive(destination, one, at).await,
            With::Discard => events.discard(destination, one, at).await,
        }
    });
    Ok(done?)
}
