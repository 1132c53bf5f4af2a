//! Rotations in a running server: what the gateway has in force, and what is under way under each key.

use std::sync::Arc;

use doorward_audit::Audit;
use doorward_gateway::{KeyFigures, Pacing, SnapshotHandle};
use doorward_keys::rotation::{Timing, Why};
use doorward_secrets::Secrets;
use doorward_store::Store;
use tokio::runtime::Handle;

use super::reload::Reloader;
use super::settings::Settings;
use crate::admin::AdminError;
use crate::alerts::AlertDesk;
use crate::consumers::{Consumers, Outsiders};
use crate::context::Context;
use crate::rotation::{Asked, Gate, Parts, Rotations};
use crate::schedule::{Begin, Schedule};

/// The rotations of a server, none driven yet.
pub(super) fn rotations(
    context: &Context,
    (store, secrets): (&Arc<dyn Store>, Arc<Secrets>),
    record: &Arc<Audit>,
    alerts: &AlertDesk,
    (pacing, reloader): (&Pacing, &Arc<Reloader>),
) -> (Rotations, Consumers) {
    let record = Arc::clone(record);
    let consumers = Consumers::new(context, Arc::clone(&secrets));
    let held = Arc::clone(&record);
    let outside = Outsiders::new(
        consumers.clone(),
        Arc::clone(store),
        alerts.clone(),
        Arc::new(move || Ok(Arc::clone(&held))),
    );
    let rotations = Rotations::new(Parts {
        store: Arc::clone(store),
        secrets,
        audit: Box::new(move || Ok(Arc::clone(&record))),
        alerts: alerts.clone(),
        pacing: Some(pacing.clone()),
        plain_http: context.config.gateway.plain_http,
        seconds: context.config.rotation.seconds,
        overlap: context.config.rotation.overlap.into(),
        gate: Arc::new(InForce {
            handle: reloader.handle(),
            reloader: Arc::clone(reloader),
        }),
        outside: Arc::new(outside),
    });
    (rotations, consumers)
}

/// Begins rotations when they are due, by the configuration in force, until it is dropped.
pub(super) fn scheduled(
    context: &Context,
    settings: &Settings,
    (store, alerts, record): (&Arc<dyn Store>, &AlertDesk, &Arc<Audit>),
    (rotations, consumers): (Rotations, Consumers),
) -> impl Future<Output = ()> + Send + 'static {
    let schedule = Schedule::new(
        &context.config.rotation,
        Arc::clone(store),
        alerts.clone(),
        Arc::clone(record),
    );
    let schedule = Arc::new(schedule);
    let (taking, asking) = (Arc::clone(&schedule), rotations.clone());
    settings.on(&["rotation"], move |next| {
        let (schedule, consumers) = (Arc::clone(&taking), consumers.clone());
        let asking = asking.clone();
        let next = next.clone();
        Ok(Box::new(move || {
            schedule.set(&next.config.rotation);
            asking.set_overlap(next.config.rotation.overlap);
            consumers.set(&next);
        }))
    });
    let begin: Begin = Arc::new(move |workspace, key, overlap| {
        let asked = Asked {
            workspace: workspace.to_owned(),
            key: key.to_owned(),
            why: Why::Schedule,
            scopes: None,
            api_key_id: None,
            reference: None,
            consumers: Vec::new(),
            timing: Timing {
                overlap,
                ..Timing::default()
            },
        };
        let begun = Handle::current().block_on(rotations.begin(&asked));
        begun.map(drop).map_err(|error| error.message)
    });
    schedule.watch(begin)
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
