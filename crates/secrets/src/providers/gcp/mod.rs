//! Secrets in Google Cloud's Secret Manager.

mod turn;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use google_cloud_auth::credentials::anonymous;
use google_cloud_secretmanager_v1::client::SecretManagerService;
use google_cloud_secretmanager_v1::model::{Replication, Secret, SecretPayload, replication};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OnceCell;

use super::bridge::Bridge;
use crate::error::{Error, Result};
use crate::provider::{
    Expect, Found, MAX_SECRET_BYTES, Provider, Readers, Seen, Version, check_length,
};
use crate::reference::{Place, SecretRef};
use turn::Turn;

/// Reads the newest version or a pinned one, and adds versions.
///
/// The service can't compare when a version is added. Those who write through this take turns by
/// an annotation of the secret, which it can compare; that another program added a version all the
/// same is seen afterwards, since versions are counted without gaps.
pub struct GcpProvider {
    bridge: Bridge,
    client: Arc<OnceCell<SecretManagerService>>,
    endpoint: Option<String>,
    limit: Duration,
}

impl GcpProvider {
    /// One that waits at most `limit` for the service, at another endpoint if one is given: an
    /// emulator on this machine (`http://127.0.0.1:…`) is asked without credentials. Who this
    /// program is, is what Google's application default credentials say.
    pub fn new(endpoint: Option<String>, limit: Duration) -> Self {
        Self {
            bridge: Bridge::new("secret-gcp"),
            client: Arc::default(),
            endpoint,
            limit,
        }
    }

    fn run<T: Send + 'static, F: Future<Output = Result<T>> + 'static>(
        &self,
        reference: &SecretRef,
        work: impl FnOnce(Spot, SecretManagerService) -> F + Send + 'static,
    ) -> Result<T> {
        let spot = Spot::of(reference)?;
        let (cell, endpoint) = (Arc::clone(&self.client), self.endpoint.clone());
        self.bridge.run(reference, self.limit, move || async move {
            let made = cell.get_or_try_init(|| connect(endpoint.as_deref()));
            let client = made.await.map_err(|()| {
                let why = "Google Cloud can't be asked: look at the application default \
                           credentials (GOOGLE_APPLICATION_CREDENTIALS)";
                Error::trouble(&spot.reference, why)
            })?;
            work(spot, client.clone()).await
        })
    }
}

async fn connect(endpoint: Option<&str>) -> std::result::Result<SecretManagerService, ()> {
    // Another part of the program may have chosen the provider already: the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = SecretManagerService::builder();
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint);
        if endpoint.starts_with("http://") {
            builder = builder.with_credentials(anonymous::Builder::new().build());
        }
    }
    builder.build().await.map_err(drop)
}

/// Where a secret is.
struct Spot {
    reference: SecretRef,
    project: String,
    secret: String,
    version: Option<String>,
}

/// What is there.
enum State {
    /// No secret, or no version of it.
    None,
    /// A version that was disabled or destroyed.
    Off,
    /// The secret, if it is text, and the number of its version.
    At(Option<SecretString>, u64),
}

impl State {
    fn found(self, reference: &SecretRef) -> Result<(SecretString, u64)> {
        let why = match self {
            Self::None => return Err(Error::missing(reference)),
            Self::Off => "that version is disabled or destroyed: enable it, or add one",
            Self::At(None, _) => "it is no text of 1 to 65536 bytes",
            Self::At(Some(secret), number) => return Ok((secret, number)),
        };
        Err(Error::refused(reference, why))
    }
}

impl Spot {
    fn of(reference: &SecretRef) -> Result<Self> {
        match reference.place() {
            Place::GcpSm {
                project,
                secret,
                version,
            } => Ok(Self {
                reference: reference.clone(),
                project: format!("projects/{project}"),
                secret: secret.clone(),
                version: version.clone(),
            }),
            _ => Err(Error::refused(reference, "it is not in Secret Manager")),
        }
    }

    fn name(&self) -> String {
        format!("{}/secrets/{}", self.project, self.secret)
    }

    async fn read(&self, client: &SecretManagerService) -> Result<State> {
        let version = self.version.as_deref().unwrap_or("latest");
        let asked = client
            .access_secret_version()
            .set_name(format!("{}/versions/{version}", self.name()));
        let answer = match asked.send().await {
            Ok(answer) => answer,
            Err(error) if status(&error) == 404 => return Ok(State::None),
            Err(error) if refusal(&error) => return Ok(State::Off),
            Err(error) => return Err(self.fault(&error)),
        };
        let number = number(&answer.name);
        let payload = answer.payload.unwrap_or_default();
        let secret = str::from_utf8(&payload.data)
            .ok()
            .filter(|text| (1..=MAX_SECRET_BYTES).contains(&text.len()))
            .map(SecretString::from);
        Ok(State::At(secret, number))
    }

    async fn put(
        &self,
        client: &SecretManagerService,
        secret: &SecretString,
        expect: &Expect,
    ) -> Result<Version> {
        if self.version.is_some() {
            let why = "it names one version, which can't be written; leave the version out";
            return Err(Error::refused(&self.reference, why));
        }
        let conflict = || Error::Conflict {
            reference: self.reference.clone(),
        };
        let looked = self.looked(client).await?;
        let before = match self.read(client).await? {
            State::At(_, number) => number,
            State::None | State::Off => 0,
        };
        match expect {
            Expect::Absent if before != 0 => {
                return Err(Error::Exists {
                    reference: self.reference.clone(),
                });
            }
            Expect::Is(version) if before == 0 || version.as_str() != before.to_string() => {
                return Err(conflict());
            }
            Expect::Absent | Expect::Is(_) | Expect::Any => {}
        }
        let turn = Turn::new(before, SystemTime::now());
        match looked {
            None => self.create(client, &turn, expect).await?,
            Some(_) if *expect == Expect::Any => {}
            Some(looked) => self.take(client, looked, &turn).await?,
        }
        let data = secret.expose_secret().as_bytes().to_vec();
        let added = client
            .add_secret_version()
            .set_parent(self.name())
            .set_payload(SecretPayload::new().set_data(data))
            .send()
            .await;
        let added = match added {
            Ok(added) => added,
            Err(error) => {
                // Without an answer it may be there all the same.
                if status(&error) != 0 {
                    self.give_back(client, &turn).await;
                }
                return Err(self.fault(&error));
            }
        };
        let number = number(&added.name);
        if *expect != Expect::Any && before != 0 && number != before + 1 {
            let why = format!(
                "another program wrote it meanwhile; version {number} is this one, look at those \
                 since {before}"
            );
            return Err(Error::trouble(&self.reference, why));
        }
        Ok(Version::new(number.to_string()))
    }

    /// Makes the secret, with no version yet.
    async fn create(
        &self,
        client: &SecretManagerService,
        turn: &Turn,
        expect: &Expect,
    ) -> Result<()> {
        let everywhere = Replication::new().set_automatic(replication::Automatic::new());
        let secret = Secret::new()
            .set_replication(everywhere)
            .set_annotations([turn.annotation()]);
        let made = client
            .create_secret()
            .set_parent(self.project.clone())
            .set_secret_id(self.secret.clone())
            .set_secret(secret)
            .send()
            .await;
        match made {
            Ok(_) => Ok(()),
            Err(error) if status(&error) == 409 && *expect == Expect::Any => Ok(()),
            Err(error) if status(&error) == 409 => Err(Error::Conflict {
                reference: self.reference.clone(),
            }),
            Err(error) => Err(self.fault(&error)),
        }
    }

    /// When a version was added, if this program may know that.
    async fn added_at(&self, client: &SecretManagerService, number: u64) -> Option<SystemTime> {
        let name = format!("{}/versions/{number}", self.name());
        let version = client.get_secret_version().set_name(name).send().await;
        version.ok()?.create_time?.try_into().ok()
    }

    fn fault(&self, error: &google_cloud_secretmanager_v1::Error) -> Error {
        let trouble = |why: String| Error::trouble(&self.reference, why);
        match status(error) {
            0 if error.is_authentication() => {
                trouble("there are no credentials for Google Cloud that it takes".into())
            }
            0 => trouble("Google Cloud can't be reached".into()),
            403 => trouble("Google Cloud refuses it (403): its policies do not let this".into()),
            code => trouble(format!("Google Cloud answers {code}")),
        }
    }
}

/// The HTTP status; 0 if there was none.
fn status(error: &google_cloud_secretmanager_v1::Error) -> u16 {
    error.http_status_code().unwrap_or(0)
}

/// Whether it is the state of things that the service minds.
fn refusal(error: &google_cloud_secretmanager_v1::Error) -> bool {
    error
        .status()
        .is_some_and(|status| matches!(status.code.name(), "FAILED_PRECONDITION" | "ABORTED"))
}

/// The number at the end of a version's name.
fn number(name: &str) -> u64 {
    let last = name.rsplit('/').next();
    last.and_then(|last| last.parse().ok()).unwrap_or(0)
}

impl Provider for GcpProvider {
    fn describe(&self) -> &'static str {
        "Google Cloud's Secret Manager"
    }

    fn read(&self, reference: &SecretRef) -> Result<Found> {
        self.run(reference, |spot, client| async move {
            let state = spot.read(&client).await?;
            let (secret, number) = state.found(&spot.reference)?;
            Ok(Found {
                secret,
                version: Some(Version::new(number.to_string())),
                changed_at: None,
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
        check_length(reference, secret)?;
        let (secret, expect) = (secret.clone(), expect.clone());
        self.run(reference, |spot, client| async move {
            spot.put(&client, &secret, &expect).await
        })
    }

    /// Deletes the secret with all its versions.
    fn erase(&self, reference: &SecretRef) -> Result<()> {
        self.run(reference, |spot, client| async move {
            match client.delete_secret().set_name(spot.name()).send().await {
                Ok(_) => Ok(()),
                Err(error) if status(&error) == 404 => Err(Error::missing(&spot.reference)),
                Err(error) => Err(spot.fault(&error)),
            }
        })
    }

    fn inspect(&self, reference: &SecretRef) -> Result<Seen> {
        self.run(reference, |spot, client| async move {
            let state = spot.read(&client).await?;
            let (_, number) = state.found(&spot.reference)?;
            Ok(Seen {
                place: "Google Cloud's Secret Manager".to_owned(),
                changed_at: spot.added_at(&client, number).await,
                version: Some(Version::new(number.to_string())),
                readers: Readers::Elsewhere("whom Google Cloud's policies let"),
                writable: spot.version.is_none(),
                warning: None,
            })
        })
    }
}
