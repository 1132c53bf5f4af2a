//! Turning calls away at the door when there are too many under way: the least urgent first.

use std::sync::Arc;

use doorward_pace::Class;
use http::StatusCode;

use crate::clients::shares::{Place, Places};
use crate::decision::refusal::Refusal;

/// Bounds the calls that are under way at once, those that wait for their turn among them.
#[derive(Debug)]
pub(crate) struct Load(Places);

impl Load {
    pub(crate) fn new(most: usize) -> Self {
        Self(Places::new(most))
    }

    /// One more call, which counts until what is given is dropped.
    pub(crate) fn enter(&self) -> Place {
        self.0.enter()
    }

    /// Whether a call, counted already, may go on. Batch calls have three fifths of the room, the
    /// default class four fifths: a person's call still finds a place. The last quarter of that is
    /// for clients with few calls under way: a greedy one does not shut the others out.
    pub(crate) fn check(
        &self,
        place: &mut Place,
        client: &Arc<str>,
        class: Class,
    ) -> Result<(), Refusal> {
        let fifths = match class {
            Class::Interactive => 5,
            Class::Default => 4,
            Class::Batch => 3,
        };
        let room = self.0.most().saturating_mul(fifths) / 5;
        if self.0.fits(place, client, room) {
            return Ok(());
        }
        Err(Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "overloaded",
            "too many calls are under way, this client's among them; nothing was sent; try again",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Arc<str> {
        text.into()
    }

    #[test]
    fn the_least_urgent_are_turned_away_first_and_room_comes_back() {
        let load = Load::new(10);
        let fits = |class| load.check(&mut load.enter(), &name("new"), class).is_ok();
        let mut held: Vec<_> = (0..5).map(|_| load.enter()).collect();
        assert!(fits(Class::Batch) && fits(Class::Default) && fits(Class::Interactive));
        held.push(load.enter());
        assert!(!fits(Class::Batch) && fits(Class::Default) && fits(Class::Interactive));
        held.extend([load.enter(), load.enter()]);
        assert!(!fits(Class::Batch) && !fits(Class::Default) && fits(Class::Interactive));
        held.extend([load.enter(), load.enter()]);
        let refused = load.check(&mut load.enter(), &name("new"), Class::Interactive);
        let refusal = refused.unwrap_err();
        assert_eq!(
            (refusal.status().as_u16(), refusal.reason()),
            (503, "overloaded")
        );
        held.clear();
        assert!(fits(Class::Batch));
        assert_eq!(load.0.taken(), 0);
    }

    #[test]
    fn one_client_does_not_shut_the_others_out() {
        let load = Load::new(100);
        let (greedy, other) = (name("greedy"), name("other"));
        let mut held = Vec::new();
        loop {
            let mut place = load.enter();
            if load.check(&mut place, &greedy, Class::Default).is_err() {
                break;
            }
            held.push(place);
        }
        assert_eq!(held.len(), 60, "three quarters of four fifths");
        let mut place = load.enter();
        assert!(load.check(&mut place, &other, Class::Default).is_ok());
    }
}
