//! createLead, listLeads, getLead and the like.

use crate::call::Call;
use crate::cx::Cx;
use crate::ops::astray;
use crate::reply::Answer;

/// The leads of a workspace.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct LeadTable {}

pub(crate) fn answer(_cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        other => Err(astray(other)),
    }
}
