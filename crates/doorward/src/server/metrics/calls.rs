//! Calls by who made them, what they asked for and what came of it: a bounded set of counters.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use doorward_catalog::Op;
use doorward_gateway::CallFacts;

use crate::prometheus::Text;

/// Most clients with counters of their own.
const CLIENTS_MAX: usize = 10_000;
/// Most counters in all: what comes later is counted under `other`.
const SERIES_MAX: usize = 50_000;
/// Stands for clients and operations that got no counter of their own.
const OTHER: &str = "other";

/// The counters. Once a client has made a call of a kind, the next of that kind allocates nothing
/// and takes two shared locks, which are held to add one.
pub(super) struct Calls {
    workspaces: RwLock<HashMap<Arc<str>, Clients>>,
    /// Of calls that no client is known of, by reason.
    strangers: Client,
    /// Of clients beyond the bound.
    others: Client,
    bounds: (usize, usize),
    clients: AtomicU64,
    series: AtomicU64,
    folded: AtomicU64,
    told: AtomicBool,
}

type Clients = HashMap<Arc<str>, Arc<Client>>;

#[derive(Default)]
struct Client {
    series: RwLock<HashMap<Kind, AtomicU64>>,
}

/// What is counted apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Kind {
    what: What,
    allowed: bool,
    reason: Option<&'static str>,
    /// Hundreds of the status.
    class: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum What {
    Operation(Op),
    Action(&'static str),
    Unknown,
    Other,
}

impl Default for Calls {
    fn default() -> Self {
        Self::bounded(CLIENTS_MAX, SERIES_MAX)
    }
}

impl Calls {
    fn bounded(clients: usize, series: usize) -> Self {
        Self {
            workspaces: RwLock::default(),
            strangers: Client::default(),
            others: Client::default(),
            bounds: (clients, series),
            clients: AtomicU64::new(0),
            series: AtomicU64::new(0),
            folded: AtomicU64::new(0),
            told: AtomicBool::new(false),
        }
    }

    /// Counts a call.
    pub(super) fn count(
        &self,
        call: &CallFacts,
        allowed: bool,
        status: u16,
        reason: Option<&'static str>,
    ) {
        let what = match (call.op, call.action) {
            (Some(op), _) => What::Operation(op),
            (None, Some(action)) => What::Action(action),
            (None, None) => What::Unknown,
        };
        let kind = Kind {
            what,
            allowed,
            reason,
            class: u8::try_from(status / 100).unwrap_or(0),
        };
        match (call.workspace.as_ref(), call.client.as_ref()) {
            (Some(workspace), Some(client)) => self.count_of(workspace, client, kind),
            // Whoever has no key chooses what is asked for: that makes no counters.
            _ => self.add(
                &self.strangers,
                Kind {
                    what: What::Unknown,
                    ..kind
                },
            ),
        }
    }

    fn count_of(&self, workspace: &Arc<str>, name: &Arc<str>, kind: Kind) {
        let known = {
            let all = self
                .workspaces
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            let clients = all.get(&**workspace);
            clients.and_then(|clients| clients.get(&**name)).cloned()
        };
        match known.or_else(|| self.enter(workspace, name)) {
            Some(client) => self.add(&client, kind),
            None => {
                self.fold();
                self.add(&self.others, kind);
            }
        }
    }

    /// Makes room for a client's counters, if there is any.
    fn enter(&self, workspace: &Arc<str>, name: &Arc<str>) -> Option<Arc<Client>> {
        let mut all = self
            .workspaces
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let clients = all.entry(Arc::clone(workspace)).or_default();
        if let Some(client) = clients.get(&**name) {
            return Some(Arc::clone(client));
        }
        if !reserve(&self.clients, self.bounds.0) {
            return None;
        }
        let client = Arc::<Client>::default();
        clients.insert(Arc::clone(name), Arc::clone(&client));
        Some(client)
    }

    fn add(&self, client: &Client, kind: Kind) {
        if client.add_known(&kind) {
            return;
        }
        let mut series = client
            .series
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let mut kind = kind;
        if !series.contains_key(&kind) && !reserve(&self.series, self.bounds.1) {
            // The few of these are within no bound, so that nothing goes uncounted.
            kind.what = What::Other;
            kind.reason = None;
            self.fold();
        }
        let counter = series.entry(kind).or_default();
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn fold(&self) {
        self.folded.fetch_add(1, Ordering::Relaxed);
        if !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                clients = self.bounds.0,
                series = self.bounds.1,
                "more kinds of calls than metrics are kept of: the rest is counted as \"other\""
            );
        }
    }

    /// Adds them to a page.
    pub(super) fn show(&self, text: &mut Text) {
        let all: Vec<(Arc<str>, Arc<str>, Arc<Client>)> = {
            let all = self
                .workspaces
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            let each = all.iter().flat_map(|(workspace, clients)| {
                clients.iter().map(|(name, client)| {
                    (Arc::clone(workspace), Arc::clone(name), Arc::clone(client))
                })
            });
            each.collect()
        };
        for (workspace, name, client) in &all {
            client.show(workspace, name, text);
        }
        self.strangers.show("", "", text);
        self.others.show("", OTHER, text);
        text.counter(
            "metrics_folded_total",
            "Calls counted as other, since there are too many kinds",
            &[],
            self.folded.load(Ordering::Relaxed),
        );
    }
}

/// Takes one of so many places.
fn reserve(taken: &AtomicU64, most: usize) -> bool {
    let before = taken.fetch_add(1, Ordering::Relaxed);
    let room = before < most as u64;
    if !room {
        taken.fetch_sub(1, Ordering::Relaxed);
    }
    room
}

impl Client {
    fn add_known(&self, kind: &Kind) -> bool {
        let series = self.series.read().unwrap_or_else(PoisonError::into_inner);
        let counter = series.get(kind);
        counter.is_some_and(|counter| {
            counter.fetch_add(1, Ordering::Relaxed);
            true
        })
    }

    fn show(&self, workspace: &str, client: &str, text: &mut Text) {
        let series = self.series.read().unwrap_or_else(PoisonError::into_inner);
        for (kind, counter) in series.iter() {
            let operation = match kind.what {
                What::Operation(op) => op.id(),
                What::Action(action) => action,
                What::Unknown => "",
                What::Other => OTHER,
            };
            let decision = if kind.allowed { "allowed" } else { "denied" };
            let class = format!("{}xx", kind.class);
            text.counter(
                "calls_total",
                "Calls that ended; status 0xx is of callers who went away",
                &[
                    ("workspace", workspace),
                    ("client", client),
                    ("operation", operation),
                    ("decision", decision),
                    ("reason", kind.reason.unwrap_or_default()),
                    ("status", &class),
                ],
                counter.load(Ordering::Relaxed),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(op: Op) -> Kind {
        Kind {
            what: What::Operation(op),
            allowed: true,
            reason: None,
            class: 2,
        }
    }

    fn page(calls: &Calls) -> String {
        let mut text = Text::default();
        calls.show(&mut text);
        text.page()
    }

    #[test]
    fn calls_are_counted_by_client_and_operation() {
        let calls = Calls::default();
        let (one, other): (Arc<str>, Arc<str>) = ("ws_1".into(), "ws_2".into());
        let name: Arc<str> = "importer".into();
        for _ in 0..3 {
            calls.count_of(&one, &name, kind(Op::ListCampaign));
        }
        calls.count_of(&other, &name, kind(Op::ListCampaign));
        let page = page(&calls);
        for (workspace, count) in [("ws_1", 3), ("ws_2", 1)] {
            let line = format!(
                "doorward_calls_total{{workspace=\"{workspace}\",client=\"importer\",operation=\"\
                 listCampaign\",decision=\"allowed\",reason=\"\",status=\"2xx\"}} {count}\n"
            );
            assert!(page.contains(&line), "{line}{page}");
        }
        assert!(page.contains("doorward_metrics_folded_total 0\n"));
    }

    #[test]
    fn there_are_never_more_counters_than_the_bounds_and_nothing_goes_uncounted() {
        let calls = Calls::bounded(10, 20);
        let workspace: Arc<str> = "ws_1".into();
        for client in 0..100 {
            let name: Arc<str> = format!("client-{client}").into();
            for op in [Op::ListCampaign, Op::ListLeads, Op::CreateLead] {
                calls.count_of(&workspace, &name, kind(op));
            }
        }
        let page = page(&calls);
        let counters = page
            .lines()
            .filter(|line| line.starts_with("doorward_calls_total{"));
        let values = counters.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap());
        let values: Vec<u64> = values.collect();
        assert!(values.len() <= 20 + 10 + 3, "{}", values.len());
        assert_eq!(values.iter().sum::<u64>(), 300);
        assert!(page.contains("client=\"other\""));
        assert!(!page.contains("doorward_metrics_folded_total 0\n"));
    }
}
