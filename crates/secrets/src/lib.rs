//! Secret references and the providers behind them.
//!
//! Configuration never holds a secret. It holds a [`SecretRef`], which says where the secret is:
//!
//! | reference | meaning |
//! |---|---|
//! | `env://NAME` | the environment variable `NAME` |
//! | `dotenv://.env#NAME` | one name of a `.env` file that git does not track |
//! | `file:///abs/path` | the file at that absolute path, taken literally (no percent-decoding) |
//! | `file:name` | a file below the folder of the configuration that names it |
//! | `age://secrets.age#name` | an entry of a file that is encrypted with age |
//! | `keyring://service/name` | the keyring of the operating system (cargo feature `keyring`) |
//! | `gcp-sm://project/secret[/version]` | Google Cloud's Secret Manager (cargo feature `gcp`) |
//! | `aws-sm://name[#json-key][?region=…]` | AWS Secrets Manager (cargo feature `aws`) |
//! | `vault://mount/path#field` | Vault and OpenBao, KV version 2 (cargo feature `vault`) |
//! | `exec://program?arg=…` | what a program prints, if that is allowed |
//!
//! A [`Provider`] turns a reference into a secret; [`Secrets`] picks the provider by the scheme
//! and keeps for a while what comes from other machines and programs. Every error of this crate
//! can be shown to anyone: it names the reference and the fault, never the value. Text that is
//! not a reference is not repeated either, because the likeliest reason for it is a secret pasted
//! where its reference belongs.
//!
//! ```
//! use doorward_secrets::{SecretRef, Secrets};
//! use std::path::Path;
//!
//! let reference = SecretRef::parse_in("file:secrets/pepper", Path::new("/etc/doorward"))?;
//! assert_eq!(reference.to_string(), "file:///etc/doorward/secrets/pepper");
//! assert!(Secrets::new().read(&reference).is_err());
//! # Ok::<(), doorward_secrets::Error>(())
//! ```

mod cache;
mod clock;
mod error;
mod provider;
mod providers;
mod reference;
mod secrets;
mod settings;

pub use cache::{Held, Lent, Trouble};
pub use clock::{Clock, SystemClock};
pub use error::{Error, Result};
pub use provider::{Expect, Found, MAX_SECRET_BYTES, Overwrite, Provider, Readers, Seen, Version};
#[cfg(feature = "aws")]
pub use providers::AwsProvider;
#[cfg(feature = "gcp")]
pub use providers::GcpProvider;
#[cfg(feature = "keyring")]
pub use providers::KeyringProvider;
pub use providers::{
    AgeProvider, AgeRecipient, DotenvProvider, EnvProvider, ExecProvider, FileProvider,
};
#[cfg(feature = "vault")]
pub use providers::{VaultLogin, VaultProvider, VaultSettings};
pub use reference::{Bases, Scheme, SecretRef};
pub use secrets::Secrets;
pub use settings::Settings;
