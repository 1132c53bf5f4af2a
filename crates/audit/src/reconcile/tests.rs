//! Mixed traffic, made up: what happened is known, and what reconciliation says is held against it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use doorward_catalog::Op;
use doorward_catalog::activity::Activity;
use doorward_policy::Timestamp;
use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const KEY: &str = "019a0000-0000-7000-8000-0000000000aa";

fn call(sequence: u64, op: Op, at: Timestamp, object: &str) -> OurCall {
    let kind = object_of(op, "id").unwrap();
    OurCall {
        sequence,
        at,
        ended: Some(at.plus_millis(50)),
        operation: op,
        place: Some("place".to_owned()),
        upstream_key: Some("uk_1".to_owned()),
        request_id: Some(format!("req_{sequence:032x}")),
        objects: BTreeMap::from([(kind, BTreeSet::from([object.to_owned()]))]),
        fate: Fate::Done,
    }
}

fn record_of(call: &OurCall, id: &str) -> TheirRecord {
    TheirRecord {
        id: id.to_owned(),
        at: call.at.plus_millis(20),
        activity: traces(call.operation)[0].activities[0],
        place: call.place.clone(),
        from_api: true,
        api_key: Some(KEY.to_owned()),
        address: "203.0.113.7".to_owned(),
        mark: call.request_id.clone(),
        foreign_agent: false,
        objects: call.objects.clone(),
    }
}

fn known() -> Known {
    Known {
        egress: BTreeSet::from(["203.0.113.7".parse().unwrap()]),
        own_keys: BTreeMap::from([("uk_1".to_owned(), KEY.to_owned())]),
        listed_keys: BTreeMap::from([(KEY.to_owned(), "doorward".to_owned())]),
        ..Known::default()
    }
}

fn ask(calls: &[OurCall], records: &[TheirRecord], known: &Known) -> Answer {
    ask_with(calls, records, known, &HashSet::new())
}

fn ask_with(
    calls: &[OurCall],
    records: &[TheirRecord],
    known: &Known,
    taken: &HashSet<(u64, u8)>,
) -> Answer {
    reconcile(&Question {
        calls,
        records,
        taken,
        known,
        learn_egress: known.egress.is_empty(),
        windows: Windows::default(),
        unread: &BTreeSet::new(),
        records_since: NOW.plus_millis(-3_600_000),
        since: NOW.plus_millis(-3_600_000),
        until: NOW.plus_millis(3_600_000),
    })
}

fn patch(sequence: u64) -> OurCall {
    call(sequence, Op::PatchCampaign, NOW, "c1")
}

#[test]
fn a_call_and_its_record_are_one() {
    let call = patch(1);
    let answer = ask(
        std::slice::from_ref(&call),
        &[record_of(&call, "r1")],
        &known(),
    );
    assert!(answer.report.is_clean(), "{:?}", answer.report);
    assert!(answer.report.notes.is_empty(), "{:?}", answer.report.notes);
    assert_eq!((answer.report.matched, answer.report.records), (1, 1));
    let want = Match {
        record: "r1".to_owned(),
        call: 1,
        trace: 0,
    };
    assert_eq!(answer.matches, [want]);
}

#[test]
fn a_record_of_another_thing_key_place_activity_or_time_is_not_the_calls() {
    let ours = patch(1);
    let right = TheirRecord {
        mark: None,
        ..record_of(&ours, "r1")
    };
    assert_eq!(
        ask(
            std::slice::from_ref(&ours),
            std::slice::from_ref(&right),
            &known()
        )
        .report
        .around_total,
        0
    );
    let other = |change: &dyn Fn(&mut TheirRecord)| {
        let mut record = right.clone();
        change(&mut record);
        ask(std::slice::from_ref(&ours), &[record], &known()).report
    };
    let changes: [&dyn Fn(&mut TheirRecord); 8] = [
        &|r| r.objects = call(1, Op::PatchCampaign, NOW, "c2").objects,
        &|r| r.api_key = Some("another".to_owned()),
        &|r| r.place = Some("another".to_owned()),
        &|r| r.activity = Activity::CampaignPause,
        &|r| r.at = NOW.plus_millis(-6_000),
        &|r| r.at = NOW.plus_millis(70_000),
        &|r| r.address = "198.51.100.1".to_owned(),
        &|r| r.mark = Some("req_ffff".to_owned()),
    ];
    for (n, change) in changes.iter().enumerate() {
        let report = other(change);
        assert_eq!((report.around_total, report.matched), (1, 0), "{n}");
    }
    // From the web, it is not the gateway's matter.
    assert_eq!(other(&|r| r.from_api = false).records, 0);
    // Where less is known, less is held against it.
    assert_eq!(other(&|r| r.api_key = None).matched, 1);
    assert_eq!(other(&|r| r.objects.clear()).matched, 1);
}

#[test]
fn keys_and_addresses_are_told_whoever_they_belong_to() {
    let ours = patch(1);
    let mut listed = TheirRecord {
        mark: None,
        ..record_of(&ours, "r2")
    };
    listed.api_key = Some("key-2".to_owned());
    let mut unknown = TheirRecord {
        mark: None,
        ..record_of(&ours, "r3")
    };
    unknown.api_key = Some("key-3".to_owned());
    unknown.address = "198.51.100.9".to_owned();
    // Named after our call, and from elsewhere: it is the call's, and the address is told.
    let mut moved = record_of(&ours, "r1");
    moved.address = "2001:db8::1".to_owned();
    let mut known = known();
    known
        .listed_keys
        .insert("key-2".to_owned(), "zapier".to_owned());
    let report = ask(&[ours], &[moved, listed, unknown], &known).report;
    assert_eq!((report.matched, report.around_total), (1, 2));
    let classes: Vec<KeyClass> = report.around.iter().map(|around| around.key).collect();
    assert_eq!(classes, [KeyClass::Listed, KeyClass::Unknown]);
    let names = |all: &[Sighting]| all.iter().map(|s| s.what.clone()).collect::<Vec<_>>();
    assert_eq!(names(&report.unknown_keys), ["key-3"]);
    assert_eq!(
        names(&report.foreign_addresses),
        ["198.51.100.9", "2001:db8::1"]
    );
}

#[test]
fn what_names_a_call_teaches_key_address_and_that_names_are_kept() {
    let (a, b) = (patch(1), patch(2));
    let empty = Known::default();
    let records = [
        record_of(&a, "r1"),
        TheirRecord {
            mark: None,
            ..record_of(&b, "r2")
        },
    ];
    let answer = ask(&[a.clone(), b], &records, &empty);
    // The second record names nobody in a log that keeps names: it is somebody else's.
    assert_eq!((answer.report.matched, answer.report.around_total), (1, 1));
    assert!(answer.report.exact && answer.known.keeps_marks);
    assert_eq!(answer.known.own_keys["uk_1"], KEY);
    assert!(
        answer
            .known
            .egress
            .contains(&"203.0.113.7".parse().unwrap())
    );

    // A name that was copied teaches nothing, and one of the two is around.
    let mut copy = record_of(&a, "r9");
    copy.api_key = Some("stolen".to_owned());
    let answer = ask(
        std::slice::from_ref(&a),
        &[record_of(&a, "r1"), copy.clone()],
        &empty,
    );
    assert!(answer.known.own_keys.is_empty() && answer.known.egress.is_empty());
    assert_eq!(answer.report.around_total, 1);
    // Nor does one that comes when the call has its record already.
    let taken = HashSet::from([(1, 0)]);
    let answer = ask_with(&[a], &[copy], &empty, &taken);
    assert!(answer.known.own_keys.is_empty());
    assert_eq!((answer.report.around_total, answer.report.matched), (1, 0));
}

#[test]
fn a_missing_trace_is_told_where_such_traces_are_kept() {
    let calls = [patch(1), patch(2), call(3, Op::DeleteCampaign, NOW, "c1")];
    let report = ask(&calls, &[record_of(&calls[0], "r1")], &known()).report;
    assert_eq!(report.missing_total, 1);
    assert_eq!(report.missing[0].sequence, 2);
    assert_eq!(
        report.never_seen,
        BTreeMap::from([("deleteCampaign".to_owned(), 1)])
    );
    // An empty log is no log: one sentence, not a list.
    let report = ask(&calls, &[], &known()).report;
    assert_eq!(report.missing_total, 0);
    assert!(report.notes[0].contains("plan"), "{:?}", report.notes);
}

#[test]
fn accounts_moved_elsewhere_and_browsers_that_come_late_are_ours() {
    let mut moved = patch(1);
    moved.operation = Op::MoveAccounts;
    moved.objects.clear();
    let mut gone = record_of(&moved, "r1");
    gone.activity = Activity::AccountDeletion;
    let mut come = record_of(&moved, "r2");
    come.activity = Activity::AccountAddition;
    come.place = Some("another".to_owned());
    let mut oauth = moved.clone();
    oauth.sequence = 2;
    oauth.operation = Op::InitGoogleOAuth;
    oauth.request_id = Some("req_2".to_owned());
    let mut added = record_of(&oauth, "r3");
    added.activity = Activity::AccountAddition;
    added.mark = None;
    added.at = NOW.plus_millis(900_000);
    let report = ask(&[moved, oauth], &[gone, come, added], &known()).report;
    assert_eq!((report.matched, report.around_total), (3, 0), "{report:?}");
}

/// What somebody does in the made-up traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Through,
    Direct,
    LostAndDone,
    LostAndNotDone,
    OverTheLimit,
    RecordDropped,
}

fn traffic() -> impl Strategy<Value = Vec<(What, usize, usize, i64)>> {
    let what = prop_oneof![
        4 => Just(What::Through),
        2 => Just(What::Direct),
        1 => Just(What::LostAndDone),
        1 => Just(What::LostAndNotDone),
        1 => Just(What::OverTheLimit),
        1 => Just(What::RecordDropped),
    ];
    prop::collection::vec((what, 0_usize..3, 0_usize..2, 0_i64..1_000), 0..60)
}

const OPS: [Op; 3] = [Op::PatchCampaign, Op::AddVariables, Op::PauseCampaign];

/// Calls and records of the traffic, and which records are direct and which calls lack theirs.
fn play(
    acts: &[(What, usize, usize, i64)],
    marks: bool,
) -> (
    Vec<OurCall>,
    Vec<TheirRecord>,
    BTreeSet<String>,
    BTreeSet<u64>,
) {
    let (mut calls, mut records) = (Vec::new(), Vec::new());
    let (mut direct, mut dropped) = (BTreeSet::new(), BTreeSet::new());
    for (n, (what, op, object, ms)) in acts.iter().enumerate() {
        let mut call = call(
            n as u64,
            OPS[*op],
            NOW.plus_millis(*ms),
            &format!("c{object}"),
        );
        let mut record = record_of(&call, &format!("r{n:03}"));
        if !marks {
            record.mark = None;
        }
        match what {
            What::Through => records.push(record),
            What::RecordDropped => {
                dropped.insert(call.sequence);
            }
            What::LostAndDone | What::LostAndNotDone => {
                call.fate = Fate::Unknown;
                call.ended = None;
                if *what == What::LostAndDone {
                    records.push(record);
                }
            }
            What::OverTheLimit => call.fate = Fate::NotDone,
            What::Direct => {
                record.mark = None;
                direct.insert(record.id.clone());
                records.push(record);
                continue;
            }
        }
        calls.push(call);
    }
    (calls, records, direct, dropped)
}

/// `patchCampaign` and `addVariables` leave the same record.
fn activity_of(op: Op) -> i64 {
    traces(op)[0].activities[0].into()
}

proptest! {
    /// Where records name calls, every direct act is found, none of ours is taken for one, and
    /// every trace that was left out is missed.
    #[test]
    fn with_names_nothing_is_mistaken(acts in traffic()) {
        let (calls, records, direct, dropped) = play(&acts, true);
        let mut known = known();
        known.keeps_marks = true;
        for op in OPS {
            known.proven.insert(("place".to_owned(), op.id().to_owned()));
        }
        let report = ask(&calls, &records, &known).report;
        let around: BTreeSet<String> = report.around.iter().map(|a| a.record.clone()).collect();
        let missing: BTreeSet<u64> = report.missing.iter().map(|m| m.sequence).collect();
        prop_assert_eq!(around, direct);
        prop_assert_eq!(missing, dropped);
        prop_assert_eq!(report.matched_lost, 0);
    }

    /// Where they do not, the numbers are right for each activity and thing: no more acts are
    /// explained than there are calls, and none is left over that a call explains.
    #[test]
    fn without_names_the_numbers_are_right(acts in traffic()) {
        let (calls, records, ..) = play(&acts, false);
        let mut known = known();
        for op in OPS {
            known.proven.insert(("place".to_owned(), op.id().to_owned()));
        }
        let answer = ask(&calls, &records, &known);
        let (mut around, mut missing) = (0, 0);
        for op in [Op::PatchCampaign, Op::PauseCampaign] {
            for object in ["c0", "c1"] {
                let of = |objects: &Objects| objects[&ObjectKind::Campaign].contains(object);
                let count = |fate: Fate| calls
                    .iter()
                    .filter(|c| activity_of(c.operation) == activity_of(op) && of(&c.objects))
                    .filter(|c| c.fate == fate)
                    .count();
                let theirs = records
                    .iter()
                    .filter(|r| i64::from(r.activity) == activity_of(op) && of(&r.objects))
                    .count();
                let (done, lost) = (count(Fate::Done), count(Fate::Unknown));
                around += theirs.saturating_sub(done + lost);
                missing += done.saturating_sub(theirs);
            }
        }
        prop_assert_eq!(answer.report.around_total, around as u64);
        prop_assert_eq!(answer.report.missing_total, missing as u64);
        // One call each.
        let pairs: HashSet<_> = answer.matches.iter().map(|m| (m.call, m.trace)).collect();
        let ids: HashSet<_> = answer.matches.iter().map(|m| &m.record).collect();
        prop_assert_eq!((pairs.len(), ids.len()), (answer.matches.len(), answer.matches.len()));
    }

    /// In whatever order both sides come, the answer is the same.
    #[test]
    fn the_order_does_not_matter(acts in traffic(), marks: bool) {
        let (mut calls, mut records, ..) = play(&acts, marks);
        let first = ask(&calls, &records, &known());
        calls.reverse();
        records.reverse();
        let second = ask(&calls, &records, &known());
        prop_assert_eq!(first.report, second.report);
        prop_assert_eq!(first.known, second.known);
    }
}
