//! Where a secret is: references, their parsing and printing.

mod argv;
mod names;
mod parse;
mod place;
mod scheme;
mod slot;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::error::{Error, Result};
pub(crate) use place::Place;
pub use scheme::Scheme;

/// The folders, by absolute paths, that relative references are below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bases {
    /// That of `file:name` and `age://secrets.age#name`.
    pub files: PathBuf,
    /// That of `dotenv://.env#NAME`.
    pub dotenv: PathBuf,
}

/// The place of one secret. It holds no secret, so it can be printed and stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SecretRef(Place);

impl SecretRef {
    /// A reference to the file at `path`, which must be absolute, printable and free of `..`.
    pub fn file(path: &Path) -> Result<Self> {
        names::absolute(Scheme::File, path).map(|path| Self(Place::File(path)))
    }

    /// A reference to the environment variable `name` (letters, digits, `_`; no digit first).
    pub fn env(name: &str) -> Result<Self> {
        names::variable(Scheme::Env, name).map(|name| Self(Place::Env(name)))
    }

    /// A reference to the entry `name` of the file at `path` (absolute), encrypted with age.
    pub fn age(path: &Path, name: &str) -> Result<Self> {
        Ok(Self(Place::Age {
            path: names::absolute(Scheme::Age, path)?,
            name: parse::age_name(name)?,
        }))
    }

    /// Parses a reference; `file:name` and the relative paths of `dotenv://` and `age://` are
    /// taken below `base`, which must be absolute.
    ///
    /// # Errors
    /// When it is none, or this build has no provider for its scheme.
    pub fn parse_in(text: &str, base: &Path) -> Result<Self> {
        Self::parse_at(
            text,
            &Bases {
                files: base.to_owned(),
                dotenv: base.to_owned(),
            },
        )
    }

    /// The same, with a folder of its own for `.env` files.
    pub fn parse_at(text: &str, bases: &Bases) -> Result<Self> {
        Self::parse(text, Some(bases))
    }

    /// Which provider this reference is for.
    pub fn scheme(&self) -> Scheme {
        self.0.scheme()
    }

    /// The path, for a file.
    pub fn as_file(&self) -> Option<&Path> {
        match &self.0 {
            Place::File(path) => Some(path),
            _ => None,
        }
    }

    /// The variable's name, for the environment.
    pub fn as_env(&self) -> Option<&str> {
        match &self.0 {
            Place::Env(name) => Some(name),
            _ => None,
        }
    }

    /// Whether other secrets are in the same file or version, so that when it was changed is known
    /// of all together: this one is as old as that, or older.
    pub fn shares_its_age(&self) -> bool {
        match &self.0 {
            Place::Age { .. } | Place::Dotenv { .. } | Place::Vault { .. } => true,
            Place::AwsSm { json_key, .. } => json_key.is_some(),
            _ => false,
        }
    }

    pub(crate) fn place(&self) -> &Place {
        &self.0
    }

    fn parse(text: &str, bases: Option<&Bases>) -> Result<Self> {
        let place = parse::place(text, bases)?;
        let scheme = place.scheme();
        if !scheme.is_built() {
            return Err(Error::NotBuiltIn {
                scheme: scheme.as_str(),
                feature: scheme.feature().unwrap_or(scheme.as_str()),
            });
        }
        Ok(Self(place))
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Parses references that need no base folder; relative paths are refused.
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
