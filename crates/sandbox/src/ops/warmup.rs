//! Warmup: enableWarmupForAccounts, disableWarmupForAccounts, getWarmupAnalytics. The accounts'
//! other figures are in `account_analytics`, their domains' health in `vitals`.
//!
//! Warmup mail goes between mailboxes outside the workspace, so there are no rows of it. What an
//! account sent on a day follows from when its warmup ran and from its settings; where the mail
//! landed follows from the account and the day.

use doorward_catalog::Op;
use doorward_catalog::activity::Activity;
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::clock::{self, DAY, Millis};
use crate::cx::Cx;
use crate::ops::account_filter::Filter;
use crate::ops::view::{hash, number, set, text, whole};
use crate::ops::{account_analytics, accounts, astray, jobs, vitals};
use crate::reply::{Answer, Reply};

/// Days of analytics.
const WINDOW: i64 = 30;

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::EnableWarmupForAccounts => switch(cx, call, true),
        Op::DisableWarmupForAccounts => switch(cx, call, false),
        Op::GetWarmupAnalytics => analytics(cx, call),
        Op::GetDailyAccountAnalytics => account_analytics::answer(cx, call),
        Op::GetCtdStatus | Op::TestAccountVitals => vitals::answer(cx, call),
        other => Err(astray(other)),
    }
}

fn switch(cx: &mut Cx<'_>, call: &Call, on: bool) -> Answer {
    let emails = addressed(cx, call);
    let mut affected = Vec::new();
    for email in emails {
        let now = cx.now;
        if let Some(account) = cx.ws().accounts.get_mut(&email)
            && turn(account, on, now)
        {
            affected.push(email);
        }
    }
    if !affected.is_empty() {
        let about = json!({
            "affected_count": affected.len(),
            "audit_metadata": { "warmup": if on { "enabled" } else { "disabled" } },
        });
        cx.audit(Activity::AccountUpdate, call, about);
    }
    let workspace = cx.workspace.clone();
    let job = jobs::start(
        cx,
        "update-warmup-accounts",
        "workspace",
        Some(&workspace),
        json!({}),
    );
    Reply::ok(job)
}

/// The accounts that the body means, by their keys.
fn addressed(cx: &mut Cx<'_>, call: &Call) -> Vec<String> {
    if call.field_flag("include_all_emails") != Some(true) {
        let named = call.field_list("emails").unwrap_or_default();
        return named.iter().map(|email| accounts::key(email)).collect();
    }
    let filter = Filter::of_body(cx, call);
    let left_out: Vec<String> = call
        .field_list("excluded_emails")
        .unwrap_or_default()
        .iter()
        .map(|email| accounts::key(email))
        .collect();
    cx.ws()
        .accounts
        .iter()
        .filter(|account| filter.takes(account))
        .map(|account| text(account, "email").to_owned())
        .filter(|email| !left_out.contains(email))
        .collect()
}

/// Turns an account's warmup on or off; whether that changed anything. Suspended warmup stays so.
pub(crate) fn turn(account: &mut Value, on: bool, now: Millis) -> bool {
    let before = number(account, "warmup_status");
    if before < 0 || (before == 1) == on {
        return false;
    }
    set(account, "warmup_status", i64::from(on));
    if on {
        set(account, "timestamp_warmup_start", clock::text(now));
    }
    let mut spans = account.get("_warm").cloned().unwrap_or_else(|| json!([]));
    if let Some(spans) = spans.as_array_mut() {
        match spans.last_mut().and_then(|span| span.get_mut(1)) {
            Some(end) if !on && end.is_null() => *end = json!(now),
            _ if on => spans.push(json!([now, null])),
            _ => {}
        }
        // An account that is switched to and fro forgets what the analytics no longer show.
        let surplus = spans.len().saturating_sub(64);
        spans.drain(..surplus);
    }
    set(account, "_warm", spans);
    true
}

/// What warmup did with one account on one day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Day {
    sent: i64,
    received: i64,
    inbox: i64,
    spam: i64,
}

/// The days of the last month on which the account's warmup ran, oldest first.
fn days(account: &Value, now: Millis) -> Vec<(String, Day)> {
    let spans: Vec<(Millis, Millis)> = account
        .get("_warm")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|span| {
            let from = span.get(0).and_then(whole)?;
            Some((from, span.get(1).and_then(whole).unwrap_or(now)))
        })
        .collect();
    let Some(first) = spans.first().map(|(from, _)| *from) else {
        return Vec::new();
    };
    let today = now.div_euclid(DAY);
    (today - WINDOW + 1..=today)
        .filter(|day| {
            let start = day * DAY;
            spans
                .iter()
                .any(|(from, to)| *from < start + DAY && *to >= start)
        })
        .map(|day| {
            (
                clock::day(day * DAY),
                figures(account, day, first.div_euclid(DAY)),
            )
        })
        .collect()
}

fn figures(account: &Value, day: i64, first: i64) -> Day {
    let settings = account.get("warmup");
    let setting = |name: &str| settings.and_then(|settings| settings.get(name));
    let limit = setting("limit")
        .and_then(whole)
        .unwrap_or(10)
        .clamp(0, 1_000);
    let ramp = setting("increment")
        .and_then(Value::as_str)
        .and_then(|increment| increment.parse::<i64>().ok());
    let sent = match ramp {
        Some(step) => limit.min(2 + step * (day - first).clamp(0, 10_000)),
        None => limit,
    };
    let chance = hash(&format!("{}/{day}", text(account, "email")));
    let spam_share = if number(account, "warmup_status") < 0 {
        40
    } else {
        6
    };
    let spam = sent * (chance % spam_share) as i64 / 100;
    Day {
        sent,
        received: sent * (80 + (chance >> 8) as i64 % 20) / 100,
        inbox: sent - spam,
        spam,
    }
}

fn total(days: &[(String, Day)]) -> Day {
    days.iter().fold(Day::default(), |sum, (_, day)| Day {
        sent: sum.sent + day.sent,
        received: sum.received + day.received,
        inbox: sum.inbox + day.inbox,
        spam: sum.spam + day.spam,
    })
}

/// The share of the account's warmup mail that reached the inbox, in percent; none without warmup.
pub(crate) fn score(account: &Value, now: Millis) -> Option<i64> {
    let total = total(&days(account, now));
    (total.inbox * 100).checked_div(total.sent)
}

fn analytics(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (mut by_date, mut aggregate) = (Map::new(), Map::new());
    let now = cx.now;
    for email in call.field_list("emails").unwrap_or_default() {
        let email = accounts::key(&email);
        let Some(account) = cx.ws().accounts.get(&email) else {
            continue;
        };
        let days = days(account, now);
        let sum = total(&days);
        let health = (sum.inbox * 100).checked_div(sum.sent).unwrap_or_default();
        by_date.insert(
            email.clone(),
            days.into_iter()
                .map(|(date, day)| {
                    let figures = json!({
                        "sent": day.sent,
                        "landed_inbox": day.inbox,
                        "landed_spam": day.spam,
                        "received": day.received,
                    });
                    (date, figures)
                })
                .collect::<Map<_, _>>()
                .into(),
        );
        aggregate.insert(
            email,
            json!({
                "sent": sum.sent,
                "received": sum.received,
                "landed_inbox": sum.inbox,
                "landed_spam": sum.spam,
                "health_score_label": format!("{health}%"),
                "health_score": health,
            }),
        );
    }
    Reply::ok(json!({ "email_date_data": by_date, "aggregate_data": aggregate }))
}

#[cfg(test)]
mod tests;
