//! The life of a write under an idempotency key, decided apart from carrying it out.
//!
//! ```text
//! free -> reserved -> sent -> answered
//!            |          |  \-> unknown -> answered   it was found to be done
//!            v          v         |
//!          free       free        \----> reserved    it was found not to be done
//! ```
//!
//! A write leaves in one place, from `reserved`, and what may have been carried out is not free
//! again before it is known that it was not. When its record is taken away, by somebody who has
//! looked or after a day, it is free.

use doorward_store::IdempotencyState;

/// How far a write is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing is known of it: it was never sent, or was certainly not carried out.
    Free,
    /// One call has it in hand, and has sent nothing.
    Reserved,
    /// It may have left. This is on disk before it leaves.
    Sent,
    /// It was answered for good.
    Answered,
    /// It may have been carried out, and nobody waits for its answer any more.
    Unknown,
}

/// What happens to a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// A call takes it in hand.
    Reserve,
    /// It is about to leave.
    Leave,
    /// It was certainly not carried out.
    Returned,
    /// It was answered for good.
    Answer,
    /// Its answer was lost.
    Lost,
    /// The process ends, or what had it in hand.
    Crash,
    /// It was looked for and found.
    Found,
    /// It was looked for when it could no longer be on its way, and was not there.
    Absent,
}

impl State {
    /// As the store has it, when no call has it in hand.
    pub(crate) fn at_rest(stored: Option<IdempotencyState>) -> Self {
        match stored {
            None => Self::Free,
            // Nobody waits for the answer any more.
            Some(IdempotencyState::Sent) => Self::Sent.next(Event::Crash).unwrap_or(Self::Unknown),
            Some(IdempotencyState::Unknown) => Self::Unknown,
            Some(IdempotencyState::Answered) => Self::Answered,
        }
    }

    /// The state after an event; `None` when that can't happen to it.
    #[must_use]
    pub(crate) fn next(self, event: Event) -> Option<Self> {
        Some(match (self, event) {
            (Self::Free, Event::Reserve) => Self::Reserved,
            (Self::Reserved, Event::Leave) => Self::Sent,
            (Self::Reserved, Event::Returned | Event::Crash) => Self::Free,
            (Self::Sent, Event::Answer) => Self::Answered,
            (Self::Sent, Event::Returned) => Self::Free,
            (Self::Sent, Event::Lost | Event::Crash) => Self::Unknown,
            (Self::Unknown, Event::Found) => Self::Answered,
            (Self::Unknown, Event::Absent) => Self::Reserved,
            (Self::Free | Self::Answered | Self::Unknown, Event::Crash) => self,
            _ => return None,
        })
    }
}

/// What becomes of a call that names a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It takes the write in hand.
    Go,
    /// Another call has it in hand.
    InFlight,
    /// The name stands for another request.
    Other,
    /// It gets the answer that there is.
    Replay,
    /// It is to be found out first whether the write was carried out.
    Settle,
}

impl Repeat {
    /// What becomes of a call whose request is the one that the name stands for, or is not.
    pub(crate) fn of(state: State, same_request: bool) -> Self {
        match state {
            State::Free => Self::Go,
            _ if !same_request => Self::Other,
            State::Reserved | State::Sent => Self::InFlight,
            State::Answered => Self::Replay,
            State::Unknown => Self::Settle,
        }
    }
}

/// What an answer of the API's means for the write.
pub(crate) fn event_of(status: u16) -> Event {
    match status {
        // It refuses whoever asks, not what is asked: nothing was done, and a repeat may fare better.
        401 | 402 | 403 | 429 => Event::Returned,
        // It says nothing of what was done by then.
        408 => Event::Lost,
        200..=299 | 400..=499 => Event::Answer,
        _ => Event::Lost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn answers_that_settle_nothing_are_told_apart() {
        for (status, event) in [
            (200, Event::Answer),
            (201, Event::Answer),
            (204, Event::Answer),
            (400, Event::Answer),
            (404, Event::Answer),
            (409, Event::Answer),
            (422, Event::Answer),
            (401, Event::Returned),
            (402, Event::Returned),
            (403, Event::Returned),
            (429, Event::Returned),
            (408, Event::Lost),
            (302, Event::Lost),
            (100, Event::Lost),
            (500, Event::Lost),
            (503, Event::Lost),
        ] {
            assert_eq!(event_of(status), event, "{status}");
        }
    }

    #[test]
    fn another_request_under_the_same_name_never_goes() {
        for state in [
            State::Reserved,
            State::Sent,
            State::Answered,
            State::Unknown,
        ] {
            assert_eq!(Repeat::of(state, false), Repeat::Other);
            assert_ne!(Repeat::of(state, true), Repeat::Go);
        }
    }

    /// What the world does, told truthfully: the API carries out or not, and answers or not.
    #[derive(Debug, Clone, Copy)]
    enum Step {
        Call { other: bool },
        Leave { done: bool },
        Answered,
        Returned,
        Lost,
        Crash,
        Look,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => any::<bool>().prop_map(|other| Step::Call { other }),
            4 => any::<bool>().prop_map(|done| Step::Leave { done }),
            2 => Just(Step::Answered),
            1 => Just(Step::Returned),
            2 => Just(Step::Lost),
            2 => Just(Step::Crash),
            2 => Just(Step::Look),
        ]
    }

    proptest! {
        /// However calls, crashes and lost answers interleave, the write is carried out once at most.
        #[test]
        fn a_write_is_carried_out_once_at_most(steps in prop::collection::vec(step(), 0..60)) {
            let (mut state, mut in_hand) = (State::Free, false);
            let (mut carried_out, mut last_done) = (0, false);
            let go = |state: State, event| state.next(event).unwrap();
            for step in steps {
                match step {
                    Step::Call { other } => match Repeat::of(state, !other) {
                        Repeat::Go => {
                            state = go(state, Event::Reserve);
                            in_hand = true;
                        }
                        Repeat::InFlight => prop_assert!(in_hand),
                        Repeat::Replay => prop_assert_eq!(state, State::Answered),
                        Repeat::Settle => prop_assert!(!in_hand),
                        Repeat::Other => prop_assert!(other),
                    },
                    Step::Leave { done } if state == State::Reserved => {
                        state = go(state, Event::Leave);
                        carried_out += u32::from(done);
                        last_done = done;
                    }
                    Step::Answered if state == State::Sent => {
                        state = go(state, Event::Answer);
                        in_hand = false;
                    }
                    Step::Returned if state == State::Reserved || state == State::Sent && !last_done => {
                        state = go(state, Event::Returned);
                        in_hand = false;
                    }
                    Step::Lost if state == State::Sent => {
                        state = go(state, Event::Lost);
                        in_hand = false;
                    }
                    Step::Crash => {
                        state = go(state, Event::Crash);
                        in_hand = false;
                    }
                    Step::Look if state == State::Unknown => {
                        in_hand = !last_done;
                        state = go(state, if last_done { Event::Found } else { Event::Absent });
                    }
                    _ => {}
                }
                prop_assert!(carried_out <= 1);
            }
        }

        /// What is on disk says the same or less than what was known: it never frees a write.
        #[test]
        fn a_write_that_left_is_never_free_after_a_crash(sent in any::<bool>()) {
            let stored = if sent { IdempotencyState::Sent } else { IdempotencyState::Unknown };
            let state = State::at_rest(Some(stored));
            prop_assert_eq!(Some(state), State::Sent.next(Event::Crash));
            prop_assert_eq!(Repeat::of(state, true), Repeat::Settle);
        }
    }
}
