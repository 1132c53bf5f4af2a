//! The one way by which this program alerts people.

mod alarms;
mod certificates;
mod channels;

use std::sync::Arc;
use std::time::Duration;

use doorward_alert::{Alert, AlertError, AlertStatus, Alerts, Options, Tried};
use doorward_audit::Audit;
use doorward_secrets::Secrets;
use tokio::runtime::Handle;

pub(crate) use self::alarms::watch;
pub(crate) use self::certificates::{unusable, watch_certificates};
use crate::admin::AdminError;
use crate::context::Context;
use crate::exit::Failure;
use crate::record::recorded_secrets;

/// How long alerts that wait are told at the end.
const DRAIN: Duration = Duration::from_secs(5);

/// Where alerts are raised: of a running server, or of a command without one.
#[derive(Clone)]
pub(crate) enum AlertDesk {
    /// They are told behind the caller's back.
    Running(Alerts),
    /// Each is told, once, while its raiser waits.
    Alone(Arc<Context>),
}

impl AlertDesk {
    /// Starts telling, as configured. Must be called on a runtime.
    ///
    /// # Errors
    /// When a setting does not fit, or a secret can't be read.
    pub(crate) fn start(context: &Context, audit: &Arc<Audit>) -> Result<Self, Failure> {
        let channels = channels::configured(context, &recorded_secrets(audit))?;
        let options = Options {
            window: window(context),
            ..Options::default()
        };
        let alerts = Alerts::start(channels, options, Some(Arc::clone(audit)));
        alerts.map(Self::Running).map_err(Failure::usage)
    }

    /// For a command that works by itself.
    pub(crate) fn alone(context: &Context) -> Self {
        Self::Alone(Arc::new(context.clone()))
    }

    /// Raises an alert. That of a server never waits; that of a command waits until it is told, and
    /// is to be called off the runtime's own threads. Whether it arrives changes nothing for the
    /// caller; it is logged. `false` when a server has no room for it.
    pub(crate) fn raise(&self, alert: Alert, audit: impl FnOnce() -> Option<Arc<Audit>>) -> bool {
        match self {
            Self::Running(alerts) => alerts.raise(alert),
            Self::Alone(context) => {
                if let Err(error) = tell_alone(context, alert, audit()) {
                    tracing::error!(%error, "an alert could not be told");
                }
                true
            }
        }
    }

    /// Raises an alert of a server's own.
    pub(crate) fn tell(&self, alert: Alert) {
        // That there was no room is counted and logged where it happens.
        let _ = self.raise(alert, || None);
    }

    /// Gets channels ready that are configured anew; what is given puts them in force.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub(crate) fn prepare(
        &self,
        next: &Context,
        secrets: &Secrets,
    ) -> Result<Box<dyn FnOnce() + Send>, Failure> {
        let channels = channels::configured(next, secrets)?;
        let prepared = Alerts::prepare(channels, window(next)).map_err(Failure::usage)?;
        Ok(match self {
            Self::Running(alerts) => {
                let alerts = alerts.clone();
                Box::new(move || alerts.take(prepared))
            }
            Self::Alone(_) => Box::new(|| ()),
        })
    }

    /// Tries one channel, or all. Blocks; to be called off the runtime's own threads.
    pub(crate) fn test(&self, channel: Option<&str>) -> Result<Vec<Tried>, AdminError> {
        let tried = match self {
            Self::Running(alerts) => Handle::current().block_on(alerts.test(channel)),
            Self::Alone(context) => {
                let channels = channels::configured(context, &Secrets::new())?;
                Handle::current().block_on(Alerts::test_alone(channels, channel))
            }
        };
        tried.map_err(AdminError::usage)
    }

    /// How telling is doing.
    pub(crate) fn status(&self) -> AlertStatus {
        match self {
            Self::Running(alerts) => alerts.status(),
            Self::Alone(_) => AlertStatus::default(),
        }
    }

    /// Tells what waits, and ends.
    pub(crate) async fn end(&self) {
        if let Self::Running(alerts) = self {
            alerts.end(DRAIN).await;
        }
    }
}

fn window(context: &Context) -> Duration {
    let minutes = context.config.alerts.window_minutes as u64;
    Duration::from_secs(minutes.saturating_mul(60))
}

fn tell_alone(
    context: &Context,
    alert: Alert,
    audit: Option<Arc<Audit>>,
) -> Result<(), AdminError> {
    let channels = channels::configured(context, &Secrets::new())?;
    let told = Alerts::tell_alone(channels, alert, audit.as_deref());
    let tried = Handle::current().block_on(told);
    for missed in tried.map_err(|error: AlertError| AdminError::usage(error))? {
        if !missed.arrived {
            tracing::error!(
                channel = missed.channel,
                why = missed.answer,
                "an alert did not arrive"
            );
        }
    }
    Ok(())
}
