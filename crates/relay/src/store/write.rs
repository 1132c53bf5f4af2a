//! A write of the store's one writer, and how others ask for one.

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::keyring::{Nonces, SealKey};
use super::open::{EventStore, Shared};
use super::people::People;
use super::queue::{Job, Within};
use crate::error::{RelayError, Result};

/// What a write has at hand, within a transaction.
pub(super) struct Writing<'a> {
    pub(super) tx: &'a Connection,
    pub(super) people: &'a mut People,
    pub(super) nonces: &'a mut Nonces,
    pub(super) next_seq: &'a mut i64,
    pub(super) shared: &'a Shared,
}

impl Writing<'_> {
    /// Does a part whole or not at all, and leaves the rest of the commit as it is.
    fn apart<T>(&mut self, act: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.tx.execute_batch("SAVEPOINT part")?;
        let outcome = act(self);
        let end = match outcome {
            Ok(_) => "RELEASE part",
            Err(_) => "ROLLBACK TO part; RELEASE part",
        };
        // A full disk has taken the whole transaction back already, and the savepoint with it.
        if !self.tx.is_autocommit() {
            self.tx.execute_batch(end)?;
        }
        if outcome.is_err() {
            // Those whose keys were made in vain.
            self.people.forget_all();
        }
        outcome
    }

    /// The key that a body is sealed under: its person's, or the store's own. `None` when the person
    /// was erased.
    pub(super) fn with_key_of<T>(
        &mut self,
        subject: Option<i64>,
        act: impl FnOnce(&SealKey, &mut Nonces) -> Result<T>,
    ) -> Result<Option<T>> {
        let Some(subject) = subject else {
            return act(&self.shared.keys.bodies, self.nonces).map(Some);
        };
        match self.people.by_id(self.tx, &self.shared.keys, subject)? {
            Some(key) => act(&key, self.nonces).map(Some),
            None => Ok(None),
        }
    }
}

struct Act<T, F> {
    act: Option<F>,
    outcome: Option<Result<T>>,
    tell: oneshot::Sender<Result<T>>,
}

impl<T, F> Within for Act<T, F>
where
    T: Send,
    F: FnOnce(&mut Writing<'_>) -> Result<T> + Send,
{
    fn run(&mut self, writing: &mut Writing<'_>) {
        if let Some(act) = self.act.take() {
            self.outcome = Some(writing.apart(act));
        }
    }

    fn tell(self: Box<Self>, committed: std::result::Result<(), &RelayError>) {
        let outcome = match (committed, self.outcome) {
            // Its own failure says more than that of all.
            (_, Some(Err(error))) => Err(error),
            (Err(error), _) => Err(error.shared()),
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => Err(RelayError::Closed),
        };
        // Whoever asked may have gone.
        let _ = self.tell.send(outcome);
    }
}

impl EventStore {
    /// Has something written together with what else is to be; what came of it is on disk when this
    /// resolves. Given up, it may be written all the same.
    pub(super) async fn write<T, F>(&self, act: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Writing<'_>) -> Result<T> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let act = Act {
            act: Some(act),
            outcome: None,
            tell,
        };
        self.shared().queue.job(Job::Within(Box::new(act)))?;
        told.await.map_err(|_| RelayError::Closed)?
    }

    /// Has something done with the writer's connection between two commits.
    pub(super) async fn alone<T, F>(&self, act: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        self.shared()
            .queue
            .job(Job::Alone(Box::new(move |connection| {
                let _ = tell.send(act(connection));
            })))?;
        told.await.map_err(|_| RelayError::Closed)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{EventKey, NewEvent, Origin, TakeError};
    use crate::store::StoreOptions;

    fn event(n: u8) -> NewEvent {
        NewEvent {
            key: EventKey::new([n; 32]),
            source: 1,
            workspace: "w".into(),
            event_type: "t".into(),
            campaign: None,
            lead: None,
            event_ms: None,
            received_ms: 1,
            origin: Origin::Test,
            quarantined: None,
            body: "x".into(),
        }
    }

    fn open(path: &std::path::Path) -> EventStore {
        let options = StoreOptions {
            reserve: 0,
            ..StoreOptions::default()
        };
        EventStore::open(path, &"k".repeat(32).into(), &options, 1).unwrap()
    }

    /// A part that fails takes nothing else with it.
    #[tokio::test]
    async fn a_write_that_fails_leaves_what_is_written_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder.path().join("relay.db"));
        let failing = store.write(|writing| -> Result<()> {
            writing.tx.execute("DELETE FROM store", [])?;
            Err(RelayError::Random)
        });
        let (failed, taken, begun) =
            tokio::join!(failing, store.take(event(1)), store.begin(1, None, 1));
        assert!(matches!(failed, Err(RelayError::Random)));
        assert!(taken.is_ok() && begun.is_ok());
        store.take(event(2)).await.unwrap();
        drop(store);
        // Its keys are there still.
        drop(open(&folder.path().join("relay.db")));
    }

    /// Should the writer ever break off, nobody waits for it: they are told to come again.
    #[tokio::test]
    async fn nobody_waits_for_a_writer_that_broke_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        let store = open(&path);
        let broken = store.alone(|_| -> Result<()> { panic!("on purpose") });
        let (broken, taken) = tokio::join!(broken, store.take(event(1)));
        assert!(matches!(broken, Err(RelayError::Closed)));
        // It was before the panic, or after it.
        assert!(matches!(taken, Ok(_) | Err(TakeError::Closed)));
        assert_eq!(store.take(event(2)).await, Err(TakeError::Closed));
        drop(store);
        open(&path).take(event(2)).await.unwrap();
    }
}
