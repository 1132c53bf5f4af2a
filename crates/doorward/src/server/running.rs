//! A server while it runs, and its end.

use std::sync::Arc;
use std::time::Duration;

use doorward_audit::{Audit, Sinks};
use doorward_gateway::Gateway;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::alive::Ended;
use super::doors::Renewing;
use super::pace::KeptPace;
use super::relaying::Relaying;
use super::settings::Settings;
use super::sinks;
use super::stage::Stage;
use super::traces::Exporting;
use super::watches::Watches;
use crate::alerts::AlertDesk;
use crate::exit::Failure;
use crate::rotation::Rotations;
use crate::signals::{Endings, SAME_WORD};

/// How long administrative requests under way are waited for at the end.
const ADMIN_DRAIN: Duration = Duration::from_secs(10);

/// A server that answers.
pub(crate) struct Server {
    /// Where the gateway is.
    pub(crate) gateway_url: String,
    /// Where the relay is, if it runs.
    pub(crate) relay_url: Option<String>,
    pub(super) relaying: Option<Relaying>,
    pub(super) gateway: JoinHandle<std::io::Result<()>>,
    pub(super) admin: JoinHandle<std::io::Result<()>>,
    pub(super) hang_ups: JoinHandle<()>,
    pub(super) due: JoinHandle<()>,
    pub(super) keys: JoinHandle<()>,
    pub(super) learning: JoinHandle<()>,
    pub(super) forgetting: JoinHandle<()>,
    pub(super) uses: JoinHandle<()>,
    pub(super) pace: KeptPace,
    pub(super) record: Arc<Audit>,
    pub(super) watches: Watches,
    pub(super) sinks: Arc<Sinks>,
    pub(super) alerts: AlertDesk,
    pub(super) alarms: JoinHandle<()>,
    pub(super) traces: Option<Exporting>,
    pub(super) settings: Arc<Settings>,
    pub(super) leave: Gateway,
    pub(super) tidying: JoinHandle<()>,
    pub(super) rotations: Rotations,
    pub(super) stop: watch::Sender<Stage>,
    pub(super) ended: Ended,
    /// Looked after as long as the server runs.
    pub(super) _renewing: Vec<Renewing>,
}

impl Server {
    /// Waits until it is told to end, then lets calls under way finish, and ends. Told once more, it
    /// waits for nobody.
    ///
    /// # Errors
    /// When a part failed, or calls were cut off.
    pub(crate) async fn run(mut self, mut endings: Endings) -> Result<(), Failure> {
        let failed_early = tokio::select! {
            () = endings.next() => None,
            ended = &mut self.gateway => Some(match ended {
                Ok(Err(error)) => format!("the gateway ended: {error}"),
                Ok(Ok(())) => "the gateway ended by itself".to_owned(),
                Err(error) => format!("the gateway failed: {error}"),
            }),
            name = self.ended.first() => Some(format!(
                "a part of the server ended before its time: {name}; its log says more"
            )),
        };
        if let Some(why) = failed_early {
            tracing::error!(why, "the server can't go on");
            self.stop.send_replace(Stage::Ending);
            self.alerts.tell(crate::alerts::ended_early(&why));
            self.alerts.end().await;
            let record = self.record;
            // So that what was told is in the ledger.
            let _ = tokio::task::spawn_blocking(move || record.flush()).await;
            return Err(Failure::failed(why));
        }
        tokio::select! {
            ended = self.end() => ended,
            () = endings.again(SAME_WORD) => {
                Err(Failure::failed("told to end a second time: calls under way were cut off"))
            }
        }
    }

    /// Lets calls under way finish, and ends.
    ///
    /// # Errors
    /// When a part failed.
    pub(crate) async fn end(self) -> Result<(), Failure> {
        let Self {
            gateway,
            mut admin,
            hang_ups,
            due,
            keys,
            learning,
            forgetting,
            uses,
            pace,
            record,
            watches,
            sinks,
            alerts,
            alarms,
            traces,
            settings,
            leave,
            tidying,
            rotations,
            relaying,
            stop,
            ..
        } = self;
        stop.send_replace(Stage::Leaving);
        crate::supervisor::ending();
        leave.leave();
        drop(leave);
        let announce = settings.in_force(|context| context.config.gateway.announce);
        drop(settings);
        if !announce.is_zero() {
            tracing::info!(seconds = announce.as_secs(), "telling that the server ends");
            tokio::time::sleep(announce).await;
        }
        tracing::info!("draining");
        stop.send_replace(Stage::Draining);
        let served = gateway.await;
        if let Some(relaying) = relaying {
            relaying.end().await;
        }
        stop.send_replace(Stage::Ending);
        let administered = timeout(ADMIN_DRAIN, &mut admin).await;
        admin.abort();
        hang_ups.abort();
        due.abort();
        keys.abort();
        rotations.end().await;
        watches.end().await;
        alarms.abort();
        tidying.abort();
        alerts.end().await;
        if let Some(traces) = traces {
            traces.end(sinks::DRAIN).await;
        }
        // What was learnt is written down.
        let _ = learning.await;
        let _ = uses.await;
        let _ = forgetting.await;
        pace.end().await;
        let closed = tokio::task::spawn_blocking(move || {
            record.flush();
            sinks.stop(sinks::DRAIN);
            let closed = record.close();
            match record.lost() {
                0 => {}
                // The ledger may never tell: it takes nothing any more.
                lost => tracing::error!(lost, "acts are not in the ledger"),
            }
            closed
        });
        let closed = closed.await;
        served.map_err(Failure::failed)?.map_err(Failure::failed)?;
        closed.map_err(Failure::failed)?.map_err(Failure::failed)?;
        if let Ok(administered) = administered {
            administered
                .map_err(Failure::failed)?
                .map_err(Failure::failed)?;
        }
        tracing::info!("ended");
        Ok(())
    }
}
