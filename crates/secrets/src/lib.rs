//! Secret references and the providers behind them.
//!
//! Configuration never holds a secret. It holds a [`SecretRef`], which says where the secret is:
//!
//! | reference | meaning |
//! |---|---|
//! | `env://NAME` | the environment variable `NAME` |
//! | `file:///abs/path` | the file at that absolute path, taken literally (no percent-decoding) |
//! | `file:name` | a file below the folder of the configuration that names it |
//!
//! A [`Provider`] turns a reference into a [`secrecy::SecretString`]; [`Secrets`] picks the
//! provider by the scheme. Every error of this crate can be shown to anyone: it names the
//! reference and the fault, never the value. Text that is not a reference is not repeated
//! either, because the likeliest reason for it is a secret pasted where its reference belongs.
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

mod env;
mod error;
mod file;
mod provider;
mod reference;

pub use env::EnvProvider;
pub use error::{Error, Result};
pub use file::FileProvider;
pub use provider::{MAX_SECRET_BYTES, Overwrite, Provider, Secrets};
pub use reference::{Scheme, SecretRef};
