//! The proof that a request was allowed.

use doorward_catalog::Op;
use std::fmt;
use std::sync::Arc;

use crate::decide::{ClientView, RequestFacts, check};
use crate::deny::Denial;
use crate::time::Timestamp;

/// A request that was allowed. [`authorize`] is the only way to one.
///
/// What is wrapped must be the very thing that is carried out: there is no way to swap it for
/// another, and no copy to carry out twice.
pub struct Authorized<T> {
    request: T,
    op: Op,
    client: Arc<str>,
    workspace: Arc<str>,
    decided_at: Timestamp,
}

impl<T> Authorized<T> {
    /// The request.
    pub fn request(&self) -> &T {
        &self.request
    }

    /// The request, to be carried out; the proof is used up.
    pub fn into_inner(self) -> T {
        self.request
    }

    /// The operation that was decided on.
    pub fn op(&self) -> Op {
        self.op
    }

    /// Name of the client it was allowed to.
    pub fn client(&self) -> &Arc<str> {
        &self.client
    }

    /// Id of the workspace it was allowed on.
    pub fn workspace(&self) -> &Arc<str> {
        &self.workspace
    }

    /// When it was decided.
    pub fn decided_at(&self) -> Timestamp {
        self.decided_at
    }
}

/// Shows what was decided and nothing of the request, whose body is people's data.
impl<T> fmt::Debug for Authorized<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorized")
            .field("op", &self.op)
            .field("client", &self.client)
            .field("workspace", &self.workspace)
            .field("decided_at", &self.decided_at)
            .finish_non_exhaustive()
    }
}

/// Decides as [`decide`](crate::decide) does and, when it is allowed, wraps the request.
///
/// `facts` must be taken from the very `request` that is passed.
///
/// # Errors
/// The denial; the request is dropped.
pub fn authorize<'a, T>(
    client: &ClientView<'a>,
    facts: &RequestFacts<'_>,
    request: T,
) -> Result<Authorized<T>, Denial<'a>> {
    let op = check(client, facts)?;
    Ok(Authorized {
        request,
        op,
        client: Arc::clone(client.name),
        workspace: Arc::clone(client.workspace),
        decided_at: facts.now,
    })
}
