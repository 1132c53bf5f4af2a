//! What runs beside the doors: witnesses, and the watch over Instantly's own audit log.

use std::sync::Arc;
use std::time::Duration;

use doorward_audit::reconcile::{WatchHandle, watch_instantly};
use doorward_audit::{Audit, Witness, WitnessOptions, Witnesses};
use doorward_gateway::Pacing;
use doorward_ledger::VerifierKey;
use doorward_secrets::Secrets;
use doorward_store::Store;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::alive::Alive;
use super::instantly::{self, Sources};
use crate::context::Context;
use crate::exit::Failure;

/// How long each is waited for at the end.
const DRAIN: Duration = Duration::from_secs(5);

/// The tasks, and how they are doing.
pub(crate) struct Watches {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    /// The witnesses, if there are any.
    pub(crate) witnesses: Option<Witnesses>,
    /// The watch over Instantly's audit log.
    pub(crate) instantly: WatchHandle,
}

impl Watches {
    /// Starts what is configured.
    ///
    /// # Errors
    /// When a witness is configured that can't be one.
    pub(crate) fn start(
        context: &Context,
        audit: &Arc<Audit>,
        keys: &[VerifierKey],
        (store, secrets): (&Arc<dyn Store>, &Arc<Secrets>),
        pacing: &Pacing,
        alive: &Alive,
    ) -> Result<Self, Failure> {
        let (stop, stopped) = watch::channel(false);
        let mut watches = Self {
            stop,
            tasks: Vec::new(),
            witnesses: None,
            instantly: WatchHandle::default(),
        };
        let config = &context.config;
        if !config.ledger.witnesses.is_empty() {
            let witnesses = config
                .ledger
                .witnesses
                .iter()
                .map(|witness| Witness::new(&witness.url, &witness.key))
                .collect::<Result<Vec<_>, _>>()
                .map_err(Failure::usage)?;
            let witnesses = Witnesses::open(
                &context.data_dir.ledger(),
                keys,
                witnesses,
                Arc::clone(audit) as _,
                WitnessOptions::default(),
            )
            .map_err(Failure::usage)?;
            let mut stopped = stopped.clone();
            watches.witnesses = Some(witnesses.clone());
            let watched = witnesses.run(async move {
                let _ = stopped.wait_for(|stop| *stop).await;
            });
            watches.tasks.push(alive.spawn("witnesses", watched));
        }
        if config.instantly.watch {
            let sources = Sources::new(
                Arc::clone(store),
                Arc::clone(secrets),
                config.gateway.plain_http,
            )
            .paced(pacing.clone());
            let watched = watch_instantly(
                Arc::clone(audit),
                move || tokio::task::block_in_place(|| sources.now()),
                instantly::options(&config.instantly),
                watches.instantly.clone(),
                stopped,
            );
            watches
                .tasks
                .push(alive.spawn("the watch over Instantly's log", watched));
        }
        Ok(watches)
    }

    /// Ends them all.
    pub(crate) async fn end(self) {
        self.stop.send_replace(true);
        for mut task in self.tasks {
            if timeout(DRAIN, &mut task).await.is_err() {
                task.abort();
                // It is over once this returns.
                let _ = task.await;
            }
        }
    }
}
