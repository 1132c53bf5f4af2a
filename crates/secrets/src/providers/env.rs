//! Secrets in environment variables.

use std::ffi::OsString;

use zeroize::Zeroize;

use crate::error::{Error, Result};
use crate::provider::{Found, MAX_SECRET_BYTES, Provider, Readers, Seen};
use crate::reference::SecretRef;

type Lookup = dyn Fn(&str) -> Option<OsString> + Send + Sync;

/// Reads environment variables.
pub struct EnvProvider {
    lookup: Box<Lookup>,
}

impl EnvProvider {
    /// The environment of this process.
    pub fn new() -> Self {
        Self::with_lookup(|name| std::env::var_os(name))
    }

    /// An environment that `lookup` answers for.
    pub fn with_lookup(lookup: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static) -> Self {
        Self {
            lookup: Box::new(lookup),
        }
    }
}

impl Default for EnvProvider {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for EnvProvider {
    fn describe(&self) -> &'static str {
        "the environment"
    }

    fn read(&self, reference: &SecretRef) -> Result<Found> {
        let refused = |why: &str| Error::refused(reference, why);
        let name = name_of(reference)?;
        let value = (self.lookup)(name).ok_or_else(|| Error::missing(reference))?;
        let mut value = value.into_string().map_err(|value| {
            value.into_encoded_bytes().zeroize();
            refused("the value is not UTF-8")
        })?;
        if value.is_empty() || value.len() > MAX_SECRET_BYTES {
            value.zeroize();
            return Err(refused("a secret has 1 to 65536 bytes"));
        }
        Ok(Found::only(value.into()))
    }

    fn inspect(&self, reference: &SecretRef) -> Result<Seen> {
        let name = name_of(reference)?;
        let value = (self.lookup)(name).ok_or_else(|| Error::missing(reference))?;
        value.into_encoded_bytes().zeroize();
        Ok(Seen {
            place: format!("the environment variable {name}"),
            changed_at: None,
            version: None,
            readers: Readers::Process,
            writable: false,
            warning: None,
        })
    }
}

fn name_of(reference: &SecretRef) -> Result<&str> {
    reference
        .as_env()
        .ok_or_else(|| Error::refused(reference, "it is no environment variable"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::{ExposeSecret, SecretString};

    fn read(value: Option<OsString>) -> Result<SecretString> {
        EnvProvider::with_lookup(move |name| value.clone().filter(|_| name == "KEY"))
            .read(&SecretRef::env("KEY").unwrap())
            .map(|found| found.secret)
    }

    #[test]
    fn a_variable_is_read_as_it_is() {
        assert_eq!(
            read(Some("value\n".into())).unwrap().expose_secret(),
            "value\n"
        );
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        assert!(matches!(read(None), Err(Error::Missing { .. })));
        assert!(matches!(read(Some("".into())), Err(Error::Refused { .. })));
        let long = "x".repeat(MAX_SECRET_BYTES + 1);
        assert!(matches!(
            read(Some(long.into())),
            Err(Error::Refused { .. })
        ));
        let file = SecretRef::file(std::path::Path::new("/x")).unwrap();
        assert!(matches!(
            EnvProvider::new().read(&file),
            Err(Error::Refused { .. })
        ));
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_not_text_are_refused_unseen() {
        use std::os::unix::ffi::OsStringExt;
        let error = read(Some(OsString::from_vec(b"canary\xff".to_vec()))).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}
