//! Durable state: workspaces, their upstream keys (by reference, never by value), clients, the
//! keyed hashes of their keys, and what was learnt from the real API.
//!
//! All of it is behind the trait [`Store`]; [`SqliteStore`] keeps it in one file. Calls block: an
//! async caller uses its runtime's blocking pool. Nothing on the path of a request comes here: a
//! server decides from a [`Snapshot`], read in one transaction, and takes a new one when
//! [`Store::generation`] has moved.
//!
//! What holds:
//! - No secret is stored. A client key is there as HMAC-SHA-256 under a pepper kept elsewhere, an
//!   upstream key as a reference that says where its value is.
//! - A change that was acknowledged is on disk (write-ahead log, synchronous), and a change is
//!   there whole or not at all.
//! - One process writes at a time; a second is told who does.
//! - A ledger's anchor is swapped only by who knows what was there, and a key that was erased is
//!   gone from the files ([`LedgerStore`]).
//! - A record of Instantly's own audit log is kept once ([`InstantlyLogStore`]).
//! - A write under an idempotency key is noted before it leaves, and its answer is kept sealed
//!   ([`IdempotencyStore`]).
//! - An approval is one for a request, and used once ([`ApprovalStore`]).
//! - One rotation of a key is under way at a time, its state is swapped only by who knows what was
//!   there, and a key takes another's place, name and all, in one change ([`RotationStore`]).
//! - A revocation that nothing takes the place of is owed until it is over ([`RevocationStore`]).
//! - What clients used of their day, and the pace of a run before, outlive it ([`PaceStore`]).
//! - A run of the checklist, what it found and what is muted are kept, the oldest forgotten
//!   ([`CheckStore`]).
//! - Every list is sorted the same way each time.
//!
//! ```
//! use doorward_catalog::Environment;
//! use doorward_keys::{ClientKey, Pepper};
//! use doorward_policy::{Grant, Timestamp, WorkspaceKind};
//! use doorward_store::{NewClient, NewClientKey, NewWorkspace, SqliteStore, Store};
//!
//! let now = Timestamp::from_seconds(1_800_000_000);
//! let store = SqliteStore::in_memory()?;
//! let workspace = store.create_workspace(
//!     &NewWorkspace::new("acme", WorkspaceKind::Sandbox, "http://127.0.0.1:4010"),
//!     now,
//! )?;
//! let client = store.create_client(
//!     &NewClient::new(&workspace.id, "importer", Environment::Production,
//!         Grant::for_use_case("lead-import")),
//!     now,
//! )?;
//!
//! let pepper = Pepper::new(&[7; 32]).unwrap();
//! let key = ClientKey::generate(client.environment, &[42; ClientKey::RANDOM_LEN]);
//! store.add_client_key(&client.id, &NewClientKey::of(&key, &pepper), now)?;
//!
//! let snapshot = store.load_snapshot(now)?;
//! let known = snapshot.authenticate(&pepper, key.expose()).unwrap();
//! assert_eq!(known.client.record.name, "importer");
//! # Ok::<(), doorward_store::StoreError>(())
//! ```

mod admin_token_store;
mod approval_store;
mod base_url;
mod check;
mod check_store;
mod client;
mod controls;
mod error;
pub mod file;
mod idempotency_store;
mod instantly_log_store;
mod ledger_store;
mod observed;
mod pace_store;
mod policy_store;
mod relay_store;
mod revocation_store;
mod rotation_store;
mod snapshot;
mod sqlite;
mod store;
mod workspace;

pub use admin_token_store::{AdminToken, AdminTokenStore};
pub use approval_store::{ApprovalRecord, ApprovalState, ApprovalStore, AskedFor};
pub use check::check_name;
pub use check_store::{CheckRun, CheckStore, KeptFinding, KeptMute, NewCheckRun, SeenFinding};
pub use client::{Client, ClientChange, ClientKeyRecord, NewClient, NewClientKey, ReplacedKeys};
pub use controls::Controls;
pub use error::{Result, StoreError, What};
pub use idempotency_store::{
    IdempotencyId, IdempotencyRecord, IdempotencyState, IdempotencyStore, Noted,
};
pub use instantly_log_store::{InstantlyLogStore, Judgement, LogRow};
pub use ledger_store::{LedgerStore, SubjectRow};
pub use observed::ObservedScope;
pub use pace_store::{ClientUse, PaceStore, SavedPace};
pub use policy_store::{Policy, PolicyStore};
pub use relay_store::{EndChange, EndKind, EndState, NewEnd, RelayEnd, RelayStore};
pub use revocation_store::{NewRevocation, RevocationRecord, RevocationStore};
pub use rotation_store::{NewRotation, PromotedKey, RotationRecord, RotationStore};
pub use snapshot::{KeyInForce, Known, Snapshot, SnapshotClient};
pub use sqlite::SqliteStore;
pub use store::Store;
pub use workspace::{
    KeyRole, NewUpstreamKey, NewWorkspace, Probe, ProbeOutcome, UpstreamKey, UpstreamKeyChange,
    UpstreamKeyState, Workspace, WorkspaceChange,
};
