//! What must hold in the world, at every moment and in the end.

use doorward_keys::rotation::{Phase, Why};

use super::{OLD, World};

impl World {
    /// The other key is dead: it may have died since it was last seen to work, but no longer ago.
    pub(super) fn seen_just_now(&self, step: &str) {
        let before = self.steps.iter().rev().nth(1);
        assert_eq!(
            before,
            Some(&step),
            "the last working key goes: {:?}",
            self.steps
        );
    }

    /// What must hold at every moment.
    pub(super) fn hold(&self) {
        let at = self.rotation.phase();
        if self.setting.dies_at_step.is_none() && !self.new_died {
            if let Some(id) = &self.in_force {
                assert!(
                    self.works(id),
                    "{at:?}: calls go out under a dead key\n{:?}",
                    self.steps
                );
            }
            for (name, held) in &self.consumers {
                let Some(id) = held else { continue };
                let served = self.setting.why != Why::Leak && !self.hurried;
                assert!(!served || self.works(id), "{at:?}: {name} holds a dead key");
            }
        }
        assert!(
            self.works("api-manager") && self.works("api-other"),
            "{at:?}: another's key died"
        );
        assert!(!self.durable.contains("value"));
    }

    /// What must hold in the end.
    pub(crate) fn hold_at_the_end(&self) {
        let all = |value: &Option<String>| self.consumers.values().all(|held| held == value);
        match self.rotation.phase() {
            Phase::Done => {
                let new = self.rotation.new_key().map(|new| new.api_key_id.clone());
                assert!(new.is_some() && self.in_force == new && self.new_slot == new);
                assert_eq!(
                    self.of_rotation(),
                    new.iter().collect::<Vec<_>>(),
                    "an orphan"
                );
                assert!(all(&new), "a consumer was not told: {:?}", self.consumers);
                if self.setting.why != Why::Mint {
                    assert!(!self.works(OLD), "the old key lives");
                    let proof = self.rotation.proof().expect("no proof");
                    assert!(proof.refusals >= 3 && proof.last.millis_since(proof.first) >= 10_000);
                    let dead = self.revoked.unwrap() + self.setting.revocation_delay;
                    assert!(
                        proof.first.millis() >= dead,
                        "taken for dead while it lived"
                    );
                }
            }
            Phase::RolledBack => {
                let old = (self.setting.why != Why::Mint).then(|| OLD.to_owned());
                assert!(
                    self.in_force == old && self.old_slot == old,
                    "not as it was"
                );
                assert_eq!(self.of_rotation(), Vec::<&String>::new(), "an orphan");
                assert!(
                    all(&old),
                    "a consumer holds another key: {:?}",
                    self.consumers
                );
                assert!(self.rotation.back().is_some());
            }
            Phase::Stuck => assert!(
                self.setting.dies_at_step.is_some() || self.new_died,
                "{:?}",
                self.rotation
            ),
            other => panic!("ended in {other:?}"),
        }
    }
}
