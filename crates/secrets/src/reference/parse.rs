//! From text to the parts of a reference. No error repeats the text.

use std::path::Path;

use super::Bases;
use super::argv;
use super::names::{Slashes, absolute, below, malformed, name, variable};
use super::place::Place;
use super::scheme::Scheme;
use crate::error::{Error, Result};

/// Longest reference accepted, in bytes.
const MAX_REFERENCE: usize = 8192;
/// Longest unknown scheme repeated in an error, in bytes.
const MAX_SCHEME: usize = 16;

/// The parts of a reference of any scheme, built in or not.
pub(super) fn place(text: &str, bases: Option<&Bases>) -> Result<Place> {
    let files = bases.map(|bases| bases.files.as_path());
    if text.len() > MAX_REFERENCE {
        return Err(Error::NotAReference);
    }
    let (scheme, rest) = text.split_once(':').ok_or(Error::NotAReference)?;
    let scheme = Scheme::named(scheme).ok_or_else(|| unknown(scheme))?;
    let Some(rest) = rest.strip_prefix("//") else {
        return match scheme {
            Scheme::File => Ok(Place::File(below(scheme, rest, files)?)),
            _ => Err(malformed(scheme, scheme.form())),
        };
    };
    let faulty = || malformed(scheme, scheme.form());
    match scheme {
        Scheme::Env => Ok(Place::Env(variable(scheme, rest)?)),
        Scheme::File => Ok(Place::File(absolute(scheme, Path::new(rest))?)),
        Scheme::Dotenv | Scheme::Age => {
            let (path, entry) = rest.rsplit_once('#').ok_or_else(faulty)?;
            let base = match scheme {
                Scheme::Dotenv => bases.map(|bases| bases.dotenv.as_path()),
                _ => files,
            };
            let path = match Path::new(path) {
                path if path.is_absolute() => absolute(scheme, path)?,
                _ => below(scheme, path, base)?,
            };
            Ok(match scheme {
                Scheme::Dotenv => Place::Dotenv {
                    path,
                    name: variable(scheme, entry)?,
                },
                _ => Place::Age {
                    path,
                    name: age_name(entry)?,
                },
            })
        }
        Scheme::Keyring => {
            let (service, entry) = rest.split_once('/').ok_or_else(faulty)?;
            Ok(Place::Keyring {
                service: name(scheme, service, 128, "._@-", Slashes::None)?,
                name: keyring_name(entry)?,
            })
        }
        Scheme::GcpSm => {
            let mut parts = rest.splitn(3, '/');
            let mut part = || parts.next();
            let (project, secret) = (part().ok_or_else(faulty)?, part().ok_or_else(faulty)?);
            let version = part();
            Ok(Place::GcpSm {
                project: name(scheme, project, 128, ".:-", Slashes::None)?,
                secret: gcp_name(secret)?,
                version: version
                    .map(|version| name(scheme, version, 64, "_-", Slashes::None))
                    .transpose()?,
            })
        }
        Scheme::AwsSm => aws(rest),
        Scheme::Vault => {
            let (path, field) = rest.rsplit_once('#').ok_or_else(faulty)?;
            let (mount, path) = path.split_once('/').ok_or_else(faulty)?;
            Ok(Place::Vault {
                mount: name(scheme, mount, 128, "._-", Slashes::None)?,
                path: name(scheme, path, 512, "._@:+=~-", Slashes::Parts)?,
                field: vault_field(field)?,
            })
        }
        Scheme::Exec => argv::parse(rest),
    }
}

fn aws(rest: &str) -> Result<Place> {
    let scheme = Scheme::AwsSm;
    let (rest, region) = match rest.split_once('?') {
        None => (rest, None),
        Some((rest, query)) => {
            let region = query
                .strip_prefix("region=")
                .ok_or(malformed(scheme, scheme.form()))?;
            (rest, Some(name(scheme, region, 32, "-", Slashes::None)?))
        }
    };
    let (secret, json_key) = match rest.split_once('#') {
        None => (rest, None),
        Some((secret, key)) => {
            let key = name(scheme, key, 256, "_.@:+=-", Slashes::Parts)?;
            (secret, Some(key))
        }
    };
    Ok(Place::AwsSm {
        name: aws_name(secret)?,
        json_key,
        region,
    })
}

pub(super) fn age_name(text: &str) -> Result<String> {
    name(Scheme::Age, text, 128, "._-", Slashes::Parts)
}

pub(super) fn keyring_name(text: &str) -> Result<String> {
    name(Scheme::Keyring, text, 256, "._@-", Slashes::Parts)
}

pub(super) fn gcp_name(text: &str) -> Result<String> {
    name(Scheme::GcpSm, text, 255, "_-", Slashes::None)
}

pub(super) fn aws_name(text: &str) -> Result<String> {
    name(Scheme::AwsSm, text, 512, "_+=.@:-", Slashes::Parts)
}

pub(super) fn vault_field(text: &str) -> Result<String> {
    name(Scheme::Vault, text, 128, "._@:+=-", Slashes::None)
}

/// A scheme is repeated only if it cannot well be part of a pasted secret.
fn unknown(scheme: &str) -> Error {
    let plain = scheme.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    if scheme.is_empty() || scheme.len() > MAX_SCHEME || !plain {
        return Error::NotAReference;
    }
    Error::UnknownScheme {
        scheme: scheme.to_owned(),
    }
}
