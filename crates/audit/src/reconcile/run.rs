//! Brings both sides together, judges, and writes down what was found.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::IpAddr;

use doorward_ledger::ReadLeaf;
use doorward_policy::Timestamp;
use doorward_store::{Judgement, Store, Workspace};
use serde::{Deserialize, Serialize};

use super::facts::{Fate, Known, OurCall, TheirRecord, Windows};
use super::findings::record_findings;
use super::judge::{Answer, Question, reconcile};
use super::ours::calls_between;
use super::report::Report;
use super::traces::traces;
use crate::audit::Audit;
use crate::error::{AuditError, Result};
use crate::instantly::{LISTING, Listing, POSITION, Position};

/// Most records that are judged at once.
const RECORDS_MAX: usize = 200_000;
/// A log that was read this much less far than another, in milliseconds, is not waited for.
const STALE_MS: i64 = 3_600_000;
/// Most calls that are held ready for a late trace; the oldest go first.
const LATE_MAX: usize = 10_000;
/// The name of the state that holds a [`Progress`].
const PROGRESS: &str = "reconcile";

/// What reconciliation is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReconcileOptions {
    /// Addresses that Doorward's calls come from. When there are none they are learnt from records
    /// that name a call.
    pub egress: BTreeSet<IpAddr>,
    /// Instantly's id of upstream keys, by Doorward's; others are learnt.
    pub own_keys: BTreeMap<String, String>,
    /// How exact clocks are.
    pub windows: Windows,
}

/// How far continuous reconciliation is, and what it learnt; kept in the store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Progress {
    /// Traces due before this are judged.
    #[serde(default)]
    judged_to: Option<Timestamp>,
    #[serde(default)]
    known: Known,
    /// Calls whose trace may come late, and did not come yet.
    #[serde(default)]
    late: Vec<OurCall>,
}

/// Instantly's ids of upstream keys, by Doorward's, as far as records have taught them that name a call
/// of Doorward's: nobody can guess such a name, and one that two records have teaches nothing.
///
/// # Errors
/// When the store can't be read.
pub fn learnt_keys(store: &dyn Store) -> Result<BTreeMap<String, String>> {
    let text = store.watch_state("", PROGRESS)?;
    let progress: Option<Progress> = text.and_then(|text| serde_json::from_str(&text).ok());
    Ok(progress.unwrap_or_default().known.own_keys)
}

/// What the store says of workspaces.
struct World {
    workspaces: Vec<Workspace>,
    /// Instantly's id of each workspace, by Doorward's.
    places: BTreeMap<String, String>,
    /// Records before this are all there, but for those of logs that can't be read; `None` when
    /// none was ever read.
    pulled_to: Option<Timestamp>,
    /// Workspaces whose log was not read for a while.
    unread: BTreeSet<String>,
    notes: Vec<String>,
    known: Known,
    judged_to: Option<Timestamp>,
    late: Vec<OurCall>,
    learn_egress: bool,
}

/// Holds what was read of Instantly's logs from `since` on against the ledger, and changes nothing.
/// The logs are to be read first ([`pull_once`](crate::instantly::pull_once)). Blocks.
///
/// # Errors
/// When the store or the ledger can't be read.
pub fn reconcile_since(
    audit: &Audit,
    since: Timestamp,
    now: Timestamp,
    options: &ReconcileOptions,
) -> Result<Report> {
    let world = World::load(audit, options)?;
    let since = since.max(begin(audit)?);
    let until = world.pulled_to.unwrap_or(now).min(now);
    // Calls before the span may explain records in it, and their other records lie before it.
    let before = since.plus_millis(options.windows.longest().saturating_neg());
    let mut records = Vec::new();
    let mut cut = until;
    for workspace in &world.workspaces {
        let rows = audit
            .store()
            .log_records(&workspace.id, before, until, RECORDS_MAX)?;
        if rows.len() == RECORDS_MAX {
            cut = cut.min(rows.last().map_or(until, |row| row.at));
        }
        records.extend(rows.iter().filter_map(|row| read(&row.record)));
    }
    distinct(&mut records);
    records.retain(|record| record.at < cut);
    let from = before.plus_millis(options.windows.longest().saturating_neg());
    let span = Span {
        from,
        records_since: since,
        since,
        until: cut,
    };
    let (answer, until, _) = judge(audit, &world, options, &records, &HashSet::new(), span)?;
    let mut report = answer.report;
    if world.pulled_to.is_none() {
        let told = "no audit log of Instantly's was read yet";
        report.notes.push(told.to_owned());
    }
    if until < now.plus_millis(-3_600_000) {
        let told = format!(
            "only what happened before {until} was looked at: later records are not read yet, or there is too much at once"
        );
        report.notes.push(told);
    }
    Ok(report)
}

/// Judges what is not judged yet, records in the ledger what was found, and keeps how far it came.
/// `None` when there is nothing to judge yet. What is interrupted is done again. Blocks.
///
/// # Errors
/// When the store or the ledger fails.
pub fn reconcile_open(
    audit: &Audit,
    now: Timestamp,
    options: &ReconcileOptions,
) -> Result<Option<Report>> {
    let world = World::load(audit, options)?;
    let Some(pulled_to) = world.pulled_to else {
        return Ok(None);
    };
    let w = options.windows;
    let until = pulled_to.min(now);
    // The first time, what was read before is old: it has no leaves, or was looked at by hand.
    let since = match world.judged_to {
        Some(judged_to) => judged_to,
        None => until
            .plus_millis(w.longest().saturating_neg())
            .max(begin(audit)?),
    };
    let open = audit.store().open_log_records(until, RECORDS_MAX)?;
    let mut until = match open.last() {
        Some((_, last)) if open.len() == RECORDS_MAX => last.at,
        _ => until,
    };
    let mut records: Vec<TheirRecord> = Vec::with_capacity(open.len());
    records.extend(open.iter().filter_map(|(_, row)| read(&row.record)));
    distinct(&mut records);
    records.retain(|record| record.at >= since || world.judged_to.is_some());
    let first = records.first().map_or(since, |record| record.at).min(since);
    // What may come later than this was kept from the passes before.
    let from = first.plus_millis((w.prompt() + w.skew_ms + w.grace_ms).saturating_neg());
    let to = until.plus_millis(w.prompt());
    let taken: HashSet<(u64, u8)> = audit
        .store()
        .matched_traces(from, to)?
        .into_iter()
        .collect();
    // Records that came late are judged late.
    let span = Span {
        from,
        records_since: first,
        since,
        until,
    };
    let (answer, end, late) = judge(audit, &world, options, &records, &taken, span)?;
    until = end;
    record_findings(audit, &answer.report, now)?;

    let matched: BTreeMap<&str, Judgement> = answer
        .matches
        .iter()
        .map(|m| {
            let (call, trace) = (m.call, m.trace);
            (m.record.as_str(), Judgement::Matched { call, trace })
        })
        .collect();
    let judged: Vec<(&str, &str, Judgement)> = open
        .iter()
        .filter(|(_, row)| row.at < until)
        .map(|(workspace, row)| {
            let judgement = matched.get(row.id.as_str()).copied();
            let judgement = judgement.unwrap_or(Judgement::Unmatched);
            (workspace.as_str(), row.id.as_str(), judgement)
        })
        .collect();
    audit.store().judge_log_records(&judged)?;
    let mut known = answer.known;
    // Read anew each time.
    known.listed_keys.clear();
    if !world.learn_egress {
        known.egress.clear();
    }
    let progress = Progress {
        judged_to: Some(until),
        known,
        late,
    };
    let text = serde_json::to_string(&progress)
        .map_err(|_| AuditError::NotRecorded("the progress has no form"))?;
    audit.store().set_watch_state("", PROGRESS, &text)?;
    Ok(Some(answer.report))
}

/// Which time is looked at.
#[derive(Clone, Copy)]
struct Span {
    /// Calls from this time on are looked at.
    from: Timestamp,
    /// Records from this time on are judged.
    records_since: Timestamp,
    /// Traces due from this time on are judged.
    since: Timestamp,
    /// Records and traces before this time are.
    until: Timestamp,
}

/// Judges; gives also the time before which it did, which is less far when there are too many
/// calls, and the calls whose trace may still come late.
fn judge(
    audit: &Audit,
    world: &World,
    options: &ReconcileOptions,
    records: &[TheirRecord],
    taken: &HashSet<(u64, u8)>,
    span: Span,
) -> Result<(Answer, Timestamp, Vec<OurCall>)> {
    let w = options.windows;
    let to = span.until.plus_millis(w.skew_ms);
    let (mut calls, end) = calls_between(audit, &world.places, span.from, to, w.prompt())?;
    let known: HashSet<u64> = calls.iter().map(|call| call.sequence).collect();
    let before = world
        .late
        .iter()
        .filter(|call| !known.contains(&call.sequence));
    calls.extend(before.cloned());
    let until = if end < to { end } else { span.until };
    let count = records.partition_point(|record| record.at < until);
    let mut answer = reconcile(&Question {
        calls: &calls,
        records: records.get(..count).unwrap_or_default(),
        taken,
        known: &world.known,
        learn_egress: world.learn_egress,
        windows: w,
        unread: &world.unread,
        records_since: span.records_since,
        since: span.since,
        until,
    });
    answer.report.notes.extend(world.notes.iter().cloned());
    let came: HashSet<u64> = answer.matches.iter().map(|m| m.call).collect();
    calls.retain(|call| {
        let waits = traces(call.operation).iter().any(|trace| trace.late);
        let open = !came.contains(&call.sequence) && call.fate != Fate::NotDone;
        waits && open && until.millis_since(call.at) <= w.longest()
    });
    let surplus = calls.len().saturating_sub(LATE_MAX);
    calls.sort_by_key(|call| call.sequence);
    calls.drain(..surplus);
    Ok((answer, until, calls))
}

impl World {
    fn load(audit: &Audit, options: &ReconcileOptions) -> Result<Self> {
        let store = audit.store();
        let workspaces = store.workspaces()?;
        let text = store.watch_state("", PROGRESS)?;
        let progress: Progress = text
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        let mut known = progress.known;
        known.own_keys.extend(options.own_keys.clone());
        let learn_egress = options.egress.is_empty();
        if !learn_egress {
            known.egress.clone_from(&options.egress);
        }
        let (mut places, mut read_to) = (BTreeMap::new(), Vec::new());
        for workspace in &workspaces {
            for (_, text) in store.watch_states(&workspace.id, LISTING)? {
                let listing: Listing = serde_json::from_str(&text).unwrap_or_default();
                known.listed_keys.extend(listing.ever);
            }
            for (name, text) in store.watch_states(&workspace.id, POSITION)? {
                let position: Position = serde_json::from_str(&text).unwrap_or_default();
                let sub = name.split_once(':').map(|(_, sub)| sub.to_owned());
                let place = match sub {
                    Some(sub) => Some(sub),
                    None => workspace.instantly_id.clone().or(position.place),
                };
                if let (Some(place), false) = (&place, name.contains(':')) {
                    places.insert(workspace.id.clone(), place.clone());
                }
                if let Some(to) = position.complete_to {
                    read_to.push((workspace.name.clone(), place, to));
                }
            }
        }
        // A log that can't be read any more must not hold up the others.
        let newest = read_to.iter().map(|(_, _, to)| *to).max();
        let stale = |to: Timestamp| newest.is_some_and(|n| n.millis_since(to) > STALE_MS);
        let (mut unread, mut notes) = (BTreeSet::new(), Vec::new());
        for (name, place, to) in read_to.iter().filter(|(_, _, to)| stale(*to)) {
            notes.push(format!(
                "the audit log of workspace '{name}' was not read since {to}"
            ));
            unread.extend(place.clone());
        }
        let current = read_to
            .iter()
            .map(|(_, _, to)| *to)
            .filter(|to| !stale(*to));
        let pulled_to = current.min();
        Ok(Self {
            workspaces,
            places,
            pulled_to,
            unread,
            notes,
            known,
            judged_to: progress.judged_to,
            late: progress.late,
            learn_egress,
        })
    }
}

/// When the ledger begins, as far as it is kept: what was done before went around nothing.
fn begin(audit: &Audit) -> Result<Timestamp> {
    let reader = audit.reader();
    let first = reader.from(reader.minimum())?.next()?;
    Ok(
        match first.map(|record| ReadLeaf::from_bytes(&record.leaf)) {
            Some(Ok(ReadLeaf::Known(leaf))) => leaf.at,
            _ => Timestamp::from_millis(i64::MIN),
        },
    )
}

fn read(record: &str) -> Option<TheirRecord> {
    serde_json::from_str(record).ok()
}

/// By time; one that was read through two workspaces counts once.
fn distinct(records: &mut Vec<TheirRecord>) {
    records.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    records.dedup_by(|a, b| a.id == b.id);
}
