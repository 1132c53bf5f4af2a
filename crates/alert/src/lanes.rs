//! What waits for a channel: critical alerts ahead of all others, and nothing behind one that
//! failed.

use std::collections::VecDeque;

use tokio::time::Instant;

use crate::alert::Told;
use crate::kind::{AlertKind, Severity};

/// Most messages that wait in each of the two. In the one of all kinds that are not critical, no
/// kind keeps another out: whose are most gives way.
const LANE: usize = 256;

/// A message that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) told: Told,
    /// Attempts that failed.
    pub(crate) failures: u32,
    /// Not before then.
    pub(crate) due: Instant,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Next {
    /// To be sent.
    Send(Waiting),
    /// Nothing, until then or until something comes.
    Wait(Option<Instant>),
    /// Nothing comes any more.
    Over,
}

/// Messages that wait for one channel.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    critical: VecDeque<Waiting>,
    others: VecDeque<Waiting>,
    /// The receiver asked for quiet: what is critical does not keep it.
    quiet: Option<Instant>,
    closed: bool,
}

impl Lanes {
    fn lane(&mut self, told: &Told) -> &mut VecDeque<Waiting> {
        match told.alert.severity {
            Severity::Critical => &mut self.critical,
            _ => &mut self.others,
        }
    }

    /// Takes a message in, if need be in the place of the last of the kind that has the most.
    /// `false` when one was left out, that one or this.
    pub(crate) fn push(&mut self, told: Told, now: Instant) -> bool {
        if self.closed {
            return false;
        }
        let lane = self.lane(&told);
        let full = lane.len() >= LANE;
        if full {
            let Some(least) = last_of_fullest(lane, told.alert.kind) else {
                return false;
            };
            lane.remove(least);
        }
        lane.push_back(Waiting {
            told,
            failures: 0,
            due: now,
        });
        !full
    }

    /// Takes one back that is to be tried again when it is due.
    pub(crate) fn again(&mut self, waiting: Waiting) {
        self.lane(&waiting.told).push_front(waiting);
    }

    /// Sends nothing but what is critical before then.
    pub(crate) fn quiet_until(&mut self, until: Instant) {
        self.quiet = self.quiet.max(Some(until));
    }

    /// Takes nothing in any more. What waits is sent.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.critical.len().saturating_add(self.others.len())
    }

    /// What is to be done now.
    pub(crate) fn next(&mut self, now: Instant) -> Next {
        if let Some(waiting) = take_due(&mut self.critical, now) {
            return Next::Send(waiting);
        }
        let quiet = self.quiet.filter(|until| now < *until);
        if quiet.is_none()
            && let Some(waiting) = take_due(&mut self.others, now)
        {
            return Next::Send(waiting);
        }
        if self.closed && self.len() == 0 {
            return Next::Over;
        }
        let critical = self.critical.iter().map(|waiting| waiting.due);
        let others = self.others.iter().map(|waiting| waiting.due);
        let others = others.map(|due| quiet.map_or(due, |quiet| quiet.max(due)));
        Next::Wait(critical.chain(others).min())
    }
}

/// Where the last message is of the kind that has the most; none when a message of `kind` would make
/// its own the most.
fn last_of_fullest(lane: &VecDeque<Waiting>, kind: AlertKind) -> Option<usize> {
    let of = |wanted| {
        let same = lane.iter().filter(|one| one.told.alert.kind == wanted);
        same.count()
    };
    let kinds = lane.iter().map(|one| one.told.alert.kind);
    let fullest = kinds.max_by_key(|kind| of(*kind))?;
    if of(kind).saturating_add(1) >= of(fullest) {
        return None;
    }
    lane.iter().rposition(|one| one.told.alert.kind == fullest)
}

fn take_due(lane: &mut VecDeque<Waiting>, now: Instant) -> Option<Waiting> {
    let at = lane.iter().position(|waiting| waiting.due <= now)?;
    lane.remove(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::Alert;
    use crate::kind::AlertKind;
    use doorward_policy::Timestamp;
    use std::time::Duration;

    fn told(kind: AlertKind) -> Told {
        Told::first(Alert::new(
            kind,
            "t",
            Timestamp::from_seconds(1_800_000_000),
        ))
    }

    fn sent(lanes: &mut Lanes, now: Instant) -> Option<AlertKind> {
        match lanes.next(now) {
            Next::Send(waiting) => Some(waiting.told.alert.kind),
            _ => None,
        }
    }

    #[test]
    fn what_is_critical_goes_first_and_keeps_no_quiet() {
        let (mut lanes, now) = (Lanes::default(), Instant::now());
        assert!(matches!(lanes.next(now), Next::Wait(None)));
        for _ in 0..LANE {
            assert!(lanes.push(told(AlertKind::KeyPresented), now));
        }
        assert!(!lanes.push(told(AlertKind::KeyPresented), now), "full");
        assert!(lanes.push(told(AlertKind::KeyDead), now), "not for these");
        let later = now + Duration::from_secs(30);
        lanes.quiet_until(later);
        assert_eq!(sent(&mut lanes, now), Some(AlertKind::KeyDead));
        let next = lanes.next(now);
        assert!(
            matches!(next, Next::Wait(Some(at)) if at == later),
            "{next:?}"
        );
        assert_eq!(sent(&mut lanes, later), Some(AlertKind::KeyPresented));
    }

    #[test]
    fn no_kind_keeps_another_out() {
        let (mut lanes, now) = (Lanes::default(), Instant::now());
        for _ in 0..LANE {
            assert!(lanes.push(told(AlertKind::KeyPresented), now));
        }
        assert!(!lanes.push(told(AlertKind::BreakGlass), now), "one is out");
        assert_eq!(lanes.len(), LANE);
        for _ in 0..3 * LANE {
            lanes.push(told(AlertKind::KeyPresented), now);
            lanes.push(told(AlertKind::Certificate), now);
        }
        assert_eq!(lanes.len(), LANE);
        let mut all = Vec::new();
        while let Some(kind) = sent(&mut lanes, now) {
            all.push(kind);
        }
        let of = |kind| all.iter().filter(|one| **one == kind).count();
        assert_eq!(of(AlertKind::BreakGlass), 1);
        assert!(of(AlertKind::Certificate).abs_diff(of(AlertKind::KeyPresented)) <= 2);
    }

    #[test]
    fn one_that_failed_holds_up_none_behind_it() {
        let (mut lanes, now) = (Lanes::default(), Instant::now());
        lanes.push(told(AlertKind::BreakGlass), now);
        let Next::Send(failed) = lanes.next(now) else {
            panic!("nothing");
        };
        let due = now + Duration::from_secs(9);
        lanes.again(Waiting { due, ..failed });
        lanes.push(told(AlertKind::Certificate), now);
        lanes.close();
        assert!(!lanes.push(told(AlertKind::KeyDead), now), "closed");
        assert_eq!(sent(&mut lanes, now), Some(AlertKind::Certificate));
        assert!(matches!(lanes.next(now), Next::Wait(Some(at)) if at == due));
        assert_eq!(sent(&mut lanes, due), Some(AlertKind::BreakGlass));
        assert!(matches!(lanes.next(due), Next::Over));
    }
}
