//! What is set of a destination beyond its filters: its condition, when it is tried again, its TLS.

use doorward_condition::EventCondition;

use super::types::RetryAsked;
use crate::admin::error::AdminError;
use crate::admin::policies::told;
use crate::admin::service::Admin;
use crate::relay::{ClientCertificate, DestinationSettings, check_destination};

/// Takes a condition, held against the schema; none when the text is empty.
pub(super) fn take_condition(
    settings: &mut DestinationSettings,
    text: String,
) -> Result<(), AdminError> {
    settings.condition = None;
    if text.is_empty() {
        return Ok(());
    }
    EventCondition::read(&text).map_err(|faults| {
        AdminError::usage(format_args!(
            "--condition:\n{}\n`doorward destination schema` shows what there is to ask for",
            told(&faults)
        ))
    })?;
    settings.condition = Some(text);
    Ok(())
}

/// Takes when it is tried again.
pub(super) fn take_retry(
    settings: &mut DestinationSettings,
    retry: RetryAsked,
) -> Result<(), AdminError> {
    settings.waits = match retry {
        RetryAsked::Usual => None,
        RetryAsked::Waits(waits) => Some(waits),
    };
    let plan = settings.plan();
    plan.check()
        .map_err(|fault| AdminError::usage(format_args!("--retry: {fault}")))
}

impl Admin {
    /// Takes certificates by reference, and tries whether they can be used.
    pub(super) fn take_tls(
        &self,
        settings: &mut DestinationSettings,
        certificate: Option<String>,
        key: Option<String>,
        trust: Option<String>,
    ) -> Result<(), AdminError> {
        if certificate.is_none() && key.is_none() && trust.is_none() {
            return Ok(());
        }
        let reference = |option: &str, text: String| {
            if text.is_empty() {
                return Ok(None);
            }
            let found = self.parts.secret_setup.reference(&text);
            let found = found.map_err(|error| AdminError::usage(format_args!("{option}: {error}")));
            found.map(|found| Some(found.to_string()))
        };
        let key = key
            .map(|text| reference("--client-key", text))
            .transpose()?;
        if let Some(text) = certificate {
            let chain = reference("--client-cert", text)?;
            settings.certificate = chain.map(|chain| ClientCertificate { chain, key: None });
        }
        match (&mut settings.certificate, key) {
            (Some(certificate), Some(key)) => certificate.key = key,
            (None, Some(Some(_))) => {
                return Err(AdminError::usage(
                    "--client-key is the key of a certificate: say that with --client-cert",
                ));
            }
            _ => {}
        }
        if let Some(text) = trust {
            settings.trust = reference("--trust", text)?;
        }
        let plain = settings.url.starts_with("http://");
        if plain && (settings.certificate.is_some() || settings.trust.is_some()) {
            return Err(AdminError::usage(
                "over plain http no certificate is shown and none is looked at; give an https address",
            ));
        }
        check_destination(settings, &*self.secrets()?).map_err(AdminError::usage)
    }
}
