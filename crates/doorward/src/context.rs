//! What every command works with: where the state is and how to write results.

use std::path::{Path, PathBuf};

use doorward_secrets::SecretRef;

use crate::cli::Global;
use crate::config::Config;
use crate::exit::Failure;
use crate::output::{Output, note};
use crate::paths::DataDir;
use crate::secret_setup::SecretSetup;

/// The configuration in force, the data folder and the output.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) data_dir: DataDir,
    pub(crate) output: Output,
    /// How secrets are read.
    pub(crate) secrets: SecretSetup,
    /// The configuration file that was named.
    named: Option<PathBuf>,
    /// Why the configuration in force is not the file's.
    fault: Option<String>,
}

impl Context {
    /// Reads the configuration and finds the data folder: the option's or the environment's, else
    /// the configuration's.
    ///
    /// # Errors
    /// When the configuration is faulty.
    pub(crate) fn new(global: &Global, output: Output) -> Result<Self, Failure> {
        let config = Config::load(global.config.as_deref())?;
        let data_dir = DataDir::at(global.data_dir.as_ref().unwrap_or(&config.data_dir))?;
        let named = global.config.clone();
        let project = folder_of(named.as_deref())?;
        let secrets = SecretSetup::new(&config.secrets, data_dir.path(), project);
        Ok(Self {
            config,
            data_dir,
            output,
            secrets,
            named,
            fault: None,
        })
    }

    /// The same for a command that a running server carries out, which has a configuration of its
    /// own: with a faulty file, the data folder alone is taken from it, so that what has to be
    /// revoked can be. Nothing else may be done with it: see [`sound`](Self::sound).
    ///
    /// # Errors
    /// When the data folder can't be told either.
    pub(crate) fn for_server(global: &Global, output: Output) -> Result<Self, Failure> {
        Self::new(global, output).or_else(|failure| {
            let named = global.config.as_deref();
            let data_dir = global.data_dir.clone();
            let data_dir = data_dir.or_else(|| Config::data_dir_despite_faults(named));
            let Some(data_dir) = data_dir else {
                return Err(failure);
            };
            let (config, data_dir) = (Config::default(), DataDir::at(&data_dir)?);
            let project = folder_of(named)?;
            Ok(Self {
                secrets: SecretSetup::new(&config.secrets, data_dir.path(), project),
                config,
                data_dir,
                output,
                named: global.config.clone(),
                fault: Some(failure.to_string()),
            })
        })
    }

    /// Holds that the configuration is the file's: before anything is done without a server.
    ///
    /// # Errors
    /// All faults of the file.
    pub(crate) fn sound(&self) -> Result<(), Failure> {
        self.fault
            .as_ref()
            .map_or(Ok(()), |fault| Err(Failure::usage(fault)))
    }

    /// Says on stderr that the file is faulty, if it is: a server goes on without it.
    pub(crate) fn warn_of_fault(&self) {
        if self.fault.is_none() {
            return;
        }
        let warning = "the configuration file is faulty; the running server goes on with what it \
                       has, and `doorward reload` tells the faults";
        if self.output.is_json() {
            note(serde_json::json!({ "warning": warning }));
        } else {
            note(format_args!("warning: {warning}"));
        }
    }

    /// Reads the configuration again, for the same data folder: that can't be changed under a
    /// server, though the setting may.
    ///
    /// # Errors
    /// When the configuration is faulty.
    pub(crate) fn reread(&self) -> Result<Self, Failure> {
        let config = Config::load(self.named.as_deref())?;
        Ok(Self {
            secrets: self.secrets.again(&config.secrets),
            config,
            ..self.clone()
        })
    }

    /// The configuration file that is read, if one is.
    pub(crate) fn config_file(&self) -> Option<PathBuf> {
        let default = PathBuf::from(crate::config::FILE);
        let default = || Some(default).filter(|path| path.exists());
        self.named.clone().or_else(default)
    }

    /// Where the pepper is.
    ///
    /// # Errors
    /// When the configuration says no such thing.
    pub(crate) fn pepper(&self) -> Result<SecretRef, Failure> {
        self.secret("pepper", &self.config.pepper)
    }

    /// Where the key is that people are found and their keys wrapped under.
    ///
    /// # Errors
    /// When the configuration says no such thing.
    pub(crate) fn audit_key(&self) -> Result<SecretRef, Failure> {
        self.secret("audit.key", &self.config.audit.key)
    }

    /// Where the keys are that sign the ledger.
    ///
    /// # Errors
    /// When the configuration says no such thing.
    pub(crate) fn ledger_key(&self) -> Result<SecretRef, Failure> {
        self.secret("ledger.key", &self.config.ledger.key)
    }

    /// Where the token is that opens the ledger's pages, if there is one.
    ///
    /// # Errors
    /// When the configuration says no such thing.
    pub(crate) fn pages_token(&self) -> Result<Option<SecretRef>, Failure> {
        let reference = self.config.ledger.pages_token.as_deref();
        reference
            .map(|reference| self.secret("ledger.pages_token", reference))
            .transpose()
    }

    /// Where the keys are, unless a service signs.
    ///
    /// # Errors
    /// When the configuration says no such thing.
    pub(crate) fn own_ledger_key(&self) -> Result<Option<SecretRef>, Failure> {
        match self.config.ledger.transit {
            Some(_) => Ok(None),
            None => self.ledger_key().map(Some),
        }
    }

    /// Where the token is that opens the metrics, if there is one.
    ///
    /// # Errors
    /// When the configuration says no such thing.
    pub(crate) fn metrics_token(&self) -> Result<Option<SecretRef>, Failure> {
        let reference = self.config.metrics.token.as_deref();
        reference
            .map(|reference| self.secret("metrics.token", reference))
            .transpose()
    }

    /// Where that is which is sent to the receiver of traces as `Authorization`, if anything.
    ///
    /// # Errors
    /// When the configuration says no such thing.
    #[cfg(feature = "otel")]
    pub(crate) fn traces_authorization(&self) -> Result<Option<SecretRef>, Failure> {
        let reference = self.config.traces.authorization.as_deref();
        reference
            .map(|reference| self.secret("traces.authorization", reference))
            .transpose()
    }

    /// A reference of the configuration; `file:name` is relative to the data folder, `.env` to the
    /// configuration's own.
    ///
    /// # Errors
    /// When it is none.
    fn secret(&self, setting: &str, text: &str) -> Result<SecretRef, Failure> {
        self.secrets
            .reference(text)
            .map_err(|error| Failure::usage(format_args!("{setting}: {error}")))
    }
}

/// The folder of the configuration that was named, or the current one.
fn folder_of(named: Option<&Path>) -> Result<PathBuf, Failure> {
    let folder = match named.and_then(Path::parent) {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let absolute = std::path::absolute(folder).map_err(|error| {
        Failure::usage(format_args!(
            "can't tell where the current folder is: {error}"
        ))
    })?;
    Ok(absolute.canonicalize().unwrap_or(absolute))
}
