//! Secrets in AWS Secrets Manager.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::{BehaviorVersion, Region};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::tls;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::bridge::Bridge;
use super::process::scrubbed;
use crate::error::{Error, Result};
use crate::provider::{Expect, Found, Provider, Readers, Seen, Version, check_length};
use crate::reference::{Place, SecretRef};

/// The label of the version in force.
const CURRENT: &str = "AWSCURRENT";
/// The label that a version has until it is put in force.
const COMING: &str = "doorward-coming";
/// How often a write is tried when somebody else was quicker, if anything may be replaced.
const TRIES: usize = 5;

/// Reads `AWSCURRENT`, and writes new versions by compare-and-set: a version is stored under a
/// label of its own and then takes `AWSCURRENT` from the version that was expected to have it.
///
/// Who this program is, is what the usual variables, files and metadata services of AWS say; so
/// is the region when a reference names none, and `AWS_ENDPOINT_URL`.
pub struct AwsProvider {
    bridge: Bridge,
    clients: Arc<Clients>,
    limit: Duration,
}

/// A client for each region that was asked for.
#[derive(Default)]
struct Clients(Mutex<BTreeMap<Option<String>, Client>>);

impl Clients {
    async fn of(&self, region: Option<&str>) -> Client {
        let key = region.map(str::to_owned);
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = lock().get(&key) {
            return client.clone();
        }
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(
                tls::rustls_provider::CryptoMode::Ring,
            ))
            .build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
        if let Some(region) = region {
            loader = loader.region(Region::new(region.to_owned()));
        }
        let client = Client::new(&loader.load().await);
        lock().insert(key, client.clone());
        client
    }
}

impl AwsProvider {
    /// One that waits at most `limit` for the service.
    pub fn new(limit: Duration) -> Self {
        Self {
            bridge: Bridge::new("secret-aws"),
            clients: Arc::default(),
            limit,
        }
    }
}

/// Where a secret is.
struct Spot {
    reference: SecretRef,
    name: String,
    json_key: Option<String>,
    region: Option<String>,
}

/// What is there.
enum State {
    None,
    /// A secret whose deletion was scheduled; it can be taken back.
    Deleted,
    At(Current),
}

/// The version in force.
struct Current {
    text: Zeroizing<String>,
    version: String,
    created_at: Option<SystemTime>,
}

impl Spot {
    fn of(reference: &SecretRef) -> Result<Self> {
        match reference.place() {
            Place::AwsSm {
                name,
                json_key,
                region,
            } => Ok(Self {
                reference: reference.clone(),
                name: name.clone(),
                json_key: json_key.clone(),
                region: region.clone(),
            }),
            _ => Err(Error::refused(
                reference,
                "it is not in AWS Secrets Manager",
            )),
        }
    }

    async fn current(&self, client: &Client) -> Result<State> {
        let asked = client.get_secret_value().secret_id(&self.name);
        let answer = match asked.version_stage(CURRENT).send().await {
            Ok(answer) => answer,
            Err(error) if code(&error) == Some("ResourceNotFoundException") => {
                return Ok(State::None);
            }
            Err(error) if is_deleted(&error) => return Ok(State::Deleted),
            Err(error) => return Err(self.fault(&error)),
        };
        let created_at = answer
            .created_date()
            .and_then(|at| SystemTime::try_from(*at).ok());
        let version = answer.version_id().unwrap_or_default().to_owned();
        let text = answer
            .secret_string
            .map(Zeroizing::new)
            .ok_or_else(|| Error::refused(&self.reference, "it is binary; keep text there"))?;
        Ok(State::At(Current {
            text,
            version,
            created_at,
        }))
    }

    /// The secret in a version: the whole text, or a value of the JSON object that it is.
    fn pick(&self, text: &str) -> Result<Option<SecretString>> {
        let Some(key) = &self.json_key else {
            return Ok(Some(text.into()));
        };
        let object = self.object(text)?;
        match object.get(key) {
            None => Ok(None),
            Some(Value::String(value)) => Ok(Some(value.as_str().into())),
            Some(_) => Err(Error::refused(&self.reference, "the JSON value is no text")),
        }
    }

    fn object(&self, text: &str) -> Result<Map<String, Value>> {
        serde_json::from_str(text)
            .map_err(|_| Error::refused(&self.reference, "what is there is no JSON object"))
    }

    /// The text of the next version.
    fn next(&self, before: Option<&Current>, secret: &str) -> Result<Zeroizing<String>> {
        let Some(key) = &self.json_key else {
            return Ok(Zeroizing::new(secret.to_owned()));
        };
        let mut object = match before {
            Some(before) => self.object(&before.text)?,
            None => Map::new(),
        };
        object.insert(key.clone(), Value::String(secret.to_owned()));
        Ok(Zeroizing::new(Value::Object(object).to_string()))
    }

    async fn put(
        &self,
        client: &Client,
        secret: &SecretString,
        expect: &Expect,
    ) -> Result<Version> {
        for _ in 1..TRIES {
            match self.try_put(client, secret, expect).await {
                // Another key of the object may have been written, which is no reason to give up.
                Err(Error::Conflict { .. }) if !matches!(expect, Expect::Is(_)) => {}
                ended => return ended,
            }
        }
        self.try_put(client, secret, expect).await
    }

    async fn try_put(
        &self,
        client: &Client,
        secret: &SecretString,
        expect: &Expect,
    ) -> Result<Version> {
        let state = self.current(client).await?;
        let deleted = matches!(state, State::Deleted);
        let mut before = match state {
            State::At(before) => Some(before),
            State::None | State::Deleted => None,
        };
        let there = match &before {
            Some(before) => self.pick(&before.text)?.is_some(),
            None => false,
        };
        let conflict = || Error::Conflict {
            reference: self.reference.clone(),
        };
        match (expect, &before) {
            (Expect::Absent, _) if there => {
                return Err(Error::Exists {
                    reference: self.reference.clone(),
                });
            }
            (Expect::Is(version), Some(before)) if there && before.version == version.as_str() => {}
            (Expect::Is(_), _) => return Err(conflict()),
            (Expect::Absent | Expect::Any, _) => {}
        }
        // What was deleted does not come back with it.
        let text = self.next(before.as_ref(), secret.expose_secret())?;
        if deleted {
            before = self.restore(client).await?;
        }
        if before.is_none()
            && let Some(made) = self.create(client, &text).await?
        {
            return Ok(made);
        }
        let put = client.put_secret_value().secret_id(&self.name);
        let put = put.secret_string(text.as_str()).version_stages(COMING);
        let put = put.send().await.map_err(|error| self.fault(&error))?;
        let version = put.version_id().unwrap_or_default().to_owned();
        // The first version of all may be in force at once. Where there is none to take the label
        // from, it is not taken from one that was quicker.
        let in_force = put.version_stages().iter().any(|stage| stage == CURRENT);
        let moved = client
            .update_secret_version_stage()
            .secret_id(&self.name)
            .version_stage(CURRENT)
            .set_remove_from_version_id(before.map(|before| before.version))
            .move_to_version_id(&version);
        let moved = match in_force {
            true => Ok(()),
            false => moved.send().await.map(drop),
        };
        // The label has done its work; what has none left is forgotten by the service.
        let _ = client
            .update_secret_version_stage()
            .secret_id(&self.name)
            .version_stage(COMING)
            .remove_from_version_id(&version)
            .send()
            .await;
        match moved {
            Ok(()) => Ok(Version::new(version)),
            Err(error) if code(&error) == Some("InvalidParameterException") => Err(conflict()),
            Err(error) => Err(self.fault(&error)),
        }
    }

    /// Makes the secret with its first version. None when there is one, which may have been made
    /// without a value.
    async fn create(&self, client: &Client, text: &str) -> Result<Option<Version>> {
        let made = client.create_secret().name(&self.name);
        match made.secret_string(text).send().await {
            Ok(made) => Ok(Some(Version::new(made.version_id().unwrap_or_default()))),
            Err(error) if code(&error) == Some("ResourceExistsException") => Ok(None),
            Err(error) => Err(self.fault(&error)),
        }
    }

    /// Takes a deletion back, since the name can't be used otherwise. Gives the version that is in
    /// force then.
    async fn restore(&self, client: &Client) -> Result<Option<Current>> {
        let restored = client.restore_secret().secret_id(&self.name).send().await;
        restored.map_err(|error| self.fault(&error))?;
        match self.current(client).await? {
            State::At(current) => Ok(Some(current)),
            State::None | State::Deleted => Err(Error::Conflict {
                reference: self.reference.clone(),
            }),
        }
    }

    fn fault<E: ProvideErrorMetadata, R>(&self, error: &SdkError<E, R>) -> Error {
        let trouble = |why: String| Error::trouble(&self.reference, why);
        match error {
            SdkError::ConstructionFailure(_) => {
                trouble("AWS can't be asked: look whether a region and credentials are set".into())
            }
            SdkError::TimeoutError(_) => trouble("AWS gives no answer in time".into()),
            SdkError::DispatchFailure(_) => {
                trouble("AWS can't be reached, or there are no credentials for it".into())
            }
            _ => {
                let said = scrubbed(error.message().unwrap_or_default().as_bytes(), &[]);
                let code = code(error).unwrap_or("an error").to_owned();
                trouble(format!("AWS answers {code} ({said})"))
            }
        }
    }
}

/// Whether it is refused since its deletion was scheduled: only the message tells that.
fn is_deleted<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    let said = error.message().unwrap_or_default();
    code(error) == Some("InvalidRequestException")
        && (said.contains("deletion") || said.contains("deleted"))
}

fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<&str> {
    error.code()
}

impl Provider for AwsProvider {
    fn describe(&self) -> &'static str {
        "AWS Secrets Manager"
    }

    fn read(&self, reference: &SecretRef) -> Result<Found> {
        let (spot, clients) = (Spot::of(reference)?, Arc::clone(&self.clients));
        self.bridge.run(reference, self.limit, move || async move {
            let client = clients.of(spot.region.as_deref()).await;
            let State::At(current) = spot.current(&client).await? else {
                return Err(Error::missing(&spot.reference));
            };
            let secret = spot.pick(&current.text)?;
            let secret = secret.ok_or_else(|| Error::missing(&spot.reference))?;
            check_length(&spot.reference, &secret)?;
            Ok(Found {
                secret,
                version: Some(Version::new(current.version)),
                changed_at: current.created_at,
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
        let (spot, clients) = (Spot::of(reference)?, Arc::clone(&self.clients));
        check_length(reference, secret)?;
        let (secret, expect) = (secret.clone(), expect.clone());
        self.bridge.run(reference, self.limit, move || async move {
            let client = clients.of(spot.region.as_deref()).await;
            spot.put(&client, &secret, &expect).await
        })
    }

    /// Schedules the secret's deletion, which can be taken back for 30 days. A key of a JSON
    /// object is not taken out.
    fn erase(&self, reference: &SecretRef) -> Result<()> {
        let (spot, clients) = (Spot::of(reference)?, Arc::clone(&self.clients));
        if spot.json_key.is_some() {
            let why = "one key of a JSON object is not taken away; do it by hand";
            return Err(Error::refused(reference, why));
        }
        self.bridge.run(reference, self.limit, move || async move {
            let client = clients.of(spot.region.as_deref()).await;
            let erased = client.delete_secret().secret_id(&spot.name).send().await;
            match erased {
                Ok(_) => Ok(()),
                Err(error)
                    if is_deleted(&error) || code(&error) == Some("ResourceNotFoundException") =>
                {
                    Err(Error::missing(&spot.reference))
                }
                Err(error) => Err(spot.fault(&error)),
            }
        })
    }

    fn inspect(&self, reference: &SecretRef) -> Result<Seen> {
        let found = self.read(reference)?;
        Ok(Seen {
            place: "AWS Secrets Manager".to_owned(),
            changed_at: found.changed_at,
            version: found.version,
            readers: Readers::Elsewhere("whom AWS's policies let"),
            writable: true,
            warning: None,
        })
    }
}
