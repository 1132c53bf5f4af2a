//! Accounts, mail and what belongs to them.

use crate::cx::Cx;

/// Plants the accounts of the workspace of `cx`; their addresses.
pub(crate) fn accounts(_cx: &mut Cx<'_>) -> Vec<String> {
    Vec::new()
}

/// Plants the rest, once campaigns and leads are there.
pub(crate) fn plant(_cx: &mut Cx<'_>) {}
