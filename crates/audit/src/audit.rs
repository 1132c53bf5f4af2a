//! The open record: acts in, leaves out.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use doorward_ledger::log::{Halt, Log, LogOptions, Opened, Reader, Status};
use doorward_ledger::segment::Disk;
use doorward_ledger::{
    Act, Actor, ActorKind, Commitment, Door, Event, LeafBytes, LeafId, Sealed, SubjectId, Verdict,
};
use doorward_policy::Timestamp;
use doorward_store::Store;
use tokio::sync::oneshot;

use crate::anchor::StoreAnchor;
use crate::background::Worker;
use crate::call_end::{CallEnd, Ended};
use crate::commitments::Commitments;
use crate::draft::Draft;
use crate::error::{AuditError, Result};
use crate::inbox::{Inbox, Message};
use crate::interrupted::{CLOSED, end_interrupted};
use crate::keyring::Keyring;
use crate::options::AuditOptions;
use crate::people::{People, Person, Unsealed};
use crate::random::random;
use crate::refusals::Refusals;

/// Acts that wait to be sealed in the background.
const QUEUE: usize = 16 * 1024;
/// With so many waiting, nothing should be begun whose end would be noted.
const CROWDED: usize = QUEUE / 4 * 3;
const KEPT_UP_NOT: &str = "more acts wait than are kept in mind";
/// Name of the key that tells the audit key is the right one; no month's.
const CHECK: &str = "check";

/// The record of acts: seals people's values, appends to the ledger, and opens what it sealed.
/// Shared between threads behind an `Arc`; closed by [`close`](Self::close) or when dropped.
pub struct Audit {
    pub(crate) core: Arc<Core>,
    inbox: Arc<Inbox>,
    worker: Mutex<Option<JoinHandle<()>>>,
}

/// What callers and the worker share.
pub(crate) struct Core {
    pub(crate) log: Log,
    pub(crate) people: People,
    pub(crate) commitments: Commitments,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) refusals: Mutex<Refusals>,
    pub(crate) clock: fn() -> Timestamp,
    /// Acts that were to be recorded in the background and were not.
    pub(crate) lost: AtomicU64,
    /// Acts that wait to be sealed in the background.
    pub(crate) waiting: AtomicUsize,
    /// The background has ended, in order or not.
    pub(crate) ended: AtomicBool,
}

/// An act that is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// Its place in the ledger, from zero.
    pub sequence: u64,
    /// The leaf's own name.
    pub leaf: LeafId,
}

impl Audit {
    /// Opens the ledger, or begins one, and records that it was opened and what was mended.
    ///
    /// # Errors
    /// When the ledger refuses to start, or the audit key is not the one it was made with.
    pub fn open(options: AuditOptions) -> Result<(Self, Opened)> {
        let AuditOptions {
            folder,
            origin,
            signers,
            trusted,
            audit_key,
            store,
            adopt,
            tuning,
            clock,
        } = options;
        let keyring = Keyring::new(&audit_key)?;
        let disk = Disk::new(&folder).map_err(|source| doorward_ledger::log::LogError::Io {
            path: folder.display().to_string(),
            source,
        })?;
        let signer = signers
            .first()
            .cloned()
            .ok_or(AuditError::NotRecorded("no key signs the ledger"))?;
        let anchor = Arc::new(StoreAnchor::new(Arc::clone(&store), &origin));
        let mut log_options = LogOptions::new(&origin, signer, anchor);
        log_options.signers = signers;
        log_options.trusted = trusted;
        log_options.adopt = adopt;
        log_options.tuning = tuning;
        log_options.disk_full_leaf = Arc::new(move |_| {
            state(clock(), "disk_full")
                .into_leaf(&[], None)
                .ok()
                .map(|(_, leaf)| leaf)
        });
        let (log, opened) = Log::open(Arc::new(disk), log_options)?;
        let core = Arc::new(Core {
            log,
            people: People::new(Arc::clone(&store), keyring),
            commitments: Commitments::default(),
            store,
            refusals: Mutex::default(),
            clock,
            lost: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
        });
        let now = clock();
        core.confirm_audit_key(now)?;
        core.commitments
            .key(now, now, core.store.as_ref(), core.people.keyring())?;
        let interrupted = end_interrupted(&core, now)?;
        core.record_opened(&opened, adopt, interrupted)?;
        let inbox = Arc::new(Inbox::new(QUEUE));
        let worker = Worker::new(Arc::clone(&core), Arc::clone(&inbox));
        let worker = std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || worker.run())
            .map_err(|_| AuditError::NotRecorded("no thread could be started"))?;
        let audit = Self {
            core,
            inbox,
            worker: Mutex::new(Some(worker)),
        };
        Ok((audit, opened))
    }

    /// Records an act. When this is done, the act is on disk.
    ///
    /// # Errors
    /// When it is not, or not known to be.
    pub async fn record(&self, draft: Draft) -> Result<Recorded> {
        let sealed = match self.core.seal_at_hand(draft) {
            Ok(sealed) => sealed?,
            Err(draft) => {
                let core = Arc::clone(&self.core);
                tokio::task::spawn_blocking(move || core.seal(*draft))
                    .await
                    .map_err(|_| AuditError::NotRecorded("sealing it failed"))??
            }
        };
        let (leaf, bytes) = sealed;
        let (tell, told) = oneshot::channel();
        self.core.log.append_then(&bytes, move |result| {
            // Nobody waits any more: the leaf is there all the same.
            let _ = tell.send(result);
        });
        let sequence = told
            .await
            .map_err(|_| AuditError::NotRecorded("the ledger ended"))??;
        Ok(Recorded { sequence, leaf })
    }

    /// Records an act and blocks until it is on disk.
    ///
    /// # Errors
    /// When it is not, or not known to be.
    pub fn record_blocking(&self, draft: Draft) -> Result<Recorded> {
        self.core.record_blocking(draft)
    }

    /// Records an act in the background. What can't be recorded is counted, and the count recorded
    /// as soon as something can be.
    pub fn note(&self, draft: Draft) {
        self.send(Message::Draft(Box::new(draft)));
    }

    /// Records how a call ended, in the background as [`note`](Self::note) does.
    pub fn note_end(&self, ended: Box<dyn Ended>) {
        self.send(Message::CallEnded(ended));
    }

    fn send(&self, message: Message) {
        self.core.waiting.fetch_add(1, Ordering::Relaxed);
        if !self.inbox.note(message) {
            self.core.waiting.fetch_sub(1, Ordering::Relaxed);
            self.core.lose(1, &AuditError::NotRecorded(KEPT_UP_NOT));
        }
    }

    /// Whether acts that are noted now will be recorded: somebody records them, and not too many
    /// wait already. What would only be noted should not be begun otherwise.
    pub fn keeps_up(&self) -> bool {
        !self.core.ended.load(Ordering::Relaxed)
            && self.core.waiting.load(Ordering::Relaxed) < CROWDED
    }

    /// Whether everybody of these was heard of lately. For somebody new a key must be kept for
    /// good, which costs the store a commit.
    pub fn knows(&self, mut persons: impl Iterator<Item = Person>) -> bool {
        let people = &self.core.people;
        persons.all(|person| people.is_at_hand(&person))
    }

    /// Takes note that an act with these people is about to be recorded: they are
    /// [known](Self::knows) from now on.
    pub fn expect(&self, persons: impl Iterator<Item = Person>) {
        let people = &self.core.people;
        persons.for_each(|person| people.expect(&person));
    }

    /// Counts a refusal of somebody who could not prove who they are. One leaf a door and minute
    /// is recorded, however many there are.
    pub fn stranger(&self, door: Door, at: Timestamp, reason: &'static str) {
        if let Some(draft) = self.core.refusals().count(door, at, reason) {
            self.note(draft);
        }
    }

    /// Why no act can be recorded now; `Ok` when it can.
    ///
    /// # Errors
    /// Why not.
    pub fn available(&self) -> std::result::Result<(), Halt> {
        self.core.log.halted().map_or(Ok(()), Err)
    }

    /// How the ledger is doing.
    pub fn status(&self) -> Status {
        self.core.log.status()
    }

    /// Acts that were not recorded, and whose count was not recorded yet either.
    pub fn lost(&self) -> u64 {
        self.core.lost.load(Ordering::Relaxed)
    }

    /// The log itself: checkpoints, proofs, pruning.
    pub fn log(&self) -> &Log {
        &self.core.log
    }

    /// Reads leaves, beside the writer.
    pub fn reader(&self) -> Reader {
        self.core.log.reader()
    }

    /// The time, by this record's clock.
    pub fn now(&self) -> Timestamp {
        (self.core.clock)()
    }

    /// Where people's keys are.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.core.store
    }

    /// The subject that stands for a person, if the record knows one. Blocks.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn find(&self, person: &Person) -> Result<Option<SubjectId>> {
        self.core.people.find(person)
    }

    /// Opens a value sealed in the field `field` of the leaf `leaf`. Blocks.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn unseal(&self, leaf: LeafId, field: &str, sealed: &Sealed) -> Result<Unsealed> {
        self.core.people.open(leaf, field, sealed)
    }

    /// Whether a body's SHA-256 is what a leaf committed to in `field`; `None` when the key of that
    /// month was destroyed. Blocks.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn verify_commitment(
        &self,
        leaf: LeafId,
        field: &str,
        sha256: &[u8; 32],
        found: &Commitment,
    ) -> Result<Option<bool>> {
        let core = &self.core;
        Commitments::verify(
            core.store.as_ref(),
            core.people.keyring(),
            leaf,
            field,
            sha256,
            found,
        )
    }

    /// Waits until all that was noted before is durable, or can't be. Blocks.
    pub fn flush(&self) {
        let (done, wait) = std::sync::mpsc::channel();
        if self.inbox.hurry(Message::Flush(done)) {
            let _ = wait.recv_timeout(Duration::from_secs(30));
        }
    }

    /// Records what is left, signs it, and ends. Blocks.
    ///
    /// # Errors
    /// When the last checkpoint could not be published: it will be at the next start.
    pub fn close(&self) -> Result<()> {
        let worker = self
            .worker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(worker) = worker {
            // Where it has ended already, there is nobody to be told.
            let _ = self.inbox.hurry(Message::End);
            let _ = worker.join();
            // Whoever opens it next need not look for calls that were interrupted. A log that
            // halted takes nothing any more.
            let _ = self
                .core
                .record_blocking(state((self.core.clock)(), CLOSED));
        }
        Ok(self.core.log.close()?)
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        // Whoever wants to know calls `close`.
        let _ = self.close();
    }
}

impl Core {
    pub(crate) fn refusals(&self) -> MutexGuard<'_, Refusals> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts acts that can't be recorded.
    pub(crate) fn lose(&self, acts: u64, error: &AuditError) {
        // Said once; the count goes on.
        if self.lost.fetch_add(acts, Ordering::Relaxed) == 0 {
            tracing::error!(%error, "acts could not be recorded");
        }
    }

    /// Seals with what is in memory; gives the draft back when that is not enough.
    fn seal_at_hand(
        &self,
        draft: Draft,
    ) -> std::result::Result<Result<(LeafId, LeafBytes)>, Box<Draft>> {
        let keys: Option<Vec<_>> = draft
            .persons()
            .map(|person| self.people.at_hand(person))
            .collect();
        let commitments = self.commitments.at_hand(draft.at);
        match (keys, commitments) {
            (Some(keys), commitments) if commitments.is_some() || !draft.has_body() => {
                Ok(draft.into_leaf(&keys, commitments.as_deref()))
            }
            _ => Err(Box::new(draft)),
        }
    }

    /// Seals, making keys where there are none. Blocks.
    pub(crate) fn seal(&self, draft: Draft) -> Result<(LeafId, LeafBytes)> {
        let now = (self.clock)();
        let keys = draft
            .persons()
            .map(|person| self.people.key(person, now))
            .collect::<Result<Vec<_>>>()?;
        let commitments = if draft.has_body() {
            let keyring = self.people.keyring();
            let store = self.store.as_ref();
            Some(self.commitments.key(draft.at, now, store, keyring)?)
        } else {
            None
        };
        draft.into_leaf(&keys, commitments.as_deref())
    }

    /// The leaf of a call's end. Blocks where there is no key of somebody yet.
    pub(crate) fn seal_end(&self, end: &CallEnd<'_>) -> Result<LeafBytes> {
        let people = end.people();
        let now = (self.clock)();
        let keys = people.keys(|person| self.people.key(person, now))?;
        let commitments = match end.body {
            Some(_) => {
                let (keyring, store) = (self.people.keyring(), self.store.as_ref());
                Some(self.commitments.key(end.at, now, store, keyring)?)
            }
            None => None,
        };
        end.leaf(&people, &keys, commitments.as_deref())
    }

    pub(crate) fn record_blocking(&self, draft: Draft) -> Result<Recorded> {
        let (leaf, bytes) = self.seal(draft)?;
        let sequence = self.log.append(&bytes)?.wait()?;
        Ok(Recorded { sequence, leaf })
    }

    /// The first time, wraps a key that is nothing else; ever after, it must open: under another
    /// audit key nobody would be found and nothing could be read.
    fn confirm_audit_key(&self, now: Timestamp) -> Result<()> {
        let keyring = self.people.keyring();
        let wrapped = match self.store.commitment_key(CHECK)? {
            Some(wrapped) => wrapped,
            None => {
                let new = keyring.wrap(CHECK.as_bytes(), &random()?)?;
                self.store.add_commitment_key(CHECK, &new, now)?
            }
        };
        keyring.unwrap(CHECK.as_bytes(), &wrapped).map(|_| ())
    }

    fn record_opened(&self, opened: &Opened, adopted: bool, interrupted: u64) -> Result<()> {
        let now = (self.clock)();
        if opened.torn_bytes > 0 {
            let mut draft = state(now, "tail_cut");
            let metadata = &mut draft.act.metadata;
            metadata.insert("bytes".to_owned(), opened.torn_bytes.into());
            self.record_blocking(draft)?;
        }
        let mut draft = state(now, "opened");
        let metadata = &mut draft.act.metadata;
        metadata.insert("found_leaves".to_owned(), opened.size.into());
        if interrupted > 0 {
            metadata.insert("interrupted_calls".to_owned(), interrupted.into());
        }
        if adopted {
            metadata.insert("adopted".to_owned(), true.into());
        }
        metadata.insert("rebuilt_tiles".to_owned(), opened.rebuilt_tiles.into());
        metadata.insert(
            "mended_checkpoint".to_owned(),
            opened.mended_checkpoint.into(),
        );
        metadata.insert("version".to_owned(), env!("CARGO_PKG_VERSION").into());
        self.record_blocking(draft)?;
        Ok(())
    }
}

/// A leaf about the ledger itself.
pub(crate) fn state(at: Timestamp, state: &str) -> Draft {
    let act = Act {
        actor: Some(Actor::of(ActorKind::Doorward)),
        ..Act::new("ledger.state", Verdict::Success)
    };
    let event = Event::State {
        state: state.to_owned(),
    };
    Draft::new(at, act, event)
}
