//! The one way by which this program alerts people.

mod alarms;
mod certificates;
mod channels;

use std::sync::Arc;
use std::time::Duration;

use doorward_alert::{Alert, AlertStatus, Alerts, Options, Told, Tried, draft};
use doorward_audit::Audit;
use doorward_secrets::Secrets;
use tokio::runtime::Handle;

pub(crate) use self::alarms::{ended_early, watch};
pub(crate) use self::certificates::{unusable, watch_certificates};
use crate::admin::AdminError;
use crate::context::Context;
use crate::exit::Failure;
use crate::output::note;
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
        let channels = channels::configured(context, &recorded_secrets(&context.secrets, audit)?)?;
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

    /// Raises an alert. That of a server never waits, and whether it arrives changes nothing for the
    /// caller. That of a command waits until it is told, and is to be called off the runtime's own
    /// threads; on stderr it says which channels it did not reach.
    ///
    /// # Errors
    /// Why nobody can be told: a server has no room for it; or, of a command, it can't be recorded,
    /// or there are channels for it and none took it.
    pub(crate) fn raise(
        &self,
        alert: Alert,
        audit: impl FnOnce() -> Option<Arc<Audit>>,
    ) -> Result<(), String> {
        match self {
            Self::Running(alerts) => alerts.raise(alert).then_some(()).ok_or_else(|| {
                "too many alerts wait; try again in a moment, and see `doorward status`".to_owned()
            }),
            Self::Alone(context) => tell_alone(context, alert, audit()),
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
                let channels = channels::configured(context, &context.secrets.open()?)?;
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

/// Tells one alert while its raiser waits: in the ledger first, then to each channel it is for.
///
/// # Errors
/// When it can't be recorded, or none of those channels took it.
fn tell_alone(context: &Context, alert: Alert, audit: Option<Arc<Audit>>) -> Result<(), String> {
    let told = Told::first(alert);
    let (kind, severity) = (told.alert.kind, told.alert.severity);
    let channels = context.config.alerts.channels.iter();
    let channels: Vec<_> = channels
        .filter(|channel| channel.route.takes(kind, severity))
        .collect();
    let names: Vec<&str> = channels
        .iter()
        .map(|channel| channel.name.as_str())
        .collect();
    let audit = audit.ok_or("the ledger can't be opened")?;
    audit
        .record_blocking(draft(&told, &names))
        .map_err(|error| format!("the alert can't be recorded: {error}"))?;
    let secrets = context
        .secrets
        .open()
        .map_err(|failure| failure.to_string())?;
    let tell = |settings| -> Result<(), String> {
        let channel = channels::configure(context, &secrets, settings);
        let channel = vec![channel.map_err(|failure| failure.to_string())?];
        let tried = Handle::current().block_on(Alerts::tell_alone(channel, &told));
        let tried = tried.map_err(|error| error.to_string())?;
        match tried.into_iter().find(|tried| !tried.arrived) {
            Some(missed) => Err(missed.answer),
            None => Ok(()),
        }
    };
    let mut missed = Vec::new();
    for settings in &channels {
        if let Err(why) = tell(settings) {
            warn(
                context,
                &format!("an alert did not reach {}: {why}", settings.name),
            );
            missed.push(format!("{}: {why}", settings.name));
        }
    }
    if missed.is_empty() || missed.len() < channels.len() {
        return Ok(());
    }
    Err(format!(
        "no alert channel took it ({}); mend [alerts] in the configuration, and try it with \
         `doorward alert test`",
        missed.join("; ")
    ))
}

/// A command of its own logs nothing: whoever runs it is told.
fn warn(context: &Context, why: &str) {
    if context.output.is_json() {
        note(serde_json::json!({ "warning": why }));
    } else {
        note(format_args!("warning: {why}"));
    }
}
