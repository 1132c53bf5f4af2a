//! When a campaign may send: its schedule, and the delays between its steps.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::clock::{DAY, Millis};
use crate::ops::view::text;

/// How long after a step's email the next one goes out.
pub(super) fn delay(step: &Value) -> Millis {
    let unit = match text(step, "delay_unit") {
        "minutes" => 60_000.0,
        "hours" => 3_600_000.0,
        _ => DAY as f64,
    };
    let delay = step.get("delay").and_then(Value::as_f64).unwrap_or(0.0);
    (delay.max(0.0) * unit) as Millis
}

/// Whether a time is within a schedule: its dates, and one of its windows. Days count from Sunday,
/// as 0, in each window's own time zone.
pub(super) fn is_in(schedule: &Value, now: Millis) -> bool {
    let Ok(now) = Timestamp::from_millisecond(now) else {
        return false;
    };
    let Some(windows) = schedule.get("schedules").and_then(Value::as_array) else {
        return true;
    };
    windows.iter().any(|window| {
        let zone = TimeZone::get(text(window, "timezone")).unwrap_or(TimeZone::UTC);
        let local = now.to_zoned(zone);
        let date = local.date().to_string();
        let bound = |name: &str| Some(text(schedule, name)).filter(|date| !date.is_empty());
        let weekday = local.weekday().to_sunday_zero_offset();
        let time = format!("{:02}:{:02}", local.hour(), local.minute());
        let hour = |name: &str| {
            window
                .pointer(&format!("/timing/{name}"))
                .and_then(Value::as_str)
        };
        bound("start_date").is_none_or(|start| date.as_str() >= start)
            && bound("end_date").is_none_or(|end| date.as_str() <= end)
            && window
                .pointer(&format!("/days/{weekday}"))
                .and_then(Value::as_bool)
                .unwrap_or(false)
            && hour("from").is_none_or(|from| time.as_str() >= from)
            && hour("to").is_none_or(|to| time.as_str() < to)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock;

    fn at(text: &str) -> Millis {
        clock::parse(text).unwrap()
    }

    #[test]
    fn a_schedule_is_kept_in_its_own_time_zone() {
        // 2026-01-05 is a Monday.
        let schedule = json!({
            "start_date": "2026-01-05",
            "end_date": null,
            "schedules": [{
                "name": "office",
                "timing": {"from": "09:00", "to": "17:00"},
                "days": {"1": true, "2": true},
                "timezone": "America/Chicago",
            }],
        });
        for (now, is) in [
            ("2026-01-05T15:00:00Z", true),
            ("2026-01-05T14:59:00Z", false),
            ("2026-01-05T22:59:00Z", true),
            ("2026-01-05T23:00:00Z", false),
            ("2026-01-07T15:00:00Z", false),
            ("2025-12-29T15:00:00Z", false),
        ] {
            assert_eq!(is_in(&schedule, at(now)), is, "{now}");
        }
    }

    #[test]
    fn delays_are_in_days_unless_said() {
        for (step, wait) in [
            (json!({"delay": 2}), 2 * DAY),
            (json!({"delay": 2, "delay_unit": "hours"}), 7_200_000),
            (json!({"delay": 1.5, "delay_unit": "minutes"}), 90_000),
            (json!({"delay": -1}), 0),
        ] {
            assert_eq!(delay(&step), wait, "{step}");
        }
    }
}
