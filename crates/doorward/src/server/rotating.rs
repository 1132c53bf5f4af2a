//! Rotations in a running server: what the gateway has in force, and what is under way under each key.

use std::sync::Arc;

use doorward_audit::Audit;
use doorward_gateway::{KeyFigures, Pacing, SnapshotHandle};
use doorward_secrets::Secrets;
use doorward_store::Store;

use super::reload::Reloader;
use crate::admin::AdminError;
use crate::alerts::AlertDesk;
use crate::context::Context;
use crate::rotation::{Gate, NoOutside, Parts, Rotations};

/// The rotations of a server, none driven yet.
pub(super) fn rotations(
    context: &Context,
    (store, secrets): (&Arc<dyn Store>, Arc<Secrets>),
    record: &Arc<Audit>,
    alerts: &AlertDesk,
    (pacing, reloader): (&Pacing, &Arc<Reloader>),
) -> Rotations {
    let record = Arc::clone(record);
    Rotations::new(Parts {
        store: Arc::clone(store),
        secrets,
        audit: Box::new(move || Ok(Arc::clone(&record))),
        alerts: alerts.clone(),
        pacing: Some(pacing.clone()),
        plain_http: context.config.gateway.plain_http,
        gate: Arc::new(InForce {
            handle: reloader.handle(),
            reloader: Arc::clone(reloader),
        }),
        outside: Arc::new(NoOutside),
    })
}

/// What the gateway has in force.
struct InForce {
    reloader: Arc<Reloader>,
    handle: SnapshotHandle,
}

impl Gate for InForce {
    fn swap(&self) -> Result<(), AdminError> {
        self.reloader.reload()
    }

    fn has(&self, key_id: &str, print: [u8; 8]) -> bool {
        self.handle.load().key_print(key_id) == Some(print)
    }

    fn figures(&self, key_id: &str) -> KeyFigures {
        self.handle.load().key_figures(key_id)
    }
}
