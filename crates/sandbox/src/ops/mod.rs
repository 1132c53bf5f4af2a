//! The operations, one file a resource. Each file's `answer` takes the operations that `dispatch`
//! sends to it.

pub(crate) mod accounts;
pub(crate) mod api_keys;
pub(crate) mod audit_logs;
pub(crate) mod billing;
pub(crate) mod block_list;
pub(crate) mod campaign_analytics;
pub(crate) mod campaigns;
pub(crate) mod crm;
pub(crate) mod emails;
pub(crate) mod group;
pub(crate) mod jobs;
pub(crate) mod lead_labels;
pub(crate) mod lead_lists;
pub(crate) mod leads;
pub(crate) mod leads_bulk;
pub(crate) mod members;
pub(crate) mod oauth;
pub(crate) mod orders;
pub(crate) mod placement_analytics;
pub(crate) mod placement_reports;
pub(crate) mod placement_tests;
pub(crate) mod subsequences;
pub(crate) mod supersearch;
pub(crate) mod tags;
pub(crate) mod verification;
pub(crate) mod warmup;
pub(crate) mod webhook_events;
pub(crate) mod webhooks;
pub(crate) mod workspaces;

use doorward_catalog::Op;

use crate::reply::Refusal;

/// The answer of a file that was sent an operation it does not have: a fault of the sandbox.
pub(crate) fn astray(op: Op) -> Refusal {
    Refusal::new(500, format!("the sandbox sent {op} to the wrong place"))
}
