//! What is asked about the block list, and answered.

use serde::{Deserialize, Serialize};

/// Most values that are added or removed at once: Instantly's own limit.
pub(crate) const BULK_MAX: usize = doorward_catalog::limits::BLOCK_LIST_BULK_MAX;

/// A stretch of the block list.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BlockPage {
    /// Name or id of the workspace; the only one when none is said.
    pub(crate) workspace: Option<String>,
    /// Behind this cursor, which the stretch before told; from the begin when none is said.
    pub(crate) after: Option<String>,
    /// Domains alone.
    pub(crate) domains_only: bool,
    /// Only what has this text in it.
    pub(crate) search: Option<String>,
}

/// A stretch, and where it goes on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BlockStretch {
    /// Name of the workspace.
    pub(crate) workspace: String,
    /// Its entries.
    pub(crate) entries: Vec<BlockView>,
    /// Where it goes on; none at the end.
    pub(crate) next: Option<String>,
}

/// An entry of the block list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BlockView {
    /// Instantly's id of it.
    pub(crate) id: String,
    /// The address or domain as Instantly has it.
    pub(crate) value: String,
    /// When it was added, as Instantly says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) added_at: String,
}

/// The entries of a few values.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BlockFind {
    /// Name or id of the workspace; the only one when none is said.
    pub(crate) workspace: Option<String>,
    /// The values.
    pub(crate) values: Vec<String>,
}

/// Adds values that are not there; whoever asks has looked.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BlockAdd {
    /// Name or id of the workspace; the only one when none is said.
    pub(crate) workspace: Option<String>,
    /// 1 to 1,000 of them.
    pub(crate) values: Vec<String>,
}

/// What came of adding.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct BlockAdded {
    /// Values that Instantly took.
    pub(crate) added: u64,
    /// Values that it did not.
    pub(crate) refused: u64,
}

/// Removes entries by Instantly's ids.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BlockRemove {
    /// Name or id of the workspace; the only one when none is said.
    pub(crate) workspace: Option<String>,
    /// 1 to 1,000 of them.
    pub(crate) ids: Vec<String>,
}

/// What came of removing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct BlockRemoved {
    /// Entries that were removed; the others were gone.
    pub(crate) removed: u64,
}
