//! The second of two places that the values of a rotated key live in.

use super::SecretRef;
use super::names::absolute;
use super::parse::{age_name, aws_name, gcp_name, keyring_name, vault_field};
use super::place::Place;
use super::scheme::Scheme;
use crate::error::Result;

/// What the second slot's name ends in.
const SECOND: &str = "-b";

impl SecretRef {
    /// The other of the two slots that a rotated key's values live in: the sibling whose name has
    /// `-b` at its end, or, from there, the one without. A rotation writes the new value into the
    /// slot that is not in use and then turns the reference to it, so that neither a reader nor a
    /// crash ever finds the old value gone before the new one is kept.
    ///
    /// There is none where nothing can be written (`env`, `dotenv`, `exec`), for a pinned
    /// version, for an ARN, and where the name would get too long.
    pub fn other_slot(&self) -> Option<Self> {
        let place = match &self.0 {
            Place::Env(_) | Place::Dotenv { .. } | Place::Exec { .. } => return None,
            Place::File(path) => {
                let name = path.file_name()?.to_str()?;
                let path = path.with_file_name(turned(name));
                Place::File(absolute(Scheme::File, &path).ok()?)
            }
            Place::Age { path, name } => Place::Age {
                path: path.clone(),
                name: fitting(name, age_name)?,
            },
            Place::Keyring { service, name } => Place::Keyring {
                service: service.clone(),
                name: fitting(name, keyring_name)?,
            },
            Place::GcpSm {
                project,
                secret,
                version: None,
            } => Place::GcpSm {
                project: project.clone(),
                secret: fitting(secret, gcp_name)?,
                version: None,
            },
            Place::GcpSm { .. } => return None,
            Place::AwsSm { name, .. } if name.starts_with("arn:") => return None,
            Place::AwsSm {
                name,
                json_key,
                region,
            } => Place::AwsSm {
                name: fitting(name, aws_name)?,
                json_key: json_key.clone(),
                region: region.clone(),
            },
            Place::Vault { mount, path, field } => Place::Vault {
                mount: mount.clone(),
                path: path.clone(),
                field: fitting(field, vault_field)?,
            },
        };
        Some(Self(place))
    }
}

fn fitting(name: &str, check: fn(&str) -> Result<String>) -> Option<String> {
    check(&turned(name)).ok()
}

fn turned(name: &str) -> String {
    match name.strip_suffix(SECOND) {
        // `a/-b` has no first slot: its name would be empty.
        Some(first) if !first.is_empty() && !first.ends_with('/') => first.to_owned(),
        _ => format!("{name}{SECOND}"),
    }
}
