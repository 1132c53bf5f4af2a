//! Mixed traffic on the sandbox: through Doorward and around it, with the same key, on the same
//! thing, in the same second; lost, retried, refused over the limit.
//!
//! `DOORWARD_RECONCILE_ACTS` sets how many acts there are.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use doorward_audit::instantly::{poll_once, pull_once};
use doorward_audit::reconcile::{
    KeyClass, ReconcileOptions, Report, reconcile_open, reconcile_since,
};
use doorward_ledger::Verdict;
use doorward_policy::Timestamp;
use serde_json::{Value, json};

use crate::stage::{Ask, EGRESS, OWN, Stage, quickly, tally};

/// Acts in one go, as callers at one time.
const AT_ONCE: usize = 64;

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Through,
    LostAndDone,
    LostAndNotDone,
    OverTheLimit,
    /// Done, says the answer, and no record of it.
    NoRecord,
    SameKey,
    /// The same key under the name of a call that was done.
    CopiedName,
    ListedKey,
    UnknownKey,
    Elsewhere,
}

impl What {
    fn is_ours(self) -> bool {
        self < Self::SameKey
    }
    fn leaves_a_record(self) -> bool {
        !matches!(
            self,
            Self::LostAndNotDone | Self::OverTheLimit | Self::NoRecord
        )
    }
}

/// One act: what is done by which operation on which thing.
struct Planned {
    what: What,
    operation: &'static str,
    id: (&'static str, String),
    ask: Ask,
    name: String,
    at: Timestamp,
}

/// What was really so.
#[derive(Default)]
struct Truth {
    acts: usize,
    /// For each record in the log's order: who left it, its activity.
    records: Vec<What>,
    /// Sequences of calls whose record never came.
    no_record: BTreeSet<u64>,
    kinds: BTreeMap<What, usize>,
}

struct Things {
    campaigns: Vec<String>,
    webhook: String,
    accounts: Vec<String>,
}

impl Things {
    async fn of(stage: &Stage) -> Things {
        let ids = |page: &Value, name: &str, count: usize| -> Vec<String> {
            let items = page["items"].as_array().unwrap().iter().take(count);
            items
                .map(|item| item[name].as_str().unwrap().to_owned())
                .collect()
        };
        Things {
            campaigns: ids(&stage.ask("GET", "/campaigns?limit=2", None).await, "id", 2),
            webhook: ids(&stage.ask("GET", "/webhooks?limit=1", None).await, "id", 1).remove(0),
            accounts: ids(
                &stage.ask("GET", "/accounts?limit=2", None).await,
                "email",
                2,
            ),
        }
    }

    fn plan(&self, n: usize, dice: &mut Dice) -> (&'static str, (&'static str, String), Ask) {
        let campaign = self.campaigns[dice.roll(2)].clone();
        let account = self.accounts[dice.roll(2)].clone();
        let (operation, id, method, tail, body) = match dice.roll(7) {
            0 => (
                "activateCampaign",
                ("id", campaign),
                "POST",
                "/activate",
                None,
            ),
            1 => ("pauseCampaign", ("id", campaign), "POST", "/pause", None),
            2 | 3 => {
                let body = json!({ "name": format!("n{n}") });
                ("patchCampaign", ("id", campaign), "PATCH", "", Some(body))
            }
            4 => {
                let body = json!({ "name": format!("n{n}") });
                (
                    "patchWebhook",
                    ("id", self.webhook.clone()),
                    "PATCH",
                    "",
                    Some(body),
                )
            }
            5 => {
                let body = json!({ "daily_limit": 10 + n % 20 });
                ("patchAccount", ("email", account), "PATCH", "", Some(body))
            }
            _ => {
                let email = format!("lead{n}@leads.example");
                let body = json!({ "email": email, "campaign": campaign });
                let ask = Ask {
                    method: "POST",
                    path: "/leads".to_owned(),
                    body: Some(body),
                };
                return ("createLead", ("campaign", campaign), ask);
            }
        };
        let root = match operation {
            "patchWebhook" => "/webhooks",
            "patchAccount" => "/accounts",
            _ => "/campaigns",
        };
        let path = format!("{root}/{}{tail}", id.1.replace('@', "%40"));
        (operation, id, Ask { method, path, body })
    }
}

/// Plays so many acts; `named` says whether Doorward's calls carry their name, `sure` that no
/// answer is lost whose call was not done.
async fn play(
    stage: &Stage,
    things: &Things,
    keys: &BTreeMap<What, String>,
    truth: &mut Truth,
    count: usize,
    (named, sure): (bool, bool),
    dice: &mut Dice,
) {
    let mut done_names: Vec<(String, String)> = Vec::new();
    let mut left = count;
    let mut retry: Option<(&'static str, (&'static str, String), Ask)> = None;
    while left > 0 {
        let mut planned = Vec::new();
        // Names whose answers have come.
        let told = done_names.len();
        let mut at = stage.now();
        for _ in 0..left.min(AT_ONCE) {
            truth.acts += 1;
            let n = truth.acts;
            let mut what = match dice.roll(100) {
                0..60 => What::Through,
                60..65 => What::LostAndDone,
                65..68 if !sure => What::LostAndNotDone,
                68..71 => What::OverTheLimit,
                71..73 if named => What::NoRecord,
                73..83 => What::SameKey,
                83..87 if named => What::CopiedName,
                87..91 => What::ListedKey,
                91..94 => What::UnknownKey,
                94..97 => What::Elsewhere,
                _ => What::Through,
            };
            let (operation, id, mut ask) = things.plan(n, dice);
            let (mut operation, mut id) = (operation, id);
            // What was lost is tried again at once.
            if let Some((o, i, a)) = retry.take() {
                (operation, id, ask) = (o, i, a);
                what = What::Through;
                // The same lead again would be no new one.
                if operation == "createLead" {
                    ask.body.as_mut().unwrap()["email"] = json!(format!("again{n}@leads.example"));
                }
            }
            if matches!(
                what,
                What::LostAndDone | What::LostAndNotDone | What::OverTheLimit
            ) {
                retry = Some((operation, id.clone(), ask.clone()));
            }
            let name = format!("req_{n:032x}");
            let name = match what {
                What::CopiedName => {
                    let key = format!("{operation} {}", id.1);
                    let copied = done_names[..told].iter().rev().find(|(of, _)| *of == key);
                    let Some((_, copied)) = copied else {
                        what = What::SameKey;
                        continue_with(&mut planned, what, operation, id, ask, name, at);
                        continue;
                    };
                    copied.clone()
                }
                What::Through => {
                    done_names.push((format!("{operation} {}", id.1), name.clone()));
                    name
                }
                _ => name,
            };
            // Up to a hundred in one second.
            at = at.plus_millis(dice.roll(20) as i64);
            continue_with(&mut planned, what, operation, id, ask, name, at);
        }
        left -= planned.len();
        let intents = planned.iter().filter(|p| p.what.is_ours()).map(|p| {
            stage
                .audit
                .record(stage.intent(p.operation, (p.id.0, &p.id.1), &p.name, p.at))
        });
        let mut recorded = futures_util::future::join_all(intents).await.into_iter();
        for act in planned {
            let behind = act.at.millis_since(stage.now());
            stage.sandbox.advance(behind.max(0));
            *truth.kinds.entry(act.what).or_default() += 1;
            let agent = format!("doorward/0.1.0 {}", act.name);
            let (key, agent, address) = match act.what {
                What::SameKey if act.name.ends_with(['0', '4', '8']) => {
                    (&stage.key, Some("python-requests/2.32"), EGRESS)
                }
                What::SameKey if act.name.ends_with(['1', '5', '9']) => (&stage.key, None, EGRESS),
                What::SameKey => (&stage.key, Some("doorward/0.1.0"), EGRESS),
                What::ListedKey => (&keys[&act.what], Some("Zapier"), EGRESS),
                What::UnknownKey => (&keys[&act.what], Some("curl/8"), EGRESS),
                What::Elsewhere => (&stage.key, Some("node"), "198.51.100.23"),
                _ if named => (&stage.key, Some(agent.as_str()), EGRESS),
                _ => (&stage.key, Some("doorward/0.1.0"), EGRESS),
            };
            if act.what.leaves_a_record() {
                let (status, answer) = stage.call(&act.ask, key, agent, address).await;
                assert_eq!(status, 200, "{:?}: {answer}", act.ask);
                truth.records.push(act.what);
            }
            if !act.what.is_ours() {
                continue;
            }
            let intent = recorded.next().unwrap().unwrap();
            let (status, result) = match act.what {
                What::LostAndDone if act.name.ends_with(['0', '2', '4', '6', '8']) => continue,
                What::LostAndDone | What::LostAndNotDone => (Some(502), Verdict::Unknown),
                What::OverTheLimit => (Some(429), Verdict::Failure),
                _ => (Some(200), Verdict::Success),
            };
            // A lead that was there already leaves no record either: none is due.
            if act.what == What::NoRecord && act.operation != "createLead" {
                truth.no_record.insert(intent.sequence);
            }
            stage.audit.note(stage.outcome(
                intent.leaf,
                act.operation,
                &act.name,
                (act.at, 30),
                (status, result),
            ));
        }
        let audit = std::sync::Arc::clone(&stage.audit);
        tokio::task::spawn_blocking(move || audit.flush())
            .await
            .unwrap();
    }
}

fn continue_with(
    planned: &mut Vec<Planned>,
    what: What,
    operation: &'static str,
    id: (&'static str, String),
    ask: Ask,
    name: String,
    at: Timestamp,
) {
    planned.push(Planned {
        what,
        operation,
        id,
        ask,
        name,
        at,
    });
}

/// Keys beside Doorward's: one that is listed, and one that comes after the listing.
async fn make_keys(stage: &Stage) -> BTreeMap<What, String> {
    let mut keys = BTreeMap::new();
    for what in [What::ListedKey, What::UnknownKey] {
        if what == What::UnknownKey {
            let source = stage.source(&stage.key);
            poll_once(&stage.audit, &source, stage.now()).await.unwrap();
        }
        let body = json!({ "name": "zapier", "scopes": ["all:all"] });
        let made = stage.ask("POST", "/api-keys", Some(body)).await;
        keys.insert(what, made["key"].as_str().unwrap().to_owned());
    }
    stage.sandbox.advance(7_200_000);
    keys
}

/// Who left each record that came since: by the log's order.
async fn who(stage: &Stage, truth: &Truth, before: usize) -> BTreeMap<String, What> {
    let log = stage.log().await;
    assert_eq!(log.len() - before, truth.records.len(), "one record each");
    let mut new: Vec<&Value> = log[..truth.records.len()].iter().collect();
    new.reverse();
    new.iter()
        .map(|record| record["id"].as_str().unwrap().to_owned())
        .zip(truth.records.iter().copied())
        .collect()
}

fn acts(default: usize) -> usize {
    std::env::var("DOORWARD_RECONCILE_ACTS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(default)
}

async fn open(stage: &Stage, options: &ReconcileOptions) -> Option<Report> {
    let source = stage.source(&stage.key);
    let pulled = pull_once(&stage.audit, &source, &quickly(), stage.now())
        .await
        .unwrap();
    assert!(pulled.complete && pulled.told.is_none(), "{pulled:?}");
    let (audit, options, now) = (stage.audit.clone(), options.clone(), stage.now());
    tokio::task::spawn_blocking(move || reconcile_open(&audit, now, &options))
        .await
        .unwrap()
        .unwrap()
}

/// With names in the log, reconciled on and on while the traffic runs, from nothing known: every
/// act around Doorward is told, by its record, and nothing else is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_act_around_doorward_is_told_and_no_other() {
    let stage = Stage::new(|_| {}).await;
    let things = Things::of(&stage).await;
    let keys = make_keys(&stage).await;
    let options = ReconcileOptions::default();
    open(&stage, &options).await;
    let before = stage.log().await.len();
    let start = stage.now();
    let (mut truth, mut dice) = (Truth::default(), Dice(1));
    let (mut around, mut missing, mut matched) = (Vec::new(), Vec::new(), 0);
    let mut addresses = BTreeSet::new();
    let mut unknown = BTreeSet::new();
    let (count, parts) = (acts(1_000), 5);
    let mut judging = 0.0;
    for part in 0..=parts {
        if part < parts {
            let share = count / parts;
            play(
                &stage,
                &things,
                &keys,
                &mut truth,
                share,
                (true, false),
                &mut dice,
            )
            .await;
        } else {
            stage.sandbox.advance(600_000);
        }
        let begun = Instant::now();
        let report = open(&stage, &options).await.unwrap();
        judging += begun.elapsed().as_secs_f64();
        assert_eq!(report.around.len() as u64, report.around_total);
        around.extend(report.around);
        missing.extend(report.missing.iter().map(|missing| missing.sequence));
        matched += report.matched;
        addresses.extend(report.foreign_addresses.into_iter().map(|seen| seen.what));
        unknown.extend(report.unknown_keys.into_iter().map(|seen| seen.what));
    }
    let who = who(&stage, &truth, before).await;
    let direct: BTreeSet<&str> = who
        .iter()
        .filter(|(_, what)| !what.is_ours())
        .map(|(id, _)| id.as_str())
        .collect();
    let told: BTreeSet<&str> = around.iter().map(|around| around.record.as_str()).collect();
    assert_eq!(told.len(), around.len(), "each once");
    let right = told.intersection(&direct).count();
    let (precision, recall) = (
        right as f64 / told.len() as f64,
        right as f64 / direct.len() as f64,
    );
    println!(
        "{} acts ({:?}), {} records: {} around told, {right} of {} right; precision {precision}, \
         recall {recall}; {} of {} missing told; read and judged in {judging:.2} s",
        truth.acts,
        truth.kinds,
        who.len(),
        told.len(),
        direct.len(),
        missing.len(),
        truth.no_record.len(),
    );
    assert!(told == direct, "precision {precision}, recall {recall}");
    assert_eq!(matched as usize, who.len() - direct.len());
    assert_eq!(
        missing.iter().copied().collect::<BTreeSet<u64>>(),
        truth.no_record
    );
    assert_eq!(missing.len(), truth.no_record.len(), "each once");
    assert_eq!(addresses, BTreeSet::from(["198.51.100.23".to_owned()]));
    assert_eq!(unknown.len(), 1, "{unknown:?}");
    let class = |around: &doorward_audit::reconcile::Around| match around.key {
        KeyClass::Own => "own",
        KeyClass::Listed => "listed",
        KeyClass::Unknown => "unknown",
        KeyClass::Unnamed => "unnamed",
    };
    let by_class = tally(around.iter().map(class));
    assert_eq!(by_class["listed"], truth.kinds[&What::ListedKey]);
    assert_eq!(by_class["unknown"], truth.kinds[&What::UnknownKey]);

    // At one go, and looking back, it is the same.
    let report = reconcile_since(&stage.audit, start, stage.now(), &options).unwrap();
    assert_eq!(report.around_total as usize, direct.len());
    assert_eq!(report.missing_total as usize, truth.no_record.len());
    let first: BTreeSet<&str> = report.around.iter().map(|a| a.record.as_str()).collect();
    assert!(first.is_subset(&direct));
    // And once judged, nothing is told again.
    let report = open(&stage, &options).await.unwrap();
    assert!(report.is_clean(), "{report:?}");
}

/// Without names in the log, acts of one key on one thing are told apart by number: the number is
/// right for each activity and thing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_names_the_numbers_are_right() {
    let stage = Stage::new(|_| {}).await;
    let things = Things::of(&stage).await;
    let keys = make_keys(&stage).await;
    let own = stage.sandbox.summary("").workspaces[0].keys[0].id.clone();
    let options = ReconcileOptions {
        egress: BTreeSet::from([EGRESS.parse().unwrap()]),
        own_keys: BTreeMap::from([(OWN.to_owned(), own)]),
        ..ReconcileOptions::default()
    };
    let before = stage.log().await.len();
    let start = stage.now();
    let (mut truth, mut dice) = (Truth::default(), Dice(2));
    play(
        &stage,
        &things,
        &keys,
        &mut truth,
        acts(1_000),
        (false, true),
        &mut dice,
    )
    .await;
    stage.sandbox.advance(600_000);
    let source = stage.source(&stage.key);
    pull_once(&stage.audit, &source, &quickly(), stage.now())
        .await
        .unwrap();
    let begun = Instant::now();
    let report = reconcile_since(&stage.audit, start, stage.now(), &options).unwrap();
    let judging = begun.elapsed().as_secs_f64();
    assert!(!report.exact);

    let who = who(&stage, &truth, before).await;
    let log = stage.log().await;
    let group = |record: &Value| {
        let about = &record["audit_metadata"]["email"];
        let thing = [&record["campaign_id"], &record["webhook_id"], about];
        let thing = thing
            .iter()
            .find_map(|value| value.as_str())
            .unwrap_or_default();
        (record["activity_type"].as_i64().unwrap(), thing.to_owned())
    };
    let by_id: BTreeMap<&str, &Value> = log
        .iter()
        .map(|record| (record["id"].as_str().unwrap(), record))
        .collect();
    let groups = |ids: &mut dyn Iterator<Item = &str>| tally(ids.map(|id| group(by_id[id])));
    let mut direct = who
        .iter()
        .filter(|(_, what)| !what.is_ours())
        .map(|(id, _)| id.as_str());
    let direct = groups(&mut direct);
    let total: usize = direct.values().sum();
    println!(
        "{} acts ({:?}), {} records without names: {} around told, {total} were; judged in \
         {judging:.2} s",
        truth.acts,
        truth.kinds,
        who.len(),
        report.around_total
    );
    assert_eq!(report.around_total as usize, total);
    if report.around.len() == total {
        let told = groups(&mut report.around.iter().map(|around| around.record.as_str()));
        assert_eq!(told, direct);
    }
    assert_eq!(report.missing_total, 0);
    assert_eq!(report.matched as usize, who.len() - total);
}
