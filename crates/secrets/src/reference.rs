//! Where a secret is: parsing and printing of references.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::error::{Error, Result};

/// Longest reference accepted, in bytes.
const MAX_REFERENCE: usize = 4096;
/// Longest name of an environment variable accepted, in bytes.
const MAX_ENV_NAME: usize = 256;
/// Longest unknown scheme repeated in an error, in bytes.
const MAX_SCHEME: usize = 16;

/// Schemes that later builds may have. Each needs a provider of its own.
const PLANNED: [&str; 7] = [
    "dotenv", "age", "keyring", "gcp-sm", "aws-sm", "vault", "exec",
];

/// The kinds of places a secret can be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `env://`
    Env,
    /// `file://`
    File,
}

impl Scheme {
    /// The scheme as it is written in a reference.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Env => "env",
            Self::File => "file",
        }
    }
}

/// The place of one secret. It holds no secret, so it can be printed and stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SecretRef(Place);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Place {
    Env(String),
    File(PathBuf),
}

impl SecretRef {
    /// A reference to the file at `path`, which must be absolute, printable and free of `..`.
    pub fn file(path: &Path) -> Result<Self> {
        let text = path
            .to_str()
            .ok_or(malformed_file("the path is not UTF-8"))?;
        check_path_text(text)?;
        if !path.is_absolute() {
            return Err(malformed_file("the path is not absolute"));
        }
        check_components(path)?;
        Ok(Self(Place::File(path.to_path_buf())))
    }

    /// A reference to the environment variable `name` (letters, digits, `_`; no digit first).
    pub fn env(name: &str) -> Result<Self> {
        let malformed = |why| Err(Error::Malformed { scheme: "env", why });
        if name.is_empty() || name.len() > MAX_ENV_NAME {
            return malformed("a variable's name has 1 to 256 characters");
        }
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !plain || name.starts_with(|c: char| c.is_ascii_digit()) {
            return malformed("a variable's name is letters, digits and _, with no digit first");
        }
        Ok(Self(Place::Env(name.to_owned())))
    }

    /// Parses a reference; `file:name` is taken relative to `base`, which must be absolute.
    pub fn parse_in(text: &str, base: &Path) -> Result<Self> {
        Self::parse(text, Some(base))
    }

    /// Which provider this reference is for.
    pub fn scheme(&self) -> Scheme {
        match self.0 {
            Place::Env(_) => Scheme::Env,
            Place::File(_) => Scheme::File,
        }
    }

    /// The path, for a file.
    pub fn as_file(&self) -> Option<&Path> {
        match &self.0 {
            Place::File(path) => Some(path),
            Place::Env(_) => None,
        }
    }

    /// The variable's name, for the environment.
    pub fn as_env(&self) -> Option<&str> {
        match &self.0 {
            Place::Env(name) => Some(name),
            Place::File(_) => None,
        }
    }

    fn parse(text: &str, base: Option<&Path>) -> Result<Self> {
        if text.len() > MAX_REFERENCE {
            return Err(Error::NotAReference);
        }
        let (scheme, rest) = text.split_once(':').ok_or(Error::NotAReference)?;
        let rest_of_url = rest.strip_prefix("//");
        match scheme {
            "env" => Self::env(rest_of_url.ok_or(Error::Malformed {
                scheme: "env",
                why: "write env://NAME",
            })?),
            "file" => match rest_of_url {
                Some(path) => Self::file(Path::new(path)),
                None => Self::relative_file(rest, base),
            },
            _ => Err(unknown(scheme)),
        }
    }

    fn relative_file(rest: &str, base: Option<&Path>) -> Result<Self> {
        let base = base.ok_or(malformed_file(
            "a relative file needs a folder to be relative to",
        ))?;
        let relative = Path::new(rest);
        if relative.file_name().is_none() || relative.is_absolute() {
            return Err(malformed_file("write file:///absolute/path or file:name"));
        }
        Self::file(&base.join(relative))
    }
}

fn malformed_file(why: &'static str) -> Error {
    Error::Malformed {
        scheme: "file",
        why,
    }
}

fn check_path_text(text: &str) -> Result<()> {
    if text.len() > MAX_REFERENCE {
        return Err(malformed_file("the path is longer than 4096 bytes"));
    }
    if text.chars().any(char::is_control) {
        return Err(malformed_file("the path holds control characters"));
    }
    Ok(())
}

fn check_components(path: &Path) -> Result<()> {
    if path.components().any(|part| part == Component::ParentDir) {
        return Err(malformed_file("the path holds '..'"));
    }
    if !matches!(path.components().next_back(), Some(Component::Normal(_))) {
        return Err(malformed_file("the path names no file"));
    }
    Ok(())
}

/// A scheme is repeated only if it cannot well be part of a pasted secret.
fn unknown(scheme: &str) -> Error {
    if let Some(&scheme) = PLANNED.iter().find(|planned| **planned == scheme) {
        return Error::NotBuiltIn { scheme };
    }
    let plain = scheme.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    if scheme.is_empty() || scheme.len() > MAX_SCHEME || !plain {
        return Error::NotAReference;
    }
    Error::UnknownScheme {
        scheme: scheme.to_owned(),
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Env(name) => write!(f, "env://{name}"),
            Place::File(path) => write!(f, "file://{}", path.display()),
        }
    }
}

/// Parses references that need no base folder; `file:name` is refused.
impl FromStr for SecretRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text, None)
    }
}

/// Serializes as the text that [`FromStr`] parses.
impl Serialize for SecretRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn references_print_as_they_parse() {
        for text in [
            "env://DOORWARD_PEPPER",
            "file:///etc/doorward/pepper",
            "file:///a b/ü%20",
        ] {
            assert_eq!(text.parse::<SecretRef>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn relative_files_are_below_the_base() {
        let parse = |text| SecretRef::parse_in(text, Path::new("/etc/doorward"));
        assert_eq!(
            parse("file:keys/main").unwrap().as_file(),
            Some(Path::new("/etc/doorward/keys/main"))
        );
        for text in [
            "file:../main",
            "file:a/../../b",
            "file:",
            "file:/main",
            "file:.",
            "file:a\nb",
        ] {
            assert!(
                matches!(parse(text), Err(Error::Malformed { scheme: "file", .. })),
                "{text:?}"
            );
        }
        assert!("file:main".parse::<SecretRef>().is_err());
    }

    #[test]
    fn malformed_places_are_refused() {
        for text in [
            "env://",
            "env:NAME",
            "env://1A",
            "env://A-B",
            "env://A=B",
            "env://A\0",
        ] {
            let error = text.parse::<SecretRef>().unwrap_err();
            assert!(
                matches!(error, Error::Malformed { scheme: "env", .. }),
                "{text:?}: {error}"
            );
        }
        for text in [
            "file://",
            "file://host/x",
            "file:///",
            "file:///a/../b",
            "file:///a\u{7f}",
        ] {
            let error = text.parse::<SecretRef>().unwrap_err();
            assert!(
                matches!(error, Error::Malformed { scheme: "file", .. }),
                "{text:?}: {error}"
            );
        }
    }

    #[test]
    fn other_schemes_have_clear_errors() {
        for scheme in PLANNED {
            let error = format!("{scheme}://x").parse::<SecretRef>().unwrap_err();
            assert!(
                error
                    .to_string()
                    .contains("not built into this Doorward yet"),
                "{error}"
            );
            assert!(error.to_string().contains(scheme), "{error}");
        }
        let error = "ftp://x".parse::<SecretRef>().unwrap_err();
        assert!(matches!(&error, Error::UnknownScheme { scheme } if scheme == "ftp"));
    }

    #[test]
    fn a_pasted_secret_is_not_repeated() {
        for secret in [
            "ZGVhZGJlZWYtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAwOmNhbmFyeUNBTkFSWQ==",
            "deadbeef-0000-4000-8000-000000000000:canaryCANARY",
            "Canary:x",
        ] {
            let error = secret.parse::<SecretRef>().unwrap_err();
            assert!(matches!(error, Error::NotAReference));
            assert!(!error.to_string().to_lowercase().contains("canary"));
        }
    }

    proptest! {
        #[test]
        fn what_parses_prints_to_itself(text in "(env|file|vault|[a-z]{1,4}):(//)?[ -~]{0,24}") {
            if let Ok(reference) = SecretRef::parse_in(&text, Path::new("/base")) {
                prop_assert_eq!(reference.to_string().parse::<SecretRef>().unwrap(), reference);
            }
        }
    }
}
