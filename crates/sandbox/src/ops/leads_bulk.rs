//! bulkDeleteLeads, mergeLeads, updateLeadInterestStatus and the like.

use crate::call::Call;
use crate::cx::Cx;
use crate::ops::astray;
use crate::reply::Answer;

pub(crate) fn answer(_cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        other => Err(astray(other)),
    }
}
