//! The providers of this build.

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
