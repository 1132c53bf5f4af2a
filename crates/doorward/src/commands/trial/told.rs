//! What a simulation found.

use std::collections::BTreeMap;

use doorward_policy::Timestamp;
use serde::Serialize;

use super::again::Change;
use super::past::Past;
use crate::commands::whole_seconds;
use crate::exit::Failure;
use crate::output::{Cell, Output, Tone, note};

/// Examples that are kept of each group.
const EXAMPLES: usize = 3;
/// Most groups; what is beyond is counted together.
const GROUPS: usize = 10_000;

/// What a simulation found.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    /// From when on the ledger was read.
    since: Option<Timestamp>,
    /// Decisions that were made again.
    decisions: u64,
    /// Those that would be as they were.
    unchanged: u64,
    /// How many of each kind of change.
    totals: BTreeMap<&'static str, u64>,
    /// Changes beyond those that are told.
    more: u64,
    /// What would change, most first.
    changes: Vec<Group>,
    #[serde(skip)]
    places: BTreeMap<(Change, String, String), usize>,
}

/// Changes of one kind.
#[derive(Debug, Serialize)]
struct Group {
    /// `newly_denied`, `newly_allowed`, `needs_approval` or `unknown`.
    change: &'static str,
    /// Name of the client.
    client: String,
    /// The operation.
    operation: &'static str,
    /// By what, or why it can't be told.
    why: String,
    /// How often.
    count: u64,
    /// The last of them in the ledger, by place.
    examples: Vec<u64>,
}

impl Told {
    /// Nothing was found yet.
    pub(super) const fn new(since: Option<Timestamp>) -> Self {
        Self {
            since,
            decisions: 0,
            unchanged: 0,
            totals: BTreeMap::new(),
            more: 0,
            changes: Vec::new(),
            places: BTreeMap::new(),
        }
    }

    /// Whether something that was allowed would not be.
    pub(super) fn refuses_more(&self) -> bool {
        ["newly_denied", "needs_approval"]
            .iter()
            .any(|name| self.totals.contains_key(name))
    }

    /// Counts a decision.
    pub(super) fn take(&mut self, past: &Past, change: Option<Change>) {
        self.decisions += 1;
        let Some(change) = change else {
            self.unchanged += 1;
            return;
        };
        let (name, why) = match &change {
            Change::NewlyDenied(why) => ("newly_denied", why.clone()),
            Change::NewlyAllowed => ("newly_allowed", String::new()),
            Change::NeedsApproval(policy) => ("needs_approval", format!("policy {policy}")),
            Change::Unknown(why) => ("unknown", why.clone()),
        };
        *self.totals.entry(name).or_default() += 1;
        let key = (change, past.client.clone(), past.op.id().to_owned());
        let at = match self.places.get(&key) {
            Some(at) => *at,
            None if self.changes.len() >= GROUPS => {
                self.more += 1;
                return;
            }
            None => {
                self.changes.push(Group {
                    change: name,
                    client: past.client.clone(),
                    operation: past.op.id(),
                    why,
                    count: 0,
                    examples: Vec::new(),
                });
                let at = self.changes.len() - 1;
                self.places.insert(key, at);
                at
            }
        };
        if let Some(group) = self.changes.get_mut(at) {
            group.count += 1;
            if group.examples.len() == EXAMPLES {
                group.examples.remove(0);
            }
            group.examples.push(past.seq);
        }
    }
}

/// Writes it.
pub(super) fn show(told: &Told, output: Output) -> Result<(), Failure> {
    let total = |name: &str| told.totals.get(name).copied().unwrap_or_default();
    let since = told.since.map(whole_seconds);
    output.fields(vec![
        ("since", since.map_or_else(|| Cell::from(""), Cell::from)),
        ("decisions", Cell::from(told.decisions)),
        ("as they were", Cell::from(told.unchanged)),
        ("newly denied", Cell::from(total("newly_denied"))),
        ("newly allowed", Cell::from(total("newly_allowed"))),
        ("would need approval", Cell::from(total("needs_approval"))),
        ("can't be told", Cell::from(total("unknown"))),
    ])?;
    if told.changes.is_empty() {
        return Ok(());
    }
    let mut groups: Vec<&Group> = told.changes.iter().collect();
    groups.sort_by_key(|group| (group.change, std::cmp::Reverse(group.count)));
    let row = |group: &&Group| {
        let tone = match group.change {
            "newly_denied" => Tone::Bad,
            "newly_allowed" => Tone::Good,
            _ => Tone::Careful,
        };
        let examples: Vec<_> = group.examples.iter().map(u64::to_string).collect();
        vec![
            Cell::toned(group.change.replace('_', " "), tone),
            Cell::from(&group.client),
            Cell::from(group.operation),
            Cell::from(group.count),
            Cell::from(&group.why),
            Cell::from(examples.join(", ")),
        ]
    };
    output.line("")?;
    output.table(
        &["change", "client", "operation", "calls", "why", "entries"],
        groups.iter().map(row).collect(),
        "",
    )?;
    if told.more > 0 {
        note(format_args!("and {} changes more", told.more));
    }
    note("\nsee an entry with: doorward audit show ENTRY");
    Ok(())
}
