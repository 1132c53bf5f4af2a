//! The two steps of a rotation of the ledger's signing key, as texts of the secret that holds it.

use doorward_ledger::VerifierKey;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::keys::{LedgerKeys, SECRET, new_key};
use crate::exit::Failure;

/// A new key first, the one before beside it.
pub(crate) struct NewFirst {
    /// The secret's new text.
    pub(crate) secret: SecretString,
    /// The new key.
    pub(crate) key: VerifierKey,
}

impl NewFirst {
    /// Makes a key of the same name, which is the log's.
    ///
    /// # Errors
    /// When a rotation is under way already.
    pub(crate) fn of(secret: &SecretString) -> Result<Self, Failure> {
        let keys = parse(secret)?;
        if !keys.beside.is_empty() {
            return Err(Failure::usage(
                "two keys sign already: end that rotation with `doorward audit rotate-key \
                 --finish` first",
            ));
        }
        let new = new_key(Some(keys.first.verifier_key().name()))?;
        let key = parse(&new)?.first.verifier_key().clone();
        let text = Zeroizing::new(format!(
            "{}\n{}",
            new.expose_secret(),
            secret.expose_secret().trim()
        ));
        Ok(Self {
            secret: text.as_str().into(),
            key,
        })
    }
}

/// The first key alone; of the others the public half.
pub(crate) struct Finished {
    /// The secret's new text.
    pub(crate) secret: SecretString,
    /// The key that signs.
    pub(crate) first: VerifierKey,
    /// The keys that signed beside it and do no more.
    pub(crate) ended: Vec<VerifierKey>,
}

impl Finished {
    /// Takes the other secret halves away.
    ///
    /// # Errors
    /// When no rotation is under way.
    pub(crate) fn of(secret: &SecretString) -> Result<Self, Failure> {
        let keys = parse(secret)?;
        if keys.beside.is_empty() {
            return Err(Failure::usage(
                "one key signs alone: there is no rotation to finish; begin one with `doorward \
                 audit rotate-key`",
            ));
        }
        let lines = secret.expose_secret().lines().map(str::trim);
        let first = lines.into_iter().find(|line| line.starts_with(SECRET));
        let ended: Vec<_> = keys.beside.iter().map(|key| key.verifier_key()).collect();
        let mut text = Zeroizing::new(String::new());
        text.push_str(first.unwrap_or_default());
        for key in ended.iter().copied().chain(&keys.trusted) {
            text.push_str(&format!("\n{key}"));
        }
        Ok(Self {
            secret: text.as_str().into(),
            first: keys.first.verifier_key().clone(),
            ended: ended.into_iter().cloned().collect(),
        })
    }
}

fn parse(secret: &SecretString) -> Result<LedgerKeys, Failure> {
    LedgerKeys::parse(secret).map_err(|why| Failure::usage(format_args!("the ledger's key: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_has_two_steps_and_loses_no_public_key() {
        let old = new_key(None).unwrap();
        let old_key = parse(&old).unwrap().first.verifier_key().clone();
        assert!(Finished::of(&old).is_err());

        let new = NewFirst::of(&old).unwrap();
        assert_eq!(new.key.name(), old_key.name());
        assert_ne!(new.key, old_key);
        let both = parse(&new.secret).unwrap();
        assert_eq!(both.first.verifier_key(), &new.key);
        assert_eq!(both.beside.len(), 1);
        assert!(NewFirst::of(&new.secret).is_err());

        let done = Finished::of(&new.secret).unwrap();
        let after = parse(&done.secret).unwrap();
        assert_eq!(
            (&done.first, &done.ended),
            (&new.key, &vec![old_key.clone()])
        );
        assert_eq!(after.trusted, [old_key]);
        assert_eq!(after.signers().len(), 1);
        assert_eq!(done.secret.expose_secret().matches(SECRET).count(), 1);
        assert_eq!(after.public_text(), both.public_text());
    }
}
