//! Which records could be the traces of which calls.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use doorward_policy::Timestamp;

use super::assignment::Candidates;
use super::facts::{Fate, Known, ObjectKind, Objects, OurCall, TheirRecord, Windows};
use super::traces::{Trace, is_instantlys_own, traces};

/// One trace that a call leaves or may leave.
pub(super) struct Slot<'a> {
    pub(super) call: &'a OurCall,
    /// Which of the operation's traces.
    pub(super) number: u8,
    pub(super) trace: &'static Trace,
    /// The last moment at which its record is in time.
    pub(super) deadline: Timestamp,
    ranges: Vec<Range<usize>>,
}

impl Slot<'_> {
    /// What must be covered comes first, then what may be, then what perhaps never happened.
    fn importance(&self) -> (u8, Timestamp, u64, u8) {
        let class = match self.call.fate {
            Fate::Done if self.trace.due => 0,
            Fate::Done => 1,
            _ => 2,
        };
        (class, self.deadline, self.call.sequence, self.number)
    }
}

/// Both sides, sorted so that what could belong together is close together.
pub(super) struct Graph<'a> {
    pub(super) slots: Vec<Slot<'a>>,
    /// Records with the name of a call of ours by that name, then the others by activity and time.
    pub(super) records: Vec<&'a TheirRecord>,
    pub(super) known: &'a Known,
    windows: Windows,
    /// Whether a record without a call's name is none of ours.
    keeps_marks: bool,
}

impl<'a> Graph<'a> {
    pub(super) fn new(
        calls: &'a [OurCall],
        records: &'a [TheirRecord],
        taken: &HashSet<(u64, u8)>,
        known: &'a Known,
        windows: Windows,
        keeps_marks: bool,
    ) -> Self {
        let names: HashSet<&str> = calls
            .iter()
            .filter_map(|c| c.request_id.as_deref())
            .collect();
        let marked = |record: &TheirRecord| {
            let mark = record.mark.as_deref();
            mark.is_some_and(|mark| names.contains(mark))
        };
        let mut records: Vec<&TheirRecord> = records
            .iter()
            .filter(|record| record.from_api && !is_instantlys_own(record.activity))
            .collect();
        records.sort_unstable_by(|a, b| group(a, marked(a)).cmp(&group(b, marked(b))));
        let unmarked = records.partition_point(|record| marked(record));
        let mut by_mark: HashMap<&str, Range<usize>> = HashMap::new();
        for (at, record) in records.iter().enumerate().take(unmarked) {
            let mark = record.mark.as_deref().unwrap_or_default();
            by_mark.entry(mark).or_insert(at..at).end = at + 1;
        }
        let mut graph = Self {
            slots: Vec::new(),
            records,
            known,
            windows,
            keeps_marks,
        };
        for call in calls.iter().filter(|call| call.fate != Fate::NotDone) {
            let mark = call.request_id.as_deref();
            let by_mark = mark.and_then(|mark| by_mark.get(mark));
            for (number, trace) in (0_u8..).zip(traces(call.operation)) {
                if taken.contains(&(call.sequence, number)) {
                    continue;
                }
                let slot = graph.slot(call, number, trace, unmarked, by_mark);
                graph.slots.push(slot);
            }
        }
        graph
    }

    fn slot(
        &self,
        call: &'a OurCall,
        number: u8,
        trace: &'static Trace,
        unmarked: usize,
        by_mark: Option<&Range<usize>>,
    ) -> Slot<'a> {
        let w = &self.windows;
        let end = call.ended.unwrap_or(call.at).max(call.at);
        let wait = match call.fate {
            _ if trace.late => w.late_ms,
            Fate::Unknown => w.lost_ms,
            _ => w.lag_ms,
        };
        let first = call.at.plus_millis(w.skew_ms.saturating_neg());
        let deadline = end.plus_millis(wait.saturating_add(w.skew_ms));
        let mut ranges: Vec<Range<usize>> = by_mark.cloned().into_iter().collect();
        if trace.late || !self.keeps_marks || call.request_id.is_none() {
            let rest = self.records.get(unmarked..).unwrap_or_default();
            for activity in trace.activities {
                let number = i64::from(*activity);
                let key = |record: &TheirRecord| (i64::from(record.activity), record.at);
                let from = rest.partition_point(|record| key(record) < (number, first));
                let to = rest.partition_point(|record| key(record) <= (number, deadline));
                ranges.push(unmarked + from..unmarked + to.max(from));
            }
        }
        Slot {
            call,
            number,
            trace,
            deadline,
            ranges,
        }
    }

    /// Every slot, the most important first.
    pub(super) fn order(&self) -> Vec<usize> {
        let mut order: Vec<(_, usize)> = self
            .slots
            .iter()
            .enumerate()
            .map(|(at, slot)| (slot.importance(), at))
            .collect();
        order.sort_unstable();
        order.into_iter().map(|(_, at)| at).collect()
    }

    /// Whether the record names the call; then it is that call's whatever its address is.
    pub(super) fn names(call: &OurCall, record: &TheirRecord) -> bool {
        record.mark.is_some() && record.mark == call.request_id
    }
}

/// How records are sorted.
fn group(record: &TheirRecord, marked: bool) -> (bool, &str, i64, Timestamp, &str) {
    let mark = record.mark.as_deref().filter(|_| marked);
    let (mark, activity) = match mark {
        Some(mark) => (mark, 0),
        None => ("", i64::from(record.activity)),
    };
    (!marked, mark, activity, record.at, &record.id)
}

impl Candidates for Graph<'_> {
    fn ranges(&self, left: usize) -> &[Range<usize>] {
        self.slots.get(left).map_or(&[], |slot| &slot.ranges)
    }

    fn fits(&self, left: usize, right: usize) -> bool {
        let (Some(slot), Some(record)) = (self.slots.get(left), self.records.get(right)) else {
            return false;
        };
        let (call, w) = (slot.call, &self.windows);
        if !slot.trace.activities.contains(&record.activity) {
            return false;
        }
        if record.at.millis_since(call.at) < w.skew_ms.saturating_neg() {
            return false;
        }
        if !slot.trace.elsewhere && differ(call.place.as_deref(), record.place.as_deref()) {
            return false;
        }
        let own = call
            .upstream_key
            .as_ref()
            .and_then(|key| self.known.own_keys.get(key));
        if differ(own.map(String::as_str), record.api_key.as_deref()) {
            return false;
        }
        let named = Self::names(call, record);
        if !touch(&call.objects, &record.objects, named) {
            return false;
        }
        if named {
            return record.at.millis_since(call.at) <= w.longest();
        }
        let ours = record
            .ip()
            .is_some_and(|ip| self.known.egress.contains(&ip));
        record.mark.is_none()
            && record.at <= slot.deadline
            && (self.known.egress.is_empty() || ours)
    }

    fn rank(&self, right: usize) -> u8 {
        match self.records.get(right) {
            Some(record) if record.mark.is_some() => 2,
            Some(record) if !record.foreign_agent => 1,
            _ => 0,
        }
    }

    fn distance(&self, left: usize, right: usize) -> u64 {
        match (self.slots.get(left), self.records.get(right)) {
            (Some(slot), Some(record)) => {
                // Nobody can copy a call's name before its answer has told it.
                let call = slot.call;
                let late = record.at.millis_since(call.ended.unwrap_or(call.at));
                let early = call.at.millis_since(record.at);
                late.max(early).max(0).unsigned_abs()
            }
            _ => u64::MAX,
        }
    }
}

/// Whether both are known and not the same.
fn differ(a: Option<&str>, b: Option<&str>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if a != b)
}

/// Whether both could have touched the same things: of each kind that both know, one in common.
/// Of a named record the accounts are left aside: their addresses may have been forgotten since.
fn touch(a: &Objects, b: &Objects, named: bool) -> bool {
    let common = |kind: &ObjectKind, of_b: &std::collections::BTreeSet<String>| {
        a.get(kind).is_none_or(|of_a| !of_a.is_disjoint(of_b))
    };
    b.iter()
        .all(|(kind, of_b)| (named && *kind == ObjectKind::Account) || common(kind, of_b))
}

/// What can be learnt from records that name a call of ours: names are never used twice, and
/// nobody can guess one, so who has one saw the call.
pub(super) fn learn(
    calls: &[OurCall],
    records: &[TheirRecord],
    taken: &HashSet<(u64, u8)>,
    known: &mut Known,
    learn_egress: bool,
) {
    let by_name: HashMap<&str, &OurCall> = calls
        .iter()
        .filter_map(|call| Some((call.request_id.as_deref()?, call)))
        .collect();
    let mut named: BTreeMap<&str, Vec<&TheirRecord>> = BTreeMap::new();
    for record in records.iter().filter(|record| record.from_api) {
        if let Some(mark) = record.mark.as_deref() {
            named.entry(mark).or_default().push(record);
        }
    }
    for (mark, of_mark) in named {
        let Some(call) = by_name.get(mark) else {
            continue;
        };
        known.keeps_marks = true;
        // Two that name one call: one of them copied it. Nothing is learnt from either.
        let (&[record], false) = (of_mark.as_slice(), taken.contains(&(call.sequence, 0))) else {
            continue;
        };
        if call.fate == Fate::NotDone {
            continue;
        }
        if let (Some(own), Some(key)) = (&call.upstream_key, &record.api_key) {
            known
                .own_keys
                .entry(own.clone())
                .or_insert_with(|| key.clone());
        }
        if let (true, Some(ip)) = (learn_egress, record.ip()) {
            known.egress.insert(ip);
        }
    }
}
