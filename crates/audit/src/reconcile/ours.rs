//! Our side: calls, read out of the ledger.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use doorward_catalog::Op;
use doorward_ledger::log::Record;
use doorward_ledger::{Act, Event, Leaf, LeafId, ReadLeaf, Text, Verdict};
use doorward_policy::Timestamp;

use super::facts::{Fate, Objects, OurCall};
use super::traces::{object_of, traces};
use crate::audit::Audit;
use crate::error::Result;
use crate::find::{Filter, find};

/// Leaves may lie this far from their order in time.
const DISORDER_MS: i64 = 600_000;
/// Most calls that are held against records at once.
pub(super) const CALLS_MAX: usize = 500_000;
/// Why a call was certainly not carried out, though it was allowed.
const NOT_SENT: [&str; 4] = [
    "upstream_unreachable",
    "ledger_unavailable",
    "idempotency_replayed",
    "idempotency_reconciled",
];

/// Puts calls together from their leaves.
#[derive(Default)]
pub(super) struct Calls {
    all: Vec<OurCall>,
    open: HashMap<LeafId, usize>,
}

impl Calls {
    /// Takes a leaf. `places` gives Instantly's id of a workspace by Doorward's.
    /// When the leaf says it happened.
    pub(super) fn take(
        &mut self,
        record: &Record,
        places: &BTreeMap<String, String>,
    ) -> Option<Timestamp> {
        let Ok(ReadLeaf::Known(leaf)) = ReadLeaf::from_bytes(&record.leaf) else {
            return None;
        };
        let at = leaf.at;
        self.add(record.sequence, *leaf, places);
        Some(at)
    }

    fn add(&mut self, sequence: u64, leaf: Leaf, places: &BTreeMap<String, String>) {
        let Leaf {
            id, at, act, event, ..
        } = leaf;
        match event {
            Event::Intent { operation, .. } => {
                if let Some(call) = call(sequence, at, &operation, &act, places) {
                    self.open.insert(id, self.all.len());
                    self.all.push(call);
                }
            }
            Event::Outcome {
                intent,
                operation,
                status,
                latency_us,
                ..
            } => {
                let at_hand = intent.and_then(|intent| self.open.remove(&intent));
                let index = match (at_hand, intent, operation) {
                    (Some(index), ..) => index,
                    (None, None, Some(operation)) => {
                        let Some(call) = call(sequence, at, &operation, &act, places) else {
                            return;
                        };
                        self.all.push(call);
                        self.all.len() - 1
                    }
                    // Of an intent that leaves no trace, or that lies before what is read.
                    _ => return,
                };
                let Some(call) = self.all.get_mut(index) else {
                    return;
                };
                let latency = i64::try_from(latency_us / 1_000).unwrap_or(i64::MAX);
                call.ended = Some(call.at.plus_millis(latency));
                call.fate = fate(&act, status);
            }
            _ => {}
        }
    }

    pub(super) fn into_calls(self) -> Vec<OurCall> {
        self.all
    }
}

/// The call of a leaf, if its operation leaves a trace.
fn call(
    sequence: u64,
    at: Timestamp,
    operation: &str,
    act: &Act,
    places: &BTreeMap<String, String>,
) -> Option<OurCall> {
    let operation = Op::from_id(operation).filter(|op| !traces(*op).is_empty())?;
    let mut objects = Objects::new();
    for (name, text) in act.resource.iter().flat_map(|resource| &resource.ids) {
        let Some(kind) = object_of(operation, name) else {
            continue;
        };
        let value = match text {
            Text::Clear(value) => value.clone(),
            Text::Sealed(sealed) => sealed.subject.to_string(),
        };
        objects.insert(kind, BTreeSet::from([value]));
    }
    let own = act.workspace.as_ref().and_then(|id| places.get(id));
    Some(OurCall {
        sequence,
        at,
        ended: None,
        operation,
        place: act.sub_workspace.as_ref().or(own).cloned(),
        upstream_key: act.upstream_key.clone(),
        request_id: act.request_id.clone(),
        objects,
        fate: Fate::Unknown,
    })
}

/// What became of a call, by its outcome.
fn fate(act: &Act, status: Option<u16>) -> Fate {
    let not_sent = act
        .reason
        .as_deref()
        .is_some_and(|why| NOT_SENT.contains(&why));
    match (act.result, status) {
        (Verdict::Refused, _) => Fate::NotDone,
        _ if not_sent => Fate::NotDone,
        (Verdict::Unknown, _) => Fate::Unknown,
        (Verdict::Success, _) | (_, Some(200..=299)) => Fate::Done,
        // 408 and what fails on the other side may have been done.
        (_, Some(408 | 500..)) | (_, None) => Fate::Unknown,
        _ => Fate::NotDone,
    }
}

/// The calls received from `from` on and before `to`; their answers are looked for until `wait_ms`
/// after that. With [`CALLS_MAX`] calls it ends early: the second value is then before `to`. Blocks.
pub(super) fn calls_between(
    audit: &Audit,
    places: &BTreeMap<String, String>,
    from: Timestamp,
    to: Timestamp,
    wait_ms: i64,
) -> Result<(Vec<OurCall>, Timestamp)> {
    let reader = audit.reader();
    let filter = Filter {
        since: Some(from),
        ..Filter::default()
    };
    let first = find(&reader, &filter, 0, 1, u64::MAX)?;
    let Some(first) = first.records.first() else {
        return Ok((Vec::new(), to));
    };
    let past = to.plus_millis(wait_ms.saturating_add(DISORDER_MS));
    let mut cursor = reader.from(first.sequence)?;
    let (mut calls, mut end) = (Calls::default(), to);
    while let Some(record) = cursor.next()? {
        // Most leaves are of reads, and of what leaves no trace: they are not worth reading whole.
        if !may_matter(&record.leaf) {
            continue;
        }
        if let Some(at) = calls.take(&record, places)
            && at > past
        {
            break;
        }
        if calls.all.len() >= CALLS_MAX {
            end = calls.all.last().map_or(to, |call| call.at).min(to);
            break;
        }
    }
    let mut calls = calls.into_calls();
    calls.retain(|call| call.at >= from && call.at < end);
    Ok((calls, end))
}

/// Whether a leaf may be of a call that leaves a trace: by its operation, which is a member of its
/// own in the canonical form. What is wrongly taken is sorted out later.
fn may_matter(leaf: &[u8]) -> bool {
    const MEMBER: &str = "\"operation\":\"";
    let Ok(text) = std::str::from_utf8(leaf) else {
        return false;
    };
    // An outcome need not repeat its intent's.
    let Some(at) = text.find(MEMBER) else {
        return text.contains("\"kind\":\"outcome\"");
    };
    let rest = text.get(at + MEMBER.len()..).unwrap_or_default();
    let id = rest.split('"').next().unwrap_or_default();
    Op::from_id(id).is_some_and(|op| !traces(op).is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_ledger::Resource;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn record(sequence: u64, leaf: &Leaf) -> Record {
        let leaf = leaf.to_bytes().unwrap().as_bytes().to_vec();
        Record { sequence, leaf }
    }

    fn act(result: Verdict) -> Act {
        let mut act = Act::new("patchCampaign", result);
        act.workspace = Some("ws_1".to_owned());
        act.upstream_key = Some("uk_1".to_owned());
        act.request_id = Some("req_1".to_owned());
        let mut resource = Resource::default();
        let id = Text::Clear("c1".to_owned());
        resource.ids.insert("id".to_owned(), id);
        act.resource = Some(resource);
        act
    }

    fn intent(n: u8, operation: &str) -> Leaf {
        let event = Event::Intent {
            operation: operation.to_owned(),
            body: None,
            inputs: None,
        };
        Leaf::new(
            LeafId::from_random([n; 16]),
            NOW,
            act(Verdict::Pending),
            event,
        )
    }

    fn outcome(n: u8, result: Verdict, status: Option<u16>, reason: Option<&str>) -> Leaf {
        let event = Event::Outcome {
            intent: Some(LeafId::from_random([n; 16])),
            operation: Some("patchCampaign".to_owned()),
            status,
            latency_us: 250_000,
            body: None,
            answer: None,
        };
        let mut act = act(result);
        act.reason = reason.map(str::to_owned);
        Leaf::new(LeafId::from_random([n + 100; 16]), NOW, act, event)
    }

    #[test]
    fn an_intent_and_its_outcome_are_one_call() {
        let places = BTreeMap::from([("ws_1".to_owned(), "place".to_owned())]);
        let mut calls = Calls::default();
        calls.take(&record(4, &intent(1, "patchCampaign")), &places);
        calls.take(&record(5, &intent(2, "patchCampaign")), &places);
        calls.take(&record(6, &intent(3, "createCampaign")), &places);
        calls.take(
            &record(7, &outcome(1, Verdict::Success, Some(200), None)),
            &places,
        );
        calls.take(
            &record(8, &outcome(3, Verdict::Success, Some(200), None)),
            &places,
        );
        calls.take(
            &record(9, &outcome(9, Verdict::Success, Some(200), None)),
            &places,
        );
        let calls = calls.into_calls();
        assert_eq!(calls.len(), 2, "{calls:?}");
        assert_eq!((calls[0].sequence, calls[0].fate), (4, Fate::Done));
        assert_eq!(calls[0].ended, Some(NOW.plus_millis(250)));
        assert_eq!(calls[0].place.as_deref(), Some("place"));
        assert_eq!(calls[0].objects.len(), 1);
        assert_eq!(
            (calls[1].sequence, calls[1].fate, calls[1].ended),
            (5, Fate::Unknown, None)
        );
    }

    #[test]
    fn only_leaves_that_may_matter_are_read_whole() {
        let matters = |leaf: &Leaf| may_matter(leaf.to_bytes().unwrap().as_bytes());
        assert!(matters(&intent(1, "patchCampaign")));
        assert!(!matters(&intent(1, "listCampaign")));
        assert!(!matters(&intent(1, "\"patchCampaign\"")));
        let mut bare = outcome(1, Verdict::Success, Some(200), None);
        assert!(matters(&bare));
        if let Event::Outcome { operation, .. } = &mut bare.event {
            *operation = None;
        }
        assert!(matters(&bare));
        assert!(!may_matter(b"\xff"));
    }

    #[test]
    fn what_became_of_a_call_is_as_sure_as_its_answer() {
        let fate_of = |result, status, reason| {
            let mut calls = Calls::default();
            calls.take(&record(0, &intent(1, "patchCampaign")), &BTreeMap::new());
            calls.take(
                &record(1, &outcome(1, result, status, reason)),
                &BTreeMap::new(),
            );
            calls.into_calls()[0].fate
        };
        for (result, status, reason, want) in [
            (Verdict::Success, Some(200), None, Fate::Done),
            // The caller went away in the middle of a good answer.
            (Verdict::Failure, Some(200), Some("caller_gone"), Fate::Done),
            (Verdict::Failure, None, Some("caller_gone"), Fate::Unknown),
            (Verdict::Failure, Some(429), None, Fate::NotDone),
            (Verdict::Failure, Some(404), None, Fate::NotDone),
            (Verdict::Failure, Some(408), None, Fate::Unknown),
            (Verdict::Failure, Some(500), None, Fate::Unknown),
            (
                Verdict::Unknown,
                Some(502),
                Some("outcome_unknown"),
                Fate::Unknown,
            ),
            (
                Verdict::Failure,
                Some(502),
                Some("upstream_unreachable"),
                Fate::NotDone,
            ),
            (Verdict::Refused, Some(403), Some("scope"), Fate::NotDone),
        ] {
            assert_eq!(
                fate_of(result, status, reason),
                want,
                "{result:?} {status:?} {reason:?}"
            );
        }
    }
}
