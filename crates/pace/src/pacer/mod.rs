//! The pacer: asks in, turns out.

mod adapt;
mod change;
mod keep;
mod places;
mod serve;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use doorward_catalog::Op;

use crate::ask::{Ask, Class, ClientId, Refused, Spends, Ticket, Turn, Verdict, Why, WorkspaceId};
use crate::config::{Config, Error, Nanos, duration, nanos};
use crate::queue::Queue;
use crate::saved::Start;
use crate::window::Log;

const WEIGHTS: std::ops::RangeInclusive<u32> = 1..=1_000;

/// Keeps the budgets of one workspace, or of an admin workspace and those reached through it.
///
/// One pacer for each such family; its methods take `&mut self`, cost O(log n) of what waits, and
/// never block. `now` never goes back: an earlier one counts as the latest seen.
#[derive(Debug)]
pub struct Pacer {
    config: Config,
    now: Nanos,
    /// When the windows of which nothing is known are taken for full.
    full_at: Option<Nanos>,
    logs: Vec<Log>,
    keys: HashMap<LogKey, usize>,
    /// The queues that a log is needed by.
    users: Vec<Vec<usize>>,
    queues: Vec<Queue>,
    roots: HashMap<WorkspaceId, usize>,
    places: HashMap<(Spends, Option<Op>), Place>,
    waiters: HashMap<Ticket, Waiter>,
    deadlines: BTreeSet<(Nanos, Ticket)>,
    agenda: BTreeSet<(Nanos, usize)>,
    weights: HashMap<ClientId, u32>,
    queued: HashMap<ClientId, usize>,
    turns: Vec<Turn>,
    tickets: u64,
    grants: u64,
}

/// What is counted together: a workspace's calls, or those under an operation's own limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct LogKey {
    /// None where the vendor counts by address.
    workspace: Option<WorkspaceId>,
    /// Calls and seconds. Operations with the same limit share it (the two OAuth ones do, and the
    /// vendor does not say that they don't).
    limit: Option<(u32, u32)>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    queue: usize,
    lane: usize,
}

#[derive(Debug, Clone, Copy)]
struct Waiter {
    place: Place,
    class: Class,
    client: ClientId,
    since: Nanos,
    deadline: Nanos,
}

impl Pacer {
    /// A pacer that keeps `config`, with what is known of the calls before it.
    ///
    /// # Errors
    /// A configuration out of its bounds, or saved state that does not fit.
    pub fn new(config: Config, start: Start<'_>, now: Duration) -> Result<Pacer, Error> {
        config.check()?;
        let mut pacer = Pacer {
            config,
            now: nanos(now),
            full_at: None,
            logs: Vec::new(),
            keys: HashMap::new(),
            users: Vec::new(),
            queues: Vec::new(),
            roots: HashMap::new(),
            places: HashMap::new(),
            waiters: HashMap::new(),
            deadlines: BTreeSet::new(),
            agenda: BTreeSet::new(),
            weights: HashMap::new(),
            queued: HashMap::new(),
            turns: Vec::new(),
            tickets: 0,
            grants: 0,
        };
        pacer.begin(start)?;
        Ok(pacer)
    }

    /// Sets a client's weight (1 to 1,000, others are brought into that range; 1 if never set). It
    /// counts from when the client next starts to wait.
    pub fn set_weight(&mut self, client: ClientId, weight: u32) {
        let weight = weight.clamp(*WEIGHTS.start(), *WEIGHTS.end());
        if weight == 1 {
            self.weights.remove(&client);
        } else {
            self.weights.insert(client, weight);
        }
    }

    /// Decides on a call. `Go` spends the budgets; so the call is to be sent at once, or not at all.
    ///
    /// It may give turns to others: look at [`next_due`](Self::next_due) after it.
    pub fn ask(&mut self, now: Duration, ask: &Ask) -> Verdict {
        let now = self.clock(now);
        self.serve_all(now);
        let place = self.place(ask.spends, ask.op);
        let ready_at = self.ready_at(place);
        if ready_at <= now {
            self.spend(place, now);
            return Verdict::Go;
        }
        let deadline = now.saturating_add(nanos(self.config.max_wait));
        if let Some(why) = self.full(place, ask.client, ready_at, deadline) {
            return Verdict::Refuse(self.refused(why, place, ask.class, ask.client, now));
        }
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        let waiter = Waiter {
            place,
            class: ask.class,
            client: ask.client,
            since: now,
            deadline,
        };
        let weight = self.weight(ask.client);
        if let Some(queue) = self.queues.get_mut(place.queue) {
            queue.push(place.lane, ask.class, ask.client, weight, ticket);
        }
        self.waiters.insert(ticket, waiter);
        self.deadlines.insert((deadline, ticket));
        *self.queued.entry(ask.client).or_insert(0) += 1;
        self.schedule(place.queue, ready_at);
        Verdict::Wait {
            ticket,
            deadline: duration(deadline),
        }
    }

    /// How such a call would be refused now, if it would be. It spends nothing and waits nowhere.
    pub fn would_refuse(&mut self, now: Duration, ask: &Ask) -> Option<Refused> {
        let now = self.clock(now);
        let place = self.place(ask.spends, ask.op);
        let ready_at = self.ready_at(place);
        if ready_at <= now {
            return None;
        }
        let deadline = now.saturating_add(nanos(self.config.max_wait));
        let why = self.full(place, ask.client, ready_at, deadline)?;
        Some(self.refused(why, place, ask.class, ask.client, now))
    }

    fn full(
        &self,
        place: Place,
        client: ClientId,
        ready_at: Nanos,
        deadline: Nanos,
    ) -> Option<Why> {
        let of_client = self.queued.get(&client).copied().unwrap_or(0);
        let of_all = self
            .queues
            .get(place.queue)
            .map_or(0, |queue| queue.waiting);
        if ready_at > deadline {
            Some(Why::Window)
        } else if of_client >= self.config.client_queue {
            Some(Why::ClientQueue)
        } else if of_all >= self.config.queue {
            Some(Why::Queue)
        } else {
            None
        }
    }

    /// Adds to `turns` every wait that has ended by `now`. To be called when
    /// [`next_due`](Self::next_due) has come; sooner does no harm, later wastes budget.
    pub fn due(&mut self, now: Duration, turns: &mut Vec<Turn>) {
        let now = self.clock(now);
        self.serve_all(now);
        turns.append(&mut self.turns);
    }

    /// When [`due`](Self::due) has something to say, at the earliest; zero if it has already, none
    /// if nobody waits.
    pub fn next_due(&self) -> Option<Duration> {
        if !self.turns.is_empty() {
            return Some(Duration::ZERO);
        }
        if self.waiters.is_empty() {
            return None;
        }
        let served = self.agenda.first().map(|(at, _)| *at);
        let ended = self.deadlines.first().map(|(at, _)| *at);
        let next = match (served, ended) {
            (Some(a), Some(b)) => a.min(b),
            (a, b) => a.or(b)?,
        };
        Some(duration(next))
    }

    /// A call that had its turn at `at` (see [`time`](Self::time)) was held up, and goes only now:
    /// true if it still may, and then it counts from now on. If not, nothing of it is spent any more,
    /// and it has to ask again.
    ///
    /// Calls that were held up together would else go beside those that have their turn now. Nothing
    /// need be asked of a call that goes within [`Config::guard`] of its turn.
    #[must_use]
    pub fn goes_late(&mut self, now: Duration, at: Duration, ask: &Ask) -> bool {
        let now = self.clock(now);
        let place = self.place(ask.spends, ask.op);
        let needs = self.needs(place).to_vec();
        for log in &needs {
            if let Some(log) = self.logs.get_mut(*log) {
                log.take_back(nanos(at));
            }
        }
        if self.ready_at(place) <= now {
            self.spend(place, now);
            return true;
        }
        for log in needs {
            self.wake(log, None, now);
        }
        false
    }

    /// The latest time that the pacer was told: turns that it gave last were given then.
    pub fn time(&self) -> Duration {
        duration(self.now)
    }

    /// Gives up a wait: its caller went away, or its key was revoked. False if its turn had come (a
    /// slot it was given stays spent).
    pub fn cancel(&mut self, ticket: Ticket) -> bool {
        let Some(waiter) = self.forget(ticket) else {
            return false;
        };
        self.withdraw(ticket, &waiter);
        true
    }

    /// Calls that wait.
    pub fn waiting(&self) -> usize {
        self.waiters.len()
    }

    fn clock(&mut self, now: Duration) -> Nanos {
        self.now = self.now.max(nanos(now));
        self.now
    }

    fn weight(&self, client: ClientId) -> u64 {
        u64::from(self.weights.get(&client).copied().unwrap_or(1))
    }

    fn refused(
        &self,
        why: Why,
        place: Place,
        class: Class,
        client: ClientId,
        now: Nanos,
    ) -> Refused {
        let opens = self.ready_at(place).saturating_sub(now);
        let drains = match (why, self.queues.get(place.queue)) {
            // No wait in any queue would help before the window opens.
            (Why::Window, _) | (_, None) => Duration::ZERO,
            (_, Some(queue)) => {
                let ahead = queue.ahead(class, client, self.weight(client));
                let rate = self.logs.get(queue.root).map_or(1, Log::milli_rate);
                let nanos = u128::from(ahead).saturating_mul(1_000_000_000_000) / u128::from(rate);
                Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
            }
        };
        Refused {
            why,
            retry_after: duration(opens).max(drains).max(Duration::from_millis(1)),
        }
    }
}
