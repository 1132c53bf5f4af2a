//! Secrets in the key-value engine, version 2, of Vault and OpenBao.

mod client;
mod http;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use vaultrs::api;
use vaultrs::api::kv2::requests::{ReadSecretRequest, SetSecretRequest, SetSecretRequestOptions};
use vaultrs::error::ClientError;
use zeroize::Zeroize;

use super::bridge::Bridge;
use crate::error::{Error, Result};
use crate::provider::{
    Expect, Found, MAX_SECRET_BYTES, Provider, Readers, Seen, Version, check_length,
};
use crate::reference::{Place, SecretRef};
use client::Connection;
pub use settings::{VaultLogin, VaultSettings};

/// How often a write is tried again when somebody else was quicker, if anything may be replaced.
const TRIES: usize = 5;

/// Reads and writes fields of secrets, by compare-and-set on the secret's version.
///
/// A reference names one field; the secret's other fields are kept as they are. All fields have
/// one version: a change of one is a change of all.
pub struct VaultProvider {
    bridge: Bridge,
    connection: Arc<Connection>,
    limit: Duration,
}

impl VaultProvider {
    /// One that reaches the service as the settings say, and waits at most `limit` for it. What
    /// lets it in is read by `credentials`.
    pub fn new(
        settings: VaultSettings,
        credentials: Option<Arc<dyn Provider>>,
        limit: Duration,
    ) -> Self {
        Self {
            bridge: Bridge::new("secret-vault"),
            connection: Arc::new(Connection::new(settings, credentials, limit)),
            limit,
        }
    }
}

/// Where a secret is.
#[derive(Clone)]
struct Spot {
    reference: SecretRef,
    mount: String,
    path: String,
    field: String,
}

/// A secret of the service: its fields, and which version they are. Version 0 is none.
struct Fields {
    values: BTreeMap<String, Value>,
    version: u64,
    created_at: Option<std::time::SystemTime>,
}

impl Drop for Fields {
    fn drop(&mut self) {
        for value in self.values.values_mut() {
            if let Value::String(text) = value {
                text.zeroize();
            }
        }
    }
}

impl Spot {
    fn of(reference: &SecretRef) -> Result<Self> {
        match reference.place() {
            Place::Vault { mount, path, field } => Ok(Self {
                reference: reference.clone(),
                mount: mount.clone(),
                path: path.clone(),
                field: field.clone(),
            }),
            _ => Err(Error::refused(reference, "it is not in Vault")),
        }
    }

    /// The secret as it is now; one with no fields if there is none.
    async fn read(&self, connection: &Connection) -> Result<Fields> {
        let read = connection.call(&self.reference, async |client| {
            let mut request = ReadSecretRequest::builder();
            request.mount(&self.mount).path(&self.path);
            match request.build() {
                Ok(request) => api::exec_with_result(client, request).await.map(Some),
                Err(_) => Ok(None),
            }
        });
        match read.await {
            Ok(Some(mut answer)) => {
                let values = match answer.data.take() {
                    Value::Object(fields) => fields.into_iter().collect(),
                    _ => BTreeMap::new(),
                };
                let created_at = client::time(&answer.metadata.created_time);
                Ok(Fields {
                    values,
                    version: answer.metadata.version,
                    created_at,
                })
            }
            Ok(None) => Err(Error::refused(&self.reference, "it can't be asked for")),
            // One whose last version was deleted still counts its versions.
            Err(client::Fault::Absent { version }) => Ok(Fields {
                values: BTreeMap::new(),
                version,
                created_at: None,
            }),
            Err(client::Fault::Other(error)) => Err(error),
        }
    }

    /// Writes all fields if the version is still the one that they were read at.
    async fn write(&self, connection: &Connection, fields: &Fields) -> Result<Option<u64>> {
        let conflict = |error: &ClientError| match error {
            ClientError::APIError { code: 400, errors } => {
                errors.iter().any(|error| error.contains("check-and-set"))
            }
            _ => false,
        };
        let cas = u32::try_from(fields.version)
            .map_err(|_| Error::refused(&self.reference, "it has too many versions"))?;
        let written = connection.call(&self.reference, async |client| {
            let data = Value::Object(fields.values.clone().into_iter().collect());
            let mut request = SetSecretRequest::builder();
            request
                .mount(&self.mount)
                .path(&self.path)
                .data(data)
                .options(SetSecretRequestOptions { cas });
            let Ok(request) = request.build() else {
                return Ok(None);
            };
            match api::exec_with_result(client, request).await {
                Ok(written) => Ok(Some(written.version)),
                Err(error) if conflict(&error) => Ok(None),
                Err(error) => Err(error),
            }
        });
        written.await.map_err(|fault| fault.error(&self.reference))
    }

    async fn put(
        &self,
        connection: &Connection,
        secret: Option<&SecretString>,
        expect: &Expect,
    ) -> Result<Version> {
        for _ in 0..TRIES {
            let mut fields = self.read(connection).await?;
            let there = fields.values.contains_key(&self.field);
            match expect {
                Expect::Absent if there => {
                    return Err(Error::Exists {
                        reference: self.reference.clone(),
                    });
                }
                Expect::Is(version) if !there || version.as_str() != fields.version.to_string() => {
                    return Err(self.conflict());
                }
                Expect::Absent | Expect::Is(_) | Expect::Any => {}
            }
            match secret {
                Some(secret) => {
                    let value = Value::String(secret.expose_secret().to_owned());
                    fields.values.insert(self.field.clone(), value);
                }
                None if there => drop(fields.values.remove(&self.field)),
                None => return Err(Error::missing(&self.reference)),
            }
            match self.write(connection, &fields).await? {
                Some(version) => return Ok(Version::new(version.to_string())),
                // Another field may have been written, which is no reason to give up.
                None if matches!(expect, Expect::Is(_)) => return Err(self.conflict()),
                None => {}
            }
        }
        Err(self.conflict())
    }

    fn conflict(&self) -> Error {
        Error::Conflict {
            reference: self.reference.clone(),
        }
    }
}

impl Provider for VaultProvider {
    fn describe(&self) -> &'static str {
        "Vault"
    }

    fn read(&self, reference: &SecretRef) -> Result<Found> {
        let (spot, connection) = (Spot::of(reference)?, Arc::clone(&self.connection));
        self.bridge.run(reference, self.limit, move || async move {
            let fields = spot.read(&connection).await?;
            let Some(value) = fields.values.get(&spot.field) else {
                return Err(Error::missing(&spot.reference));
            };
            let text = value
                .as_str()
                .filter(|text| (1..=MAX_SECRET_BYTES).contains(&text.len()))
                .ok_or_else(|| {
                    let why = "the field is no text of 1 to 65536 bytes";
                    Error::refused(&spot.reference, why)
                })?;
            Ok(Found {
                secret: text.into(),
                version: Some(Version::new(fields.version.to_string())),
                changed_at: fields.created_at,
                warning: None,
            })
        })
    }

    fn write(
        &self,
        reference: &SecretRef,
        secret: &SecretString,
        expect: &Expect,
    ) -> Result<Version> {
        let (spot, connection) = (Spot::of(reference)?, Arc::clone(&self.connection));
        check_length(reference, secret)?;
        let (secret, expect) = (secret.clone(), expect.clone());
        self.bridge.run(reference, self.limit, move || async move {
            spot.put(&connection, Some(&secret), &expect).await
        })
    }

    /// Takes the field away. Older versions of the secret still have it, until the service forgets
    /// them.
    fn erase(&self, reference: &SecretRef) -> Result<()> {
        let (spot, connection) = (Spot::of(reference)?, Arc::clone(&self.connection));
        self.bridge.run(reference, self.limit, move || async move {
            spot.put(&connection, None, &Expect::Any).await.map(drop)
        })
    }

    fn inspect(&self, reference: &SecretRef) -> Result<Seen> {
        let found = self.read(reference)?;
        Ok(Seen {
            place: format!("Vault at {}", self.connection.address()),
            changed_at: found.changed_at,
            version: found.version,
            readers: Readers::Elsewhere("whom Vault's policies let"),
            writable: true,
            warning: None,
        })
    }
}
