//! Campaigns, leads and what was sent.

use crate::cx::Cx;

/// Plants them in the workspace of `cx`.
pub(crate) fn plant(_cx: &mut Cx<'_>) {}
