//! Settings of how secrets are read.

use std::time::Duration;

use doorward_secrets::{AgeRecipient, SecretRef, Settings};

use super::reader::TableReader;
use super::reference;
use super::vault::VaultConfig;

/// Most recipients of what is encrypted.
const RECIPIENTS_MAX: usize = 32;

/// Most variables that programs are given.
const VARIABLES_MAX: usize = 32;

/// How secrets are read and kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SecretsConfig {
    /// Whether `exec://` references run programs.
    pub(crate) allow_exec: bool,
    /// Variables that such programs are given besides `PATH` and `HOME`.
    pub(crate) exec_environment: Vec<String>,
    /// Reference of the identity that opens age files; else it is beside each.
    pub(crate) age_identity: Option<String>,
    /// Public keys of others that can decrypt what Doorward writes.
    pub(crate) age_recipients: Vec<String>,
    /// Times.
    pub(crate) settings: Settings,
    /// Vault and OpenBao; without it the environment says how they are reached.
    pub(crate) vault: Option<VaultConfig>,
    /// Another address of Google Cloud's Secret Manager.
    pub(crate) gcp_endpoint: Option<String>,
}

impl SecretsConfig {
    /// Reads the table.
    pub(super) fn read(&mut self, table: &mut TableReader<'_, '_>) {
        table.flag("allow_exec", &mut self.allow_exec);
        table.texts("exec_environment", &mut self.exec_environment, |text| {
            SecretRef::env(text)
                .map(|_| text.to_owned())
                .map_err(|_| "write names of environment variables".to_owned())
        });
        self.exec_environment.truncate(VARIABLES_MAX);
        table.text("age_identity", &mut self.age_identity, |text| {
            if text.starts_with("age:") {
                return Err("the identity of age can't be encrypted with age".to_owned());
            }
            reference(text).map(Some)
        });
        table.texts("age_recipients", &mut self.age_recipients, |text| {
            let recipient: Result<AgeRecipient, _> = text.parse();
            recipient.map(|_| text.to_owned()).map_err(str::to_owned)
        });
        self.age_recipients.truncate(RECIPIENTS_MAX);
        let mut vault = VaultConfig::default();
        if table.table("vault", |table| vault.read(table)) {
            self.vault = Some(vault);
        }
        table.text("gcp_endpoint", &mut self.gcp_endpoint, |text| {
            if !cfg!(feature = "gcp") {
                return Err("this build has no gcp-sm://; build it with --features gcp".to_owned());
            }
            let here = ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"];
            let fits = text.starts_with("https://") || here.iter().any(|at| text.starts_with(at));
            fits.then(|| Some(text.to_owned()))
                .ok_or_else(|| "write https://…, or http:// for this machine alone".to_owned())
        });
        let Settings {
            limit, ttl, stale, ..
        } = &mut self.settings;
        for (name, time, unit, most) in [
            ("limit_seconds", limit, 1, 60),
            ("keep_seconds", ttl, 1, 86_400),
            ("stale_hours", stale, 3_600, 720),
        ] {
            let mut number = usize::try_from(time.as_secs() / unit).unwrap_or(usize::MAX);
            table.number(name, &mut number, 1..=most);
            *time = Duration::from_secs((number as u64).saturating_mul(unit));
        }
    }
}
