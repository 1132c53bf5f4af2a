//! Who is next among those who wait for one workspace: stride scheduling (start-time fair queueing
//! with tags at the head), first between classes, then between the clients of a class.
//!
//! A *lane* holds the calls that need the very same windows. A lane whose windows are shut is parked
//! until they open, so that a client's call of one operation never waits behind a shut one.

use std::collections::{BTreeSet, HashMap};

use crate::ask::{Class, ClientId, Ticket};
use crate::config::Nanos;

/// The pass of one call at weight 1.
const STRIDE: u64 = 1 << 24;
/// A waiting client's floor: this part of an equal share of its class.
const FLOOR: u64 = 10;

/// All that wait for one workspace.
#[derive(Debug)]
pub(crate) struct Queue {
    /// The log of the workspace itself, which every call of this queue needs.
    pub(crate) root: usize,
    lanes: Vec<Lane>,
    parked: BTreeSet<(Nanos, usize)>,
    classes: [ClassQueue; Class::COUNT],
    /// The pass of the class served last.
    now_serving: u64,
    pub(crate) waiting: usize,
    /// When it is to be looked at next, as the agenda has it.
    pub(crate) due: Option<Nanos>,
    /// The grant that served it last.
    pub(crate) served: u64,
}

#[derive(Debug)]
struct Lane {
    /// Every log its calls need, the root first.
    needs: Vec<usize>,
    parked: Option<Nanos>,
    /// By class, its clients by their pass.
    order: [BTreeSet<(u64, ClientId)>; Class::COUNT],
    /// As it stands in the class's `ready`.
    key: [Option<u64>; Class::COUNT],
}

#[derive(Debug, Default)]
struct ClassQueue {
    pass: u64,
    now_serving: u64,
    waiting: usize,
    /// Lanes that are not parked, by the pass of their first client.
    ready: BTreeSet<(u64, usize)>,
    flows: HashMap<ClientId, Flow>,
    /// Clients that wait, and the sum of their weights.
    clients: u64,
    weights: u64,
}

/// One client in one class.
#[derive(Debug)]
struct Flow {
    pass: u64,
    weight: u64,
    waiting: usize,
    lanes: Vec<(usize, BTreeSet<Ticket>)>,
}

impl Queue {
    pub(crate) fn new(root: usize) -> Queue {
        Queue {
            root,
            lanes: Vec::new(),
            parked: BTreeSet::new(),
            classes: Default::default(),
            now_serving: 0,
            waiting: 0,
            due: None,
            served: 0,
        }
    }

    pub(crate) fn add_lane(&mut self, needs: Vec<usize>) -> usize {
        self.lanes.push(Lane {
            needs,
            parked: None,
            order: Default::default(),
            key: [None; Class::COUNT],
        });
        self.lanes.len() - 1
    }

    pub(crate) fn needs(&self, lane: usize) -> &[usize] {
        self.lanes.get(lane).map_or(&[], |lane| &lane.needs)
    }

    pub(crate) fn push(
        &mut self,
        lane: usize,
        class: Class,
        client: ClientId,
        weight: u64,
        ticket: Ticket,
    ) {
        let now_serving = self.now_serving;
        let queue = class_of(&mut self.classes, class);
        if queue.waiting == 0 {
            queue.pass = queue.pass.max(now_serving);
        }
        queue.waiting += 1;
        self.waiting += 1;
        let start = queue.now_serving;
        let flow = queue.flows.entry(client).or_insert_with(|| Flow {
            pass: start,
            weight,
            waiting: 0,
            lanes: Vec::new(),
        });
        if flow.waiting == 0 {
            flow.pass = flow.pass.max(start);
            flow.weight = weight;
            queue.clients += 1;
            queue.weights += weight;
        }
        flow.waiting += 1;
        let pass = flow.pass;
        match flow.lanes.iter_mut().find(|(id, _)| *id == lane) {
            Some((_, tickets)) => {
                tickets.insert(ticket);
            }
            None => {
                flow.lanes.push((lane, BTreeSet::from([ticket])));
                if let Some(lane) = self.lanes.get_mut(lane) {
                    order_of(lane, class).insert((pass, client));
                }
                self.refresh(lane, class);
            }
        }
    }

    /// Takes a call out that did not get its turn; it costs its client nothing.
    pub(crate) fn remove(&mut self, lane: usize, class: Class, client: ClientId, ticket: Ticket) {
        self.leave(lane, class, client, ticket, false);
    }

    /// The lane and class whose turn it is, among those not parked.
    pub(crate) fn next(&self) -> Option<(usize, Class)> {
        Class::ALL
            .into_iter()
            .zip(&self.classes)
            .filter_map(|(class, queue)| Some((queue.pass, class, queue.ready.first()?.1)))
            .min()
            .map(|(_, class, lane)| (lane, class))
    }

    /// The oldest call of the client that is next in that lane and class.
    pub(crate) fn head(&self, lane: usize, class: Class) -> Option<(ClientId, Ticket)> {
        let (_, client) = *self.lanes.get(lane)?.order.get(class as usize)?.first()?;
        let flow = self.classes.get(class as usize)?.flows.get(&client)?;
        let (_, tickets) = flow.lanes.iter().find(|(id, _)| *id == lane)?;
        Some((client, *tickets.first()?))
    }

    /// Serves that call: its client and class pay for the slot.
    pub(crate) fn serve(&mut self, lane: usize, class: Class, client: ClientId, ticket: Ticket) {
        let queue = class_of(&mut self.classes, class);
        self.now_serving = self.now_serving.max(queue.pass);
        // One that was shut out for long is served at once, but hoards no claim on the slots after.
        queue.pass = self.now_serving + STRIDE / class.weight();
        self.leave(lane, class, client, ticket, true);
    }

    fn leave(&mut self, lane: usize, class: Class, client: ClientId, ticket: Ticket, pays: bool) {
        let queue = class_of(&mut self.classes, class);
        let Some(flow) = queue.flows.get_mut(&client) else {
            return;
        };
        let Some(at) = flow.lanes.iter().position(|(id, _)| *id == lane) else {
            return;
        };
        let Some((_, tickets)) = flow.lanes.get_mut(at) else {
            return;
        };
        if !tickets.remove(&ticket) {
            return;
        }
        let was = flow.pass;
        let mut touched: Vec<usize> = Vec::new();
        if tickets.is_empty() {
            flow.lanes.swap_remove(at);
            touched.push(lane);
        }
        if let Some(lane) = self.lanes.get_mut(lane) {
            order_of(lane, class).remove(&(was, client));
        }
        if pays {
            queue.now_serving = queue.now_serving.max(was);
            let floor =
                STRIDE.saturating_mul(FLOOR).saturating_mul(queue.clients) / queue.weights.max(1);
            flow.pass = queue.now_serving + (STRIDE / flow.weight.max(1)).min(floor);
        }
        let pass = flow.pass;
        for (id, _) in &flow.lanes {
            if let Some(lane) = self.lanes.get_mut(*id) {
                let order = order_of(lane, class);
                order.remove(&(was, client));
                order.insert((pass, client));
            }
            touched.push(*id);
        }
        flow.waiting -= 1;
        queue.waiting -= 1;
        self.waiting -= 1;
        if flow.waiting == 0 {
            queue.clients -= 1;
            queue.weights -= flow.weight;
            queue.forget_idle();
        }
        for lane in touched {
            self.refresh(lane, class);
        }
    }

    /// Sets a lane aside until its windows open.
    pub(crate) fn park(&mut self, lane: usize, until: Nanos) {
        if let Some(it) = self.lanes.get_mut(lane) {
            if let Some(was) = it.parked.replace(until) {
                self.parked.remove(&(was, lane));
            }
            self.parked.insert((until, lane));
        }
        for class in Class::ALL {
            self.refresh(lane, class);
        }
    }

    /// Takes up again the lanes that were parked until `now` or before.
    pub(crate) fn unpark(&mut self, now: Nanos) {
        while let Some(&(until, lane)) = self.parked.first() {
            if until > now {
                break;
            }
            self.parked.pop_first();
            if let Some(it) = self.lanes.get_mut(lane) {
                it.parked = None;
            }
            for class in Class::ALL {
                self.refresh(lane, class);
            }
        }
    }

    /// When the first parked lane is to be taken up.
    pub(crate) fn first_parked(&self) -> Option<Nanos> {
        self.parked.first().map(|(until, _)| *until)
    }

    /// Whether nobody waits in that lane.
    pub(crate) fn is_empty_lane(&self, lane: usize) -> bool {
        self.lanes
            .get(lane)
            .is_none_or(|lane| lane.order.iter().all(BTreeSet::is_empty))
    }

    /// Brings a lane's place among its class's ready ones up to date.
    fn refresh(&mut self, id: usize, class: Class) {
        let Some(lane) = self.lanes.get_mut(id) else {
            return;
        };
        let ready = &mut class_of(&mut self.classes, class).ready;
        let parked = lane.parked.is_some();
        let first = order_of(lane, class).first().map(|(pass, _)| *pass);
        let key = first.filter(|_| !parked);
        let Some(had) = lane.key.get_mut(class as usize) else {
            return;
        };
        if *had != key {
            if let Some(old) = had.take() {
                ready.remove(&(old, id));
            }
            if let Some(new) = key {
                ready.insert((new, id));
            }
            *had = key;
        }
    }

    /// How many calls are likely to go before a new one of that client: with its own queue as long
    /// as it is, and every other getting its share.
    pub(crate) fn ahead(&self, class: Class, client: ClientId, weight: u64) -> u64 {
        let Some(queue) = self.classes.get(class as usize) else {
            return 0;
        };
        let own = queue.flows.get(&client).map_or(0, |flow| flow.waiting);
        let own = u64::try_from(own).unwrap_or(u64::MAX);
        let turns = own.saturating_add(1);
        let share = queue.weights.max(weight) / weight.max(1);
        let total = u64::try_from(self.waiting).unwrap_or(u64::MAX);
        turns.saturating_mul(share).min(total)
    }
}

impl ClassQueue {
    /// Drops clients who wait for nothing and whose pass no longer tells them from newcomers.
    fn forget_idle(&mut self) {
        let waiting = usize::try_from(self.clients).unwrap_or(usize::MAX);
        if self.flows.len() > 1_024 && self.flows.len() / 4 > waiting {
            let now = self.now_serving;
            self.flows
                .retain(|_, flow| flow.waiting > 0 || flow.pass > now);
        }
    }
}

// By pattern, not by index: neither can fail.
fn class_of(classes: &mut [ClassQueue; Class::COUNT], class: Class) -> &mut ClassQueue {
    let [interactive, default, batch] = classes;
    match class {
        Class::Interactive => interactive,
        Class::Default => default,
        Class::Batch => batch,
    }
}

fn order_of(lane: &mut Lane, class: Class) -> &mut BTreeSet<(u64, ClientId)> {
    let [interactive, default, batch] = &mut lane.order;
    match class {
        Class::Interactive => interactive,
        Class::Default => default,
        Class::Batch => batch,
    }
}
