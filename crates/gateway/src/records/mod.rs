//! What is told of a call: the ledger, the figures, the trace.

pub(crate) mod ledger_drafts;
pub(crate) mod ledger_recorder;
pub(crate) mod observe;
pub(crate) mod record;
pub(crate) mod telemetry;
pub(crate) mod trace;
