//! What the model knows: the records as an administrator would write them down, and what only time
//! and calls change.

use std::collections::BTreeMap;

use doorward_catalog::{Environment, Op};

use crate::grants::GrantSpec;
use crate::rules::Rule;

/// When every history begins: Friday, 15 January 2027, 08:00 UTC.
pub(crate) const BEGIN: i64 = 1_800_000_000_000;
pub(crate) const SECOND: i64 = 1_000;
pub(crate) const HOUR: i64 = 3_600 * SECOND;
pub(crate) const DAY: i64 = 24 * HOUR;

/// How an upstream key is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Active,
    Retiring,
    Retired,
}

#[derive(Debug, Clone)]
pub(crate) struct UpstreamKey {
    pub(crate) id: String,
    pub(crate) value: String,
    /// None when nobody said.
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) used: Use,
}

#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    pub(crate) id: String,
    pub(crate) live: bool,
    /// Which of its two hosts it is at.
    pub(crate) host: usize,
    pub(crate) keys: Vec<UpstreamKey>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Controls {
    /// Networks by their first three octets and prefix: `127.0.0.0/30`. None: anywhere.
    pub(crate) networks: Vec<&'static str>,
    pub(crate) at_once: Option<u32>,
    pub(crate) per_day: Option<u64>,
    pub(crate) leads_per_day: Option<u64>,
}

#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) name: &'static str,
    pub(crate) workspace: usize,
    pub(crate) environment: Environment,
    pub(crate) grant: GrantSpec,
    pub(crate) ends: Option<i64>,
    pub(crate) disabled: bool,
    pub(crate) controls: Controls,
}

#[derive(Debug, Clone)]
pub(crate) struct ClientKey {
    pub(crate) text: String,
    pub(crate) client: usize,
    pub(crate) ends: Option<i64>,
    pub(crate) revoked: bool,
}

/// The records, all of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    pub(crate) workspaces: Vec<Workspace>,
    pub(crate) clients: Vec<Client>,
    pub(crate) keys: Vec<ClientKey>,
    pub(crate) rules: BTreeMap<usize, Rule>,
}

/// A request, as far as an approval or a stored answer goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Exact {
    pub(crate) client: usize,
    pub(crate) as_workspace: Option<&'static str>,
    pub(crate) op: Op,
    pub(crate) target: String,
    pub(crate) body: String,
}

/// The write that an idempotency key stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) client: usize,
    pub(crate) as_workspace: Option<&'static str>,
    pub(crate) op: Op,
    pub(crate) key: u8,
}

/// What became of a named write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was answered; whether the answer is kept.
    Answered(bool),
    /// Its answer was lost.
    Lost,
}

#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) exact: Exact,
    pub(crate) fate: Fate,
    /// When it was sent last, and when it was sent first.
    pub(crate) sent: i64,
    pub(crate) first: i64,
}

#[derive(Debug, Clone)]
pub(crate) struct Approval {
    pub(crate) exact: Exact,
    pub(crate) given: bool,
    pub(crate) ends: i64,
}

/// What a client used of a day.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Used {
    pub(crate) day: i64,
    pub(crate) calls: u64,
    pub(crate) leads: u64,
}

/// How calls to one host went.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) calls: u32,
    pub(crate) failed: u32,
    pub(crate) streak: u32,
    pub(crate) open: bool,
}

impl Tally {
    /// Counts one exchange: whether it was answered at all, and without a 5xx.
    pub(crate) fn count(&mut self, answered: bool, well: bool) {
        self.calls += 1;
        self.failed += u32::from(!well);
        self.streak = if answered { 0 } else { self.streak + 1 };
        self.open |= self.streak >= 5 || (self.calls >= 20 && self.failed * 2 >= self.calls);
    }
}

/// What a history has come to.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) now: i64,
    /// The records as they are stored, and as they were when they were loaded last.
    pub(crate) stored: World,
    pub(crate) force: World,
    pub(crate) used: BTreeMap<usize, Used>,
    pub(crate) under_way: BTreeMap<usize, u32>,
    pub(crate) in_hand: BTreeMap<Name, Exact>,
    pub(crate) approvals: BTreeMap<String, Approval>,
    pub(crate) writes: BTreeMap<Name, Written>,
    /// By workspace.
    pub(crate) tallies: BTreeMap<usize, Tally>,
    /// Workspaces of which a key was taken for dead: which of the others is chosen is not said here.
    pub(crate) dead: std::collections::BTreeSet<usize>,
}

impl State {
    /// What the store has comes into force.
    pub(crate) fn reload(&mut self) {
        for (n, now) in self.stored.workspaces.iter().enumerate() {
            let before = self.force.workspaces.get(n);
            if before.is_none_or(|before| before.host != now.host) {
                self.tallies.remove(&n);
            }
        }
        self.force = self.stored.clone();
    }

    /// What a client used of today.
    pub(crate) fn today(&self, client: usize) -> Used {
        let day = self.now.div_euclid(DAY);
        let used = self.used.get(&client).copied().unwrap_or_default();
        if used.day == day {
            used
        } else {
            Used {
                day,
                ..Used::default()
            }
        }
    }

    /// Counts a call that was let go.
    pub(crate) fn use_up(&mut self, client: usize, leads: u64) {
        let mut used = self.today(client);
        used.calls += 1;
        used.leads += leads;
        self.used.insert(client, used);
    }
}
