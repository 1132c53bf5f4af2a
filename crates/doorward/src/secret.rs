//! Secrets as this program uses them: references from configuration and options, the pepper.

use std::path::Path;

use doorward_keys::Pepper;
use doorward_secrets::{Error, Overwrite, SecretRef, Secrets};
use secrecy::{ExposeSecret, SecretString};

use crate::exit::Failure;

/// Whether a text is a secret reference; it is not repeated in the error, since it may be a secret.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check_reference(text: &str) -> Result<(), String> {
    SecretRef::parse_in(text, Path::new("/"))
        .map(drop)
        .map_err(|error| error.to_string())
}

/// Reads the pepper.
///
/// # Errors
/// When it is missing, refused or too short.
pub(crate) fn read_pepper(secrets: &Secrets, reference: &SecretRef) -> Result<Pepper, Failure> {
    let secret = secrets.read(reference).map_err(|error| match error {
        Error::Missing { reference } => Failure::usage(format_args!(
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
        Failure::failed(format_args!(
            "the operating system gives no random bytes: {error}"
        ))
    })?;
    Ok(bytes)
}

/// Whether a secret was there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    /// It was made.
    Now,
    /// It was there, or is kept where Doorward can't make it.
    Before,
}

/// Makes a secret of 32 random bytes, in hexadecimal, where there is none and it can be written. What
/// is there is read, so that it is known to be usable.
///
/// # Errors
/// When it can't be made or read.
pub(crate) fn make_secret(secrets: &Secrets, reference: &SecretRef) -> Result<Made, Failure> {
    match secrets.read(reference) {
        Ok(_) => return Ok(Made::Before),
        Err(Error::Missing { .. }) => {}
        Err(error) => return Err(Failure::usage(error)),
    }
    let bytes = random::<32>()?;
    let mut text = String::with_capacity(64);
    for byte in bytes.iter() {
        for nibble in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(nibble), 16));
        }
    }
    let secret = SecretString::from(text);
    match secrets.write(reference, &secret, Overwrite::Refuse) {
        Ok(()) => Ok(Made::Now),
        Err(Error::Exists { .. }) => Ok(Made::Before),
        Err(Error::ReadOnly { .. }) => Err(Failure::usage(format_args!(
            "{reference} does not exist, and Doorward can't make it; set it to at least 32 random \
             characters, like those of `openssl rand -hex 32`"
        ))),
        Err(error) => Err(Failure::usage(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let reference = SecretRef::file(&dir.path().join("pepper")).unwrap();
        let secrets = Secrets::new();
        assert!(
            read_pepper(&secrets, &reference)
                .unwrap_err()
                .to_string()
                .contains("init")
        );
        assert_eq!(make_secret(&secrets, &reference).unwrap(), Made::Now);
        let first = read_pepper(&secrets, &reference).unwrap().check_value();
        assert_eq!(make_secret(&secrets, &reference).unwrap(), Made::Before);
        assert_eq!(
            read_pepper(&secrets, &reference).unwrap().check_value(),
            first
        );
        let missing = SecretRef::env("DOORWARD_NO_SUCH_VARIABLE").unwrap();
        assert!(make_secret(&secrets, &missing).is_err());
    }
}
