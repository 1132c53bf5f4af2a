//! The connection: logging in, once more when a token has ended, and what answers mean.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use vaultrs::auth::{approle, kubernetes};
use vaultrs::client::{Client, VaultClient, VaultClientSettingsBuilder};
use vaultrs::error::ClientError;

use super::http;
use super::settings::{VaultLogin, VaultSettings};
use crate::error::{Error, Result};
use crate::provider::Provider;
use crate::providers::files::{read_bounded, without_line_end};
use crate::providers::process::scrubbed;
use crate::reference::SecretRef;

/// How long a token that still lives is not replaced for a refusal: its policies are what refuses.
/// Later it may be that those of a new one would let it.
const YOUNG: Duration = Duration::from_secs(60);
/// Longest token of a service account, in bytes.
const MAX_JWT: usize = 64 * 1024;

/// The service, and the client that is logged in there.
pub(super) struct Connection {
    settings: VaultSettings,
    credentials: Option<Arc<dyn Provider>>,
    limit: Duration,
    live: Mutex<Option<Arc<Live>>>,
    /// Who logs in; others wait and take what that gave.
    door: tokio::sync::Mutex<()>,
}

/// A client that is logged in.
struct Live {
    client: VaultClient,
    since: Instant,
}

/// What there was instead of an answer.
pub(super) enum Fault {
    /// There is no such secret, or its last version was deleted: which that was, or 0.
    Absent {
        version: u64,
    },
    Other(Error),
}

impl Fault {
    pub(super) fn error(self, reference: &SecretRef) -> Error {
        match self {
            Self::Absent { .. } => Error::missing(reference),
            Self::Other(error) => error,
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl Connection {
    pub(super) fn new(
        settings: VaultSettings,
        credentials: Option<Arc<dyn Provider>>,
        limit: Duration,
    ) -> Self {
        Self {
            settings,
            credentials,
            limit,
            live: Mutex::new(None),
            door: tokio::sync::Mutex::default(),
        }
    }

    /// Where the service is, for people.
    pub(super) fn address(&self) -> &str {
        self.settings.address.as_deref().unwrap_or("no address")
    }

    /// Asks the service. When it refuses, which it does when a token has ended, it is asked once
    /// more by a new one.
    pub(super) async fn call<T>(
        &self,
        reference: &SecretRef,
        ask: impl AsyncFn(&VaultClient) -> Result<T, ClientError>,
    ) -> Result<T, Fault> {
        let before = self.lock().clone();
        let live = match &before {
            Some(live) => Arc::clone(live),
            None => self.live(reference, None).await?,
        };
        let mut asked = ask(&live.client).await;
        let refused = matches!(asked, Err(ClientError::APIError { code: 403, .. }));
        if refused && before.is_some() && live.has_ended().await {
            let live = self.live(reference, Some(&live)).await?;
            asked = ask(&live.client).await;
        }
        asked.map_err(|error| self.fault(reference, &error))
    }

    /// A client that is logged in, and is not the one that has ended.
    async fn live(&self, reference: &SecretRef, ended: Option<&Arc<Live>>) -> Result<Arc<Live>> {
        let _door = self.door.lock().await;
        if let Some(live) = self.lock().clone()
            && ended.is_none_or(|ended| !Arc::ptr_eq(ended, &live))
        {
            return Ok(live);
        }
        *self.lock() = None;
        let live = Arc::new(Live {
            client: self.log_in(reference).await?,
            since: Instant::now(),
        });
        *self.lock() = Some(Arc::clone(&live));
        Ok(live)
    }

    async fn log_in(&self, reference: &SecretRef) -> Result<VaultClient> {
        let refused = |error: ClientError| self.kept_out(reference, &error);
        let mut client = self.client(reference)?;
        let token = match &self.settings.login {
            VaultLogin::Token(_) => self.credential(reference)?,
            VaultLogin::AppRole { mount, role_id, .. } => {
                let secret_id = self.credential(reference)?;
                let info = approle::login(&client, mount, role_id, secret_id.expose_secret());
                info.await.map_err(refused)?.client_token.into()
            }
            VaultLogin::Kubernetes { mount, role, token } => {
                let fault = |why: String| {
                    let path = token.display();
                    Error::trouble(
                        reference,
                        format!("the service account's token {path}: {why}"),
                    )
                };
                let file = std::fs::File::open(token).map_err(|error| fault(error.to_string()))?;
                let bytes =
                    read_bounded(file, MAX_JWT).map_err(|error| fault(error.to_string()))?;
                let jwt = str::from_utf8(&bytes).map_err(|_| fault("it is not UTF-8".into()))?;
                let info = kubernetes::login(&client, mount, role, without_line_end(jwt));
                info.await.map_err(refused)?.client_token.into()
            }
        };
        let token: SecretString = token;
        // It becomes a header.
        if !token
            .expose_secret()
            .bytes()
            .all(|byte| byte.is_ascii_graphic())
        {
            return Err(Error::trouble(reference, "the token for Vault is no token"));
        }
        client.set_token(token.expose_secret());
        Ok(client)
    }

    /// A client that is not logged in. Nothing of it is left to the environment.
    fn client(&self, reference: &SecretRef) -> Result<VaultClient> {
        let trouble = |why: &str| Error::trouble(reference, why);
        let address = self.settings.address.as_deref().ok_or_else(|| {
            trouble(
                "where Vault is, is not known: set `address` in [secrets.vault] of the \
                 configuration, or VAULT_ADDR",
            )
        })?;
        VaultSettings::check_address(address)
            .map_err(|why| trouble(&format!("the address of Vault is of no use: {why}")))?;
        // Another part of the program may have chosen the provider already: the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let namespace = self.settings.namespace.clone();
        let settings = VaultClientSettingsBuilder::default()
            .address(address)
            .token(String::new())
            .namespace(namespace)
            .ca_certs(Vec::new())
            .identity(None)
            .verify(true)
            .timeout(Some(self.limit))
            .build()
            .map_err(|_| trouble("the settings in [secrets.vault] are of no use"))?;
        let own = http::client(&self.settings, address, self.limit).map_err(trouble)?;
        let client = VaultClient::new(settings);
        let mut client = client.map_err(|_| trouble("no connection to Vault can be set up"))?;
        // Its own would follow redirects anywhere.
        client.http.http = own;
        Ok(client)
    }

    fn credential(&self, reference: &SecretRef) -> Result<SecretString> {
        let at = self.settings.login.credential();
        let (Some(at), Some(provider)) = (at, &self.credentials) else {
            return Err(Error::trouble(
                reference,
                "there is no token for Vault: set `token` in [secrets.vault] of the \
                 configuration to a reference, or VAULT_TOKEN",
            ));
        };
        let found = provider.read(at);
        found
            .map(|found| found.secret)
            .map_err(|error| Error::trouble(reference, format!("what opens Vault: {error}")))
    }

    /// What it means that a log-in failed.
    fn kept_out(&self, reference: &SecretRef, error: &ClientError) -> Error {
        let look = "look at [secrets.vault], and at what it refers to";
        let why = match error {
            ClientError::APIError { code: 404, .. } => {
                format!("Vault knows no such way to log in (404): {look}")
            }
            ClientError::APIError { code, errors } if *code < 500 => {
                let said = scrubbed(errors.join(" ").as_bytes(), &[]);
                format!("Vault does not let Doorward in ({code}: {said}): {look}")
            }
            _ => match self.fault(reference, error) {
                Fault::Other(error) => return error,
                Fault::Absent { .. } => format!("Vault knows no such way to log in: {look}"),
            },
        };
        Error::trouble(reference, why)
    }

    fn fault(&self, reference: &SecretRef, error: &ClientError) -> Fault {
        let trouble = |why: String| Fault::Other(Error::trouble(reference, why));
        let (code, said) = match error {
            // Vault says nothing more of a secret that is not there, and why of all else.
            ClientError::APIError { code: 404, errors } if errors.is_empty() => {
                return Fault::Absent { version: 0 };
            }
            ClientError::APIError { code, errors } => (*code, errors.join(" ")),
            ClientError::RestClientError {
                source: rustify::errors::ClientError::ServerResponseError { code, content },
            } => {
                let content = content.as_deref().unwrap_or_default();
                if let (404, Some(version)) = (code, deleted(content)) {
                    return Fault::Absent { version };
                }
                (*code, String::new())
            }
            ClientError::RestClientError { .. } => {
                return trouble(format!("Vault at {} can't be reached", self.address()));
            }
            _ => return trouble("Vault's answer can't be understood".into()),
        };
        let said = scrubbed(said.as_bytes(), &[]);
        trouble(match code {
            403 => format!("Vault refuses it (403): its policies do not let this token ({said})"),
            300..400 => format!(
                "what answers at {} sends Doorward elsewhere ({code}), where the token is not sent: \
                 set `address` in [secrets.vault] to where Vault is",
                self.address()
            ),
            503 => "Vault is sealed, or not ready (503)".into(),
            404 if said.is_empty() => format!(
                "what answers at {} is not Vault, or something stands between (404)",
                self.address()
            ),
            code => format!("Vault answers {code} ({said})"),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Live>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    /// Whether another token may be let where this one was refused: when this one has ended, or is
    /// old.
    async fn has_ended(&self) -> bool {
        let looked = async || vaultrs::token::lookup_self(&self.client).await;
        self.since.elapsed() >= YOUNG
            || matches!(looked().await, Err(ClientError::APIError { code: 403, .. }))
    }
}

/// Which version it was that a 404 says was deleted. None when that is not said: the 404 is then not
/// Vault's.
fn deleted(content: &str) -> Option<u64> {
    let answer: Value = serde_json::from_str(content).ok()?;
    let none = answer.pointer("/data/data").is_some_and(Value::is_null);
    let version = answer.pointer("/data/metadata/version");
    version.and_then(Value::as_u64).filter(|_| none)
}

/// A time as the service writes it.
pub(super) fn time(text: &str) -> Option<SystemTime> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(at.into())
}
