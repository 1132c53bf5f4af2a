//! Secrets as this program uses them: references from configuration and options, the pepper.

use std::path::Path;

use doorward_keys::Pepper;
use doorward_secrets::{SecretRef, Secrets};
use secrecy::ExposeSecret;

use crate::exit::Failure;

/// Whether a text is a secret reference; it is not repeated in the error, since it may be a secret.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check_reference(text: &str) -> Result<(), String> {
    SecretRef::parse_in(text, Path::new("/")).map(drop).map_err(|error| error.to_string())
}

/// Reads the pepper.
///
/// # Errors
/// When it is missing, refused or too short.
pub(crate) fn read_pepper(secrets: &Secrets, reference: &SecretRef) -> Result<Pepper, Failure> {
    let secret = secrets.read(reference).map_err(|error| match error {
        doorward_secrets::Error::Missing { reference } => Failure::usage(format_args!(
            "there is no pepper at {reference}; `doorward init` makes one, or set `pepper` in the \
             configuration"
        )),
        error => Failure::usage(format_args!("the pepper: {error}")),
    })?;
    Pepper::new(secret.expose_secret().as_bytes())
        .map_err(|error| Failure::usage(format_args!("{reference}: {error}")))
}

/// Random bytes from the operating system.
///
/// # Errors
/// When it gives none.
pub(crate) fn random<const N: usize>() -> Result<zeroize::Zeroizing<[u8; N]>, Failure> {
    let mut bytes = zeroize::Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|error| {
        Failure::failed(format_args!("the operating system gives no random bytes: {error}"))
    })?;
    Ok(bytes)
}
