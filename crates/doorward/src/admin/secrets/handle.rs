//! How secrets are kept, shown, listed and copied.

use doorward_catalog::wire::SecretText;
use doorward_secrets::{Error, Expect, SecretRef};
use doorward_store::UpstreamKeyState;
use secrecy::{ExposeSecret, SecretString};

use super::{
    SecretCopy, SecretKept, SecretList, SecretListed, SecretReveal, SecretSet, SecretShown,
    SecretUse,
};
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle};

impl Admin {
    /// A reference that was typed.
    pub(super) fn secret_reference(&self, text: &str) -> Result<SecretRef, AdminError> {
        let reference = self.parts.secret_setup.reference(text);
        reference.map_err(AdminError::usage)
    }

    /// What the workspaces use.
    pub(super) fn upstream_uses(&self) -> Result<Vec<SecretUse>, AdminError> {
        let workspaces = self.store().workspaces()?;
        let keys = workspaces.iter().flat_map(|workspace| {
            let keys = workspace.upstream_keys.iter();
            // Of what is retired nothing is kept.
            let keys = keys.filter(|key| key.state != UpstreamKeyState::Retired);
            keys.map(|key| SecretUse {
                reference: key.reference.clone(),
                by: format!("upstream key {} of {}", key.name, workspace.name),
                read: true,
            })
        });
        Ok(keys.collect())
    }

    fn keep_secret(
        &self,
        reference: &SecretRef,
        secret: &SecretString,
        replace: bool,
    ) -> Result<SecretKept, AdminError> {
        let expect = match replace {
            true => Expect::Any,
            false => Expect::Absent,
        };
        let secrets = self.secrets()?;
        let put = secrets.put(reference, secret, &expect);
        put.map_err(|error| match error {
            Error::Exists { .. } => AdminError::usage(format_args!(
                "there is a secret at {reference} already; --replace replaces it"
            )),
            error => refused(error),
        })?;
        // What can't be read again is not kept.
        let found = secrets.find(reference).map_err(refused)?;
        if found.secret.expose_secret() != secret.expose_secret() {
            return Err(AdminError::failed(format_args!(
                "{reference} was written, and holds something else when it is read again; look \
                 who else writes it"
            )));
        }
        Ok(SecretKept {
            reference: reference.to_string(),
            place: secrets.inspect(reference).map_err(refused)?.place,
        })
    }
}

/// What the provider says of itself is a failure; what does not fit is for the caller to mend.
pub(super) fn refused(error: Error) -> AdminError {
    match error.is_trouble() {
        true => AdminError::failed(error),
        false => AdminError::usage(error),
    }
}

impl Handle<SecretSet> for Admin {
    fn handle(&self, call: SecretSet) -> Result<SecretKept, AdminError> {
        let reference = self.secret_reference(&call.reference)?;
        let secret = SecretString::from(call.secret.expose_secret());
        self.keep_secret(&reference, &secret, call.replace)
    }
}

impl Handle<SecretReveal> for Admin {
    fn handle(&self, call: SecretReveal) -> Result<SecretShown, AdminError> {
        let reference = self.secret_reference(&call.reference)?;
        let found = self.secrets()?.find(&reference).map_err(refused)?;
        Ok(SecretShown {
            reference: reference.to_string(),
            secret: SecretText::new(found.secret.expose_secret().to_owned()),
        })
    }
}

impl Handle<SecretCopy> for Admin {
    fn handle(&self, call: SecretCopy) -> Result<SecretKept, AdminError> {
        let (from, to) = (
            self.secret_reference(&call.from)?,
            self.secret_reference(&call.to)?,
        );
        if from == to {
            return Err(AdminError::usage(
                "both are the same place; nothing is to be copied",
            ));
        }
        let found = self.secrets()?.find(&from).map_err(refused)?;
        self.keep_secret(&to, &found.secret, call.replace)
    }
}

impl Handle<SecretList> for Admin {
    fn handle(&self, call: SecretList) -> Result<Vec<SecretListed>, AdminError> {
        let of = self.secret_reference(&call.of)?;
        let kept = self.secrets()?.siblings(&of).map_err(refused)?;
        let mut used = call.used;
        used.extend(self.upstream_uses()?);
        let used: Vec<_> = used
            .into_iter()
            .filter_map(|one| Some((self.secret_reference(&one.reference).ok()?, one.by)))
            .collect();
        let by = |reference: &SecretRef| {
            let uses = used.iter().filter(|(used, _)| used == reference);
            uses.map(|(_, by)| by.clone()).collect()
        };
        let listed = kept.iter().map(|reference| SecretListed {
            reference: reference.to_string(),
            used_by: by(reference),
        });
        Ok(listed.collect())
    }
}
