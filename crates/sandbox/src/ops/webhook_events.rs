//! listWebhookEvent, getWebhookEvent and the summaries.
//!
//! A row is one try of a delivery. Nothing replays one.

use std::collections::BTreeMap;

use doorward_catalog::Op;
use serde_json::{Value, json};

use crate::call::Call;
use crate::cx::Cx;
use crate::ops::astray;
use crate::reply::{Answer, Reply};

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::ListWebhookEvent => list(cx, call),
        Op::GetWebhookEvent => {
            let event = cx.ws().webhook_events.find(&call.param, "Webhook event")?;
            Reply::ok(event.clone())
        }
        Op::GetWebhookEventsSummary => summary(cx, call),
        Op::GetWebhookEventsSummaryByDate => by_date(cx, call),
        other => Err(astray(other)),
    }
}

/// Whether a row's day is in the window that the query asks for, both days included.
fn in_window(call: &Call) -> impl Fn(&Value) -> bool + use<> {
    let bound = |name: &str| call.query_text(name).map(str::to_owned);
    let (from, to) = (bound("from"), bound("to"));
    move |row: &Value| {
        // Days sort as their texts do.
        let day = day(row);
        from.as_deref().is_none_or(|from| day >= from) && to.as_deref().is_none_or(|to| day <= to)
    }
}

fn day(row: &Value) -> &str {
    row.get("timestamp_created_date")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn succeeded(row: &Value) -> bool {
    row.get("success").and_then(Value::as_bool) == Some(true)
}

fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let wanted = in_window(call);
    let success = call.query_flag("success");
    let search = call.query_text("search").map(str::to_lowercase);
    cx.ws().webhook_events.page(call, |row| {
        wanted(row)
            && success.is_none_or(|success| succeeded(row) == success)
            && search.as_ref().is_none_or(|search| {
                let texts =
                    ["webhook_url", "lead_email", "error_message"].map(|name| row.get(name));
                let event_type = row
                    .get("payload")
                    .and_then(|payload| payload.get("event_type"));
                let mut texts = texts.into_iter().chain([event_type]).flatten();
                texts.any(|text| {
                    let text = text.as_str().unwrap_or_default();
                    text.to_lowercase().contains(search)
                })
            })
    })
}

/// All, and of them the successes.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    all: u32,
    good: u32,
}

impl Count {
    fn add(&mut self, row: &Value) {
        self.all += 1;
        self.good += u32::from(succeeded(row));
    }

    fn bad(self) -> u32 {
        self.all - self.good
    }

    /// A part of all, in percent with two places; 0 of none.
    fn percent(self, part: u32) -> f64 {
        if self.all == 0 {
            return 0.0;
        }
        (f64::from(part) * 10_000.0 / f64::from(self.all)).round() / 100.0
    }
}

fn summary(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let wanted = in_window(call);
    let mut count = Count::default();
    let rows = cx.ws().webhook_events.iter();
    rows.filter(|row| wanted(row))
        .for_each(|row| count.add(row));
    Reply::ok(json!({
        "total_events": count.all,
        "successful_events": count.good,
        "failed_events": count.bad(),
        "success_rate": count.percent(count.good),
        "failure_rate": count.percent(count.bad()),
    }))
}

fn by_date(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let wanted = in_window(call);
    let mut days: BTreeMap<&str, Count> = BTreeMap::new();
    for row in cx.ws().webhook_events.iter().filter(|row| wanted(row)) {
        days.entry(day(row)).or_default().add(row);
    }
    let items: Vec<Value> = days
        .iter()
        .map(|(date, count)| {
            json!({
                "date": date,
                "total_events": count.all,
                "successful_events": count.good,
                "failed_events": count.bad(),
                "success_rate": count.percent(count.good),
            })
        })
        .collect();
    Reply::ok(json!({ "items": items }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, call};

    #[test]
    fn rows_are_found_by_day_success_and_text_and_summed() {
        let mut world = testing::world();
        let mut get = |query: &str| {
            let (status, body) = call(
                &mut world,
                "GET",
                &format!("/api/v2/webhook-events{query}"),
                None,
            );
            assert_eq!(status, 200, "{body}");
            body
        };
        let count = |page: &Value| page["items"].as_array().unwrap().len();
        // Seeded: ten events of four tries, nine days before 2026-03-02.
        let day = "from=2026-02-21&to=2026-02-21";
        assert_eq!(count(&get(&format!("?limit=100&{day}"))), 40);
        assert_eq!(count(&get(&format!("?limit=100&{day}&success=true"))), 0);
        assert_eq!(count(&get("?limit=100&from=2026-02-22&to=2026-02-28")), 0);
        assert_eq!(count(&get("?limit=100&search=LEAD3@")), 4);
        let sums = get(&format!("/summary?{day}"));
        assert_eq!(
            (&sums["total_events"], &sums["failure_rate"]),
            (&json!(40), &json!(100.0))
        );
        let days = get(&format!("/summary-by-date?{day}"));
        assert_eq!(days["items"][0]["date"], "2026-02-21");
        assert_eq!(days["items"][0]["failed_events"], 40);
        assert_eq!(get("/summary?from=2030-01-01")["success_rate"], 0.0);
    }
}
