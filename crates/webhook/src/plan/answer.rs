//! What a destination's answer means for a delivery.

use std::time::{Duration, UNIX_EPOCH};

use doorward_policy::Timestamp;

/// What became of an attempt that was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// 2xx: it arrived.
    Delivered,
    /// 410: the destination wants nothing any more, and is to be disabled.
    Gone,
    /// One of the statuses that the destination named: trying again is of no use.
    Rejected,
    /// Anything else, redirects among it: to be tried again, no sooner than was asked for.
    Failed {
        /// What `Retry-After` asked for.
        asked: Option<Duration>,
        /// Whether it is the destination that is in trouble (5xx, 408, 429), rather than the one
        /// event that it does not like.
        trouble: bool,
    },
}

/// Longest time that `Retry-After` is believed.
pub(super) const ASKED_MOST: Duration = Duration::from_secs(24 * 60 * 60);

/// Judges an answer by its status and its `Retry-After`. `permanent` are the statuses for which the
/// destination asked not to be tried again; a 2xx among them counts for nothing.
pub fn judge(
    status: u16,
    retry_after_header: Option<&str>,
    permanent: &[u16],
    now: Timestamp,
) -> Answered {
    match status {
        200..=299 => Answered::Delivered,
        410 => Answered::Gone,
        _ if permanent.contains(&status) => Answered::Rejected,
        _ => Answered::Failed {
            asked: retry_after_header.and_then(|value| retry_after(value, now)),
            trouble: matches!(status, 408 | 429 | 500..=599),
        },
    }
}

/// What `Retry-After` asks for: seconds, or a date in any of the forms of RFC 9110, 5.6.7. A day at
/// the most; a time that is over is none.
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are a long time.
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        let at = httpdate::parse_http_date(value).ok()?;
        let at = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = Duration::from_millis(u64::try_from(now.millis()).unwrap_or(0));
        at.saturating_sub(now)
    };
    Some(wait.min(ASKED_MOST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2027-01-15T08:00:00Z, a Friday.
    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn seconds_and_dates_are_understood() {
        for (value, seconds) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("Fri, 15 Jan 2027 08:00:30 GMT", Some(30)),
            ("Friday, 15-Jan-27 08:01:00 GMT", Some(60)),
            ("Fri Jan 15 08:00:05 2027", Some(5)),
            ("Fri, 15 Jan 2027 07:00:00 GMT", Some(0)),
            ("Fri, 15 Jan 2038 07:00:00 GMT", Some(86_400)),
            ("99999999999999999999999", Some(86_400)),
            ("", None),
            ("-5", None),
            ("+5", None),
            ("1.5", None),
            ("soon", None),
        ] {
            assert_eq!(
                retry_after(value, NOW),
                seconds.map(Duration::from_secs),
                "{value:?}"
            );
        }
    }

    #[test]
    fn an_answer_means_one_thing() {
        let judge = |status| judge(status, Some("7"), &[400, 204], NOW);
        let failed = |trouble| Answered::Failed {
            asked: Some(Duration::from_secs(7)),
            trouble,
        };
        for (status, meant) in [
            (200, Answered::Delivered),
            (204, Answered::Delivered),
            (410, Answered::Gone),
            (400, Answered::Rejected),
            (404, failed(false)),
            (301, failed(false)),
            (101, failed(false)),
            (429, failed(true)),
            (408, failed(true)),
            (503, failed(true)),
        ] {
            assert_eq!(judge(status), meant, "{status}");
        }
    }

    proptest! {
        #[test]
        fn any_value_is_judged(value: String, millis: i64) {
            let asked = retry_after(&value, Timestamp::from_millis(millis));
            prop_assert!(asked.is_none_or(|asked| asked <= ASKED_MOST));
        }
    }
}
