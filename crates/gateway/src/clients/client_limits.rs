//! What one client may do at the most: calls in a second, at once and in a day, leads in a day, and
//! the networks that it calls from.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use doorward_catalog::Op;
use doorward_policy::Timestamp;
use doorward_store::Controls;
use http::StatusCode;

use crate::clients::caller::Caller;
use crate::clients::uses::{Taken, UsedUp, Uses};
use crate::decision::refusal::Refusal;
use crate::sending::under_way::{Counter, UnderWay};

const SECOND: Duration = Duration::from_secs(1);
/// Clients that are kept in mind; those that rest are forgotten beyond.
const KEPT: usize = 4_096;
/// Calls of one client's last second that are kept in mind. No workspace takes as many.
const CALLS_MAX: usize = 100_000;

/// Keeps the limits that were set for clients.
#[derive(Debug)]
pub(crate) struct ClientLimits {
    meters: Mutex<HashMap<Arc<str>, Meter>>,
    uses: Arc<Uses>,
}

#[derive(Debug, Default)]
struct Meter {
    /// When its calls of the last second were let in, oldest first.
    last_second: VecDeque<Instant>,
    under_way: Counter,
}

/// A limit that was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Met {
    limit: &'static str,
    most: u32,
    retry_after: Duration,
}

impl ClientLimits {
    /// What clients used of the day.
    pub(crate) fn uses(&self) -> &Uses {
        &self.uses
    }

    pub(crate) fn new(uses: Arc<Uses>) -> Self {
        Self {
            meters: Mutex::default(),
            uses,
        }
    }

    /// Lets one call in. What is returned is to be held as long as it is under way.
    pub(crate) fn let_in(
        &self,
        caller: &Caller,
        instant: Instant,
    ) -> Result<Option<UnderWay>, Met> {
        if caller.per_second.is_none() && caller.concurrency.is_none() {
            return Ok(None);
        }
        let mut meters = self.lock();
        if meters.len() >= KEPT && !meters.contains_key(&caller.id) {
            meters.retain(|_, meter| !meter.rests(instant));
        }
        let meter = meters.entry(Arc::clone(&caller.id)).or_default();
        meter.check(caller, instant)?;
        if caller.per_second.is_some() {
            meter.last_second.push_back(instant);
        }
        Ok(Some(meter.under_way.enter()))
    }

    /// Takes a call that writes so many leads from the client's day.
    pub(crate) fn take(&self, caller: &Caller, leads: u32, now: Timestamp) -> Result<Taken, Met> {
        let taken = self.uses.take(&caller.id, now, leads, caller.day);
        let retry_after = || Duration::from_millis(Uses::until_tomorrow(now));
        taken.map_err(|used_up| match used_up {
            UsedUp::Calls => Met {
                limit: "per_day",
                most: caller.day.calls.unwrap_or_default(),
                retry_after: retry_after(),
            },
            UsedUp::Leads => Met {
                limit: "leads_per_day",
                most: caller.day.leads.unwrap_or_default(),
                retry_after: retry_after(),
            },
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Meter>> {
        self.meters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Meter {
    fn check(&mut self, caller: &Caller, now: Instant) -> Result<(), Met> {
        let most = caller.concurrency.filter(|most| {
            let most = usize::try_from(*most).unwrap_or(usize::MAX);
            self.under_way.count() >= most
        });
        if let Some(most) = most {
            return Err(Met {
                limit: "concurrency",
                most,
                retry_after: SECOND,
            });
        }
        let Some(per_second) = caller.per_second else {
            self.last_second.clear();
            return Ok(());
        };
        while let Some(first) = self.last_second.front() {
            if now.saturating_duration_since(*first) < SECOND {
                break;
            }
            self.last_second.pop_front();
        }
        let most = usize::try_from(per_second).unwrap_or(usize::MAX);
        let most = most.clamp(1, CALLS_MAX);
        // The call that must leave the second before another may come in.
        let gate = self.last_second.len().checked_sub(most);
        match gate.and_then(|at| self.last_second.get(at)) {
            None => Ok(()),
            Some(gate) => Err(Met {
                limit: "per_second",
                most: per_second,
                retry_after: SECOND.saturating_sub(now.saturating_duration_since(*gate)),
            }),
        }
    }

    fn rests(&self, now: Instant) -> bool {
        let recent = |at: &Instant| now.saturating_duration_since(*at) < SECOND;
        self.under_way.count() == 0 && !self.last_second.back().is_some_and(recent)
    }
}

impl Met {
    pub(crate) fn refusal(self, op: Op) -> Refusal {
        let most = self.most;
        let message = match self.limit {
            "per_second" => format!("the client's limit of {most} calls a second is reached"),
            "per_day" => format!("the client's limit of {most} calls a day (UTC) is used up"),
            "leads_per_day" => {
                format!("the call would go beyond the client's limit of {most} leads a day (UTC)")
            }
            _ => format!("the client has {most} calls under way, which is its limit"),
        };
        let message = format!("{message}; try again later, or ask for the limit to be raised");
        Refusal::new(StatusCode::TOO_MANY_REQUESTS, "client_limit", message)
            .of(op)
            .limited(self.limit, self.retry_after)
    }
}

/// Whether a client may call from there.
pub(crate) fn check_source(controls: &Controls, source: IpAddr) -> Result<(), Refusal> {
    if controls.sources.is_empty() {
        return Ok(());
    }
    // What an IPv4 address looks like on a socket that takes both kinds.
    let source = source.to_canonical();
    if controls.sources.iter().any(|net| net.contains(&source)) {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::FORBIDDEN,
        "source_not_allowed",
        "the client may not call from this address; call from one of its networks, or ask for this \
         one to be added",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_pace::{Class, ClientId};
    use proptest::prelude::*;

    const NOON: Timestamp = Timestamp::from_seconds(1_800_014_400);

    fn caller() -> Caller {
        Caller {
            id: "cl_1".into(),
            number: ClientId(1),
            key: "abcdefghijkl".parse().unwrap(),
            class: Class::Default,
            weight: 1,
            per_second: None,
            concurrency: None,
            day: Default::default(),
        }
    }

    /// A call that was let in, and what it took of the day.
    type Entered = (Option<UnderWay>, Taken);

    impl ClientLimits {
        fn enter(
            &self,
            caller: &Caller,
            leads: u32,
            now: Timestamp,
            instant: Instant,
        ) -> Result<Entered, Met> {
            let under_way = self.let_in(caller, instant)?;
            Ok((under_way, self.take(caller, leads, now)?))
        }
    }

    fn met(result: Result<Entered, Met>) -> (&'static str, u64) {
        let met = result.unwrap_err();
        (met.limit, met.retry_after.as_millis().try_into().unwrap())
    }

    #[test]
    fn calls_at_once_are_counted_while_they_last() {
        let limits = ClientLimits::new(Arc::default());
        let mut caller = caller();
        caller.concurrency = Some(2);
        let now = Instant::now();
        let one = limits.enter(&caller, 0, NOON, now).unwrap();
        let _two = limits.enter(&caller, 0, NOON, now).unwrap();
        assert_eq!(
            met(limits.enter(&caller, 0, NOON, now)),
            ("concurrency", 1_000)
        );
        drop(one);
        assert!(limits.enter(&caller, 0, NOON, now).is_ok());
        assert_eq!(
            limits.uses.today("cl_1", NOON).calls,
            3,
            "what was refused is not counted"
        );
    }

    #[test]
    fn a_day_ends_with_the_day() {
        let limits = ClientLimits::new(Arc::default());
        let mut caller = caller();
        caller.day.leads = Some(10);
        caller.per_second = Some(100);
        let now = Instant::now();
        assert!(limits.enter(&caller, 9, NOON, now).is_ok());
        let (limit, wait) = met(limits.enter(&caller, 2, NOON, now));
        assert_eq!((limit, wait), ("leads_per_day", 12 * 3_600_000));
        caller.day.calls = Some(1);
        assert_eq!(met(limits.enter(&caller, 0, NOON, now)).0, "per_day");
        let refusal = limits.enter(&caller, 0, NOON, now).unwrap_err();
        let refusal = refusal.refusal(Op::CreateLead);
        assert_eq!(
            (refusal.status().as_u16(), refusal.reason()),
            (429, "client_limit")
        );
    }

    #[test]
    fn addresses_are_held_against_networks_of_either_kind() {
        let mut controls = Controls::default();
        let from = |controls: &Controls, ip: &str| check_source(controls, ip.parse().unwrap());
        assert!(from(&controls, "203.0.113.9").is_ok());
        controls.sources = ["10.0.0.0/8", "2001:db8::/32"]
            .map(|net| net.parse().unwrap())
            .into();
        for ok in ["10.255.0.1", "::ffff:10.0.0.1", "2001:db8:1::2"] {
            assert!(from(&controls, ok).is_ok(), "{ok}");
        }
        for no in [
            "11.0.0.1",
            "::ffff:11.0.0.1",
            "2001:db9::1",
            "::1",
            "127.0.0.1",
        ] {
            let refusal = from(&controls, no).unwrap_err();
            assert_eq!(
                (refusal.status().as_u16(), refusal.reason()),
                (403, "source_not_allowed")
            );
        }
    }

    proptest! {
        /// No second, wherever it begins, has more calls than the limit; and who comes when he was
        /// told to is let in.
        #[test]
        fn no_second_has_more(most in 1_u32..9, steps in proptest::collection::vec(0_u64..600, 1..120)) {
            let limits = ClientLimits::new(Arc::default());
            let mut caller = caller();
            caller.per_second = Some(most);
            let start = Instant::now();
            let (mut at, mut let_in) = (start, Vec::new());
            for step in steps {
                at += Duration::from_millis(step);
                match limits.enter(&caller, 0, NOON, at) {
                    Ok(_) => let_in.push(at),
                    Err(met) => {
                        prop_assert!(met.retry_after <= SECOND);
                        at += met.retry_after;
                        prop_assert!(limits.enter(&caller, 0, NOON, at).is_ok());
                        let_in.push(at);
                    }
                }
            }
            for first in &let_in {
                let second = let_in.iter().filter(|t| **t >= *first && **t < *first + SECOND);
                prop_assert!(second.count() <= most as usize);
            }
        }
    }
}
