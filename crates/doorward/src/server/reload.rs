//! Taking new snapshots when the state, or the value of an upstream key, has changed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use doorward_gateway::{SnapshotBuilder, SnapshotHandle};
use doorward_secrets::SecretRef;
use doorward_store::Store;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use crate::admin::{AdminError, now};

/// How often it is looked whether upstream keys have other values.
const EVERY: Duration = Duration::from_secs(1);

/// Reads the store and puts what it reads in force.
pub(super) struct Reloader {
    store: Arc<dyn Store>,
    builder: SnapshotBuilder,
    /// One at a time, so that an older snapshot never takes a newer one's place. Nothing is waited
    /// for under it but the store.
    one: Mutex<()>,
    handle: SnapshotHandle,
}

impl Reloader {
    /// Takes the first snapshot, once its upstream keys were read or could not be.
    pub(super) fn start(
        store: Arc<dyn Store>,
        builder: SnapshotBuilder,
    ) -> Result<Self, AdminError> {
        let (snapshot, faults) = builder.build(store.load_snapshot(now())?);
        tell(&faults);
        let handle = SnapshotHandle::new(snapshot);
        Ok(Self {
            store,
            builder,
            one: Mutex::default(),
            handle,
        })
    }

    /// The snapshot in force.
    pub(super) fn handle(&self) -> SnapshotHandle {
        self.handle.clone()
    }

    /// Takes a new snapshot. It is in force before any provider of secrets is waited for: a key that
    /// was revoked is refused, however slow they are. Upstream keys that are new are read then, and
    /// put in force too. Blocks.
    pub(super) fn reload(&self) -> Result<(), AdminError> {
        let lacking = self.take()?;
        if lacking.is_empty() {
            return Ok(());
        }
        self.builder.take_in(&lacking);
        self.take().map(drop)
    }

    /// The same with all upstream keys read again. Gives those that could not be: what was read
    /// before is used on, unless they are gone. Blocks.
    pub(super) fn read_again(&self) -> Result<Vec<String>, AdminError> {
        let unread = self.builder.read_again();
        self.reload()?;
        Ok(unread.iter().map(ToString::to_string).collect())
    }

    /// Takes a new snapshot if the store has moved since the last. Blocks.
    pub(super) fn catch_up(&self) -> Result<(), AdminError> {
        if self.store.generation()? == self.handle.load().generation() {
            return Ok(());
        }
        self.reload()
    }

    /// Takes a new snapshot if an upstream key has another value since the last, could be read at
    /// last, or may not be used any more. Blocks.
    fn keep_up(&self) -> Result<(), AdminError> {
        match self.builder.moved() {
            true => self.take().map(drop),
            false => Ok(()),
        }
    }

    /// Does that now and then, until it is dropped.
    pub(super) async fn look_after(self: Arc<Self>) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let reloader = Arc::clone(&self);
            match spawn_blocking(move || reloader.keep_up()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "upstream keys stay as they were"),
                Err(error) => tracing::error!(%error, "upstream keys stay as they were"),
            }
        }
    }

    /// Puts the state in force with what is held. Gives the references that were never read.
    fn take(&self) -> Result<Vec<SecretRef>, AdminError> {
        let _one = self.one.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self.store.load_snapshot(now())?;
        let lacking = self.builder.lacking(&state);
        let (snapshot, faults) = self.builder.build_from_held(state);
        if lacking.is_empty() {
            tell(&faults);
        }
        self.handle.swap(snapshot);
        Ok(lacking)
    }
}

fn tell(faults: &[doorward_gateway::Error]) {
    for fault in faults {
        tracing::warn!(%fault, "left out");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use doorward_gateway::Limits;
    use doorward_keys::Pepper;
    use doorward_policy::WorkspaceKind;
    use doorward_secrets::{
        Error, Expect, Found, Provider, Result as SecretResult, Scheme, Secrets, Seen, Version,
    };
    use doorward_store::{NewUpstreamKey, NewWorkspace, SqliteStore};
    use secrecy::SecretString;

    use super::*;

    /// Answers what it is told to; hangs where it is told nothing.
    struct Answers(Mutex<Receiver<Option<&'static str>>>);

    impl Provider for Answers {
        fn describe(&self) -> &'static str {
            "a fake"
        }

        fn read(&self, reference: &SecretRef) -> SecretResult<Found> {
            match self.0.lock().unwrap().recv() {
                Ok(Some(value)) => Ok(Found::only(value.into())),
                _ => Err(Error::Trouble {
                    reference: reference.clone(),
                    why: "away".to_owned(),
                }),
            }
        }

        fn write(&self, _: &SecretRef, _: &SecretString, _: &Expect) -> SecretResult<Version> {
            unreachable!()
        }

        fn inspect(&self, _: &SecretRef) -> SecretResult<Seen> {
            unreachable!()
        }
    }

    struct Rig {
        store: Arc<SqliteStore>,
        workspace: String,
        answers: Sender<Option<&'static str>>,
        reloader: Arc<Reloader>,
    }

    impl Rig {
        /// One with a key `one` whose first reading comes to this.
        fn new(first: Option<&'static str>) -> Self {
            let store = Arc::new(SqliteStore::in_memory().unwrap());
            let new = NewWorkspace::new("acme", WorkspaceKind::Sandbox, "http://127.0.0.1:1");
            let workspace = store.create_workspace(&new, now()).unwrap().id;
            let (answers, receiver) = channel();
            let secrets = Secrets::new().with(Scheme::Exec, Answers(Mutex::new(receiver)));
            let pepper = Pepper::new(&[7; 32]).unwrap();
            let builder = SnapshotBuilder::new(pepper, secrets, &Limits::default());
            add(&store, &workspace, "one");
            answers.send(first).unwrap();
            let reloader = Reloader::start(Arc::clone(&store) as _, builder).unwrap();
            Self {
                store,
                workspace,
                answers,
                reloader: Arc::new(reloader),
            }
        }

        fn usable(&self) -> usize {
            self.reloader.handle().load().workspaces().1
        }

        fn in_force(&self) -> bool {
            self.reloader.handle().load().generation() == self.store.generation().unwrap()
        }
    }

    fn add(store: &SqliteStore, workspace: &str, name: &str) {
        let new = NewUpstreamKey::new(name, &format!("exec://fake?arg={name}"));
        store.add_upstream_key(workspace, &new, now()).unwrap();
    }

    const VALUE: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_change_is_in_force_while_a_provider_hangs() {
        let rig = Rig::new(Some(VALUE));
        assert_eq!(rig.usable(), 1);
        // A new key is read by one who changed the state, and its provider hangs.
        add(&rig.store, &rig.workspace, "two");
        let reloader = Arc::clone(&rig.reloader);
        let waiting = std::thread::spawn(move || reloader.reload());
        while !rig.in_force() {
            std::thread::yield_now();
        }
        // The next change waits for nobody.
        let new = NewWorkspace::new("other", WorkspaceKind::Sandbox, "http://127.0.0.1:1");
        rig.store.create_workspace(&new, now()).unwrap();
        assert!(!rig.in_force());
        rig.reloader.reload().unwrap();
        assert!(rig.in_force() && !waiting.is_finished());
        assert_eq!(rig.usable(), 1);
        rig.answers
            .send(Some("fedcba9876543210fedcba9876543210"))
            .unwrap();
        waiting.join().unwrap().unwrap();
        let workspaces = rig.store.workspaces().unwrap();
        let keys = workspaces.iter().flat_map(|one| &one.upstream_keys);
        let snapshot = rig.reloader.handle().load();
        assert_eq!(
            keys.filter(|key| snapshot.key_print(&key.id).is_some())
                .count(),
            2
        );
    }

    #[test]
    fn a_key_whose_provider_is_away_is_used_on_and_its_new_value_taken() {
        let rig = Rig::new(Some(VALUE));
        let id = rig
            .store
            .workspaces()
            .unwrap()
            .remove(0)
            .upstream_keys
            .remove(0)
            .id;
        let print = || rig.reloader.handle().load().key_print(&id);
        let first = print();
        rig.answers.send(None).unwrap();
        let unread = rig.reloader.read_again().unwrap();
        assert!(
            unread.len() == 1 && unread[0].ends_with("away"),
            "{unread:?}"
        );
        assert!(first.is_some() && print() == first);
        rig.answers
            .send(Some("fedcba9876543210fedcba9876543210"))
            .unwrap();
        assert!(rig.reloader.read_again().unwrap().is_empty());
        assert!(print().is_some() && print() != first);
    }

    #[test]
    fn a_key_that_could_not_be_read_at_the_start_is_taken_when_it_can_be() {
        let rig = Rig::new(None);
        assert_eq!(rig.usable(), 0);
        rig.reloader.keep_up().unwrap();
        assert_eq!(rig.usable(), 0);
        // It is tried again by itself.
        rig.answers.send(Some(VALUE)).unwrap();
        while !rig.reloader.builder.moved() {
            std::thread::sleep(Duration::from_millis(20));
        }
        rig.reloader.keep_up().unwrap();
        assert_eq!(rig.usable(), 1);
    }
}
