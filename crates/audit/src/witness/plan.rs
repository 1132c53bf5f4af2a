//! What to ask a witness next, and what its answer means. Pure: time is an argument.

use std::time::Duration;

use super::Refusal;

/// The first wait after a failure, and the longest.
const BACKOFF: Duration = Duration::from_secs(5);
const BACKOFF_MAX: Duration = Duration::from_secs(600);
/// How long a witness that refuses is left alone.
const REFUSED: Duration = Duration::from_secs(600);
/// How often it may correct the size in one round.
const CORRECTIONS: u32 = 2;

/// What is known of one witness.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    /// Leaves it has seen, as far as is known.
    seen: u64,
    /// Size and time of its last cosignature; no time when that was in an earlier life.
    cosigned: Option<(u64, Option<Duration>)>,
    wait_until: Duration,
    /// Failures in a row.
    failed: u32,
    /// Corrections of the size in this round.
    corrected: u32,
    refusal: Option<Refusal>,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing now.
    Rest,
    /// Send the checkpoint with a proof from this size.
    Ask(u64),
    /// It cosigned more leaves than there are.
    Behind(u64),
}

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) old: u64,
    pub(super) size: u64,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// A cosignature that holds.
    Cosigned,
    /// 409, and the size it names.
    Seen(Option<u64>),
    /// 422: the proof does not lead from what it saw to the checkpoint.
    NotConsistent,
    /// It will not, whatever is tried.
    Refused(Refusal),
    /// It could not, this time.
    Failed,
}

/// What there is to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum News {
    Refused(Refusal),
    Mended,
}

impl Plan {
    /// For a witness that is known to have cosigned `seen` leaves.
    pub(super) fn resume(seen: u64) -> Self {
        Self {
            seen,
            cosigned: (seen > 0).then_some((seen, None)),
            ..Self::default()
        }
    }

    pub(super) const fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    /// Begins a round.
    pub(super) const fn begin(&mut self) {
        self.corrected = 0;
    }

    /// What to do about a ledger of `newest` leaves.
    pub(super) fn next(&self, newest: u64, now: Duration, refresh: Duration) -> Next {
        if newest == 0 || now < self.wait_until {
            return Next::Rest;
        }
        if self.seen > newest {
            return Next::Behind(self.seen);
        }
        let fresh = self.cosigned.is_some_and(|(size, at)| {
            size == newest && at.is_some_and(|at| now.saturating_sub(at) < refresh)
        });
        if fresh && self.refusal.is_none() {
            Next::Rest
        } else {
            Next::Ask(self.seen)
        }
    }

    /// Takes an answer; what there is to tell of it.
    pub(super) fn answered(&mut self, asked: Asked, reply: Reply, now: Duration) -> Option<News> {
        match reply {
            Reply::Cosigned => {
                self.seen = asked.size;
                self.cosigned = Some((asked.size, Some(now)));
                self.failed = 0;
                self.wait_until = now;
                self.refusal.take().map(|_| News::Mended)
            }
            Reply::Seen(Some(seen)) if seen > asked.size => {
                self.seen = seen;
                self.refuse(
                    Refusal::TurnedBack {
                        seen,
                        have: asked.size,
                    },
                    now,
                )
            }
            // It saw as many leaves as we sent, and they were others.
            Reply::Seen(Some(seen)) if seen == asked.old && seen == asked.size => {
                self.refuse(Refusal::SplitView { size: seen }, now)
            }
            Reply::Seen(Some(seen)) if seen != asked.old && self.corrected < CORRECTIONS => {
                self.corrected += 1;
                self.seen = seen;
                None
            }
            Reply::NotConsistent if asked.old > 0 => {
                self.refuse(Refusal::SplitView { size: asked.old }, now)
            }
            Reply::Refused(refusal) => self.refuse(refusal, now),
            Reply::Seen(_) | Reply::NotConsistent | Reply::Failed => {
                let wait = BACKOFF.saturating_mul(1 << self.failed.min(10));
                self.failed = self.failed.saturating_add(1);
                self.wait_until = now.saturating_add(wait.min(BACKOFF_MAX));
                None
            }
        }
    }

    /// The ledger is behind what the witness cosigned.
    pub(super) fn behind(&mut self, have: u64, now: Duration) -> Option<News> {
        let seen = self.seen;
        self.refuse(Refusal::TurnedBack { seen, have }, now)
    }

    /// News if it is a sort of refusal that was not told yet.
    fn refuse(&mut self, refusal: Refusal, now: Duration) -> Option<News> {
        self.wait_until = now.saturating_add(REFUSED);
        let told = self
            .refusal
            .as_ref()
            .is_some_and(|before| before.code() == refusal.code());
        self.refusal = Some(refusal.clone());
        (!told).then_some(News::Refused(refusal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn asked(old: u64, size: u64) -> Asked {
        Asked { old, size }
    }

    #[test]
    fn a_new_witness_is_asked_from_nothing_and_then_from_what_it_saw() {
        let mut plan = Plan::default();
        assert_eq!(plan.next(0, at(0), HOUR), Next::Rest);
        assert_eq!(plan.next(7, at(0), HOUR), Next::Ask(0));
        assert_eq!(plan.answered(asked(0, 7), Reply::Cosigned, at(1)), None);
        assert_eq!(plan.next(7, at(2), HOUR), Next::Rest);
        assert_eq!(plan.next(9, at(2), HOUR), Next::Ask(7));
        // The same again, when its word gets old.
        assert_eq!(plan.next(7, at(3601), HOUR), Next::Ask(7));
    }

    #[test]
    fn the_size_it_tells_is_used_at_once_and_not_for_ever() {
        let mut plan = Plan::default();
        assert_eq!(
            plan.answered(asked(0, 9), Reply::Seen(Some(5)), at(0)),
            None
        );
        assert_eq!(plan.next(9, at(0), HOUR), Next::Ask(5));
        assert_eq!(
            plan.answered(asked(5, 9), Reply::Seen(Some(4)), at(0)),
            None
        );
        assert_eq!(plan.next(9, at(0), HOUR), Next::Ask(4));
        assert_eq!(
            plan.answered(asked(4, 9), Reply::Seen(Some(5)), at(0)),
            None
        );
        assert_eq!(plan.next(9, at(0), HOUR), Next::Rest);
        plan.begin();
        assert_ne!(plan.next(9, at(10), HOUR), Next::Rest);
    }

    #[test]
    fn another_history_is_told_once_and_mended_once() {
        for (question, reply) in [
            (asked(5, 9), Reply::NotConsistent),
            (asked(5, 5), Reply::Seen(Some(5))),
            (asked(5, 5), Reply::NotConsistent),
        ] {
            let mut plan = Plan::resume(5);
            let split = Refusal::SplitView { size: 5 };
            assert_eq!(
                plan.answered(question, reply.clone(), at(0)),
                Some(News::Refused(split))
            );
            assert_eq!(plan.next(9, at(1), HOUR), Next::Rest);
            assert_eq!(plan.next(9, at(600), HOUR), Next::Ask(5));
            assert_eq!(plan.answered(question, reply, at(600)), None);
            let mended = plan.answered(asked(5, 9), Reply::Cosigned, at(1300));
            assert_eq!(mended, Some(News::Mended));
            assert_eq!(plan.refusal(), None);
        }
    }

    #[test]
    fn a_ledger_turned_back_is_told_by_the_witness_or_by_what_was_kept() {
        let turned = |seen, have| Some(News::Refused(Refusal::TurnedBack { seen, have }));
        let mut plan = Plan::default();
        let news = plan.answered(asked(0, 9), Reply::Seen(Some(12)), at(0));
        assert_eq!(news, turned(12, 9));
        assert_eq!(plan.next(10, at(600), HOUR), Next::Behind(12));

        let mut plan = Plan::resume(12);
        assert_eq!(plan.next(9, at(0), HOUR), Next::Behind(12));
        assert_eq!(plan.behind(9, at(0)), turned(12, 9));
        assert_eq!(plan.behind(10, at(600)), None);
        // Grown past it, the witness decides.
        assert_eq!(plan.next(13, at(1300), HOUR), Next::Ask(12));
    }

    proptest! {
        #[test]
        fn it_never_asks_from_beyond_the_ledger_and_never_gives_up(
            replies in prop::collection::vec((0_u64..40, 0_u8..6), 0..60),
        ) {
            let mut plan = Plan::default();
            let mut now = Duration::ZERO;
            let mut newest = 0;
            for (number, kind) in replies {
                newest = newest.max(number);
                plan.begin();
                for _ in 0..8 {
                    let Next::Ask(old) = plan.next(newest, now, HOUR) else { break };
                    prop_assert!(old <= newest);
                    let reply = match kind {
                        0 => Reply::Cosigned,
                        1 => Reply::Seen(Some(number)),
                        2 => Reply::Seen(None),
                        3 => Reply::NotConsistent,
                        4 => Reply::Refused(Refusal::UnknownKey),
                        _ => Reply::Failed,
                    };
                    plan.answered(asked(old, newest), reply, now);
                }
                // Within a round it comes to rest.
                prop_assert!(!matches!(plan.next(newest, now, HOUR), Next::Ask(_)));
                now += Duration::from_secs(601);
            }
            // And after the longest wait it goes on.
            if newest > 0 && plan.seen <= newest {
                prop_assert_eq!(plan.next(newest, now + HOUR, HOUR), Next::Ask(plan.seen));
            }
        }
    }
}
