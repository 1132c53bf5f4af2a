//! From what is kept of sources and destinations to what the relay runs with, every secret in it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use doorward_condition::EventCondition;
use doorward_policy::Timestamp;
use doorward_relay::deliver::{self, ClientIdentity, HeaderTemplate, Trust, Want};
use doorward_relay::receive::SourceParts;
use doorward_secrets::{SecretRef, Secrets};
use doorward_store::{EndState, Store};
use doorward_webhook::{Filter, Scheme, Schemes, Signer, WebhookSecret};
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};

use super::wanted::{Doubts, Wanted};
use super::{Destination, DestinationSettings, HeaderValue, KeptSecret, ProofSettings, Source};
use crate::config::RelayConfig;

/// An end as the relay runs with it, and the secrets in it; or why it can't.
pub(super) type Built<T> = Result<(T, Vec<SecretString>), String>;

/// A source as the door knows it.
pub(super) fn source(
    source: &Source,
    store: &dyn Store,
    secrets: &Secrets,
    now: Timestamp,
) -> Built<SourceParts> {
    let workspace = store
        .workspace(source.workspace_id())
        .map_err(|error| error.to_string())?;
    let workspace = workspace.instantly_id.ok_or_else(|| {
        format!(
            "Instantly's id of workspace '{0}' is not known, and so whose events are its own; `doorward \
             workspace show {0}` asks for it",
            workspace.name
        )
    })?;
    let (mut schemes, mut known) = (Vec::new(), Vec::new());
    for kept in source.settings.proofs() {
        let proof = ProofSettings::parse(&kept.proof)?;
        let values = match proof.said() {
            Some(said) => said,
            None => {
                let values = read(&kept.secrets, secrets, now)?;
                known.extend(values.iter().cloned());
                values
            }
        };
        let scheme = Scheme::new(&proof.way(), &values);
        schemes.push(scheme.map_err(|error| error.to_string())?);
    }
    let schemes = Schemes::new(schemes).map_err(|error| error.to_string())?;
    let allow = source.settings.allow.iter().map(|text| {
        let one = text.parse::<IpAddr>().map(IpNet::from);
        one.or_else(|_| text.parse())
            .map_err(|_| "its allow list can't be read".to_owned())
    });
    let parts = SourceParts {
        name: source.end.id.clone(),
        number: source.end.number,
        workspace,
        schemes,
        allow: allow.collect::<Result<_, _>>()?,
    };
    Ok((parts, known))
}

/// A destination as it is delivered to.
pub(super) fn destination(
    destination: &Destination,
    config: &RelayConfig,
    secrets: &Secrets,
    doubts: &Doubts,
    now: Timestamp,
) -> Built<deliver::Destination> {
    let Destination { end, settings } = destination;
    let url = settings
        .url
        .parse()
        .map_err(|_| "its address can't be read".to_owned())?;
    let values = read(&settings.secrets, secrets, now)?;
    let signers = values.iter().map(WebhookSecret::parse);
    let signers = signers.collect::<Result<_, _>>();
    let signer = Signer::new(signers.map_err(|error| error.to_string())?);
    let signer = signer.map_err(|error| error.to_string())?;
    let mut known = values;
    let mut headers = Vec::new();
    for (name, value) in &settings.headers {
        let value = match value {
            HeaderValue::Text(text) => SecretString::from(text.clone()),
            HeaderValue::Reference(reference) => {
                let value = read_one(reference, secrets)?;
                known.push(value.clone());
                value
            }
        };
        let header = HeaderTemplate::parse(name, &value);
        headers.push(header.map_err(|error| error.to_string())?);
    }
    let tls = Shown::read(settings, secrets)?;
    let condition = settings.condition.as_deref().map(condition).transpose()?;
    let condition = condition.map(|one| {
        Arc::new(Wanted::new(
            one,
            (end.number, end.version),
            &end.name,
            doubts,
        )) as _
    });
    let built = deliver::Destination {
        version: version(end.version, &known, &tls),
        condition,
        plan: settings.plan(),
        trust: tls.trust,
        identity: tls.identity,
        active: end.state == EndState::Active,
        filter: Filter {
            types: settings.events.clone(),
            campaigns: settings.campaigns.clone(),
            workspaces: settings.workspaces.clone(),
        },
        normalised: settings.form == super::Form::Normalised,
        headers,
        signer: Some(signer),
        secrets: known.clone(),
        in_order: settings.in_order,
        concurrency: settings.concurrency as usize,
        rate: settings.rate,
        timeout: Duration::from_millis(settings.timeout_ms),
        allow: config.allow_private.clone(),
        ..deliver::Destination::new(end.number, &end.name, url)
    };
    Ok((built, known))
}

/// Whether a destination can be spoken to as it is set: what it is shown and whom it is believed.
///
/// # Errors
/// Why it can't.
pub(crate) fn check_destination(
    settings: &DestinationSettings,
    secrets: &Secrets,
) -> Result<(), String> {
    let url = settings
        .url
        .parse()
        .map_err(|_| "its address can't be read".to_owned())?;
    let tls = Shown::read(settings, secrets)?;
    deliver::Destination {
        trust: tls.trust,
        identity: tls.identity,
        // Whether it may be reached is told when it is.
        allow: ["0.0.0.0/0", "::/0"]
            .into_iter()
            .filter_map(|all| all.parse().ok())
            .collect(),
        ..deliver::Destination::new(0, "", url)
    }
    .check()
    .map_err(|fault| fault.to_string())
}

/// What a destination wants beside its filters, for who asks before anything is delivered.
///
/// # Errors
/// When its condition can't be read.
pub(crate) fn wanted_by(destination: &Destination) -> Result<Option<impl Want>, String> {
    let Destination { end, settings } = destination;
    let text = settings.condition.as_deref();
    let condition = text.map(condition).transpose()?;
    Ok(condition.map(|one| {
        let whose = (end.number, end.version);
        Wanted::new(one, whose, &end.name, &Doubts::default())
    }))
}

/// The condition of a destination.
pub(super) fn condition(text: &str) -> Result<EventCondition, String> {
    EventCondition::read(text).map_err(|faults| {
        let first = faults.first().map(ToString::to_string).unwrap_or_default();
        format!("its condition can't be read: {first}")
    })
}

/// What a destination is shown, and whom it is believed.
struct Shown {
    trust: Trust,
    identity: Option<ClientIdentity>,
}

impl Shown {
    fn read(settings: &DestinationSettings, secrets: &Secrets) -> Result<Self, String> {
        let trust = match &settings.trust {
            None => Trust::System,
            Some(reference) => {
                let pem = read_one(reference, secrets)?;
                Trust::Only(pem.expose_secret().as_bytes().to_vec())
            }
        };
        let identity = settings.certificate.as_ref().map(|certificate| {
            let chain = read_one(&certificate.chain, secrets)?;
            let key = match &certificate.key {
                Some(reference) => read_one(reference, secrets)?,
                None => chain.clone(),
            };
            let chain = chain.expose_secret().as_bytes().to_vec();
            Ok::<_, String>(ClientIdentity { chain, key })
        });
        Ok(Self {
            trust,
            identity: identity.transpose()?,
        })
    }

    fn hash(&self, hasher: &mut impl Hasher) {
        if let Trust::Only(pem) = &self.trust {
            pem.hash(hasher);
        }
        if let Some(identity) = &self.identity {
            identity.chain.hash(hasher);
            identity.key.expose_secret().hash(hasher);
        }
    }
}

/// The secrets that are taken now, the newest first.
fn read(
    kept: &[KeptSecret],
    secrets: &Secrets,
    now: Timestamp,
) -> Result<Vec<SecretString>, String> {
    let taken = kept.iter().filter(|one| one.is_used(now));
    let values = taken.map(|one| read_one(&one.reference, secrets));
    values.collect()
}

fn read_one(reference: &str, secrets: &Secrets) -> Result<SecretString, String> {
    let reference: SecretRef = reference.parse().map_err(|_| "a reference can't be read")?;
    secrets.read(&reference).map_err(|error| error.to_string())
}

/// Tells a destination from what it was before: also when a secret of it has another value, or has ended.
fn version(end: u64, secrets: &[SecretString], tls: &Shown) -> u64 {
    let mut hasher = DefaultHasher::new();
    end.hash(&mut hasher);
    for secret in secrets {
        secret.expose_secret().hash(&mut hasher);
    }
    tls.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_value_is_another_version() {
        let tls = |key: &str| Shown {
            trust: Trust::System,
            identity: Some(ClientIdentity {
                chain: Vec::new(),
                key: key.into(),
            }),
        };
        let of = |end, values: &[&str]| {
            let secrets: Vec<SecretString> = values.iter().map(|text| (*text).into()).collect();
            version(end, &secrets, &tls("a"))
        };
        let one = of(1, &["a", "b"]);
        assert_eq!(one, of(1, &["a", "b"]));
        for other in [of(2, &["a", "b"]), of(1, &["a", "c"]), of(1, &["a"])] {
            assert_ne!(one, other);
        }
        let secrets = ["a", "b"].map(SecretString::from);
        assert_ne!(one, version(1, &secrets, &tls("b")));
    }
}
