//! The sinks as they are configured.

use std::time::Duration;

use doorward_audit::{
    FileSink, HttpsSink, Show, SinkConfig, SinkFormat, SinkKind, Start, SyslogSink,
};
use doorward_secrets::Secrets;
use secrecy::SecretString;

use crate::config::{SinkSettings, SinkTo};
use crate::context::Context;
use crate::exit::Failure;

/// How long sinks may take at the end to hand on what is left.
pub(super) const DRAIN: Duration = Duration::from_secs(3);

/// Every sink of the configuration, its secrets read.
///
/// # Errors
/// When a secret can't be read.
pub(super) fn configured(context: &Context, secrets: &Secrets) -> Result<Vec<SinkConfig>, Failure> {
    let sinks = context.config.audit.sinks.iter();
    sinks
        .map(|sink| configure(context, secrets, sink))
        .collect()
}

fn configure(
    context: &Context,
    secrets: &Secrets,
    sink: &SinkSettings,
) -> Result<SinkConfig, Failure> {
    let read = |reference: &str| -> Result<SecretString, Failure> {
        let fault = |why: &dyn std::fmt::Display| {
            Failure::usage(format_args!("the sink {}: {why}", sink.name))
        };
        let reference = context.secrets.reference(reference);
        let reference = reference.map_err(|error| fault(&error))?;
        secrets.read(&reference).map_err(|error| fault(&error))
    };
    let optional = |reference: &Option<String>| reference.as_deref().map(read).transpose();
    let kind = match &sink.to {
        SinkTo::Stdout => SinkKind::Stdout,
        SinkTo::Stderr => SinkKind::Stderr,
        SinkTo::File {
            path,
            max_mib,
            daily,
            keep,
        } => SinkKind::File(FileSink {
            max_bytes: (*max_mib as u64).saturating_mul(1 << 20),
            daily: *daily,
            keep: u32::try_from(*keep).unwrap_or(u32::MAX),
            ..FileSink::new(context.data_dir.path().join(path))
        }),
        SinkTo::Https {
            url,
            secret,
            bearer,
            ca,
        } => {
            let plain = url.starts_with("https://") || url.starts_with("http://");
            let url = if plain {
                SecretString::from(url.clone())
            } else {
                read(url)?
            };
            SinkKind::Https(HttpsSink {
                secret: optional(secret)?,
                bearer: optional(bearer)?,
                ca: ca.clone(),
                ..HttpsSink::new(url)
            })
        }
        SinkTo::Syslog {
            host,
            port,
            tls,
            ca,
        } => SinkKind::Syslog(SyslogSink {
            tls: *tls,
            ca: ca.clone(),
            ..SyslogSink::new(host, *port)
        }),
    };
    let mut config = SinkConfig::new(&sink.name, kind);
    if sink.ocsf {
        config.format = SinkFormat::Ocsf;
    }
    if sink.people {
        config.show = Show::People;
    }
    match sink.from_now {
        Some(true) => config.start = Start::End,
        Some(false) => config.start = Start::Beginning,
        None => {}
    }
    Ok(config)
}
