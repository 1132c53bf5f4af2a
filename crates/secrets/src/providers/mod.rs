//! The providers of this build.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::provider::Provider;
use crate::reference::Scheme;

mod age;
#[cfg(feature = "aws")]
mod aws;
#[cfg(any(feature = "aws", feature = "gcp", feature = "vault"))]
mod bridge;
mod dotenv;
mod env;
mod exec;
mod file;
mod files;
#[cfg(feature = "gcp")]
mod gcp;
#[cfg(feature = "keyring")]
mod keyring;
mod process;
#[cfg(feature = "keyring")]
mod turn;
#[cfg(feature = "vault")]
mod vault;

pub use age::{AgeProvider, AgeRecipient};
#[cfg(feature = "aws")]
pub use aws::AwsProvider;
pub use dotenv::DotenvProvider;
pub use env::EnvProvider;
pub use exec::ExecProvider;
pub use file::FileProvider;
#[cfg(feature = "gcp")]
pub use gcp::GcpProvider;
#[cfg(feature = "keyring")]
pub use keyring::KeyringProvider;
#[cfg(feature = "vault")]
pub use vault::{VaultLogin, VaultProvider, VaultSettings};

/// The providers of this build. Those that reach out wait for an answer at most `limit`.
pub(crate) fn of_this_build(limit: Duration) -> BTreeMap<Scheme, Arc<dyn Provider>> {
    let mut all: BTreeMap<Scheme, Arc<dyn Provider>> = BTreeMap::new();
    all.insert(Scheme::Env, Arc::new(EnvProvider::new()));
    all.insert(Scheme::Dotenv, Arc::new(DotenvProvider::new()));
    all.insert(Scheme::File, Arc::new(FileProvider::new()));
    all.insert(Scheme::Age, Arc::new(AgeProvider::new()));
    all.insert(Scheme::Exec, Arc::new(ExecProvider::off()));
    // Without the features below nothing waits.
    let _ = limit;
    #[cfg(feature = "keyring")]
    all.insert(Scheme::Keyring, Arc::new(KeyringProvider::new(limit)));
    #[cfg(feature = "aws")]
    all.insert(Scheme::AwsSm, Arc::new(AwsProvider::new(limit)));
    #[cfg(feature = "gcp")]
    all.insert(Scheme::GcpSm, Arc::new(GcpProvider::new(None, limit)));
    #[cfg(feature = "vault")]
    all.insert(Scheme::Vault, {
        let env: Arc<dyn Provider> = Arc::new(EnvProvider::new());
        let settings = VaultSettings::from_environment();
        Arc::new(VaultProvider::new(settings, Some(env), limit))
    });
    all
}
