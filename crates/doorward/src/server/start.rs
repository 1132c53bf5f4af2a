//! The start of a server: its parts, each over those before it.

use std::sync::Arc;

use doorward_audit::Sinks;
use doorward_gateway::{
    Gateway, GatewayConfig, LedgerRecorder, Listener, RecordSettings, SnapshotBuilder,
};
use doorward_store::{SqliteStore, Store};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};

use super::address::url_of;
use super::administration::{admin, reload_on_hang_up};
use super::alive::Alive;
use super::doors::Doors;
use super::health::health_of;
use super::learning::Learning;
use super::metrics::Metrics;
use super::pace::KeptPace;
use super::pages::Pages;
use super::presented::Presented;
use super::ready::Readiness;
use super::relaying::Relaying;
use super::reload::Reloader;
use super::running::Server;
use super::settings::Settings;
use super::stage::{Stage, reached};
use super::taken::{take_desks, take_settings, take_sinks};
use super::telemetry::Told;
use super::watches::Watches;
use super::{checking, idempotency, pace, rotating, sinks, traces, uses};
use crate::admin::{AdminError, AdminServer};
use crate::alerts::{AlertDesk, watch_certificates};
use crate::context::Context;
use crate::exit::Failure;
use crate::record::{Take, open_record, recorded_secrets};
use crate::relay::{RelayParts, open_events};
use crate::scrubbed::known_secrets;
use crate::secret::read_pepper;

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
        let checked = Arc::clone(&store);
        metrics.also(move |text| checking::figures(checked.as_ref(), text));
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
        let parts = (Arc::clone(&store), alerts.clone());
        let due = join(
            due,
            checking::scheduled(context, &settings, Arc::clone(&admin), parts),
        );
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
            _renewing: renewing
                .into_iter()
                .map(|renewing| renewing.watched(&alive))
                .collect(),
        })
    }
}

async fn join(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    tokio::join!(one, other);
}
