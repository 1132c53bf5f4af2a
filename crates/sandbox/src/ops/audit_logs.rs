//! listAuditLog.

use doorward_catalog::Op;
use doorward_catalog::activity::Activity;
use serde_json::Value;

use crate::call::Call;
use crate::clock::{self, DAY, Millis};
use crate::cx::Cx;
use crate::ops::astray;
use crate::reply::Answer;

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::ListAuditLog => list(cx, call),
        other => Err(astray(other)),
    }
}

fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let activity = call.query_number("activity_type");
    let search = call.query_text("search").map(str::to_lowercase);
    // A text that is no time bounds nothing: any is documented as fit.
    let from = call.query_text("start_date").and_then(clock::parse);
    let to = call.query_text("end_date").and_then(end);
    cx.ws().audit_logs.page(call, |entry| {
        let text = |name: &str| entry.get(name).and_then(Value::as_str);
        let at = text("timestamp").and_then(clock::parse).unwrap_or_default();
        let number = entry.get("activity_type").and_then(Value::as_i64);
        activity.is_none_or(|wanted| number.is_some_and(|n| n as f64 == wanted))
            && from.is_none_or(|from| at >= from)
            && to.is_none_or(|to| at < to)
            && search.as_ref().is_none_or(|search| {
                let described = number.map(|n| Activity::from(n).describe());
                let fields = ["user_name", "user_agent", "ip_address", "api_key_id"];
                let texts = fields.into_iter().filter_map(text).chain(described);
                texts
                    .into_iter()
                    .any(|text| text.to_lowercase().contains(search))
            })
    })
}

/// The first instant that is no longer meant: a day is meant whole.
fn end(text: &str) -> Option<Millis> {
    let at = clock::parse(text)?;
    let whole_day = text.len() == 10;
    Some(at.saturating_add(if whole_day { DAY } else { 1 }))
}

#[cfg(test)]
mod tests {
    use crate::testing::{self, call};

    #[test]
    fn entries_are_found_by_type_day_and_text() {
        let mut world = testing::world();
        let mut kinds = |query: &str| -> Vec<i64> {
            let path = format!("/api/v2/audit-logs?limit=1000&{query}");
            let (status, page) = call(&mut world, "GET", &path, None);
            assert_eq!(status, 200, "{page}");
            let items = page["items"].as_array().unwrap().iter();
            items
                .map(|item| item["activity_type"].as_i64().unwrap())
                .collect()
        };
        let all = kinds("");
        assert!(all.len() >= 12);
        assert_eq!(kinds("activity_type=37"), [37]);
        assert_eq!(kinds("search=marked%20as%20error"), [20]);
        // The seed's clock stands on 2026-03-02; six days before, two things were logged.
        assert_eq!(kinds("start_date=2026-02-24&end_date=2026-02-24"), [31, 29]);
        assert_eq!(kinds("start_date=2030-01-01"), [0; 0]);
    }

    #[test]
    fn a_page_holds_up_to_a_thousand() {
        let mut world = testing::world();
        let get = |world: &mut _, limit| {
            call(
                world,
                "GET",
                &format!("/api/v2/audit-logs?limit={limit}"),
                None,
            )
            .0
        };
        assert_eq!(get(&mut world, 1_000), 200);
        assert_eq!(get(&mut world, 1_001), 400);
    }
}
