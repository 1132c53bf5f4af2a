//! Approvals as this program opens them: settings, the key, who is told.

use std::sync::Arc;
use std::time::Duration;

use doorward_alert::{Alert, AlertKind};
use doorward_audit::Audit;
use doorward_gateway::ApprovalDesk;
use doorward_store::{ApprovalRecord, Store};
use tokio::task::spawn_blocking;

use crate::admin::now;
use crate::alerts::AlertDesk;
use crate::context::Context;
use crate::exit::Failure;

/// How often those whose time is over are ended.
const EVERY: Duration = Duration::from_secs(30);

/// The approvals of a store.
///
/// # Errors
/// When the audit key or the store can't be read.
pub(crate) fn open(context: &Context, store: Arc<dyn Store>) -> Result<ApprovalDesk, Failure> {
    let key = context
        .secrets
        .open()?
        .read(&context.audit_key()?)
        .map_err(|error| Failure::usage(format_args!("the audit key: {error}")))?;
    let settings = context.config.approvals.0.clone();
    ApprovalDesk::open(store, &key, settings).map_err(Failure::failed)
}

/// Those of a server: recorded, and told.
///
/// # Errors
/// As [`open`].
pub(crate) fn serve(
    context: &Context,
    store: Arc<dyn Store>,
    audit: &Arc<Audit>,
    alerts: AlertDesk,
) -> Result<Arc<ApprovalDesk>, Failure> {
    let desk = open(context, store)?;
    let desk = desk.telling(Arc::clone(audit), move |record| {
        alerts.tell(asked(record));
    });
    Ok(Arc::new(desk))
}

/// Ends those whose time is over, again and again, until it is dropped.
pub(crate) async fn tidy(desk: Arc<ApprovalDesk>) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let desk = Arc::clone(&desk);
        match spawn_blocking(move || desk.tidy(now())).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "approvals could not be tidied up"),
            Err(error) => tracing::error!(%error, "tidying up approvals failed"),
        }
    }
}

/// That somebody has to decide. Nothing of the request: it may hold data of people.
fn asked(record: &ApprovalRecord) -> Alert {
    let id = &record.id;
    let title = format!("{} asks to do {}", record.client, record.operation.id());
    let text = format!(
        "See the request:  doorward approval show {id}\nSay yes:  doorward approval approve {id} \
         --reason WHY\nSay no:  doorward approval deny {id} --reason WHY"
    );
    Alert::new(AlertKind::ApprovalAsked, title, record.asked_at)
        .text(text)
        .fact("approval", id)
        .fact("client", &record.client)
        .fact("operation", record.operation.id())
        .fact("policy", &record.policy)
        .fact("until", record.expires_at)
        .key(id)
}
