//! Turning calls away at the door when there are too many under way: the least urgent first.

use doorward_catalog::Op;
use doorward_pace::Class;
use http::StatusCode;

use crate::decision::refusal::Refusal;
use crate::sending::under_way::{Counter, UnderWay};

/// Bounds the calls that are under way at once, those that wait for their turn among them.
#[derive(Debug)]
pub(crate) struct Load {
    under_way: Counter,
    most: usize,
}

impl Load {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            under_way: Counter::default(),
            most,
        }
    }

    /// One more call, which counts until what is given is dropped.
    pub(crate) fn enter(&self) -> UnderWay {
        self.under_way.enter()
    }

    /// Whether a call of that class, counted already, may go on. Batch calls have three fifths of
    /// the room, the default class four fifths: a person's call still finds a place.
    pub(crate) fn check(&self, class: Class, op: Option<Op>) -> Result<(), Refusal> {
        let fifths = match class {
            Class::Interactive => 5,
            Class::Default => 4,
            Class::Batch => 3,
        };
        if self.under_way.count() <= (self.most.saturating_mul(fifths) / 5).max(1) {
            return Ok(());
        }
        let refusal = Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "overloaded",
            "too many calls are under way; nothing was sent; try again",
        );
        Err(match op {
            Some(op) => refusal.of(op),
            None => refusal,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_urgent_are_turned_away_first_and_room_comes_back() {
        let load = Load::new(10);
        let fits = |class| load.check(class, None).is_ok();
        let mut held: Vec<_> = (0..6).map(|_| load.enter()).collect();
        assert!(fits(Class::Batch) && fits(Class::Default) && fits(Class::Interactive));
        held.push(load.enter());
        assert!(!fits(Class::Batch) && fits(Class::Default) && fits(Class::Interactive));
        held.extend([load.enter(), load.enter()]);
        assert!(!fits(Class::Batch) && !fits(Class::Default) && fits(Class::Interactive));
        held.extend([load.enter(), load.enter()]);
        let refusal = load
            .check(Class::Interactive, Some(Op::GetLead))
            .unwrap_err();
        assert_eq!(
            (refusal.status().as_u16(), refusal.reason()),
            (503, "overloaded")
        );
        held.clear();
        assert!(fits(Class::Batch));
        assert_eq!(load.under_way.count(), 0);
    }
}
