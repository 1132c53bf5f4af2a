//! Rotating the ledger's signing key: a new one signs first, the old one beside it, until whoever
//! verifies knows the new one.

use std::time::Duration;

use doorward_audit::{Audit, Draft, Person};
use doorward_ledger::{Change, Checkpoint, Directory, Event, TileSource, Verdict, VerifierKey};
use doorward_secrets::{Error, Overwrite, SecretRef};

use super::audit_types::{AuditRotate, KeyDuty, Rotated};
use super::audit_writing::act;
use super::error::AdminError;
use super::service::{Admin, Handle};
use crate::paths::{DataDir, write_private};
use crate::record::{Finished, LedgerKeys, NewFirst};

/// How long a checkpoint with the new key's signature is waited for.
const SIGNED_WITHIN: Duration = Duration::from_secs(10);

impl Handle<AuditRotate> for Admin {
    fn handle(&self, call: AuditRotate) -> Result<Rotated, AdminError> {
        self.ledger_key()?;
        let audit = self.parts.audit.get()?;
        if call.finish {
            self.finish(&audit, call.by)?;
        } else {
            self.begin(&audit, call.by)?;
        }
        let keys = LedgerKeys::read(&self.parts.own_secrets, self.ledger_key()?)?;
        let public = DataDir::at(&self.parts.data_dir)?.ledger_public_keys();
        write_private(&public, keys.public_text().as_bytes()).map_err(|error| {
            AdminError::failed(format_args!(
                "it was done, but {} can't be written: {error}; the next start writes it",
                public.display()
            ))
        })?;
        let beside = keys.beside.iter().map(|key| (key, KeyDuty::SignsBeside));
        let signs = std::iter::once((&keys.first, KeyDuty::Signs)).chain(beside);
        let signs = signs.map(|(key, duty)| (key.verifier_key().to_string(), duty));
        let before = keys
            .trusted
            .iter()
            .map(|key| (key.to_string(), KeyDuty::Signed));
        Ok(Rotated {
            keys: signs.chain(before).collect(),
            restart: self.parts.gateway_url.is_some(),
        })
    }
}

impl Admin {
    fn ledger_key(&self) -> Result<&SecretRef, AdminError> {
        self.parts.ledger_key.as_ref().ok_or_else(|| {
            AdminError::usage(
                "a service signs the ledger (ledger.transit): rotate the key there, put the old \
                 public key into the secret at ledger.key, and restart the server",
            )
        })
    }

    fn begin(&self, audit: &Audit, by: Option<Person>) -> Result<(), AdminError> {
        let secret = self.parts.own_secrets.read(self.ledger_key()?);
        let new = NewFirst::of(&secret.map_err(AdminError::failed)?)?;
        let keys = [new.key.clone()];
        self.change(audit, by, Change::Created, &keys, &new.secret)
    }

    fn finish(&self, audit: &Audit, by: Option<Person>) -> Result<(), AdminError> {
        let secret = self.parts.own_secrets.read(self.ledger_key()?);
        let finished = Finished::of(&secret.map_err(AdminError::failed)?)?;
        // Whoever knows the new key alone must be able to verify before the old one goes.
        let last = audit.reader().size().saturating_sub(1);
        audit.log().wait_signed(last, SIGNED_WITHIN);
        let folder = DataDir::at(&self.parts.data_dir)?.ledger();
        let checkpoint = Directory::new(folder).checkpoint();
        let checkpoint = checkpoint.map_err(AdminError::failed)?.unwrap_or_default();
        if Checkpoint::open(&checkpoint, std::slice::from_ref(&finished.first)).is_err() {
            return Err(AdminError::usage(
                "the new key signs nothing yet, since the server was started before it was made; \
                 restart the server, then finish",
            ));
        }
        self.change(
            audit,
            by,
            Change::Deleted,
            &finished.ended,
            &finished.secret,
        )
    }

    /// Records what is about to happen to keys, writes the secret, and records that it happened.
    fn change(
        &self,
        audit: &Audit,
        by: Option<Person>,
        change: Change,
        keys: &[VerifierKey],
        secret: &secrecy::SecretString,
    ) -> Result<(), AdminError> {
        let record = |result: Verdict| {
            keys.iter().try_for_each(|key| {
                let event = Event::LedgerKey {
                    change,
                    verifier_key: key.to_string(),
                };
                let mut act = act("ledger_key.rotate");
                act.result = result;
                let draft = Draft::new(audit.now(), act, event);
                let draft = match &by {
                    Some(person) => draft.person(person.clone()),
                    None => draft,
                };
                audit.record_blocking(draft).map(|_| ())
            })
        };
        record(Verdict::Pending)?;
        let reference = self.ledger_key()?;
        let written = self
            .parts
            .own_secrets
            .write(reference, secret, Overwrite::Replace);
        let result = if written.is_ok() {
            Verdict::Success
        } else {
            Verdict::Failure
        };
        record(result)?;
        written.map_err(|error| match error {
            Error::ReadOnly { .. } => AdminError::usage(format_args!(
                "{reference} can't be written by Doorward; let ledger.key be a file while the key \
                 is rotated"
            )),
            error => AdminError::failed(error),
        })
    }
}
