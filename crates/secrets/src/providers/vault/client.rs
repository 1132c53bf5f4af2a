//! The connection: logging in, once more when a token has ended, and what answers mean.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use vaultrs::auth::{approle, kubernetes};
use vaultrs::client::{Client, VaultClient, VaultClientSettingsBuilder};
use vaultrs::error::ClientError;

use super::settings::{VaultLogin, VaultSettings};
use crate::error::{Error, Result};
use crate::provider::Provider;
use crate::providers::files::{read_bounded, without_line_end};
use crate::providers::process::scrubbed;
use crate::reference::SecretRef;

/// Longest token of a service account, in bytes.
const MAX_JWT: usize = 64 * 1024;

/// The service, and the client that is logged in there.
pub(super) struct Connection {
    settings: VaultSettings,
    credentials: Option<Arc<dyn Provider>>,
    limit: Duration,
    live: Mutex<Option<Arc<VaultClient>>>,
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
        let client = match &before {
            Some(client) => Arc::clone(client),
            None => self.log_in(reference).await?,
        };
        match ask(&client).await {
            Err(ClientError::APIError { code: 403, .. }) if before.is_some() => {
                let client = self.log_in(reference).await?;
                let again = ask(&client).await;
                again.map_err(|error| self.fault(reference, &error))
            }
            asked => asked.map_err(|error| self.fault(reference, &error)),
        }
    }

    async fn log_in(&self, reference: &SecretRef) -> Result<Arc<VaultClient>> {
        *self.lock() = None;
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
        let client = Arc::new(client);
        *self.lock() = Some(Arc::clone(&client));
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
        let ca = self.settings.ca.iter();
        let ca = ca.map(|path| path.to_string_lossy().into_owned()).collect();
        let namespace = self.settings.namespace.clone();
        let settings = VaultClientSettingsBuilder::default()
            .address(address)
            .token(String::new())
            .namespace(namespace)
            .ca_certs(ca)
            .identity(None)
            .verify(true)
            .timeout(Some(self.limit))
            .build()
            .map_err(|_| trouble("the settings in [secrets.vault] are of no use"))?;
        VaultClient::new(settings).map_err(|error| {
            trouble(match error {
                ClientError::FileReadError { .. } | ClientError::ParseCertificateError { .. } => {
                    "the certificates that `ca` in [secrets.vault] names can't be read"
                }
                _ => "no connection to Vault can be set up",
            })
        })
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
            ClientError::APIError { code: 404, .. } => return Fault::Absent { version: 0 },
            ClientError::APIError { code, errors } => (*code, errors.join(" ")),
            ClientError::RestClientError {
                source: rustify::errors::ClientError::ServerResponseError { code, content },
            } => {
                let content = content.as_deref().unwrap_or_default();
                if *code == 404 {
                    return Fault::Absent {
                        version: deleted(content),
                    };
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
            503 => "Vault is sealed, or not ready (503)".into(),
            code => format!("Vault answers {code} ({said})"),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<VaultClient>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which version it was that a 404 says was deleted; 0 when it says nothing.
fn deleted(content: &str) -> u64 {
    let answer: Value = serde_json::from_str(content).unwrap_or_default();
    answer
        .pointer("/data/metadata/version")
        .and_then(Value::as_u64)
        .unwrap_or(0)
}

/// A time as the service writes it.
pub(super) fn time(text: &str) -> Option<SystemTime> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(at.into())
}
