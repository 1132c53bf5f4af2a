//! The operations, one file a resource. Each file's `answer` takes the operations that `dispatch`
//! sends to it.

pub(crate) mod account_analytics;
pub(crate) mod account_filter;
pub(crate) mod account_states;
pub(crate) mod accounts;
pub(crate) mod api_keys;
pub(crate) mod audit_logs;
pub(crate) mod billing;
pub(crate) mod block_list;
pub(crate) mod campaign_analytics;
pub(crate) mod campaigns;
pub(crate) mod credits;
pub(crate) mod crm;
pub(crate) mod due;
pub(crate) mod email_filter;
pub(crate) mod email_writing;
pub(crate) mod emails;
#[cfg(test)]
pub(crate) mod fitting;
pub(crate) mod group;
pub(crate) mod jobs;
pub(crate) mod lead_labels;
pub(crate) mod lead_lists;
pub(crate) mod leads;
pub(crate) mod leads_bulk;
pub(crate) mod members;
pub(crate) mod oauth;
pub(crate) mod order_cancel;
pub(crate) mod order_domains;
pub(crate) mod order_quote;
pub(crate) mod orders;
pub(crate) mod placement_analytics;
pub(crate) mod placement_reports;
pub(crate) mod placement_run;
pub(crate) mod placement_tests;
pub(crate) mod subsequences;
pub(crate) mod supersearch;
pub(crate) mod supersearch_ai;
pub(crate) mod supersearch_filters;
pub(crate) mod supersearch_leads;
pub(crate) mod supersearch_people;
pub(crate) mod supersearch_run;
pub(crate) mod tags;
pub(crate) mod verification;
pub(crate) mod view;
pub(crate) mod vitals;
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
