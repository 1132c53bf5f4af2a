//! What the real API said about scopes.

use doorward_catalog::Op;
use doorward_policy::Timestamp;
use serde::{Serialize, Serializer};

/// A scope that the real API asked for when it refused a call: its 401 names it. For operations
/// whose scope is only assumed, this is how the assumption is confirmed or corrected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ObservedScope {
    /// Doorward's id of the workspace it was seen on.
    pub workspace_id: String,
    /// The operation that was refused.
    #[serde(serialize_with = "by_id")]
    pub operation: Op,
    /// The scopes it asked for, as it spelt them, sorted.
    pub required: Vec<String>,
    /// When it first asked for these.
    pub first_seen: Timestamp,
    /// When it last asked for these.
    pub last_seen: Timestamp,
}

fn by_id<S: Serializer>(op: &Op, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(op.id())
}
