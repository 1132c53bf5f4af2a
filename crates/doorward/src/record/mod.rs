//! The record of acts as this program opens it: keys from references, the folder, who signs.

mod keys;
mod late;
mod public_keys;
mod rotation;

use std::sync::Arc;

use doorward_audit::{Audit, AuditError, AuditOptions, Draft};
use doorward_ledger::log::{LogError, Opened};
use doorward_ledger::{Act, Actor, ActorKind, Event, Verdict, VerifierKey};
use doorward_secrets::{SecretRef, Secrets};
use doorward_store::Store;

pub(crate) use keys::{LedgerKeys, make_ledger_key};
pub(crate) use late::LateAudit;
pub(crate) use public_keys::read_public_keys;
pub(crate) use rotation::{Finished, NewFirst};

use crate::admin::AdminError;
use crate::context::Context;
use crate::exit::Failure;
use crate::paths::write_private;
use crate::secret_setup::SecretSetup;

/// Whether a ledger may be opened that the store does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Take {
    /// No: it may be an old copy.
    Own,
    /// Yes, since the store was lost.
    Over,
}

/// Gives the record where it may not be open yet.
pub(crate) type Ledger = Arc<dyn Fn() -> Result<Arc<Audit>, AdminError> + Send + Sync>;

/// Opens the ledger of the data folder, whose store is open. Gives the public keys that its
/// checkpoints are believed by, too.
///
/// # Errors
/// When a key is missing, or the ledger refuses to start; the text says what to do.
pub(crate) fn open_record(
    context: &Context,
    store: Arc<dyn Store>,
    take: Take,
) -> Result<(Audit, Vec<VerifierKey>), Failure> {
    let secrets = context.secrets.open()?;
    let (audit_key_at, ledger_key_at) = (context.audit_key()?, context.ledger_key()?);
    let audit_key = secrets.read(&audit_key_at).map_err(|error| {
        Failure::usage(format_args!(
            "the audit key: {error}; `doorward init` makes one"
        ))
    })?;
    let keys = match &context.config.ledger.transit {
        None => LedgerKeys::read(&secrets, &ledger_key_at)?,
        Some(transit) => LedgerKeys::remote(context, transit, &ledger_key_at)?,
    };
    let (public, public_text) = (keys.public(), keys.public_text());
    let folder = context.data_dir.make_ledger()?;
    let signer = Arc::clone(&keys.first);
    let mut options = AuditOptions::new(folder, signer, audit_key, store);
    options.signers = keys.signers();
    options.trusted = keys.trusted;
    options.adopt = take == Take::Over;
    let (audit, opened) = Audit::open(options).map_err(|error| {
        let hint = match &error {
            AuditError::Log(LogError::NotAnchored { .. }) => {
                "; `doorward audit adopt` takes it over when the store is lost for good"
            }
            AuditError::Log(LogError::Checkpoint { .. }) => {
                "; if the key that signs it was exchanged by hand, write the old key's public line \
                 (kept in ledger.pub) below the new one"
            }
            _ => "",
        };
        Failure::failed(format_args!(
            "the ledger in {} can't be opened, and nothing is done without it: {error}{hint}",
            context.data_dir.ledger().display()
        ))
    })?;
    // Only now: under a key that is not this ledger's, the file would say what is not so.
    let file = context.data_dir.ledger_public_keys();
    write_private(&file, public_text.as_bytes()).map_err(|error| {
        Failure::failed(format_args!("can't write {}: {error}", file.display()))
    })?;
    told(&opened);
    for reference in [&audit_key_at, &ledger_key_at] {
        audit.note(secret_read(&audit, reference));
    }
    Ok((audit, public))
}

fn told(opened: &Opened) {
    let Opened {
        size,
        torn_bytes,
        rebuilt_tiles,
        mended_checkpoint,
        ..
    } = *opened;
    if torn_bytes > 0 || rebuilt_tiles > 0 || mended_checkpoint {
        tracing::warn!(
            size,
            torn_bytes,
            rebuilt_tiles,
            mended_checkpoint,
            "the ledger was not closed in order and was mended; nothing acknowledged was lost"
        );
    } else {
        tracing::info!(size, "the ledger is open");
    }
}

/// Reads secrets by configuration and store, and records each reading.
///
/// # Errors
/// When a setting of secrets does not fit.
pub(crate) fn recorded_secrets(
    setup: &SecretSetup,
    audit: &Arc<Audit>,
) -> Result<Secrets, Failure> {
    let audit = Arc::clone(audit);
    Ok(setup.open()?.telling(move |reference, had| {
        let mut draft = secret_read(&audit, reference);
        if !had {
            draft.act.result = Verdict::Failure;
        }
        audit.note(draft);
    }))
}

/// That Doorward read a secret: which, never what.
fn secret_read(audit: &Audit, reference: &SecretRef) -> Draft {
    let act = Act {
        actor: Some(Actor::of(ActorKind::Doorward)),
        ..Act::new("secret.read", Verdict::Success)
    };
    let event = Event::SecretRead {
        reference: reference.to_string(),
    };
    Draft::new(audit.now(), act, event)
}
