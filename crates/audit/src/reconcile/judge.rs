//! Holds the two sides against each other.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use doorward_policy::Timestamp;

use super::assignment::assign;
use super::facts::{Fate, Known, OurCall, TheirRecord, Windows};
use super::graph::{Graph, learn};
use super::report::{Around, KeyClass, LISTED_MAX, Missing, Report, Sighting};
use super::traces::is_instantlys_own;

/// What is to be held against what.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Our calls: those in the span, and before and after it as far as the windows reach.
    pub calls: &'a [OurCall],
    /// Instantly's records, likewise.
    pub records: &'a [TheirRecord],
    /// Traces that earlier records were matched with: call and number of the trace.
    pub taken: &'a HashSet<(u64, u8)>,
    /// What is known of keys and addresses.
    pub known: &'a Known,
    /// Whether addresses may be learnt from records that name our calls. Not when they were told.
    pub learn_egress: bool,
    /// How exact clocks are.
    pub windows: Windows,
    /// Workspaces whose log was not read for a while: nothing is missed there.
    pub unread: &'a BTreeSet<String>,
    /// Records from this time on are judged.
    pub records_since: Timestamp,
    /// Calls whose trace is due from this time on are judged.
    pub since: Timestamp,
    /// Records before this time are judged, and calls whose trace is due before this time.
    pub until: Timestamp,
}

/// What a record is the trace of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The record's id.
    pub record: String,
    /// Place in the ledger of the call's first leaf.
    pub call: u64,
    /// Which of the traces that the call leaves.
    pub trace: u8,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// For people.
    pub report: Report,
    /// Which record is whose, of all that were given.
    pub matches: Vec<Match>,
    /// What is known now.
    pub known: Known,
}

/// Holds Instantly's records against our calls.
///
/// Each record that came through the API is the trace of one call of ours at most. Where several
/// calls could have left it (the same operation on the same thing within one second), calls and
/// records are assigned so that as few calls as possible lack a trace that is due, and as few
/// records as possible lack a call.
pub fn reconcile(question: &Question<'_>) -> Answer {
    let q = question;
    let mut known = q.known.clone();
    learn(q.calls, q.records, q.taken, &mut known, q.learn_egress);
    let graph = Graph::new(
        q.calls,
        q.records,
        q.taken,
        &known,
        q.windows,
        known.keeps_marks,
    );
    let order = graph.order();
    let found = assign(&graph, &order, graph.slots.len(), graph.records.len());

    let mut report = Report::new(q.since.min(q.records_since), q.until);
    report.exact = known.keeps_marks;
    let mut matches = Vec::new();
    let mut matched: HashSet<usize> = HashSet::new();
    let mut proven = BTreeSet::new();
    let judged = |at: Timestamp| at >= q.records_since && at < q.until;
    let due = |at: Timestamp| at >= q.since && at < q.until;
    let unread = |call: &OurCall| call.place.as_ref().is_some_and(|at| q.unread.contains(at));
    for (slot, right) in graph.slots.iter().zip(&found) {
        let Some((right, record)) = right.and_then(|r| Some((r, graph.records.get(r)?))) else {
            continue;
        };
        matched.insert(right);
        proven.insert(proof(slot.call));
        if judged(record.at) {
            report.matched += 1;
            let sure = slot.call.fate == Fate::Done || Graph::names(slot.call, record);
            report.matched_lost += u64::from(!sure);
        }
        matches.push(Match {
            record: record.id.clone(),
            call: slot.call.sequence,
            trace: slot.number,
        });
    }
    let records = graph.records.iter().enumerate();
    let left: Vec<&TheirRecord> = records
        .filter(|(at, _)| !matched.contains(at))
        .map(|(_, record)| *record)
        .collect();
    let missing: Vec<_> = graph
        .slots
        .iter()
        .zip(&found)
        .filter(|(slot, _)| {
            due(slot.deadline.plus_millis(q.windows.grace_ms)) && !unread(slot.call)
        })
        .inspect(|_| report.traces += 1)
        .filter(|(slot, right)| right.is_none() && slot.trace.due && slot.call.fate == Fate::Done)
        .map(|(slot, _)| slot.call)
        .collect();
    let listing = &known.listed_keys;
    let class = |record: &TheirRecord| match record.api_key.as_deref() {
        None => KeyClass::Unnamed,
        Some(key) if known.own_keys.values().any(|own| own == key) => KeyClass::Own,
        Some(key) if listing.contains_key(key) => KeyClass::Listed,
        Some(_) => KeyClass::Unknown,
    };

    for record in left.iter().filter(|record| judged(record.at)) {
        report.around_total += 1;
        if report.around.len() < LISTED_MAX {
            report.around.push(around(record, class(record)));
        }
    }
    report
        .around
        .sort_by(|a, b| (a.at, &a.record).cmp(&(b.at, &b.record)));
    let (mut keys, mut addresses) = (BTreeMap::new(), BTreeMap::new());
    let unmatched: HashSet<&str> = left.iter().map(|record| record.id.as_str()).collect();
    for record in q.records {
        if !record.from_api || is_instantlys_own(record.activity) || !judged(record.at) {
            continue;
        }
        report.records += 1;
        let key = record.api_key.as_deref().unwrap_or("(none)");
        // Without a listing, a key that did what a call of ours did may well be ours.
        let alien = !listing.is_empty() || unmatched.contains(record.id.as_str());
        if alien && class(record) == KeyClass::Unknown {
            Sighting::add(&mut keys, key, record, &record.address);
        }
        let ours = record.ip().is_some_and(|ip| known.egress.contains(&ip));
        if !known.egress.is_empty() && !ours {
            Sighting::add(&mut addresses, &record.address, record, key);
        }
    }
    report.unknown_keys = most_seen(keys);
    report.foreign_addresses = most_seen(addresses);

    proven.extend(known.proven.iter().cloned());
    for call in missing {
        if proven.contains(&proof(call)) {
            report.missing_total += 1;
            if report.missing.len() < LISTED_MAX {
                report.missing.push(Missing {
                    sequence: call.sequence,
                    at: call.at,
                    operation: call.operation.id().to_owned(),
                    request_id: call.request_id.clone(),
                    upstream_key: call.upstream_key.clone(),
                });
            }
        } else {
            let id = call.operation.id().to_owned();
            *report.never_seen.entry(id).or_default() += 1;
        }
    }
    report.missing.sort_by_key(|missing| missing.sequence);
    report.notes = notes(&report, &known);
    let known = Known {
        proven,
        ..known.clone()
    };
    Answer {
        report,
        matches,
        known,
    }
}

/// What tells that an operation leaves a trace in a workspace.
fn proof(call: &OurCall) -> (String, String) {
    let place = call.place.clone().unwrap_or_default();
    (place, call.operation.id().to_owned())
}

fn around(record: &TheirRecord, key: KeyClass) -> Around {
    Around {
        record: record.id.clone(),
        at: record.at,
        activity: record.activity.describe().to_owned(),
        activity_type: record.activity.into(),
        key,
        api_key: record.api_key.clone(),
        place: record.place.clone(),
        address: record.address.clone(),
        objects: record.objects.clone(),
    }
}

/// Those with the most records first.
fn most_seen(all: BTreeMap<String, Sighting>) -> Vec<Sighting> {
    let mut all: Vec<Sighting> = all.into_values().collect();
    all.sort_by(|a, b| b.records.cmp(&a.records).then_with(|| a.what.cmp(&b.what)));
    all.truncate(LISTED_MAX);
    all
}

fn notes(report: &Report, known: &Known) -> Vec<String> {
    let mut notes = Vec::new();
    if report.records == 0 && (report.missing_total > 0 || !report.never_seen.is_empty()) {
        notes.push(
            "Instantly's audit log has no record of any call in this time, though calls were made \
             that should leave one: audit logs may not be in the workspace's plan, or they are \
             switched off in its settings"
                .to_owned(),
        );
    }
    if report.matched > 0 && !report.exact {
        notes.push(
            "records do not say which call they are the trace of, so acts of one key on one thing \
             at one time are told apart by their number alone"
                .to_owned(),
        );
    }
    if report.records > 0 && known.egress.is_empty() {
        notes.push(
            "Doorward's own address is not known, so no address can be told as foreign: set it in \
             the configuration"
                .to_owned(),
        );
    }
    if report.around_total > 0 && known.listed_keys.is_empty() {
        notes.push(
            "the workspace's API keys could not be listed, so its other keys look unknown: give \
             one upstream key the scope api_keys:read"
                .to_owned(),
        );
    }
    if !report.never_seen.is_empty() {
        let list: Vec<&str> = report.never_seen.keys().map(String::as_str).collect();
        notes.push(format!(
            "no call of {} was ever seen to leave a record here; perhaps Instantly keeps none",
            list.join(", ")
        ));
    }
    notes
}
