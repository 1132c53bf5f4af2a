//! Blacklist and SpamAssassin reports of inbox placement tests: one for each run and sender's
//! domain.

use doorward_catalog::Op;
use serde_json::{Value, json};

use crate::call::Call;
use crate::clock::{self, Millis};
use crate::cx::Cx;
use crate::ops::astray;
use crate::ops::placement_analytics::Period;
use crate::ops::placement_run::spam_words;
use crate::ops::placement_tests;
use crate::ops::view::{hash, hide, is_reachable, number, percent, show_items, shown, text, unset};
use crate::ops::vitals::Vitals;
use crate::reply::{Answer, Refusal, Reply};
use crate::table;

const LISTS: &[&str] = &[
    "bl.example.org",
    "dnsbl.example.net",
    "spam.example.com",
    "zen.example.net",
    "urls.example.org",
];

/// Reports kept in a workspace.
const KEPT: usize = 2_000;

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::ListInboxPlacementBlacklistAndSpamAssassinReport => list(cx, call),
        Op::GetInboxPlacementBlacklistAndSpamAssassinReport => {
            let now = cx.now;
            match cx.ws().placement_reports.get(&call.param) {
                Some(report) if number(report, "_at") <= now => Reply::ok(shown(report)),
                _ => Err(Refusal::not_found("Inbox placement report")),
            }
        }
        other => Err(astray(other)),
    }
}

fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let test = call.query_text("test_id").unwrap_or_default();
    cx.ws().placement_tests.find(test, placement_tests::KIND)?;
    let period = Period::of(
        call.query_text("date_from"),
        call.query_text("date_to"),
        cx.now,
    );
    let reports =
        cx.ws().placement_reports.iter().rev().filter(|report| {
            text(report, "test_id") == test && period.holds(number(report, "_at"))
        });
    let page = table::page(reports, call, |report| text(report, "id").to_owned());
    show_items(page, |report| {
        hide(report);
        for (skip, part) in [
            ("skip_spam_assassin_report", "spam_assassin_report"),
            ("skip_blacklist_report", "blacklist_report"),
        ] {
            if call.query_flag(skip) == Some(true) {
                unset(report, part);
            }
        }
    })
}

/// Puts the report on a domain in a run; on how many lists the domain is. One domain in ten is on
/// some, and each that has no mail records is.
pub(crate) fn put(cx: &mut Cx<'_>, test: &Value, domain: &str, at: Millis) -> u64 {
    let id = cx.world.ids.uuid(at);
    let listed = match percent(domain) {
        _ if !is_reachable(domain) => 3,
        0..10 => 1 + hash(domain) % 3,
        _ => 0,
    };
    let vitals = Vitals::of(domain);
    let rules = rules(vitals, spam_words(test));
    let score = rules.iter().map(|(_, _, tenths)| tenths).sum::<i64>() as f64 / 10.0;
    let ip = format!("192.0.2.{}", 1 + hash(domain) % 254);
    let details: Vec<Value> = LISTS
        .iter()
        .zip(0..)
        .map(|(list, index)| {
            json!({ "blacklist": list, "is_listed": index < listed, "test_type": "domain" })
        })
        .collect();
    let report: Vec<Value> = rules
        .iter()
        .map(|(name, description, tenths)| {
            json!({
                "name": name,
                "description": description,
                "score": format!("{:.1}", *tenths as f64 / 10.0),
            })
        })
        .collect();
    let row = json!({
        "id": id,
        "timestamp_created": clock::text(at),
        "timestamp_created_date": clock::day(at),
        "organization_id": cx.workspace,
        "test_id": text(test, "id"),
        "domain_blacklist_count": listed,
        "domain": domain,
        "domain_ip": ip,
        "domain_ip_blacklist_count": 0,
        "spam_assassin_score": score,
        "spam_assassin_report": {
            "is_spam": score >= 5.0,
            "report": report,
            "spam_score": score.round() as i64,
        },
        "blacklist_report": {
            "address": domain,
            "blacklisted_count": listed,
            "details": details,
            "ip": ip,
            "is_blacklisted": listed > 0,
            "is_domain": true,
        },
        "_at": at,
    });
    let reports = &mut cx.ws().placement_reports;
    if reports.len() >= KEPT {
        let oldest = reports
            .iter()
            .next()
            .map(|report| text(report, "id").to_owned());
        reports.remove(&oldest.unwrap_or_default());
    }
    reports.put(&id, row);
    listed
}

/// The rules of a spam filter that the mail of a domain meets: name, meaning, tenths of a point.
fn rules(vitals: Vitals, words: u64) -> Vec<(&'static str, &'static str, i64)> {
    let mut rules = vec![("HTML_MESSAGE", "HTML is included in the message", 1)];
    if !vitals.spf {
        rules.push(("SPF_FAIL", "The sender does not match its SPF record", 19));
    }
    if !vitals.dkim {
        rules.push(("DKIM_INVALID", "The DKIM signature is not valid", 11));
    }
    if !vitals.dmarc {
        rules.push(("DMARC_MISSING", "The domain has no DMARC record", 8));
    }
    for _ in 0..words {
        rules.push((
            "BODY_SALES_WORDS",
            "The text holds words of unwanted mail",
            12,
        ));
    }
    rules
}
