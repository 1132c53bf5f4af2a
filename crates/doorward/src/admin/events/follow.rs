//! Telling of events as they come in.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use doorward_relay::EventStore;
use doorward_relay::events::Event;
use tokio::runtime::Handle as Runtime;
use tokio::time::timeout_at;

use super::find::Lead;
use super::names::Names;
use super::types::{EventFollow, EventNext, Following, NextEvents};
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle};
use crate::secret::random;

/// Most who follow at once: each holds a thread while it waits.
const FOLLOWING_MAX: usize = 32;
/// Who did not ask for so long follows no more.
const IDLE: Duration = Duration::from_secs(180);
/// Longest wait for an event.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// Between two looks where there is no file to be told of.
const LOOK: Duration = Duration::from_secs(1);
/// Most events of an answer, and most bytes of their payloads, but for the first's.
const EVENTS_MAX: usize = 200;
const BYTES_MAX: u64 = 8 << 20;

/// Who follows.
#[derive(Debug, Default)]
pub(in crate::admin) struct Followers(Mutex<HashMap<String, Follower>>);

#[derive(Debug, Clone, Copy)]
struct Follower {
    /// Whether payloads were asked for, and that was recorded.
    bodies: bool,
    asked: Instant,
}

impl Followers {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Follower>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, bodies: bool) -> Result<String, AdminError> {
        let mut all = self.all();
        all.retain(|_, one| one.asked.elapsed() < IDLE);
        if all.len() >= FOLLOWING_MAX {
            return Err(AdminError::failed(format_args!(
                "{FOLLOWING_MAX} follow the events already; end one of them, or wait three minutes"
            )));
        }
        let id: String = random::<16>()?
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let asked = Instant::now();
        all.insert(id.clone(), Follower { bodies, asked });
        Ok(id)
    }

    /// Whether it is given payloads; none when it is not known.
    fn asks(&self, id: &str) -> Option<bool> {
        let mut all = self.all();
        let one = all.get_mut(id)?;
        one.asked = Instant::now();
        Some(one.bodies)
    }
}

fn newest(events: &EventStore) -> i64 {
    *events.newest().borrow()
}

impl Handle<EventFollow> for Admin {
    fn handle(&self, call: EventFollow) -> Result<Following, AdminError> {
        let after = match self.parts.events.get()? {
            Some(events) => newest(&events),
            None => 0,
        };
        Ok(Following {
            id: self.followers.add(call.bodies)?,
            after,
        })
    }
}

impl Handle<EventNext> for Admin {
    fn handle(&self, call: EventNext) -> Result<NextEvents, AdminError> {
        let Some(bodies) = self.followers.asks(&call.following) else {
            return Ok(NextEvents {
                after: call.after,
                gone: true,
                ..NextEvents::default()
            });
        };
        let wait = Duration::from_millis(call.wait_ms).min(WAIT_MAX);
        let until = tokio::time::Instant::now() + wait;
        let mut after = call.after;
        loop {
            let events = self.parts.events.get()?;
            if let Some(events) = &events {
                let next = self.next(events, &call, after, bodies)?;
                after = next.after;
                if !next.events.is_empty() {
                    return Ok(next);
                }
            }
            let over = Runtime::current().block_on(async {
                let news = async {
                    match &events {
                        // Whoever closes the store ends the wait.
                        Some(events) => {
                            let _ = events.newest().wait_for(|newest| *newest > after).await;
                        }
                        None => tokio::time::sleep(LOOK).await,
                    }
                };
                tokio::select! {
                    waited = timeout_at(until, news) => waited.is_err(),
                    () = (self.parts.ending)() => true,
                }
            });
            if over {
                let events = Vec::new();
                return Ok(NextEvents {
                    events,
                    after,
                    gone: false,
                });
            }
        }
    }
}

impl Admin {
    /// What came in after an event, if anything did.
    fn next(
        &self,
        events: &EventStore,
        call: &EventNext,
        after: i64,
        bodies: bool,
    ) -> Result<NextEvents, AdminError> {
        let filter = self.wanted(&call.asked)?;
        let reader = events.reader();
        let lead = Lead::of(&filter, reader)?;
        // A backup that was put back has fewer.
        let mut last = after.min(newest(events));
        let (mut found, mut bytes): (Vec<Event>, u64) = (Vec::new(), 0);
        reader.walk(last, i64::MAX, |event| {
            let here = event.seq;
            if filter.admits(&event) && lead.admits(event.subject) {
                bytes += event.size;
                if bodies && bytes > BYTES_MAX && !found.is_empty() {
                    return ControlFlow::Break(());
                }
                found.push(event);
            }
            last = here;
            match found.len() < EVENTS_MAX {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        })?;
        if bodies {
            for event in &mut found {
                // One that went meanwhile is told without.
                if let Ok(whole) = reader.event(&event.id) {
                    event.body = whole.body;
                }
            }
        }
        let names = Names::of(self.store())?;
        Ok(NextEvents {
            events: found.iter().map(|one| names.event(one)).collect(),
            after: last,
            gone: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_follows_is_known_and_few_do() {
        let followers = Followers::default();
        let with = followers.add(true).unwrap();
        let without = followers.add(false).unwrap();
        assert_eq!(followers.asks(&with), Some(true));
        assert_eq!(followers.asks(&without), Some(false));
        assert_eq!(followers.asks("another"), None);
        for _ in 2..FOLLOWING_MAX {
            followers.add(false).unwrap();
        }
        assert!(followers.add(false).is_err());
        followers.all().values_mut().for_each(|one| {
            one.asked = Instant::now().checked_sub(IDLE).unwrap();
        });
        assert!(followers.add(false).is_ok(), "those who ended make room");
        assert_eq!(followers.asks(&with), None);
    }
}
