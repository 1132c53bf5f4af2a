//! What is done by the name of a member.

use super::rules::Action;

/// Names with what is done by them.
type Slot = Vec<(Box<str>, Action)>;

/// Names are few, and most members have none of them: which slot a name would be in tells most.
#[derive(Default)]
pub(super) struct Names {
    slots: Vec<Slot>,
}

const SLOTS: usize = 128;

/// By its length and its first and last byte.
#[inline]
fn slot(bytes: &[u8]) -> usize {
    let edge = |byte: Option<&u8>| byte.map_or(0, |byte| usize::from(*byte));
    (edge(bytes.first()) * 7 + edge(bytes.last()) * 13 + bytes.len() * 5) % SLOTS
}

impl Names {
    /// Adds a name. Of several actions for one the last of their order counts.
    pub(super) fn add(&mut self, name: &str, action: Action) {
        if self.slots.is_empty() {
            self.slots = vec![Slot::new(); SLOTS];
        }
        let Some(slot) = self.slots.get_mut(slot(name.as_bytes())) else {
            return;
        };
        match slot.iter_mut().find(|(known, _)| **known == *name) {
            Some((_, known)) => *known = action.max(*known),
            None => slot.push((name.into(), action)),
        }
    }

    #[inline]
    pub(super) fn get(&self, name: &[u8]) -> Option<Action> {
        let slot = self.slots.get(slot(name))?;
        let found = slot.iter().find(|(known, _)| known.as_bytes() == name);
        found.map(|(_, action)| *action)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}
