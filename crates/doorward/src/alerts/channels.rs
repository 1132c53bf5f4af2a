//! The channels as they are configured.

use std::path::Path;

use doorward_alert::{ChannelConfig, ChannelKind, SlackChannel, Smtp, WebhookChannel};
use doorward_secrets::Secrets;
use secrecy::SecretString;

use crate::config::{ChannelSettings, ChannelTo};
use crate::context::Context;
use crate::exit::Failure;

/// Most bytes of a file of certificate authorities.
const CA_MAX: u64 = 1024 * 1024;

/// Every channel of the configuration, its secrets read.
///
/// # Errors
/// When a secret or a file can't be read.
pub(super) fn configured(
    context: &Context,
    secrets: &Secrets,
) -> Result<Vec<ChannelConfig>, Failure> {
    let channels = context.config.alerts.channels.iter();
    channels
        .map(|channel| configure(context, secrets, channel))
        .collect()
}

/// One channel, its secrets read.
///
/// # Errors
/// As [`configured`].
pub(super) fn configure(
    context: &Context,
    secrets: &Secrets,
    settings: &ChannelSettings,
) -> Result<ChannelConfig, Failure> {
    let fault = |why: &dyn std::fmt::Display| {
        Failure::usage(format_args!("the alert channel {}: {why}", settings.name))
    };
    let read = |reference: &str| -> Result<SecretString, Failure> {
        let reference = context.secrets.reference(reference);
        let reference = reference.map_err(|error| fault(&error))?;
        secrets.read(&reference).map_err(|error| fault(&error))
    };
    let address = |url: &str| {
        if url.starts_with("https://") || url.starts_with("http://") {
            Ok(SecretString::from(url.to_owned()))
        } else {
            read(url)
        }
    };
    let ca = settings.ca.as_deref().map(certificates).transpose();
    let ca = ca.map_err(|error| fault(&error))?;
    let kind = match &settings.to {
        ChannelTo::Webhook { url, secret } => ChannelKind::Webhook(WebhookChannel {
            url: address(url)?,
            secret: read(secret)?,
            ca,
        }),
        ChannelTo::Slack { url } => ChannelKind::Slack(SlackChannel {
            url: address(url)?,
            ca,
        }),
        ChannelTo::Smtp {
            host,
            port,
            tls,
            user,
            password,
            from,
            recipients,
        } => ChannelKind::Smtp(Box::new(Smtp {
            host: host.clone(),
            port: *port,
            tls: *tls,
            credentials: match (user, password) {
                (Some(user), Some(password)) => Some((user.clone(), read(password)?)),
                _ => None,
            },
            from: from.clone(),
            to: recipients.clone(),
            ca,
        })),
    };
    Ok(ChannelConfig {
        route: settings.route.clone(),
        per_hour: settings.per_hour,
        ..ChannelConfig::new(&settings.name, kind)
    })
}

fn certificates(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut pem = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(CA_MAX).read_to_end(&mut pem)?;
    Ok(pem)
}
