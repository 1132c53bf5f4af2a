//! A running server: the gateway and the admin socket over one store.

mod address;
mod administration;
mod alive;
mod doors;
mod health;
mod idempotency;
mod instantly;
mod key_uses;
mod learning;
mod metrics;
mod pace;
mod pages;
mod presented;
mod ready;
mod relaying;
mod reload;
mod rotating;
mod settings;
mod sinks;
mod taken;
mod telemetry;
mod traces;
mod uses;
mod watches;

use std::sync::Arc;
use std::time::Duration;

use doorward_audit::{Audit, Sinks};
use doorward_gateway::{
    Gateway, GatewayConfig, LedgerRecorder, Listener, RecordSettings, SnapshotBuilder,
};
use doorward_store::{SqliteStore, Store, StoreError};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(crate) use self::address::listen;
use self::address::url_of;
use self::administration::{admin, reload_on_hang_up};
use self::alive::{Alive, Ended};
pub(crate) use self::doors::Doors;
use self::doors::Renewing;
use self::health::health_of;
pub(crate) use self::instantly::WATCHED;
pub(crate) use self::instantly::{Sources, options as watch_options, watch_key};
use self::learning::Learning;
use self::metrics::Metrics;
use self::pace::KeptPace;
pub(crate) use self::pace::OwnPace;
use self::pages::Pages;
use self::presented::Presented;
pub(crate) use self::presented::fingerprint;
use self::ready::Readiness;
use self::relaying::Relaying;
pub(crate) use self::relaying::listener_on as relay_listener;
use self::reload::Reloader;
use self::settings::Settings;
use self::taken::{take_desks, take_settings, take_sinks};
use self::telemetry::Told;
use self::traces::Exporting;
use self::watches::Watches;
use crate::admin::{AdminError, AdminServer};
use crate::alerts::{AlertDesk, watch_certificates};
use crate::context::Context;
use crate::exit::Failure;
use crate::record::{Take, open_record, recorded_secrets};
use crate::relay::{RelayParts, open_events};
use crate::rotation::Rotations;
use crate::scrubbed::known_secrets;
use crate::secret::read_pepper;
use crate::signals::{Endings, SAME_WORD};

/// How long administrative requests under way are waited for at the end.
const ADMIN_DRAIN: Duration = Duration::from_secs(10);

/// Opens the store of a data folder under its lock.
///
/// # Errors
/// When another process has it, or it can't be used.
pub(crate) fn open_store(context: &Context) -> Result<Arc<SqliteStore>, Failure> {
    let data = &context.data_dir;
    data.check_own()?;
    match SqliteStore::open(&data.store()) {
        Ok(store) => Ok(Arc::new(store)),
        Err(StoreError::Locked { pid, .. }) => {
            let by = pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
            Err(Failure::usage(format_args!(
                "Doorward runs on {} already{by}; use it, stop it, or choose another folder with \
                 --data-dir",
                data.path().display()
            )))
        }
        Err(error) => Err(AdminError::from(error).into()),
    }
}

/// A server that answers.
pub(crate) struct Server {
    /// Where the gateway is.
    pub(crate) gateway_url: String,
    /// Where the relay is, if it runs.
    pub(crate) relay_url: Option<String>,
    relaying: Option<Relaying>,
    gateway: JoinHandle<std::io::Result<()>>,
    admin: JoinHandle<std::io::Result<()>>,
    hang_ups: JoinHandle<()>,
    due: JoinHandle<()>,
    keys: JoinHandle<()>,
    learning: JoinHandle<()>,
    forgetting: JoinHandle<()>,
    uses: JoinHandle<()>,
    pace: KeptPace,
    record: Arc<Audit>,
    watches: Watches,
    sinks: Arc<Sinks>,
    alerts: AlertDesk,
    alarms: JoinHandle<()>,
    traces: Option<Exporting>,
    settings: Arc<Settings>,
    leave: Gateway,
    tidying: JoinHandle<()>,
    rotations: Rotations,
    stop: watch::Sender<Stage>,
    ended: Ended,
    /// Looked after as long as the server runs.
    _renewing: Option<Renewing>,
}

/// How far the end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Running,
    /// Whoever asks is told that it ends.
    Leaving,
    /// No new calls; those under way finish.
    Draining,
    /// All else ends.
    Ending,
}

impl Server {
    /// Starts over a store, with the gateway on a listener. When this returns, everything answers.
    ///
    /// # Errors
    /// When a secret is missing, or the audit log or the admin socket can't be had.
    pub(crate) fn start(
        context: &Context,
        store: Arc<SqliteStore>,
        listener: TcpListener,
    ) -> Result<Self, Failure> {
        Self::start_with(context, store, listener, Doors::default())
    }

    /// The same, with more doors of the gateway's.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub(crate) fn start_with(
        context: &Context,
        store: Arc<SqliteStore>,
        listener: TcpListener,
        doors: Doors,
    ) -> Result<Self, Failure> {
        let store: Arc<dyn Store> = store;
        let gateway_config = &context.config.gateway;
        let own = Arc::new(context.secrets.open()?);
        let pepper = read_pepper(&own, &context.pepper()?)?;
        store
            .confirm_pepper(&pepper.check_value())
            .map_err(AdminError::from)?;
        let (record, ledger_keys) = open_record(context, Arc::clone(&store), Take::Own)?;
        let record = Arc::new(record);
        // One for all who read and write, so that none has an older value or asks anew.
        let secrets = Arc::new(recorded_secrets(&context.secrets, &record)?);

        let fingerprints = pepper.clone();
        let builder = SnapshotBuilder::new(pepper, Arc::clone(&secrets), &gateway_config.limits)
            .allow_plain_http(gateway_config.plain_http)
            .known_secrets(known_secrets());
        let reloader = Reloader::start(Arc::clone(&store), builder)?;
        let reloader = Arc::new(reloader);
        let sinks = sinks::configured(context, &secrets)?;
        let sinks = Arc::new(Sinks::start(&record, sinks).map_err(Failure::usage)?);
        let (stop, stage) = watch::channel(Stage::Running);
        let (alive, ended) = Alive::new();
        let pace = KeptPace::start(
            context.config.pace.settings.clone(),
            Arc::clone(&store),
            reached(stage.clone(), Stage::Ending),
            &alive,
        )?;
        let watches = Watches::start(
            context,
            &record,
            &ledger_keys,
            (&store, &secrets),
            &pace.pacing,
            &alive,
        )?;
        let alerts = AlertDesk::start(context, &record)?;
        context.secrets.alert(&alerts);
        let presented = Presented::new(Arc::clone(&record), alerts.clone(), fingerprints);
        let (rotations, consumers) = rotating::rotations(
            context,
            (&store, Arc::clone(&secrets)),
            &record,
            &alerts,
            (&pace.pacing, &reloader),
        );
        let health = health_of(
            &record,
            &sinks,
            &watches,
            &alerts,
            (&pace.pacing, &rotations),
        );
        let again = Arc::new(Notify::new());
        let alarms = alive.spawn(
            "alarms",
            join(
                crate::alerts::watch(alerts.clone(), Arc::clone(&health)),
                watch_certificates(alerts.clone(), context.clone(), Arc::clone(&again)),
            ),
        );
        let (learning, lessons) = Learning::new(alerts.clone(), presented);
        let uses = uses::restored(&store)?;
        let metrics = Arc::new(Metrics::default());
        let (spans, traces) = traces::start(context, &secrets)?.unzip();
        let paced = pace.pacing.clone();
        metrics.also(move |text| pace::show(&paced.figures(), text));
        if let Some(traces) = &traces {
            metrics.also(traces.figures());
        }
        let approvals =
            crate::approvals::serve(context, Arc::clone(&store), &record, alerts.clone())?;
        let tidying = alive.spawn("approvals", crate::approvals::tidy(Arc::clone(&approvals)));
        let idempotency = idempotency::remembered(context, &store, &secrets)?;
        let figures = idempotency.clone();
        metrics.also(move |text| idempotency::show(&figures.figures(), text));
        let config = GatewayConfig {
            limits: gateway_config.limits.clone(),
            approvals: Some(Arc::clone(&approvals)),
            uses: Arc::clone(&uses),
            telemetry: Some(Arc::new(Told::new(Arc::clone(&metrics), spans))),
            idempotency: Some(idempotency.clone()),
            pacing: Some(pace.pacing.clone()),
            ..GatewayConfig::default()
        };
        let recorder = Arc::new(LedgerRecorder::new(
            Arc::clone(&record),
            RecordSettings {
                reads: context.config.ledger.reads,
                reads_without: context.config.ledger.reads_without,
                ..RecordSettings::default()
            },
        ));
        let gateway = Gateway::new(config, reloader.handle(), recorder, Arc::new(learning))
            .map_err(Failure::failed)?;
        let settings = Arc::new(Settings::new(context));
        let readiness = Arc::new(Readiness::new(
            Arc::clone(&store),
            Arc::clone(&record),
            reloader.handle(),
            stage.clone(),
        ));
        let pages = Pages {
            record: Arc::clone(&record),
            health: Arc::clone(&health),
            metrics,
            figures: gateway.figures(),
            readiness,
            pacing: pace.pacing.clone(),
        };
        gateway.set_beside(pages.of(context)?);
        take_settings(&settings, &gateway, pages.clone(), idempotency);
        settings.on(&[], move |_| {
            let again = Arc::clone(&again);
            Ok(Box::new(move || again.notify_one()))
        });
        take_sinks(&settings, &sinks, &record);
        take_desks(&settings, alerts.clone(), &approvals, &record);
        let gateway_url = url_of(&listener)?;
        let socket = context.data_dir.admin_socket()?;
        let admin_server = AdminServer::take(&socket).map_err(|error| {
            Failure::usage(format_args!(
                "can't take the admin socket {}: {error}; choose another folder with --data-dir",
                socket.display()
            ))
        })?;

        let Doors {
            mut listeners,
            relay,
            renewing,
            desk,
        } = doors;
        // It is set here alone.
        let _ = desk.set(alerts.clone());
        listeners.insert(0, Listener::plain(listener));
        let relaying = match relay {
            Some(listener) => {
                let parts = RelayParts {
                    store: Arc::clone(&store),
                    secrets: Arc::clone(&secrets),
                    events: Arc::new(open_events(context, &own)?),
                    record: Arc::clone(&record),
                    alerts: alerts.clone(),
                    pacing: pace.pacing.clone(),
                    plain_http: gateway_config.plain_http,
                    config: context.config.relay.clone(),
                };
                Some(Relaying::start(parts, listener, &stage, &alive)?)
            }
            None => None,
        };
        if let Some(relaying) = &relaying {
            let relay = Arc::clone(&relaying.relay);
            pages.metrics.also(move |text| relay.show(text));
        }
        let relay_url = relaying.as_ref().map(|relaying| relaying.url.clone());
        let admin = admin(
            context,
            &pages,
            &store,
            (&reloader, Arc::clone(&settings), stage.clone()),
            &gateway_url,
            (alerts.clone(), approvals, rotations.clone()),
            (own, secrets, relaying.as_ref()),
        )?;
        let leave = gateway.clone();
        let hang_ups = alive.spawn("SIGHUP", reload_on_hang_up(Arc::clone(&admin))?);
        // Nothing can fail any more: a start that did not come about has told nobody.
        crate::backup::tell_restored(&context.data_dir, &record, &alerts)?;
        rotations.resume_open()?;
        let driven = (rotations.clone(), consumers);
        let due = rotating::scheduled(context, &settings, (&store, &alerts, &record), driven);
        Ok(Self {
            gateway: tokio::spawn(doorward_gateway::serve_all(
                listeners,
                gateway,
                reached(stage.clone(), Stage::Draining),
            )),
            hang_ups,
            due: alive.spawn("the schedule", due),
            keys: alive.spawn("upstream keys", Arc::clone(&reloader).look_after()),
            admin: alive.spawn(
                "the admin socket",
                admin_server.serve(admin, reached(stage.clone(), Stage::Ending)),
            ),
            uses: alive.spawn(
                "uses",
                uses::keep(
                    uses,
                    Arc::clone(&store),
                    reached(stage.clone(), Stage::Ending),
                ),
            ),
            forgetting: alive.spawn(
                "idempotency keys",
                idempotency::forget(Arc::clone(&store), reached(stage.clone(), Stage::Ending)),
            ),
            learning: alive.spawn(
                "what is learnt",
                lessons.keep(store, reloader, reached(stage, Stage::Ending)),
            ),
            pace,
            gateway_url,
            relay_url,
            relaying,
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
            stop,
            ended,
            _renewing: renewing.map(|renewing| renewing.watched(&alive)),
        })
    }

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

async fn join(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    tokio::join!(one, other);
}

async fn reached(mut stage: watch::Receiver<Stage>, wanted: Stage) {
    // With nobody left to say so, the end is here too.
    let _ = stage.wait_for(|stage| *stage >= wanted).await;
}
