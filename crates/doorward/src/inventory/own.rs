//! A write of Doorward's own: on record before it is sent and when it is over, under a name that
//! Instantly's audit log keeps, so that reconciliation knows it.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;

use doorward_audit::{Audit, Draft};
use doorward_catalog::Op;
use doorward_ledger::{Act, Actor, ActorKind, Event, Resource, Verdict};
use doorward_store::{UpstreamKey, Workspace};
use doorward_upstream::{Error, USER_AGENT};

use super::listing::list_keys;
use super::reach::Reach;
use crate::admin::AdminError;
use crate::secret::random;

/// How often a deletion is tried whose answer was lost.
const TRIES: usize = 3;

/// What became of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deleted {
    /// The key was deleted.
    Now,
    /// There was no such key.
    Before,
}

/// Deletes a key of a workspace by Instantly's id, under the key that manages.
///
/// # Errors
/// When it was not done, and when nobody knows: then it says so.
pub(crate) async fn delete_key(
    audit: &Arc<Audit>,
    reach: &Reach,
    workspace: &Workspace,
    manager: &UpstreamKey,
    api_key_id: &str,
) -> Result<Deleted, AdminError> {
    for attempt in 1..=TRIES {
        let error = match delete_once(audit, reach, workspace, manager, api_key_id).await? {
            Ok(()) => return Ok(Deleted::Now),
            Err(Error::NotFound { .. }) if attempt == 1 => return Ok(Deleted::Before),
            // Gone since the try whose answer was lost.
            Err(Error::NotFound { .. }) => return Ok(Deleted::Now),
            Err(error) => error,
        };
        let client = reach.under(workspace, manager)?;
        match list_keys(&client).await {
            Ok((listing, _)) if listing.whole => {
                let there = listing.keys.iter().any(|key| key.api_key_id == api_key_id);
                if !there {
                    return Ok(Deleted::Now);
                }
            }
            _ => {}
        }
        if attempt == TRIES || !is_passing(&error) {
            return Err(AdminError::failed(format_args!(
                "the key {api_key_id} could not be deleted under '{}': {error}",
                manager.name
            )));
        }
    }
    Err(AdminError::failed("the key could not be deleted"))
}

/// Whether another try may do it.
fn is_passing(error: &Error) -> bool {
    matches!(
        error,
        Error::OutcomeUnknown { .. }
            | Error::Server { .. }
            | Error::BadAnswer { .. }
            | Error::Broken { .. }
            | Error::TimedOut { .. }
    )
}

async fn delete_once(
    audit: &Arc<Audit>,
    reach: &Reach,
    workspace: &Workspace,
    manager: &UpstreamKey,
    api_key_id: &str,
) -> Result<Result<(), Error>, AdminError> {
    let op = Op::DeleteAPIKey;
    let name = request_name()?;
    let client = reach.named(workspace, manager, &format!("{USER_AGENT} {name}"))?;
    let draft = |event: Event, result: Verdict| {
        let act = Act {
            actor: Some(Actor::of(ActorKind::Doorward)),
            workspace: Some(workspace.id.clone()),
            upstream_key: Some(manager.id.clone()),
            request_id: Some(name.clone()),
            resource: Some(Resource {
                kind: "api_key".to_owned(),
                ..Resource::default()
            }),
            ..Act::new(op.id(), result)
        };
        Draft::new(audit.now(), act, event).id("id", api_key_id)
    };
    let intent = Event::Intent {
        operation: op.id().to_owned(),
        body: None,
        inputs: None,
    };
    let intent = audit
        .record(draft(intent, Verdict::Pending))
        .await
        .map_err(|error| {
            AdminError::failed(format_args!(
                "nothing was deleted, since it can't be recorded: {error}"
            ))
        })?;
    let began = Instant::now();
    let done = client.api_keys().delete(api_key_id).await.map(|_| ());
    let (status, result) = match &done {
        Ok(()) => (Some(200), Verdict::Success),
        Err(Error::NotFound { .. }) => (Some(404), Verdict::Failure),
        Err(Error::WrongScope { .. } | Error::DeadKey { .. }) => (Some(401), Verdict::Failure),
        Err(Error::Limit { .. }) => (Some(429), Verdict::Failure),
        Err(Error::NotSent { .. }) => (None, Verdict::Failure),
        Err(Error::Server { status, .. }) => (Some(*status), Verdict::Unknown),
        Err(_) => (None, Verdict::Unknown),
    };
    let outcome = Event::Outcome {
        intent: Some(intent.leaf),
        operation: Some(op.id().to_owned()),
        status,
        latency_us: u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
        body: None,
        answer: None,
    };
    // What was done is done: the intent is on record, whatever becomes of this.
    if let Err(error) = audit.record(draft(outcome, result)).await {
        tracing::error!(%error, "how the deletion of a key ended could not be recorded");
    }
    Ok(done)
}

/// A name for one call: `req_` and 32 hexadecimal digits.
fn request_name() -> Result<String, AdminError> {
    let bytes = random::<16>()?;
    let mut name = "req_".to_owned();
    for byte in bytes.iter() {
        let _ = write!(name, "{byte:02x}");
    }
    Ok(name)
}
