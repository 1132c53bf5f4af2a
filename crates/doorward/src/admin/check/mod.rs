//! The checklist: a run with all that is made of it, what is kept of it and told of it, and mutes.

mod acts;
mod ask;
mod kept;
mod leaves;
mod mutes;
mod progress;
mod types;

use std::sync::Arc;

use axum::Router;

use super::service::Admin;

pub(crate) use ask::{Scheduled, ticket};
pub(crate) use kept::runs as past_runs;
pub(super) use progress::Underway;
pub(crate) use types::{
    CheckAnswer, CheckAsk, CheckHistory, CheckMute, CheckMutes, CheckProgress, CheckUnmute,
    Counted, MuteView, PastRun,
};

/// Takes the requests in.
pub(super) fn routes(router: Router<Arc<Admin>>) -> Router<Arc<Admin>> {
    types::routes(super::server::on::<CheckAsk>(router))
}
