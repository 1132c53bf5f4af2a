//! What inbox placement tests found, row by row and counted.

use std::collections::{BTreeMap, HashSet};

use doorward_catalog::Op;
use serde_json::{Value, json};

use crate::call::Call;
use crate::clock::{self, DAY, Millis};
use crate::cx::Cx;
use crate::ops::astray;
use crate::ops::placement_tests;
use crate::ops::view::{flag, hide, number, show_items, shown, text, whole};
use crate::reply::{Answer, Refusal, Reply};
use crate::table;

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::ListInboxPlacementAnalytics => list(cx, call),
        Op::GetInboxPlacementAnalytics => get(cx, call),
        Op::GetInboxPlacementAnalyticsStatsByTestId => by_test(cx, call),
        Op::GetInboxPlacementAnalyticsStatsByDate => by_date(cx, call),
        Op::GetInboxPlacementAnalyticsDeliverabilityInsights => insights(cx, call),
        other => Err(astray(other)),
    }
}

/// Times between which a row must lie, both included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Period {
    from: Millis,
    to: Millis,
}

impl Period {
    /// From two texts; what cannot be read bounds nothing, and nothing lies in the future. A bare
    /// day reaches to its end.
    pub(crate) fn of(from: Option<&str>, to: Option<&str>, now: Millis) -> Period {
        let end = |text: &str| {
            let at = clock::parse(text)?;
            Some(if text.len() == 10 { at + DAY - 1 } else { at })
        };
        Period {
            from: from.and_then(clock::parse).unwrap_or(Millis::MIN),
            to: to.and_then(end).unwrap_or(now).min(now),
        }
    }

    pub(crate) fn holds(self, at: Millis) -> bool {
        (self.from..=self.to).contains(&at)
    }

    /// The time as long before this one.
    fn before(self) -> Option<Period> {
        let length = self.to.checked_sub(self.from)?;
        Some(Period {
            from: self.from.checked_sub(length)?,
            to: self.from - 1,
        })
    }
}

/// What is asked of a row beside its test.
#[derive(Debug)]
struct Filter {
    period: Period,
    /// Fields and the values they may have.
    any: Vec<(&'static str, Vec<i64>)>,
    sender: Option<String>,
}

const FIELDS: [&str; 3] = ["recipient_geo", "recipient_type", "recipient_esp"];

impl Filter {
    fn of_query(call: &Call, now: Millis) -> Filter {
        let any = FIELDS.into_iter().filter_map(|name| {
            let listed = call.query_list(name)?;
            Some((
                name,
                listed
                    .iter()
                    .filter_map(|text| text.trim().parse().ok())
                    .collect(),
            ))
        });
        Filter {
            period: Period::of(
                call.query_text("date_from"),
                call.query_text("date_to"),
                now,
            ),
            any: any.collect(),
            sender: call.query_text("sender_email").map(str::to_lowercase),
        }
    }

    fn of_body(call: &Call, now: Millis) -> Filter {
        let any = FIELDS.into_iter().filter_map(|name| {
            let listed = call.field(name)?.as_array()?;
            Some((name, listed.iter().filter_map(whole).collect()))
        });
        Filter {
            period: Period::of(
                call.field_text("date_from"),
                call.field_text("date_to"),
                now,
            ),
            any: any.collect(),
            sender: call.field_text("sender_email").map(str::to_lowercase),
        }
    }

    fn takes(&self, row: &Value) -> bool {
        self.period.holds(number(row, "_at")) && self.fits(row)
    }

    /// The same at any time.
    fn fits(&self, row: &Value) -> bool {
        self.any
            .iter()
            .all(|(name, values)| values.is_empty() || values.contains(&number(row, name)))
            && self
                .sender
                .as_deref()
                .is_none_or(|sender| sender == text(row, "sender_email"))
    }
}

fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let now = cx.now;
    let test = call.query_text("test_id").unwrap_or_default();
    cx.ws().placement_tests.find(test, placement_tests::KIND)?;
    let filter = Filter::of_query(call, now);
    let rows = cx
        .ws()
        .placement_analytics
        .iter()
        .rev()
        .filter(|row| text(row, "test_id") == test && filter.takes(row));
    show_items(
        table::page(rows, call, |row| text(row, "id").to_owned()),
        hide,
    )
}

fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let now = cx.now;
    match cx.ws().placement_analytics.get(&call.param) {
        Some(row) if number(row, "_at") <= now => Reply::ok(shown(row)),
        _ => Err(Refusal::not_found("Inbox placement analytics")),
    }
}

/// How mail landed.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    sent: u64,
    received: u64,
    spam: u64,
    category: u64,
}

impl Tally {
    fn count(&mut self, row: &Value) {
        if number(row, "record_type") == 1 {
            self.sent += 1;
        } else {
            self.received += 1;
            self.spam += u64::from(flag(row, "is_spam"));
            self.category += u64::from(flag(row, "has_category"));
        }
    }

    fn inbox(self) -> u64 {
        self.received.saturating_sub(self.spam + self.category)
    }

    /// The share of what was received, in percent with two decimals; none of nothing.
    fn percent(self, part: u64) -> Option<f64> {
        (self.received > 0).then(|| {
            let share = part as f64 * 100.0 / self.received as f64;
            (share * 100.0).round() / 100.0
        })
    }
}

fn by_test(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let filter = Filter::of_body(call, cx.now);
    let ws = cx.ws();
    let mut seen = HashSet::new();
    let asked: Vec<String> = call
        .field_list("test_ids")
        .unwrap_or_default()
        .into_iter()
        .filter(|id| ws.placement_tests.get(id).is_some() && seen.insert(id.clone()))
        .collect();
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for row in ws.placement_analytics.iter() {
        if seen.contains(text(row, "test_id")) && filter.takes(row) {
            tallies.entry(text(row, "test_id")).or_default().count(row);
        }
    }
    let stats: Vec<Value> = asked
        .iter()
        .map(|id| {
            let tally = tallies.get(id.as_str()).copied().unwrap_or_default();
            let percent = |part| tally.percent(part).unwrap_or_default();
            json!({
                "test_id": id,
                "count": tally.received,
                "spam_count": tally.spam,
                "spam_percent": percent(tally.spam),
                "inbox_count": tally.inbox(),
                "inbox_percent": percent(tally.inbox()),
                "category_count": tally.category,
                "category_percent": percent(tally.category),
            })
        })
        .collect();
    Reply::ok(Value::Array(stats))
}

/// The test that the body names, or 404.
fn named_test<'a>(cx: &mut Cx<'_>, call: &'a Call) -> Result<&'a str, Refusal> {
    let test = call.field_text("test_id").unwrap_or_default();
    cx.ws().placement_tests.find(test, placement_tests::KIND)?;
    Ok(test)
}

fn by_date(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let test = named_test(cx, call)?;
    let filter = Filter::of_body(call, cx.now);
    let mut days: BTreeMap<&str, Tally> = BTreeMap::new();
    for row in cx.ws().placement_analytics.iter() {
        if text(row, "test_id") == test && filter.takes(row) {
            days.entry(text(row, "timestamp_created_date"))
                .or_default()
                .count(row);
        }
    }
    let stats: Vec<Value> = days
        .into_iter()
        .map(|(day, tally)| {
            json!({
                "timestamp_created_date": day,
                "sent_count": tally.sent,
                "received_count": tally.received,
                "spam_count": tally.spam,
                "inbox_count": tally.inbox(),
                "category_count": tally.category,
            })
        })
        .collect();
    Reply::ok(Value::Array(stats))
}

fn insights(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let test = named_test(cx, call)?;
    let now = cx.now;
    let filter = Filter::of_body(call, now);
    let (from, to) = (
        call.field_text("previous_date_from"),
        call.field_text("previous_date_to"),
    );
    let previous = if from.is_some() || to.is_some() {
        Some(Period::of(from, to, now))
    } else if call.field_flag("show_previous") == Some(true) {
        filter.period.before()
    } else {
        None
    };
    // By sender's and recipient's provider: now, and before.
    let mut routes: BTreeMap<(i64, i64), (Tally, Tally)> = BTreeMap::new();
    for row in cx.ws().placement_analytics.iter() {
        let sender = number(row, "sender_esp");
        if text(row, "test_id") != test || sender == 0 || !filter.fits(row) {
            continue;
        }
        let at = number(row, "_at");
        let (is_now, is_before) = (
            filter.period.holds(at),
            previous.is_some_and(|previous| previous.holds(at)),
        );
        if is_now || is_before {
            let route = routes
                .entry((sender, number(row, "recipient_esp")))
                .or_default();
            if is_now {
                route.0.count(row);
            }
            if is_before {
                route.1.count(row);
            }
        }
    }
    let insights: Vec<Value> = routes
        .into_iter()
        .map(|((sender, recipient), (tally, before))| {
            json!({
                "test_id": test,
                "from": call.field_text("date_from"),
                "to": call.field_text("date_to"),
                "previous_from": from,
                "previous_to": to,
                "sender_esp": sender,
                "recipient_esp": recipient,
                "spam_percentage": tally.percent(tally.spam),
                "inbox_percentage": tally.percent(tally.inbox()),
                "category_percentage": tally.percent(tally.category),
                "prev_spam_percentage": before.percent(before.spam),
                "prev_inbox_percentage": before.percent(before.inbox()),
                "prev_category_percentage": before.percent(before.category),
            })
        })
        .collect();
    Reply::ok(Value::Array(insights))
}
