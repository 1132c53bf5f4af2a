//! How waits end: slots given as windows open, and deadlines that pass.

use std::collections::BTreeSet;

use super::{Pacer, Place, Waiter};
use crate::ask::{Ticket, Turn, Why};
use crate::config::{Nanos, nanos};
use crate::queue::Queue;

enum Step {
    Granted,
    Sleep(Option<Nanos>),
}

impl Pacer {
    pub(super) fn schedule(&mut self, queue: usize, at: Nanos) {
        let Some(it) = self.queues.get_mut(queue) else {
            return;
        };
        if it.due.is_some_and(|due| due <= at) {
            return;
        }
        if let Some(due) = it.due.replace(at) {
            self.agenda.remove(&(due, queue));
        }
        self.agenda.insert((at, queue));
    }

    /// Ends every wait that can end: who waited too long first, then all who can go, a slot at a
    /// time for each workspace whose queue can move, the one served longest ago first.
    pub(super) fn serve_all(&mut self, now: Nanos) {
        self.expire(now.saturating_sub(1));
        while self.agenda.first().is_some_and(|(at, _)| *at <= now) {
            let mut active: BTreeSet<(u64, usize)> = BTreeSet::new();
            while let Some(&(at, id)) = self.agenda.first() {
                if at > now {
                    break;
                }
                self.agenda.pop_first();
                if let Some(queue) = self.queues.get_mut(id) {
                    queue.due = None;
                    active.insert((queue.served, id));
                }
            }
            while let Some((_, id)) = active.pop_first() {
                match self.step(id, now) {
                    Step::Granted => {
                        self.grants += 1;
                        if let Some(queue) = self.queues.get_mut(id) {
                            queue.served = self.grants;
                        }
                        active.insert((self.grants, id));
                    }
                    Step::Sleep(Some(until)) => self.schedule(id, until),
                    Step::Sleep(None) => {}
                }
            }
        }
        self.expire(now);
    }

    /// Gives one slot to a queue, if it can use one.
    fn step(&mut self, id: usize, now: Nanos) -> Step {
        let Some(queue) = self.queues.get_mut(id) else {
            return Step::Sleep(None);
        };
        if queue.waiting == 0 {
            return Step::Sleep(None);
        }
        let root = self
            .logs
            .get(queue.root)
            .map_or(Nanos::MAX, |log| log.ready_at(id));
        if root > now {
            return Step::Sleep(Some(root));
        }
        queue.unpark(now);
        while let Some((lane, class)) = self.queues.get(id).and_then(Queue::next) {
            let place = Place { queue: id, lane };
            let ready_at = self.ready_at(place);
            let head = self.queues.get(id).and_then(|q| q.head(lane, class));
            let Some((client, ticket)) = head else {
                break;
            };
            if ready_at > now {
                self.hold(place, ticket, now);
                if let Some(queue) = self.queues.get_mut(id) {
                    queue.park(lane, ready_at);
                }
                continue;
            }
            self.spend(place, now);
            if let Some(queue) = self.queues.get_mut(id) {
                queue.serve(lane, class, client, ticket);
            }
            self.forget(ticket);
            self.release(place, now);
            self.turns.push(Turn::Go(ticket));
            return Step::Granted;
        }
        Step::Sleep(self.queues.get(id).and_then(Queue::first_parked))
    }

    /// Holds a slot of each shut window for a call that has waited past its patience: else calls
    /// that need one budget could take every slot before one that needs two finds both.
    fn hold(&mut self, place: Place, ticket: Ticket, now: Nanos) {
        let patience = nanos(self.config.patience);
        let waited = self
            .waiters
            .get(&ticket)
            .map_or(0, |w| now.saturating_sub(w.since));
        let Some(queue) = self.queues.get(place.queue) else {
            return;
        };
        if waited < patience {
            return;
        }
        for log in queue.needs(place.lane) {
            if let Some(log) = self.logs.get_mut(*log)
                && log.ready_at(place.queue) > now
                && log.held_for.is_none()
                && log.windows().iter().all(|w| w.calls > 1)
            {
                log.held_for = Some(place.queue);
            }
        }
    }

    fn release(&mut self, place: Place, now: Nanos) {
        let mut freed: Vec<usize> = Vec::new();
        let Some(queue) = self.queues.get(place.queue) else {
            return;
        };
        for id in queue.needs(place.lane) {
            if let Some(log) = self.logs.get_mut(*id)
                && log.held_for == Some(place.queue)
            {
                log.held_for = None;
                freed.push(*id);
            }
        }
        for log in freed {
            self.wake(log, Some(place.queue), now);
        }
    }

    /// A window has more room than was known when queues were put to sleep.
    pub(super) fn wake(&mut self, log: usize, but: Option<usize>, now: Nanos) {
        for id in self.users.get(log).cloned().unwrap_or_default() {
            if Some(id) != but {
                self.rouse(id, now);
            }
        }
    }

    /// Has a queue looked at, whatever it sleeps for.
    pub(super) fn rouse(&mut self, id: usize, now: Nanos) {
        if let Some(queue) = self.queues.get_mut(id)
            && queue.waiting > 0
        {
            queue.unpark(Nanos::MAX);
            self.schedule(id, now);
        }
    }

    fn expire(&mut self, until: Nanos) {
        while let Some(&(deadline, ticket)) = self.deadlines.first() {
            if deadline > until {
                break;
            }
            let Some(waiter) = self.forget(ticket) else {
                self.deadlines.pop_first();
                continue;
            };
            self.withdraw(ticket, &waiter);
            let Waiter {
                place,
                class,
                client,
                ..
            } = waiter;
            let refused = self.refused(Why::Waited, place, class, client, self.now);
            self.turns.push(Turn::Refuse(ticket, refused));
        }
    }

    /// Takes a waiter out of the books, the queue apart.
    pub(super) fn forget(&mut self, ticket: Ticket) -> Option<Waiter> {
        let waiter = self.waiters.remove(&ticket)?;
        self.deadlines.remove(&(waiter.deadline, ticket));
        if let Some(queued) = self.queued.get_mut(&waiter.client) {
            *queued -= 1;
            if *queued == 0 {
                self.queued.remove(&waiter.client);
            }
        }
        Some(waiter)
    }

    pub(super) fn withdraw(&mut self, ticket: Ticket, waiter: &Waiter) {
        let Waiter {
            place,
            class,
            client,
            ..
        } = *waiter;
        let Some(queue) = self.queues.get_mut(place.queue) else {
            return;
        };
        queue.remove(place.lane, class, client, ticket);
        if queue.is_empty_lane(place.lane) {
            self.release(place, self.now);
        }
    }
}
