//! The events of a lead, one after the other.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::events::Event;

/// An event that is to be sent.
#[derive(Debug, Clone)]
pub(super) struct Work {
    pub(super) event: Event,
    /// The lead it must keep the order of.
    pub(super) lead: Option<i64>,
    /// Which attempt it will be.
    pub(super) attempt: u32,
    /// When it was tried first.
    pub(super) first_ms: Option<i64>,
    /// Whether it was tried before, and is in the file as to be tried again.
    pub(super) again: bool,
    /// Whether an earlier event of the lead was owed when it was read.
    pub(super) blocked: bool,
}

/// What is to be done with an event now.
#[derive(Debug)]
pub(super) enum Turn {
    /// It is sent.
    Go(Box<Work>),
    /// It is kept here until the one before it is done with.
    Waits,
    /// It is written down as held.
    Hold(Box<Work>),
}

/// Leads with an event that is being sent, or about to be.
#[derive(Debug, Default)]
pub(super) struct Leads {
    active: HashMap<i64, Chain>,
    /// Leads that something failed of, which who read the file may not have seen yet.
    touched: HashSet<i64>,
}

#[derive(Debug)]
struct Chain {
    /// Whether the one that is sent was tried before: others of the lead are held in the file then,
    /// and come first.
    again: bool,
    waiting: VecDeque<Work>,
}

impl Leads {
    /// Before the file is read: what failed and is not written yet is known here alone.
    pub(super) fn about_to_read(&mut self, unwritten: impl IntoIterator<Item = i64>) {
        self.touched = unwritten.into_iter().collect();
    }

    /// What is to be done with an event that was read.
    pub(super) fn enter(&mut self, work: Work) -> Turn {
        let Some(lead) = work.lead else {
            return Turn::Go(Box::new(work));
        };
        match self.active.get_mut(&lead) {
            Some(chain) if work.again || !chain.again => {
                chain.waiting.push_back(work);
                Turn::Waits
            }
            Some(_) => Turn::Hold(Box::new(work)),
            None if !work.again && (work.blocked || self.touched.contains(&lead)) => {
                Turn::Hold(Box::new(work))
            }
            None => {
                let chain = Chain {
                    again: work.again,
                    waiting: VecDeque::new(),
                };
                self.active.insert(lead, chain);
                Turn::Go(Box::new(work))
            }
        }
    }

    /// An event of a lead is done with: the next of it, which is sent now.
    pub(super) fn done(&mut self, lead: i64) -> Option<Work> {
        let mut chain = self.active.remove(&lead)?;
        let next = chain.waiting.pop_front()?;
        chain.again = next.again;
        self.active.insert(lead, chain);
        Some(next)
    }

    /// An event of a lead is to be tried again: those that waited for it, which are to be held.
    pub(super) fn failed(&mut self, lead: i64) -> Vec<Work> {
        self.touched.insert(lead);
        let chain = self.active.remove(&lead);
        chain.map_or_else(Vec::new, |chain| chain.waiting.into())
    }

    /// Events that wait here.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Work> {
        self.active.values().flat_map(|chain| &chain.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{Body, EventId, Origin};

    fn work(seq: i64, lead: i64) -> Work {
        let event = Event {
            seq,
            id: EventId::from_bytes([0; 16]),
            source: 1,
            workspace: String::new(),
            event_type: String::new(),
            campaign: None,
            subject: Some(lead),
            event_ms: None,
            received_ms: 0,
            origin: Origin::Webhook,
            quarantined: None,
            size: 0,
            body: Body::NotRead,
        };
        Work {
            event,
            lead: Some(lead),
            attempt: 1,
            first_ms: None,
            again: false,
            blocked: false,
        }
    }

    fn is_go(turn: Turn) -> bool {
        matches!(turn, Turn::Go(_))
    }

    #[test]
    fn those_of_one_lead_go_one_after_the_other_and_others_beside() {
        let mut leads = Leads::default();
        assert!(is_go(leads.enter(work(1, 7))));
        assert!(matches!(leads.enter(work(2, 7)), Turn::Waits));
        assert!(matches!(leads.enter(work(3, 7)), Turn::Waits));
        assert!(is_go(leads.enter(work(4, 8))));
        assert_eq!(leads.waiting().count(), 2);
        assert_eq!(leads.done(7).unwrap().event.seq, 2);
        assert!(matches!(leads.enter(work(5, 7)), Turn::Waits));
        assert_eq!(leads.done(7).unwrap().event.seq, 3);
        assert_eq!(leads.done(7).unwrap().event.seq, 5);
        assert!(leads.done(7).is_none() && leads.done(8).is_none());
        assert!(is_go(leads.enter(work(6, 7))));
    }

    #[test]
    fn what_comes_after_a_failure_is_held() {
        let mut leads = Leads::default();
        assert!(is_go(leads.enter(work(1, 7))));
        assert!(matches!(leads.enter(work(2, 7)), Turn::Waits));
        let held: Vec<i64> = leads.failed(7).iter().map(|work| work.event.seq).collect();
        assert_eq!(held, [2]);
        // The failure may not be in the file yet when the next is read.
        assert!(matches!(leads.enter(work(3, 7)), Turn::Hold(_)));
        leads.about_to_read([]);
        let blocked = Work {
            blocked: true,
            ..work(4, 7)
        };
        assert!(matches!(leads.enter(blocked), Turn::Hold(_)));
        // While it is tried again, what is new goes behind what is held.
        let again = Work {
            again: true,
            ..work(1, 7)
        };
        assert!(is_go(leads.enter(again)));
        assert!(matches!(leads.enter(work(5, 7)), Turn::Hold(_)));
        assert!(leads.done(7).is_none());
        leads.about_to_read([7]);
        assert!(matches!(leads.enter(work(6, 7)), Turn::Hold(_)));
    }
}
