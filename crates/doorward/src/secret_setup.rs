//! How secrets are read, as configured: by every part of this program in the same way.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use doorward_alert::{Alert, AlertKind};
use doorward_secrets::{Bases, ExecProvider, Scheme, SecretRef, Secrets, Trouble};

use crate::admin::now;
use crate::alerts::AlertDesk;
use crate::config::SecretsConfig;
use crate::exit::Failure;

/// The name of the file that `doorward secret set` keeps secrets in, in the data folder.
const STORE: &str = "secrets.age";
/// Most alerts that wait for the desk.
const EARLY_MAX: usize = 64;

/// What secrets are read by.
#[derive(Clone)]
pub(crate) struct SecretSetup {
    config: SecretsConfig,
    bases: Bases,
    /// Where trouble is told, once there is such a place.
    desk: Arc<Mutex<Desk>>,
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
            desk: Arc::new(Mutex::new(Desk::NotYet(Vec::new()))),
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
        let early = match &mut *locked(&self.desk) {
            // It is set once, by the server that starts.
            Desk::There(_) => return,
            Desk::NotYet(early) => std::mem::take(early),
        };
        *locked(&self.desk) = Desk::There(desk.clone());
        early.into_iter().for_each(|alert| desk.tell(alert));
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
        let age = |secrets: Secrets| {
            let read = secrets.age(identity.clone(), Vec::clone(&recipients));
            read.map_err(|error| fault("age_identity", &error))
        };
        let secrets = age(Secrets::timed(config.settings))?
            .warning(|reference, why| tracing::warn!(%reference, why, "a secret is not kept well"));
        let desk = Arc::clone(&self.desk);
        let secrets = secrets.troubled(move |trouble| tell(&desk, &trouble));
        let secrets = match config.allow_exec {
            true => {
                let programs = ExecProvider::allowed().within(config.settings.limit);
                secrets.with(
                    Scheme::Exec,
                    programs.giving(config.exec_environment.clone()),
                )
            }
            false => secrets,
        };
        // Last once more, so that what opens age's files is read by providers as they are configured;
        // before it, so that what opens a service may be in such a file.
        age(self.services(secrets)?)
    }

    /// The same, reaching other machines as configured.
    fn services(&self, secrets: Secrets) -> Result<Secrets, Failure> {
        #[cfg(feature = "gcp")]
        let secrets = match &self.config.gcp_endpoint {
            Some(endpoint) => secrets.gcp_at(endpoint.clone()),
            None => secrets,
        };
        #[cfg(feature = "vault")]
        if let Some(vault) = &self.config.vault {
            let vault = self.vault(vault).map_err(|why| fault("vault", &why))?;
            return secrets.vault(vault).map_err(|why| fault("vault", &why));
        }
        Ok(secrets)
    }

    #[cfg(feature = "vault")]
    fn vault(
        &self,
        config: &crate::config::VaultConfig,
    ) -> doorward_secrets::Result<doorward_secrets::VaultSettings> {
        use doorward_secrets::{VaultLogin, VaultSettings};
        /// Where Kubernetes puts the token of a service account.
        const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
        let reference = |text: &String| self.reference(text);
        // Paths are relative to the configuration, wherever a command is run.
        let here = |path: &str| self.bases.dotenv.join(path);
        let mount = |usual: &str| config.mount.clone().unwrap_or_else(|| usual.to_owned());
        let secret_id = config.secret_id.as_ref().map(reference).transpose()?;
        let login = match (&config.role_id, secret_id, &config.kubernetes_role) {
            (Some(role_id), Some(secret_id), _) => VaultLogin::AppRole {
                mount: mount("approle"),
                role_id: role_id.clone(),
                secret_id,
            },
            (_, _, Some(role)) => VaultLogin::Kubernetes {
                mount: mount("kubernetes"),
                role: role.clone(),
                token: here(config.kubernetes_token.as_deref().unwrap_or(TOKEN)),
            },
            _ => VaultLogin::Token(config.token.as_ref().map(reference).transpose()?),
        };
        Ok(VaultSettings {
            address: config.address.clone(),
            namespace: config.namespace.clone(),
            ca: config.ca.as_deref().map(here),
            login,
        })
    }
}

/// Where trouble is told.
enum Desk {
    There(AlertDesk),
    /// What there is to tell once it is there: secrets are read before it is.
    NotYet(Vec<Alert>),
}

fn locked(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

fn fault(setting: &str, why: &dyn fmt::Display) -> Failure {
    Failure::usage(format_args!("secrets.{setting}: {why}"))
}

fn tell(desk: &Mutex<Desk>, trouble: &Trouble) {
    let (title, reference, why) = match trouble {
        Trouble::Begun(error) => {
            tracing::warn!(%error, "a secret can't be read; its last value is used");
            (
                "a secret can't be read; its last value is used",
                error.reference(),
                error.to_string(),
            )
        }
        Trouble::Lost(error) => {
            tracing::error!(%error, "a secret is lost and not used any more");
            (
                "a secret is lost and not used any more",
                error.reference(),
                error.to_string(),
            )
        }
        Trouble::Unread(error) => {
            tracing::error!(%error, "a secret can't be read, and there is no value before it");
            (
                "a secret can't be read, and there is no value before it; it is tried again",
                error.reference(),
                error.to_string(),
            )
        }
        Trouble::Over(reference) => {
            tracing::info!(%reference, "a secret can be read again");
            (
                "a secret can be read again",
                Some(reference),
                reference.to_string(),
            )
        }
    };
    let mut alert = Alert::new(AlertKind::SecretTrouble, title, now()).fact("why", why);
    if let Some(reference) = reference {
        // Each turn that it takes is told, and no turn twice in a short time.
        alert = alert.key(format_args!("{title} {reference}"));
    }
    let desk = match &mut *locked(desk) {
        Desk::There(desk) => desk.clone(),
        Desk::NotYet(early) => {
            if early.len() < EARLY_MAX {
                early.push(alert);
            }
            return;
        }
    };
    desk.tell(alert);
}

impl fmt::Debug for SecretSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretSetup")
            .field("config", &self.config)
            .field("bases", &self.bases)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(feature = "vault")]
mod tests {
    use super::*;
    use crate::config::VaultConfig;
    use doorward_secrets::VaultLogin;

    #[test]
    fn files_of_vault_are_beside_the_configuration() {
        let (data, project) = (Path::new("/srv/data"), PathBuf::from("/srv/conf"));
        let setup = SecretSetup::new(&SecretsConfig::default(), data, project);
        let mut config = VaultConfig {
            ca: Some("tls/ca.pem".into()),
            kubernetes_role: Some("doorward".into()),
            kubernetes_token: Some("token".into()),
            ..VaultConfig::default()
        };
        let token_of = |config: &VaultConfig| match setup.vault(config).unwrap().login {
            VaultLogin::Kubernetes { token, .. } => token,
            other => panic!("{other:?}"),
        };
        let ca = setup.vault(&config).unwrap().ca;
        assert_eq!(ca, Some(PathBuf::from("/srv/conf/tls/ca.pem")));
        assert_eq!(token_of(&config), Path::new("/srv/conf/token"));
        config.kubernetes_token = None;
        assert!(token_of(&config).starts_with("/var/run/secrets"));
        config.ca = Some("/etc/ca.pem".into());
        let ca = setup.vault(&config).unwrap().ca;
        assert_eq!(ca, Some(PathBuf::from("/etc/ca.pem")));
    }
}
