//! How secrets are read, as configured: by every part of this program in the same way.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use doorward_alert::{Alert, AlertKind};
use doorward_secrets::{Bases, SecretRef, Secrets, Trouble};

use crate::admin::now;
use crate::alerts::AlertDesk;
use crate::config::SecretsConfig;
use crate::exit::Failure;

/// The name of the file that `doorward secret set` keeps secrets in, in the data folder.
const STORE: &str = "secrets.age";

/// What secrets are read by.
#[derive(Clone)]
pub(crate) struct SecretSetup {
    config: SecretsConfig,
    bases: Bases,
    /// Where trouble is told, once there is such a place.
    desk: Arc<OnceLock<AlertDesk>>,
}

impl SecretSetup {
    /// As configured, for a data folder and the folder of the configuration.
    pub(crate) fn new(config: &SecretsConfig, data: &Path, project: PathBuf) -> Self {
        Self {
            config: config.clone(),
            bases: Bases {
                files: data.to_owned(),
                dotenv: project,
            },
            desk: Arc::default(),
        }
    }

    /// The same as configured anew.
    pub(crate) fn again(&self, config: &SecretsConfig) -> Self {
        Self {
            config: config.clone(),
            ..self.clone()
        }
    }

    /// Tells trouble with secrets here from now on.
    pub(crate) fn alert(&self, desk: &AlertDesk) {
        // It is set once, by the server that starts.
        let _ = self.desk.set(desk.clone());
    }

    /// A reference as it is written in the configuration or on the command line.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn reference(&self, text: &str) -> doorward_secrets::Result<SecretRef> {
        SecretRef::parse_at(text, &self.bases)
    }

    /// A secret of the encrypted file in the data folder, by its name there.
    ///
    /// # Errors
    /// When the name does not fit.
    pub(crate) fn kept(&self, name: &str) -> doorward_secrets::Result<SecretRef> {
        SecretRef::age(&self.bases.files.join(STORE), name)
    }

    /// Reads secrets as configured.
    ///
    /// # Errors
    /// When a setting does not fit.
    pub(crate) fn open(&self) -> Result<Secrets, Failure> {
        let config = &self.config;
        let fault = |setting: &str, why: &dyn fmt::Display| {
            Failure::usage(format_args!("secrets.{setting}: {why}"))
        };
        let identity = config.age_identity.as_deref();
        let identity = identity
            .map(|text| self.reference(text))
            .transpose()
            .map_err(|error| fault("age_identity", &error))?;
        let recipients = config.age_recipients.iter();
        let recipients = recipients
            .map(|text| text.parse())
            .collect::<Result<_, _>>()
            .map_err(|why| fault("age_recipients", &why))?;
        let secrets = Secrets::new()
            .within(config.settings)
            .age(identity, recipients)
            .map_err(|error| fault("age_identity", &error))?
            .warning(|reference, why| tracing::warn!(%reference, why, "a secret is not kept well"));
        let desk = Arc::clone(&self.desk);
        let secrets = secrets.troubled(move |trouble| tell(desk.get(), &trouble));
        Ok(match config.allow_exec {
            true => secrets.allow_exec(),
            false => secrets,
        })
    }
}

fn tell(desk: Option<&AlertDesk>, trouble: &Trouble) {
    let (title, why) = match trouble {
        Trouble::Begun(error) => {
            tracing::warn!(%error, "a secret can't be read; its last value is used");
            (
                "a secret can't be read; its last value is used",
                error.to_string(),
            )
        }
        Trouble::Lost(error) => {
            tracing::error!(%error, "a secret is lost and not used any more");
            ("a secret is lost and not used any more", error.to_string())
        }
        Trouble::Over(reference) => {
            tracing::info!(%reference, "a secret can be read again");
            ("a secret can be read again", reference.to_string())
        }
    };
    if let Some(desk) = desk {
        desk.tell(Alert::new(AlertKind::SecretTrouble, title, now()).fact("why", why));
    }
}

impl fmt::Debug for SecretSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretSetup")
            .field("config", &self.config)
            .field("bases", &self.bases)
            .finish_non_exhaustive()
    }
}
