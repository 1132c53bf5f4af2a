//! What came of an attempt, as far as the wire tells.

use std::time::Duration;

use bytes::Bytes;
use doorward_webhook::{Answered, judge};
use http::HeaderMap;
use http::header::RETRY_AFTER;

use super::clock::Clock;

/// Why there was no answer; nothing of the request or of a secret is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// No connection could be made.
    Connect,
    /// The guard kept its address out.
    KeptOut,
    /// It did not answer in time.
    Late,
    /// It broke off.
    Broken,
    /// The event can't be put into the request.
    Unmade,
}

impl Missing {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "no connection",
            Self::KeptOut => super::reach::KEPT_OUT,
            Self::Late => "no answer in time",
            Self::Broken => "the connection broke off before an answer",
            Self::Unmade => "the event can't be put into a request",
        }
    }
}

/// An answer: what is kept of it.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// The beginning of its body.
    pub(super) body: Bytes,
}

/// What an attempt means for the delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) answered: Answered,
    pub(super) status: Option<u16>,
    pub(super) note: Option<String>,
    /// Whether the destination is well, whatever it thinks of the event.
    pub(super) well: bool,
    /// For how long it asked to be left alone with everything.
    pub(super) rest: Option<Duration>,
}

/// Judges an attempt.
pub(super) fn verdict(
    outcome: Result<&Answer, Missing>,
    permanent: &[u16],
    clock: &Clock,
) -> Verdict {
    let answer = match outcome {
        Ok(answer) => answer,
        Err(missing) => {
            return Verdict {
                answered: Answered::Failed {
                    asked: None,
                    trouble: true,
                },
                status: None,
                note: Some(missing.as_str().to_owned()),
                well: missing == Missing::Unmade,
                rest: None,
            };
        }
    };
    let status = answer.status;
    let asked = answer.headers.get(RETRY_AFTER);
    let asked = asked.and_then(|value| value.to_str().ok());
    let answered = judge(status, asked, permanent, clock.timestamp());
    let note = match answered {
        Answered::Delivered => None,
        Answered::Gone => Some("it answered 410: it wants nothing any more".to_owned()),
        Answered::Rejected | Answered::Failed { .. } => Some(match status {
            300..=399 => format!("it answered {status}; redirects are not followed"),
            _ => format!("it answered {status}"),
        }),
    };
    let (well, rest) = match answered {
        Answered::Delivered | Answered::Rejected => (true, None),
        Answered::Gone => (false, None),
        // Who asks for time in so many words is left alone, and not only with this event.
        Answered::Failed { asked, trouble } => {
            let rest = asked.filter(|_| matches!(status, 429 | 503));
            (!trouble, rest)
        }
    };
    Verdict {
        answered,
        status: Some(status),
        note,
        well,
        rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_time_is_left_alone_and_a_bad_event_is_no_trouble() {
        let clock = Clock::new(|| 1_800_000_000_000);
        let of = |status: u16, asked: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(asked) = asked {
                headers.insert(RETRY_AFTER, asked.parse().unwrap());
            }
            let answer = Answer {
                status,
                headers,
                body: Bytes::new(),
            };
            verdict(Ok(&answer), &[422], &clock)
        };
        let seven = Some(Duration::from_secs(7));
        assert_eq!(of(429, Some("7")).rest, seven);
        assert_eq!(of(503, Some("7")).rest, seven);
        assert_eq!(of(503, None).rest, None);
        assert_eq!(of(404, Some("7")).rest, None);
        for (status, well) in [
            (200, true),
            (404, true),
            (422, true),
            (302, true),
            (500, false),
            (429, false),
            (410, false),
        ] {
            assert_eq!(of(status, None).well, well, "{status}");
        }
        assert!(of(302, None).note.unwrap().contains("redirects"));
        assert_eq!(of(204, None).note, None);
        let late = verdict(Err(Missing::Late), &[], &clock);
        assert!(!late.well && late.status.is_none());
        assert!(verdict(Err(Missing::Unmade), &[], &clock).well);
    }
}
