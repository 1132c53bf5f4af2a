//! getDailyAccountAnalytics: what accounts sent and what came of it, by day.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value, json};

use crate::call::Call;
use crate::clock::{self, DAY, Millis};
use crate::cx::Cx;
use crate::ops::accounts;
use crate::ops::view::text;
use crate::reply::{Answer, Refusal, Reply};
use crate::world::{Send, SendKind};

/// Most days and most accounts of one answer.
const DAYS: i64 = 31;
const ACCOUNTS: usize = 200;

/// What happened through one account on one day; the sets hold leads.
#[derive(Debug, Default)]
struct Day<'a> {
    counts: HashMap<SendKind, u64>,
    leads: HashMap<SendKind, HashSet<&'a str>>,
    new_leads: u64,
}

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (from, to) = period(cx.now, call)?;
    let wanted = wanted(cx, call);
    let mut days: BTreeMap<(i64, &str), Day<'_>> = BTreeMap::new();
    for send in &cx.ws().sends {
        let day = send.at.div_euclid(DAY);
        if day < from || day > to {
            continue;
        }
        if let Some(account) = wanted.get(&accounts::key(&send.account)) {
            count(days.entry((day, account)).or_default(), send);
        }
    }
    let rows: Vec<Value> = days
        .iter()
        .map(|((day, account), figures)| row(&clock::day(day * DAY), account, figures))
        .collect();
    Reply::ok(Value::Array(rows))
}

/// First and last day, as days since 1970.
fn period(now: Millis, call: &Call) -> Result<(i64, i64), Refusal> {
    let day = |name| {
        call.query_text(name)
            .and_then(clock::parse)
            .map(|at| at.div_euclid(DAY))
    };
    let (from, to) = match (day("start_date"), day("end_date")) {
        (Some(from), Some(to)) => (from, to),
        (Some(from), None) => (from, (from + DAYS - 1).min(now.div_euclid(DAY).max(from))),
        (None, to) => {
            let to = to.unwrap_or(now.div_euclid(DAY));
            (to - DAYS + 2, to)
        }
    };
    if from > to {
        return Err(Refusal::bad_request(
            "Start Date must be earlier than End Date",
        ));
    }
    if to - from >= DAYS {
        return Err(Refusal::bad_request(format!(
            "The date range must not exceed {DAYS} days"
        )));
    }
    Ok((from, to))
}

/// The accounts asked for that the workspace has; the oldest of them when none is named.
fn wanted(cx: &mut Cx<'_>, call: &Call) -> HashSet<String> {
    let ws = cx.ws();
    match call.query_list("emails") {
        Some(emails) => emails
            .iter()
            .map(|email| accounts::key(email))
            .filter(|email| ws.accounts.get(email).is_some())
            .take(ACCOUNTS)
            .collect(),
        None => ws
            .accounts
            .iter()
            .map(|account| text(account, "email").to_owned())
            .take(ACCOUNTS)
            .collect(),
    }
}

fn count<'a>(day: &mut Day<'a>, send: &'a Send) {
    *day.counts.entry(send.kind).or_default() += 1;
    day.leads.entry(send.kind).or_default().insert(&send.lead);
    if send.kind == SendKind::Sent && send.step == 0 && send.subsequence.is_none() {
        day.new_leads += 1;
    }
}

fn row(date: &str, account: &str, day: &Day<'_>) -> Value {
    let all = |kind| day.counts.get(&kind).copied().unwrap_or_default();
    let leads = |kind| day.leads.get(&kind).map_or(0, HashSet::len);
    json!({
        "date": date,
        "email_account": account,
        "sent": all(SendKind::Sent),
        "bounced": all(SendKind::Bounced),
        "contacted": leads(SendKind::Sent),
        "new_leads_contacted": day.new_leads,
        "opened": all(SendKind::Opened),
        "unique_opened": leads(SendKind::Opened),
        "replies": all(SendKind::Replied),
        "unique_replies": leads(SendKind::Replied),
        "replies_automatic": all(SendKind::AutoReplied),
        "unique_replies_automatic": leads(SendKind::AutoReplied),
        "clicks": all(SendKind::Clicked),
        "unique_clicks": leads(SendKind::Clicked),
    })
}
