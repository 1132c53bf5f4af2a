//! Whether an API is left alone by everybody, or by one client alone.
//!
//! What one client sends may be all that fails: a faulty request is answered 5xx however often it is
//! sent. So each client has a breaker of its own, and everybody's opens only when clients agree: when
//! connections of at least two failed, five in a row with no answer between them; or when at least
//! two of the clients heard lately, and at least half of them, find most of their calls failed, five
//! of them calls of others than the one with the most. As long as one that calls much finds most of
//! its calls answered well, they do not agree.

use std::collections::HashMap;
use std::time::Duration;

use doorward_pace::ClientId;

use crate::pace::breaker::{Breaker, CALLS, Leave, STREAK, Went};

/// Clients that are kept in mind; those not heard of lately are forgotten beyond.
const KEPT: usize = 1_024;
/// Clients are asked how they fare this often at the most.
const EVERY: Duration = Duration::from_millis(100);

/// Leave to send one call of a client's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leaves {
    client: ClientId,
    all: Leave,
    own: Leave,
}

/// For whom calls stop from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shut {
    /// The client whose call it was.
    Client,
    /// Everybody.
    All,
}

/// The breakers of one workspace.
#[derive(Debug, Default)]
pub(crate) struct Breakers {
    all: Breaker,
    own: HashMap<ClientId, Breaker>,
    streak: Streak,
    asked_at: Duration,
}

/// Connections in a row that failed, or that nothing came over in time.
#[derive(Debug, Default)]
struct Streak {
    length: u32,
    /// Whose was the first, and whether others' were among them.
    first: Option<ClientId>,
    mixed: bool,
}

impl Breakers {
    /// Whether a client's call would get leave, or how long until it may.
    pub(crate) fn check(
        &self,
        now: Duration,
        reads: bool,
        client: ClientId,
    ) -> Result<(), Duration> {
        let own = self.own.get(&client);
        own.map_or(Ok(()), |own| own.check(now, reads).map(drop))?;
        self.all.check(now, reads).map(drop)
    }

    /// Leave to send one call, whose end is to be told by [`Breakers::done`].
    pub(crate) fn begin(
        &mut self,
        now: Duration,
        reads: bool,
        client: ClientId,
    ) -> Result<Leaves, Duration> {
        self.check(now, reads, client)?;
        if self.own.len() >= KEPT && !self.own.contains_key(&client) {
            self.own
                .retain(|_, own| own.is_open_lately(now) || own.heard(now).0 > 0);
        }
        let own = self.own.entry(client).or_default();
        Ok(Leaves {
            client,
            own: own.begin(now, reads)?,
            all: self.all.begin(now, reads)?,
        })
    }

    /// Told how a call went. Says so if calls stop for that.
    pub(crate) fn done(&mut self, now: Duration, leave: Leaves, went: Went) -> Option<Shut> {
        let Leaves { client, all, own } = leave;
        let opened = match self.own.get_mut(&client) {
            Some(breaker) => breaker.done(now, own, went),
            None => false,
        };
        let was_open = self.all.is_open();
        self.all.probed(now, all, went);
        if was_open {
            if !self.all.is_open() {
                // What each found before says nothing any more.
                *self = Self::default();
            }
            return None;
        }
        self.streak.add(client, went);
        if went == Went::Unknown || went == Went::Well {
            return None;
        }
        if self.streak.tells_of_all() || self.agree(now, opened) {
            self.all.open(now);
            self.own.clear();
            return Some(Shut::All);
        }
        opened.then_some(Shut::Client)
    }

    /// Whether most clients find that most of their calls fail.
    fn agree(&mut self, now: Duration, at_once: bool) -> bool {
        if !at_once && now < self.asked_at.saturating_add(EVERY) {
            return false;
        }
        self.asked_at = now;
        let (mut heard, mut failing) = (0_usize, 0_usize);
        let (mut calls, mut failures, mut most) = (0_u32, 0_u32, 0_u32);
        for own in self.own.values() {
            let (of_own, failed) = match own.heard(now) {
                // Its calls stopped for that many at least.
                _ if own.is_open_lately(now) => (CALLS, CALLS),
                (0, _) => continue,
                counted => counted,
            };
            let fails = failed.saturating_mul(2) >= of_own;
            if !fails && of_own >= CALLS {
                return false;
            }
            heard += 1;
            failing += usize::from(fails);
            calls = calls.saturating_add(of_own);
            failures = failures.saturating_add(failed);
            most = most.max(failed);
        }
        let of_others = failures.saturating_sub(most);
        failing >= 2 && failing * 2 >= heard && calls >= CALLS && of_others >= STREAK
    }

    /// Whether nobody's calls go.
    pub(crate) fn is_open(&self) -> bool {
        self.all.is_open()
    }
}

impl Streak {
    fn add(&mut self, client: ClientId, went: Went) {
        match went {
            Went::Nowhere => {
                self.length = self.length.saturating_add(1);
                self.mixed |= self.first.is_some_and(|first| first != client);
                self.first = self.first.or(Some(client));
            }
            Went::Well | Went::Badly => *self = Self::default(),
            Went::Unknown => {}
        }
    }

    fn tells_of_all(&self) -> bool {
        self.mixed && self.length >= STREAK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREEDY: ClientId = ClientId(1);
    const OTHER: ClientId = ClientId(2);

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn send(breakers: &mut Breakers, now: Duration, client: ClientId, went: Went) -> Option<Shut> {
        match breakers.begin(now, true, client) {
            Ok(leave) => breakers.done(now, leave, went),
            Err(_) => None,
        }
    }

    #[test]
    fn one_clients_failures_stop_its_own_calls_alone() {
        for failure in [Went::Badly, Went::Nowhere] {
            let mut breakers = Breakers::default();
            let mut shut = Vec::new();
            for n in 0..10_000 {
                let now = at(n * 10);
                shut.extend(send(&mut breakers, now, GREEDY, failure));
                if n % 5 == 0 {
                    assert_eq!(send(&mut breakers, now, OTHER, Went::Well), None);
                }
                assert!(breakers.check(now, false, OTHER).is_ok());
            }
            assert_eq!(shut, [Shut::Client], "{failure:?}");
            assert!(breakers.check(at(99_990), true, GREEDY).is_err());
        }
    }

    #[test]
    fn a_rare_failure_of_anothers_does_not_make_it_everybodys() {
        let mut breakers = Breakers::default();
        for n in 0..10_000 {
            let now = at(n * 10);
            let went = if n % 50 == 0 { Went::Badly } else { Went::Well };
            assert_eq!(send(&mut breakers, now, OTHER, went), None);
            send(&mut breakers, now, GREEDY, Went::Badly);
        }
        assert!(!breakers.is_open());
    }

    #[test]
    fn one_failure_of_another_client_is_not_everybodys() {
        let mut breakers = Breakers::default();
        for n in 0..30 {
            send(&mut breakers, at(n), GREEDY, Went::Badly);
        }
        for n in 0..4 {
            assert_eq!(
                send(&mut breakers, at(200 * n + 100), OTHER, Went::Badly),
                None
            );
        }
        assert_eq!(
            send(&mut breakers, at(1_000), OTHER, Went::Badly),
            Some(Shut::All),
            "five are"
        );
    }

    #[test]
    fn an_api_that_is_down_is_left_alone_by_all_after_a_few_calls() {
        let mut breakers = Breakers::default();
        let mut shut = Vec::new();
        for n in 0..5 {
            let client = [GREEDY, OTHER][usize::from(n % 2 == 0)];
            shut.push(send(&mut breakers, at(n), client, Went::Nowhere));
        }
        assert_eq!(shut, [None, None, None, None, Some(Shut::All)]);
        let new = ClientId(3);
        assert_eq!(breakers.check(at(100), true, new), Err(at(4_904)));
        // Anybody's read shows that it is back.
        assert_eq!(send(&mut breakers, at(5_100), new, Went::Well), None);
        assert!(!breakers.is_open());
        for client in [GREEDY, OTHER, new] {
            assert!(breakers.check(at(5_100), false, client).is_ok());
        }
    }

    #[test]
    fn many_with_few_calls_each_that_are_answered_5xx_agree() {
        let mut breakers = Breakers::default();
        let mut shut = None;
        for n in 0..60 {
            shut = shut.or(send(
                &mut breakers,
                at(100 * n),
                ClientId(u128::from(n % 30)),
                Went::Badly,
            ));
        }
        assert_eq!(shut, Some(Shut::All));
    }

    #[test]
    fn who_fails_alone_and_then_with_another_stops_all() {
        let mut breakers = Breakers::default();
        for n in 0..5 {
            send(&mut breakers, at(n), GREEDY, Went::Nowhere);
        }
        assert!(!breakers.is_open());
        assert_eq!(
            send(&mut breakers, at(10), OTHER, Went::Nowhere),
            Some(Shut::All)
        );
    }

    #[test]
    fn breakers_of_clients_long_gone_do_not_speak_for_others() {
        let mut breakers = Breakers::default();
        // Each by itself: an answer to another and some time are between them.
        for gone in 10..20 {
            let now = at(20_000 * gone);
            send(&mut breakers, now, OTHER, Went::Well);
            let shut =
                (0..5).map(|_| send(&mut breakers, now, ClientId(gone.into()), Went::Nowhere));
            assert_eq!(shut.last().unwrap(), Some(Shut::Client));
        }
        let mut shut = Vec::new();
        for n in 0..40 {
            shut.extend(send(&mut breakers, at(500_000 + n), GREEDY, Went::Badly));
        }
        assert_eq!(shut, [Shut::Client], "its own alone");
        assert!(!breakers.is_open());
    }

    #[test]
    fn who_calls_much_and_is_answered_well_keeps_it_going() {
        let mut breakers = Breakers::default();
        for n in 0..400 {
            let now = at(10 * n);
            for _ in 0..if n == 0 { 20 } else { 1 } {
                send(&mut breakers, now, OTHER, Went::Well);
            }
            for failing in 10..15 {
                assert_ne!(
                    send(&mut breakers, now, ClientId(failing), Went::Badly),
                    Some(Shut::All)
                );
            }
            assert!(breakers.check(now, false, OTHER).is_ok());
        }
    }

    #[test]
    fn clients_long_gone_are_forgotten() {
        let mut breakers = Breakers::default();
        for n in 0..5_000_u64 {
            send(
                &mut breakers,
                at(n * 100),
                ClientId(u128::from(n)),
                Went::Well,
            );
        }
        assert!(breakers.own.len() <= KEPT, "{}", breakers.own.len());
    }
}
