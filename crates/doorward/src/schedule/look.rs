//! Which keys are due, and which are too old: from what is known, with no clock and no store.

use std::collections::BTreeMap;

use doorward_catalog::{Scope, ScopeSet};
use doorward_keys::rotation::schedule::When;
use doorward_policy::Timestamp;
use doorward_store::{KeyRole, RotationRecord, UpstreamKey, UpstreamKeyState, Workspace};

use crate::config::RotationConfig;

/// A rotation that is open for so long, ms, keeps the workspace's other keys waiting no more.
const HANGS_FROM: i64 = 86_400_000;

/// An upstream key, by the names and ids that it is told by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) workspace_id: String,
    pub(super) workspace: String,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) api_key_id: Option<String>,
    /// How old it is, ms.
    pub(super) age: i64,
    /// Whether Doorward made it, and gave it to nobody but those it knows.
    pub(super) minted: bool,
    /// Its scopes, where all of them are known.
    pub(super) scopes: Option<ScopeSet>,
}

/// A key that was made by somebody else is not due before it was here for so long, ms.
const GRACE: i64 = 7 * 86_400_000;

/// What was seen.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Looked {
    /// Keys to be rotated now: one of a workspace.
    pub(super) due: Vec<Key>,
    /// Keys that are older than somebody wants.
    pub(super) old: Vec<Key>,
}

/// What is looked at.
pub(super) struct Looking<'a> {
    pub(super) config: &'a RotationConfig,
    pub(super) workspaces: &'a [Workspace],
    /// Rotations, open ones and those that are over.
    pub(super) rotations: &'a [RotationRecord],
    /// When a rotation of a key by Doorward's id could not be begun last.
    pub(super) refused: &'a BTreeMap<String, Timestamp>,
}

impl Looking<'_> {
    /// What there is to do now.
    pub(super) fn look(&self, now: Timestamp) -> Looked {
        let mut looked = Looked::default();
        for workspace in self.workspaces {
            let mut due: Vec<(i64, Key)> = Vec::new();
            for key in &workspace.upstream_keys {
                if key.state == UpstreamKeyState::Retired {
                    continue;
                }
                let made = key.made_at.unwrap_or(key.created_at);
                let age = now.millis_since(made);
                let known = || Key {
                    workspace_id: workspace.id.clone(),
                    workspace: workspace.name.clone(),
                    id: key.id.clone(),
                    name: key.name.clone(),
                    api_key_id: key.api_key_id.clone(),
                    age,
                    minted: key.made_by.is_some(),
                    scopes: scopes(key),
                };
                if self.config.age_alert.is_some_and(|most| age >= most) {
                    looked.old.push(known());
                }
                // What manages can't be rotated by itself, nor by the schedule.
                let carries = key.role == KeyRole::Carries && key.state == UpstreamKeyState::Active;
                if carries && self.is_due(workspace, key, now) {
                    due.push((age, known()));
                }
            }
            let busy = self.rotations.iter();
            let busy = busy
                .filter(|one| one.open && now.millis_since(one.begun_at) < HANGS_FROM)
                .any(|one| one.workspace_id == workspace.id);
            let oldest = due.into_iter().max_by_key(|(age, _)| *age);
            looked
                .due
                .extend(oldest.filter(|_| !busy).map(|(_, key)| key));
        }
        looked
    }

    fn is_due(&self, workspace: &Workspace, key: &UpstreamKey, now: Timestamp) -> bool {
        let made = counted_from(key);
        let settled = key.created_at.plus_millis(GRACE);
        if key.made_by.is_none() && now < settled {
            return false;
        }
        let every = self
            .config
            .every(&workspace.name, &key.name, key.rotate_every);
        let schedule = self.config.schedule().with_every(every);
        // A rotation that replaced the key left another, with an id and an age of its own.
        let over = self
            .rotations
            .iter()
            .filter(|one| one.workspace_id == workspace.id && one.key == key.name);
        let ended = over.filter_map(|one| one.ended_at).filter(|at| *at >= made);
        let tried = ended.chain(self.refused.get(&key.id).copied()).max();
        schedule.when(&key.id, made, tried, now) == When::Now
    }
}

/// From when on a key's time runs. One that was made by somebody else counts from when it was taken in:
/// nobody was told of a schedule before.
fn counted_from(key: &UpstreamKey) -> Timestamp {
    let made = key.made_at.unwrap_or(key.created_at);
    match key.made_by {
        Some(_) => made,
        None => made.max(key.created_at),
    }
}

/// A key's scopes, unless one of them is not known.
fn scopes(key: &UpstreamKey) -> Option<ScopeSet> {
    let all = key.scopes.as_ref()?.iter();
    all.map(|scope| Scope::parse(scope).ok()).collect()
}

#[cfg(test)]
mod tests {
    use doorward_policy::WorkspaceKind;
    use doorward_store::{NewUpstreamKey, NewWorkspace, SqliteStore, Store};

    use super::*;
    use crate::config::Config;

    const MADE: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const DAY: i64 = 86_400_000;

    fn config(text: &str) -> RotationConfig {
        Config::parse(&format!("[rotation]\njitter = \"0%\"\n{text}"))
            .unwrap()
            .rotation
    }

    /// Keys that were taken in so many days after [`MADE`], each as old as the world.
    fn workspaces(keys: &[(&str, KeyRole, i64)]) -> Vec<Workspace> {
        let store = SqliteStore::in_memory().unwrap();
        let new = NewWorkspace::new("acme", WorkspaceKind::Live, "https://api.instantly.ai");
        let id = store.create_workspace(&new, MADE).unwrap().id;
        for (name, role, days) in keys {
            let new = NewUpstreamKey {
                role: *role,
                made_at: Some(MADE),
                ..NewUpstreamKey::new(name, &format!("file:///run/{name}"))
            };
            let taken_in = MADE.plus_millis(days * DAY);
            store.add_upstream_key(&id, &new, taken_in).unwrap();
        }
        store.workspaces().unwrap()
    }

    #[test]
    fn a_key_from_elsewhere_counts_from_when_it_was_added() {
        let all = workspaces(&[("old", KeyRole::Carries, 700)]);
        let due = |text: &str, days: i64| {
            let looking = Looking {
                config: &config(text),
                workspaces: &all,
                rotations: &[],
                refused: &BTreeMap::new(),
            };
            let looked = looking.look(MADE.plus_millis((700 + days) * DAY));
            (looked.due.len(), looked.old.len())
        };
        // It is told how old it is, and not replaced at once.
        assert_eq!(
            (due("", 0), due("", 89), due("", 90)),
            ((0, 1), (0, 1), (1, 1))
        );
        let often = "rotate_every = \"1h\"";
        assert_eq!((due(often, 6), due(often, 7)), ((0, 1), (1, 1)));
    }

    fn names(keys: &[Key]) -> Vec<&str> {
        keys.iter().map(|key| key.name.as_str()).collect()
    }

    fn record(workspace: &Workspace, key: &str, ended: Option<Timestamp>) -> RotationRecord {
        RotationRecord {
            id: "0123456789".to_owned(),
            workspace_id: workspace.id.clone(),
            key: key.to_owned(),
            reference: "file:///run/reader-b".to_owned(),
            new_key_id: "uk_new".to_owned(),
            state: "{}".to_owned(),
            open: ended.is_none(),
            version: 1,
            begun_at: MADE,
            changed_at: MADE,
            ended_at: ended,
        }
    }

    #[test]
    fn the_oldest_key_of_a_workspace_is_due_and_what_manages_never_is() {
        use KeyRole::{Carries, Manages};
        let keys = [
            ("reader", Carries, 5),
            ("writer", Carries, 0),
            ("manager", Manages, 0),
            ("kept", Carries, 0),
        ];
        let all = workspaces(&keys);
        let config = config(
            "age_alert = \"95d\"\n[[rotation.key]]\nname = \"kept\"\nrotate_every = \"never\"\n",
        );
        let mut refused = BTreeMap::new();
        let look = |rotations: &[RotationRecord], refused: &BTreeMap<_, _>, days: i64| {
            let looking = Looking {
                config: &config,
                workspaces: &all,
                rotations,
                refused,
            };
            looking.look(MADE.plus_millis(days * DAY))
        };
        assert_eq!(look(&[], &refused, 89), Looked::default());
        let looked = look(&[], &refused, 90);
        assert_eq!((names(&looked.due), looked.old.len()), (vec!["writer"], 0));
        let looked = look(&[], &refused, 95);
        assert_eq!(names(&looked.due), ["writer"], "one at a time");
        assert_eq!(
            names(&looked.old),
            ["kept", "manager", "reader", "writer"],
            "by when they were made"
        );

        // Nothing beside one that is under way, and not again at once after one that failed.
        let open = record(&all[0], "reader", None);
        let begun = |days: i64| RotationRecord {
            begun_at: MADE.plus_millis(days * DAY),
            ..open.clone()
        };
        assert!(look(&[begun(95)], &refused, 95).due.is_empty());
        // One that hangs keeps nothing else waiting.
        assert_eq!(names(&look(&[begun(94)], &refused, 95).due), ["writer"]);
        let ended = MADE.plus_millis(95 * DAY);
        let failed = record(&all[0], "writer", Some(ended));
        assert_eq!(names(&look(&[failed], &refused, 95).due), ["reader"]);
        let writer = all[0].upstream_keys.iter().find(|key| key.name == "writer");
        refused.insert(writer.unwrap().id.clone(), ended);
        assert_eq!(names(&look(&[], &refused, 95).due), ["reader"]);
        assert_eq!(names(&look(&[], &refused, 96).due), ["writer"]);
    }
}
