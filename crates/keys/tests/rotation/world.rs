//! Instantly, Doorward's own state and the consumers, as far as a rotation touches them.

mod holds;

use std::collections::BTreeMap;

use doorward_catalog::ScopeSet;
use doorward_keys::rotation::{
    Draft, Event, Failure, Look, NewKey, OldKey, Phase, Plan, Rotation, RotationId, Step, Timing,
    Why,
};
use doorward_policy::Timestamp;

/// What becomes of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Done,
    /// Not done, and said so.
    Refused(Failure),
    /// Not done, and nobody knows.
    NotDoneUnknown,
    /// Done, and nobody knows.
    DoneUnknown,
    /// Killed before.
    KilledBefore,
    /// Killed after it was done and before that was kept.
    KilledAfter,
}

pub(crate) const FATES: [Fate; 7] = [
    Fate::Done,
    Fate::Refused(Failure::Temporary),
    Fate::Refused(Failure::Permanent),
    Fate::NotDoneUnknown,
    Fate::DoneUnknown,
    Fate::KilledBefore,
    Fate::KilledAfter,
];

/// How the world is for one run.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) why: Why,
    pub(crate) consumers: usize,
    /// A revoked key works on for so long, ms.
    pub(crate) revocation_delay: i64,
    /// A lost creation comes true after so long, ms; at most [`Timing::late`].
    pub(crate) lands_after: i64,
    /// A key that was made is listed after so long, ms.
    pub(crate) listed_after: i64,
    /// And can be deleted by its id after so long, ms.
    pub(crate) known_after: i64,
    /// Consumers acknowledge.
    pub(crate) acknowledge: bool,
    /// The old key dies outside before this step.
    pub(crate) dies_at_step: Option<usize>,
    /// The new key dies outside before this step, or when it is first there after.
    pub(crate) new_dies_at_step: Option<usize>,
    /// The old key is said to have leaked before this step.
    pub(crate) hurry_at_step: Option<usize>,
    /// A person gives up before this step.
    pub(crate) abort_at_step: Option<usize>,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            why: Why::Asked,
            consumers: 2,
            revocation_delay: 0,
            lands_after: 0,
            listed_after: 0,
            known_after: 0,
            acknowledge: true,
            dies_at_step: None,
            new_dies_at_step: None,
            hurry_at_step: None,
            abort_at_step: None,
        }
    }
}

#[derive(Debug, Clone)]
struct Key {
    name: String,
    lands: i64,
    dies: i64,
    listed: i64,
    known: i64,
}

const FOREVER: i64 = i64::MAX;
const OLD: &str = "api-old";
pub(crate) const STEPS_MAX: usize = 4_000;

pub(crate) struct World {
    pub(crate) setting: Setting,
    pub(crate) now: i64,
    keys: BTreeMap<String, Key>,
    made: u32,
    in_hand: Option<String>,
    old_slot: Option<String>,
    new_slot: Option<String>,
    /// What calls go out under; none before a first key is promoted.
    pub(crate) in_force: Option<String>,
    consumers: BTreeMap<String, Option<String>>,
    pub(crate) rotation: Rotation,
    durable: String,
    pub(crate) steps: Vec<&'static str>,
    probed: bool,
    /// When the old key was first deleted.
    revoked: Option<i64>,
    /// Whether the new key died by itself.
    pub(crate) new_died: bool,
    /// Whether the old key leaked meanwhile.
    pub(crate) hurried: bool,
}

fn scopes() -> ScopeSet {
    "leads:read,campaigns:read".parse().unwrap()
}

pub(crate) fn draft(setting: &Setting) -> Draft {
    let mint = setting.why == Why::Mint;
    Draft {
        id: RotationId::generate(&[3; 10]),
        workspace: "ws_1".into(),
        key: "reader".into(),
        why: setting.why,
        scopes: scopes(),
        old: (!mint).then(|| OldKey {
            key_id: "uk_old".into(),
            api_key_id: OLD.into(),
            print: Some([1; 8]),
        }),
        manager: "uk_manager".into(),
        manager_api_key_id: Some("api-manager".into()),
        consumers: (0..setting.consumers)
            .map(|n| format!("consumer-{n}"))
            .collect(),
        timing: Timing {
            overlap: 1_500,
            silence: 9_000,
            ..Timing::default()
        },
        at: Timestamp::from_millis(0),
    }
}

impl World {
    pub(crate) fn new(setting: Setting) -> Self {
        let plan = Plan::new(draft(&setting)).unwrap();
        let old = plan.old().map(|old| old.api_key_id.clone());
        let mut keys = BTreeMap::new();
        let key = |name: &str| Key {
            name: name.into(),
            lands: 0,
            dies: FOREVER,
            listed: 0,
            known: 0,
        };
        if let Some(old) = &old {
            keys.insert(old.clone(), key("somebody's key"));
        }
        keys.insert("api-manager".into(), key("manager"));
        keys.insert("api-other".into(), key("dw-reader2-aaaaaaaaaa-1"));
        let consumers = plan
            .consumers()
            .iter()
            .map(|name| (name.clone(), old.clone()))
            .collect();
        let mut rotation = Rotation::new(plan);
        rotation
            .on(Event::Begin, Timestamp::from_millis(0))
            .unwrap();
        let durable = serde_json::to_string(&rotation).unwrap();
        Self {
            setting,
            now: 0,
            keys,
            made: 0,
            in_hand: None,
            old_slot: old.clone(),
            new_slot: None,
            in_force: old,
            consumers,
            rotation,
            durable,
            steps: vec![],
            probed: false,
            revoked: None,
            new_died: false,
            hurried: false,
        }
    }

    fn works(&self, id: &str) -> bool {
        self.keys
            .get(id)
            .is_some_and(|key| key.lands <= self.now && self.now < key.dies)
    }

    fn is_listed(&self, id: &str) -> bool {
        self.keys.get(id).is_none_or(|key| key.listed <= self.now)
    }

    /// Keys of this rotation that work now, or will.
    fn of_rotation(&self) -> Vec<&String> {
        let prefix = self.rotation.plan().prefix();
        let of = self
            .keys
            .iter()
            .filter(|(_, key)| key.name.starts_with(&prefix));
        of.filter(|(_, key)| self.now < key.dies)
            .map(|(id, _)| id)
            .collect()
    }

    /// Runs to the end without a fault, and shows each state on the way with its time.
    pub(crate) fn watch(&mut self, mut seen: impl FnMut(&Rotation, i64)) {
        for _ in 0..STEPS_MAX {
            if self
                .setting
                .abort_at_step
                .is_some_and(|at| self.steps.len() >= at)
            {
                self.setting.abort_at_step = None;
                self.tell(Event::Abort {
                    why: "a person said so".into(),
                });
            }
            seen(&self.rotation, self.now);
            match self.rotation.next(Timestamp::from_millis(self.now)) {
                Step::Wait { until } => self.now = until.millis(),
                Step::Over | Step::Ask => return,
                step => {
                    self.steps.push(self.rotation.phase().as_str());
                    self.now += 5;
                    self.take(step, Fate::Done);
                }
            }
        }
    }

    /// Runs to the end, each step with the fate that is given for it, and holds what must hold.
    pub(crate) fn run(&mut self, mut fate: impl FnMut(usize) -> Fate) -> Phase {
        let mut n = 0;
        loop {
            assert!(
                n < STEPS_MAX,
                "no end: {:?}\n{:?}",
                self.rotation,
                self.steps
            );
            if self.setting.dies_at_step == Some(n) {
                let old = self.keys.get_mut(OLD).unwrap();
                old.dies = old.dies.min(self.now);
            }
            if self.setting.new_dies_at_step.is_some_and(|at| n >= at)
                && let Some(new) = self.new_slot.clone()
                && let Some(key) = self.keys.get_mut(&new)
            {
                self.setting.new_dies_at_step = None;
                self.new_died = true;
                key.dies = key.dies.min(self.now);
            }
            if self.setting.abort_at_step.is_some_and(|at| n >= at) && self.rotation.may_abort() {
                self.setting.abort_at_step = None;
                self.tell(Event::Abort {
                    why: "a person said so".into(),
                });
            }
            if self.setting.hurry_at_step.is_some_and(|at| n >= at) {
                self.setting.hurry_at_step = None;
                let mut hurried = self.rotation.clone();
                // One that goes back is past that.
                if hurried
                    .on(Event::Hurry, Timestamp::from_millis(self.now))
                    .is_ok()
                {
                    self.hurried = true;
                    self.tell(Event::Hurry);
                }
            }
            let step = self.rotation.next(Timestamp::from_millis(self.now));
            match step {
                Step::Wait { until } => {
                    assert!(until.millis() > self.now);
                    self.now = until.millis();
                    continue;
                }
                Step::Over | Step::Ask => return self.rotation.phase(),
                _ => {}
            }
            self.steps.push(self.rotation.phase().as_str());
            self.now += 5;
            self.take(step, fate(n));
            self.hold();
            n += 1;
        }
    }

    fn tell(&mut self, event: Event) {
        self.rotation
            .on(event, Timestamp::from_millis(self.now))
            .unwrap();
        self.durable = serde_json::to_string(&self.rotation).unwrap();
    }

    fn take(&mut self, step: Step, fate: Fate) {
        let failed = |how| Event::Failed {
            how,
            why: "fault".into(),
        };
        match fate {
            Fate::Done => {
                let event = self.act(&step, 0);
                self.tell(event);
            }
            Fate::Refused(how) => self.tell(failed(how)),
            Fate::NotDoneUnknown => self.tell(failed(Failure::Uncertain)),
            Fate::DoneUnknown => {
                self.act(&step, self.setting.lands_after);
                self.tell(failed(Failure::Uncertain));
            }
            Fate::KilledBefore => self.restart(),
            Fate::KilledAfter => {
                self.act(&step, self.setting.lands_after);
                self.restart();
            }
        }
    }

    fn restart(&mut self) {
        self.in_hand = None;
        self.rotation = serde_json::from_str(&self.durable).unwrap();
        self.tell(Event::Restarted);
    }

    /// Does the step, in the world.
    fn act(&mut self, step: &Step, lands_after: i64) -> Event {
        let failed = |why: &str| Event::Failed {
            how: Failure::Permanent,
            why: why.into(),
        };
        let new = self.rotation.new_key().map(|new| new.api_key_id.clone());
        match step {
            Step::Create {
                name,
                scopes: asked,
            } => {
                assert_eq!(*asked, scopes());
                self.made += 1;
                let id = format!("api-new-{}", self.made);
                let lands = self.now + lands_after;
                self.keys.insert(
                    id.clone(),
                    Key {
                        name: name.clone(),
                        lands,
                        dies: FOREVER,
                        listed: lands.saturating_add(self.setting.listed_after),
                        known: lands.saturating_add(self.setting.known_after),
                    },
                );
                self.in_hand = Some(id.clone());
                Event::Created {
                    new: NewKey {
                        api_key_id: id,
                        print: [0; 8],
                    },
                }
            }
            Step::Sweep { prefix, keep, also } => {
                let old_dead = self.setting.dies_at_step.is_some() && !self.works(OLD);
                let kept = self.new_slot.as_ref().is_some_and(|id| self.works(id));
                if keep.is_none() && kept && old_dead {
                    self.seen_just_now("weigh");
                }
                let mut sure = also.is_none();
                for (id, key) in &mut self.keys {
                    let listed = key.listed <= self.now && self.now < key.dies;
                    let swept = key.name.starts_with(prefix) && Some(id) != keep.as_ref();
                    let named = Some(id) == also.as_ref();
                    sure |= named && listed;
                    if (listed && swept) || (named && key.known <= self.now) {
                        key.dies = key.dies.min(self.now);
                    }
                }
                Event::Swept { sure }
            }
            Step::Store => {
                let Some(value) = self.in_hand.clone() else {
                    return failed("nothing in hand");
                };
                assert_eq!(Some(&value), new.as_ref());
                self.new_slot = Some(value);
                Event::Stored
            }
            Step::Recover if self.new_slot.is_some() && self.new_slot == new => Event::Recovered,
            Step::Recover => Event::NotThere,
            Step::Verify if !self.is_listed(self.new_slot.as_ref().unwrap()) => Event::Failed {
                how: Failure::Temporary,
                why: "not listed yet".into(),
            },
            Step::Verify if self.works(self.new_slot.as_ref().unwrap()) => Event::Verified,
            Step::Verify => failed("dead"),
            Step::Promote => {
                self.in_force = self.new_slot.clone();
                self.probed = false;
                Event::Promoted
            }
            Step::Tell { consumer } => {
                self.consumers
                    .insert(consumer.clone(), self.new_slot.clone());
                Event::Told {
                    consumer: consumer.clone(),
                }
            }
            Step::Untell { consumer } => {
                self.consumers
                    .insert(consumer.clone(), self.old_slot.clone());
                Event::Told {
                    consumer: consumer.clone(),
                }
            }
            Step::Look => {
                let first = !std::mem::replace(&mut self.probed, true);
                Event::Looked(Look {
                    old_under_way: u64::from(first),
                    new_under_way: u64::from(first),
                    new_carried: !first,
                    new_refused: false,
                    acknowledged: self.setting.acknowledge,
                    old_seen: None,
                    outside_to: Some(Timestamp::from_millis(self.now)),
                })
            }
            Step::Confirm if self.works(self.new_slot.as_ref().unwrap()) => Event::NewWorks,
            Step::Confirm => failed("dead"),
            Step::Revoke { api_key_id } => {
                let first = self.revoked.is_none() && self.works(OLD);
                if first && !self.works(self.new_slot.as_ref().unwrap()) {
                    self.seen_just_now("confirm");
                }
                let first = *self.revoked.get_or_insert(self.now);
                let at = first + self.setting.revocation_delay;
                let key = self.keys.get_mut(api_key_id).unwrap();
                key.dies = key.dies.min(at);
                Event::Revoked
            }
            Step::Probe if self.works(self.old_slot.as_ref().unwrap()) => Event::Alive,
            Step::Probe => Event::Refused,
            Step::Forget => {
                self.old_slot = None;
                Event::Forgot
            }
            Step::Weigh if self.works(self.old_slot.as_ref().unwrap()) => Event::OldWorks,
            Step::Weigh => Event::OldDead,
            Step::Demote => {
                self.in_force = self.old_slot.clone();
                self.probed = false;
                Event::Demoted
            }
            Step::Erase => {
                self.new_slot = None;
                Event::Erased
            }
            Step::Wait { .. } | Step::Ask | Step::Over => unreachable!(),
        }
    }
}
