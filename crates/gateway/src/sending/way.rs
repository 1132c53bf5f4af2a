//! The way that a call goes: to which API, under which key, and what its answer passes through. All
//! of it is of one snapshot.

use std::sync::Arc;

use doorward_catalog::Op;
use http::StatusCode;

use crate::answers::veil::Veil;
use crate::decision::refusal::Refusal;
use crate::sending::key_use::KeyInUse;
use crate::sending::keychoice;
use crate::sending::keyhealth::KeyHealth;
use crate::sending::upstream::Upstream;
use crate::snapshot::Snapshot;

/// A call's way.
pub(crate) struct Way {
    /// What all of it is of.
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) upstream: Arc<Upstream>,
    /// The call counts as under way under it from here on.
    pub(crate) key: KeyInUse,
    /// What the answer passes through.
    pub(crate) veil: Veil,
}

impl Way {
    /// The way of a client's call by that snapshot.
    ///
    /// # Errors
    /// 503, when there is none.
    pub(crate) fn of(
        snapshot: &Arc<Snapshot>,
        (workspace, client_id): (&str, &str),
        op: Op,
        health: &KeyHealth,
    ) -> Result<Self, Refusal> {
        let unavailable = |reason, message: &'static str| {
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, reason, message).of(op)
        };
        let upstream = snapshot.upstream(workspace).ok_or_else(|| {
            unavailable(
                "workspace_unavailable",
                "the client's workspace is not set up rightly",
            )
        })?;
        let key = keychoice::choose(upstream, op, health).ok_or_else(|| {
            unavailable(
                "no_upstream_key_covers",
                "no upstream key of the workspace covers this operation; ask for one to be added",
            )
        })?;
        Ok(Self {
            veil: Veil::of(snapshot, client_id, op)?,
            upstream: Arc::clone(upstream),
            key: KeyInUse::of(key),
            snapshot: Arc::clone(snapshot),
        })
    }
}
