//! What comes of an attempt: the outcome that is written.

use std::sync::atomic::Ordering;
use std::time::Duration;

use doorward_webhook::Answered;

use super::answer::{Answer, Missing, verdict};
use super::line::{Going, Line};
use super::observe::Tried;
use super::order::Work;
use crate::store::{DeliveryState, Lane, Outcome};

/// An attempt that ended.
pub(super) struct Flight {
    pub(super) work: Work,
    pub(super) going: Going,
    pub(super) outcome: Result<Answer, Missing>,
    pub(super) took: Duration,
}

/// Judges an attempt, tells the breaker and who observes, and gives what is to be written.
pub(super) fn finish(line: &Line, lane: Lane, flight: Flight) -> (Work, Outcome) {
    let Flight {
        work,
        going,
        outcome,
        took,
    } = flight;
    let (destination, options) = (&line.destination, &line.shared.options);
    let clock = &options.clock;
    let verdict = verdict(
        outcome.as_ref().map_err(|missing| *missing),
        &destination.permanent,
        clock,
    );
    line.done(going, verdict.well, verdict.rest);
    let now_ms = clock.ms();
    let unmade = matches!(outcome, Err(Missing::Unmade));
    let (state, next_ms) = match verdict.answered {
        Answered::Delivered => (DeliveryState::Delivered, None),
        Answered::Gone => {
            if !line.gone.swap(true, Ordering::Relaxed) {
                options.observer.gone(destination.number);
            }
            // It is owed still, should the destination be set anew.
            (DeliveryState::Retry, Some(now_ms))
        }
        Answered::Rejected => (DeliveryState::Dead, None),
        Answered::Failed { .. } if unmade => (DeliveryState::Dead, None),
        Answered::Failed { asked, .. } => {
            match destination.plan.wait(work.attempt, fastrand::f64(), asked) {
                Some(wait) => {
                    let wait = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
                    (DeliveryState::Retry, Some(now_ms.saturating_add(wait)))
                }
                None => (DeliveryState::Dead, None),
            }
        }
    };
    let counted = &line.counted;
    let counter = match state {
        DeliveryState::Delivered => &counted.delivered,
        _ => &counted.failed,
    };
    counter.fetch_add(1, Ordering::Relaxed);
    if state == DeliveryState::Dead {
        counted.dead.fetch_add(1, Ordering::Relaxed);
    }
    let since_received = now_ms.saturating_sub(work.event.received_ms).max(0);
    options.observer.tried(&Tried {
        destination: lane.destination,
        replay: lane.replay,
        seq: work.event.seq,
        attempt: work.attempt,
        state,
        status: verdict.status,
        took,
        since_received: (state == DeliveryState::Delivered)
            .then(|| Duration::from_millis(since_received.unsigned_abs())),
    });
    let answer = outcome.map_or_else(|_| Vec::new(), |answer| line.kept(&answer.body));
    let told = Outcome {
        lane,
        seq: work.event.seq,
        state,
        attempts: work.attempt,
        lead: work.lead,
        first_ms: Some(work.first_ms.unwrap_or(now_ms)),
        last_ms: Some(now_ms),
        next_ms,
        status: verdict.status,
        note: verdict.note,
        answer,
    };
    (work, told)
}

/// An event that is not sent: its body is gone, or an earlier one of its lead comes first.
pub(super) fn unsent(
    lane: Lane,
    work: &Work,
    state: DeliveryState,
    note: Option<&str>,
    now_ms: i64,
) -> Outcome {
    Outcome {
        lane,
        seq: work.event.seq,
        state,
        attempts: work.attempt.saturating_sub(1),
        lead: work.lead,
        first_ms: work.first_ms,
        last_ms: Some(now_ms),
        next_ms: None,
        status: None,
        note: note.map(str::to_owned),
        answer: Vec::new(),
    }
}
