//! The way out: calls to the Instantly API, guarded.
//!
//! A client calls the gateway as it would call Instantly, with its client key. For each request
//! the gateway
//!
//! 1. **authenticates** the key against the [`Snapshot`] in force,
//! 2. **reads** the request into its canonical form, within [`Limits`],
//! 3. **decides** by the policy; what is allowed is an
//!    [`Authorized`](doorward_policy::Authorized) request,
//! 4. **records** the intent of a write by the [`Recorder`],
//! 5. waits for the call's **turn** by the [`Pacing`],
//! 6. **forwards** it to the workspace under the narrowest upstream key that covers it, and passes
//!    the answer on, redacted as the client's rules say and scrubbed of [`KnownSecrets`],
//! 7. **records** the outcome.
//!
//! Beside the API it takes claims, `POST /audit`, of clients that were granted to make them, and
//! serves what is [`Beside`] it, such as the [`LedgerPages`].
//!
//! The types see to the order: what forwards takes only what was authorised and recorded. Nothing
//! raw of a request is sent on: path, query and headers are rebuilt from what was decided on, the
//! body is the very bytes that were checked. No step touches the store: the snapshot is in memory
//! and is swapped whole.
//!
//! A refusal is in Instantly's error envelope, with a `doorward` object beside it and the header
//! `doorward-decision: denied`. Answers of the API's carry `doorward-decision: allowed`.
//!
//! ```no_run
//! use std::sync::Arc;
//! use doorward_gateway::{
//!     Gateway, GatewayConfig, LedgerRecorder, Limits, NoObserver, RecordSettings,
//!     SnapshotBuilder, SnapshotHandle, serve,
//! };
//! # async fn run(
//! #     store: doorward_store::Snapshot,
//! #     pepper: doorward_keys::Pepper,
//! #     audit: Arc<doorward_audit::Audit>,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! let secrets = doorward_secrets::Secrets::new();
//! let builder = SnapshotBuilder::new(pepper, secrets, &Limits::default());
//! let (snapshot, faults) = builder.build(store);
//! for fault in faults {
//!     tracing::warn!(%fault, "left out");
//! }
//! let snapshot = SnapshotHandle::new(snapshot);
//! let recorder = Arc::new(LedgerRecorder::new(audit, RecordSettings::default()));
//! let gateway =
//!     Gateway::new(GatewayConfig::default(), snapshot.clone(), recorder, Arc::new(NoObserver))?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:4000").await?;
//! serve(listener, gateway, std::future::pending()).await?;
//! # Ok(())
//! # }
//! ```

mod answers;
mod approvals;
mod clients;
mod clock;
mod decision;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod gateway;
mod idempotency;
mod pace;
mod pages;
mod records;
mod request;
mod sending;
mod snapshot;
mod wire;

pub use answers::answer::Answer;
pub use answers::known::KnownSecrets;
pub use approvals::{ApprovalDesk, ApprovalSettings, Ended, KeptRequest};
pub use clients::auth::bearer;
pub use clients::uses::{Today, Uses};
pub use clock::Clock;
pub use error::Error;
pub use gateway::{FiguresOf, Gateway, GatewayConfig};
pub use idempotency::{Idempotency, IdempotencyFigures, IdempotencyKey, IdempotencySettings};
pub use pace::ids::{AsWorkspace, PaceId};
pub use pace::kept::Past;
pub use pace::pacing::{PaceFigures, PaceSettings, Pacing};
pub use pages::beside::{Beside, BesideAnswer, BesideRequest};
pub use pages::ledger_pages::{LedgerAccess, LedgerPages};
pub use records::ledger_recorder::{LedgerRecorder, Reads, ReadsWithout, RecordSettings};
pub use records::observe::{
    KeyRefusedUpstream, NoObserver, Observer, ScopeRequired, UpstreamKeyPresented,
};
pub use records::record::{Actor, CallFacts, NotRecorded, Outcome, Parameter, Recorder, Recording};
pub use records::telemetry::{Figures, Telemetry};
pub use records::trace::{Trace, Tracing};
pub use request::limits::Limits;
pub use request::request_id::RequestId;
pub use sending::key_use::KeyFigures;
pub use sending::names::{Looked, Names, SystemNames};
pub use snapshot::{Snapshot, SnapshotBuilder, SnapshotHandle};
pub use wire::serve::{Listener, serve, serve_all};
pub use wire::tls::{Tls, TlsError};
