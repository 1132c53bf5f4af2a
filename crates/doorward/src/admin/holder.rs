//! Admin tokens: how a named person proves to the admin API who they are.

use doorward_keys::Pepper;
use doorward_policy::Timestamp;
use doorward_store::AdminToken;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::carry::Who;
use super::error::AdminError;
use super::service::{Admin, now};
use crate::secret;

const BEGINS: &str = "dwa_";
const ID_LEN: usize = 16;
/// Hexadecimal digits of the secret.
const SECRET_LEN: usize = 64;

/// A token that was just made: its record, and the token itself.
pub(super) fn make(
    name: &str,
    expires_at: Option<Timestamp>,
    pepper: &Pepper,
) -> Result<(AdminToken, SecretString), AdminError> {
    let (id, secret) = (secret::random::<8>()?, secret::random::<32>()?);
    let id = hex(id.as_slice());
    let token = SecretString::from(format!("{BEGINS}{id}_{}", hex(secret.as_slice())));
    let record = AdminToken {
        name: name.to_owned(),
        id,
        hash: pepper.admin_token_hash(token.expose_secret()),
        created_at: now(),
        expires_at,
        revoked_at: None,
    };
    Ok((record, token))
}

/// The public id of a token, if it has the form of one.
fn id_of(token: &str) -> Option<&str> {
    let rest = token.strip_prefix(BEGINS)?;
    let (id, secret) = rest.split_once('_')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let fits = id.len() == ID_LEN && secret.len() == SECRET_LEN && digits(id) && digits(secret);
    fits.then_some(id)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Admin {
    /// The same, with the name of the holder of the token that was presented, if one was.
    ///
    /// # Errors
    /// When a token was presented that is not good: nothing is done then.
    pub(super) fn recognise(&self, who: &Who) -> Result<Who, AdminError> {
        let Some(token) = who.token() else {
            return Ok(who.clone());
        };
        let refused = || {
            AdminError::usage(
                "the admin token that was presented is not good (any more); `doorward admin token \
                 list` shows those that are",
            )
        };
        let token = token.expose_secret().trim();
        let pepper = secret::read_pepper(&self.parts.own_secrets, &self.parts.pepper)?;
        let hash = pepper.admin_token_hash(token);
        let found = match id_of(token) {
            Some(id) => self.store().admin_token(id)?,
            None => None,
        };
        let found = found.filter(|found| bool::from(found.hash.ct_eq(&hash)));
        let found = found
            .filter(|found| found.is_good(now()))
            .ok_or_else(refused)?;
        Ok(who.clone().held_by(found.name))
    }
}

/// Whether a name that is written somewhere is that of a token's holder: whole, or as the part of a
/// mail address before the `@`, or with dots or dashes for spaces.
pub(super) fn same_person(written: &str, holder: &str) -> bool {
    let written = written.trim().to_lowercase();
    let local = written.split('@').next().unwrap_or_default();
    let first = local.split(['+', ' ']).next().unwrap_or_default();
    let forms = [
        written.clone(),
        local.to_owned(),
        first.to_owned(),
        local.replace(' ', "."),
        local.replace(' ', "-"),
        local.replace(' ', "_"),
    ];
    forms.iter().any(|form| !form.is_empty() && *form == holder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_by_its_id_and_known_by_its_hash() {
        let pepper = Pepper::new(&[7; 32]).unwrap();
        let (record, token) = make("ann", None, &pepper).unwrap();
        let token = token.expose_secret();
        assert_eq!(id_of(token), Some(record.id.as_str()));
        assert_eq!(pepper.admin_token_hash(token), record.hash);
        let other = Pepper::new(&[8; 32]).unwrap();
        assert_ne!(other.admin_token_hash(token), record.hash);
        for bad in [
            "",
            "dwa_",
            "dwa_1_2",
            &token[1..],
            &token[..token.len() - 1],
        ] {
            assert_eq!(id_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_name_is_known_in_the_ways_people_write_it() {
        for written in [
            "ann",
            "Ann",
            " ANN ",
            "ann@example.com",
            "ann+x@example.com",
            "Ann Lee",
        ] {
            assert!(same_person(written, "ann"), "{written}");
        }
        assert!(same_person("Ann Lee", "ann.lee"));
        for written in ["", "joann", "bob@ann.example", "an"] {
            assert!(!same_person(written, "ann"), "{written}");
        }
    }
}
