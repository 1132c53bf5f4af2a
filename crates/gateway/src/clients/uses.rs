//! How much each client used of its day: calls carried out, and leads written.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use doorward_policy::Timestamp;
use doorward_store::ClientUse;

const DAY_MS: i64 = 86_400_000;
/// Days that are past are dropped when there are this many clients in mind.
const KEPT: usize = 65_536;

/// What a client used of a day (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Today {
    /// Calls that were let go on to the API.
    pub calls: u64,
    /// Leads that they were to write.
    pub leads: u64,
}

impl From<Today> for doorward_condition::Day {
    fn from(today: Today) -> Self {
        let Today { calls, leads } = today;
        Self { calls, leads }
    }
}

/// How much clients may use of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct DayLimits {
    pub(crate) calls: Option<u32>,
    pub(crate) leads: Option<u32>,
}

/// What of a client's day is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UsedUp {
    Calls,
    Leads,
}

/// Counts by client for the present day, in memory.
///
/// A call counts from when it is let go on, before it is sent; when it ends and nothing was sent, it
/// counts no more. Leads are counted as long as a limit or a policy asks for them. Whoever runs
/// the gateway sees to it that [`Uses::changed`] is saved every few seconds and at the end, and
/// [`Uses::restore`]s it at the start: after a crash, what was counted since it was saved last is
/// forgotten.
#[derive(Debug, Default)]
pub struct Uses(Mutex<HashMap<Arc<str>, Count>>);

/// One call that was counted.
#[derive(Debug)]
#[must_use]
pub(crate) struct Taken {
    uses: Arc<Uses>,
    client_id: Arc<str>,
    day: i64,
    leads: u32,
    before: Today,
}

impl Taken {
    /// What the client had used before it, calls that are still under way among it.
    pub(crate) fn before(&self) -> Today {
        self.before
    }

    /// Nothing was sent: it counts no more.
    pub(crate) fn give_back(self) {
        self.uses.give_back(&self.client_id, self.day, self.leads);
    }
}

#[derive(Debug, Clone, Copy)]
struct Count {
    day: i64,
    used: Today,
    unsaved: bool,
}

impl Uses {
    /// The day that a time lies in, UTC, in days since 1970.
    pub fn day(at: Timestamp) -> i64 {
        at.millis().div_euclid(DAY_MS)
    }

    /// What the client of that id used of the day that `now` lies in.
    pub fn today(&self, client_id: &str, now: Timestamp) -> Today {
        let day = Self::day(now);
        let counts = self.lock();
        let count = counts.get(client_id).filter(|count| count.day >= day);
        count.map(|count| count.used).unwrap_or_default()
    }

    /// Counts one call and the leads it writes, if there is so much left of the client's day.
    pub(crate) fn take(
        self: &Arc<Self>,
        client_id: &Arc<str>,
        now: Timestamp,
        leads: u32,
        limits: DayLimits,
    ) -> Result<Taken, UsedUp> {
        let day = Self::day(now);
        let mut counts = self.lock();
        if counts.len() >= KEPT && !counts.contains_key(client_id) {
            counts.retain(|_, count| count.day >= day || count.unsaved);
        }
        let fresh = Count {
            day,
            used: Today::default(),
            unsaved: false,
        };
        let count = counts.entry(Arc::clone(client_id)).or_insert(fresh);
        // A clock that was set back does not give the day anew.
        if count.day < day {
            *count = fresh;
        }
        let calls = count.used.calls.saturating_add(1);
        let written = count.used.leads.saturating_add(u64::from(leads));
        if limits.calls.is_some_and(|most| calls > u64::from(most)) {
            return Err(UsedUp::Calls);
        }
        if leads > 0 && limits.leads.is_some_and(|most| written > u64::from(most)) {
            return Err(UsedUp::Leads);
        }
        let before = count.used;
        count.used = Today {
            calls,
            leads: written,
        };
        count.unsaved = true;
        Ok(Taken {
            uses: Arc::clone(self),
            client_id: Arc::clone(client_id),
            day: count.day,
            leads,
            before,
        })
    }

    /// Takes back what was counted of a day.
    fn give_back(&self, client_id: &str, day: i64, leads: u32) {
        let mut counts = self.lock();
        let count = counts.get_mut(client_id);
        if let Some(count) = count.filter(|count| count.day == day) {
            count.used.calls = count.used.calls.saturating_sub(1);
            count.used.leads = count.used.leads.saturating_sub(leads.into());
            count.unsaved = true;
        }
    }

    /// Takes what was saved by a run before. What was counted already is added to.
    pub fn restore(&self, saved: impl IntoIterator<Item = ClientUse>) {
        let mut counts = self.lock();
        for row in saved {
            let count = counts.entry(row.client_id.into()).or_insert(Count {
                day: row.day,
                used: Today::default(),
                unsaved: false,
            });
            if count.day == row.day {
                count.used.calls = count.used.calls.saturating_add(row.calls);
                count.used.leads = count.used.leads.saturating_add(row.leads);
            }
        }
    }

    /// What has changed since this was asked last, to be saved. Hand what could not be saved to
    /// [`Uses::unsaved`].
    pub fn changed(&self) -> Vec<ClientUse> {
        let mut counts = self.lock();
        let changed = counts.iter_mut().filter(|(_, count)| count.unsaved);
        changed
            .map(|(client, count)| {
                count.unsaved = false;
                ClientUse {
                    client_id: client.as_ref().to_owned(),
                    day: count.day,
                    calls: count.used.calls,
                    leads: count.used.leads,
                }
            })
            .collect()
    }

    /// Takes back what could not be saved: it is among what has changed next time.
    pub fn unsaved(&self, rows: &[ClientUse]) {
        let mut counts = self.lock();
        for row in rows {
            if let Some(count) = counts.get_mut(row.client_id.as_str()) {
                count.unsaved = true;
            }
        }
    }

    /// Milliseconds from `now` until the next day begins.
    pub(crate) fn until_tomorrow(now: Timestamp) -> u64 {
        let passed = now.millis().rem_euclid(DAY_MS);
        u64::try_from(DAY_MS.saturating_sub(passed)).unwrap_or(0)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Count>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_seconds(1_800_014_400);
    const FREE: DayLimits = DayLimits {
        calls: None,
        leads: None,
    };

    fn counted(calls: u64, leads: u64) -> Today {
        Today { calls, leads }
    }

    #[test]
    fn each_client_has_its_day_and_a_new_one_begins_at_midnight() {
        let uses = Arc::new(Uses::default());
        let (one, two): (Arc<str>, Arc<str>) = ("cl_1".into(), "cl_2".into());
        let limits = DayLimits {
            calls: Some(2),
            leads: Some(10),
        };
        let take = |client: &Arc<str>, now, leads, limits| {
            uses.take(client, now, leads, limits)
                .map(|taken| taken.before())
        };
        assert_eq!(take(&one, NOON, 10, limits), Ok(counted(0, 0)));
        assert_eq!(take(&one, NOON, 1, limits), Err(UsedUp::Leads));
        assert_eq!(take(&one, NOON, 0, limits), Ok(counted(1, 10)));
        assert_eq!(take(&one, NOON, 0, limits), Err(UsedUp::Calls));
        assert!(take(&two, NOON, u32::MAX, FREE).is_ok());
        assert_eq!(uses.today("cl_1", NOON), counted(2, 10));
        assert_eq!(uses.today("cl_3", NOON), counted(0, 0));

        let left = i64::try_from(Uses::until_tomorrow(NOON)).unwrap();
        let last = NOON.plus_millis(left - 1);
        assert_eq!(take(&one, last, 0, limits), Err(UsedUp::Calls));
        let next = NOON.plus_millis(left);
        assert_eq!(uses.today("cl_1", next), counted(0, 0));
        assert_eq!(take(&one, next, 3, limits), Ok(counted(0, 0)));
        // A clock that goes back does not give the day before again.
        assert_eq!(take(&one, last, 0, limits), Ok(counted(1, 3)));
        assert_eq!(take(&one, last, 0, limits), Err(UsedUp::Calls));
    }

    #[test]
    fn what_is_saved_is_what_comes_back() {
        let uses = Arc::new(Uses::default());
        let one: Arc<str> = "cl_1".into();
        let _five = uses.take(&one, NOON, 5, FREE).unwrap();
        let saved = uses.changed();
        assert_eq!(uses.changed(), [], "once");
        uses.unsaved(&saved);
        assert_eq!(uses.changed(), saved, "and again when it could not be");
        let next = Arc::new(Uses::default());
        let _one = next.take(&one, NOON, 1, FREE).unwrap();
        next.restore(saved);
        assert_eq!(next.today("cl_1", NOON), counted(2, 6));
    }
    #[test]
    fn what_was_not_sent_is_given_back_to_its_own_day() {
        let uses = Arc::new(Uses::default());
        let one: Arc<str> = "cl_1".into();
        let first = uses.take(&one, NOON, 5, FREE).unwrap();
        let second = uses.take(&one, NOON, 2, FREE).unwrap();
        assert_eq!(second.before(), counted(1, 5));
        uses.changed();
        first.give_back();
        assert_eq!(uses.today("cl_1", NOON), counted(1, 2));
        assert_eq!(uses.changed().len(), 1, "it is to be saved");
        let tomorrow = NOON.plus_millis(DAY_MS);
        let _third = uses.take(&one, tomorrow, 1, FREE).unwrap();
        second.give_back();
        assert_eq!(uses.today("cl_1", tomorrow), counted(1, 1));
    }
}
