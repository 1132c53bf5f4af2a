//! Taking a backup.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use doorward_ledger::segment::Disk;
use doorward_ledger::{
    CHECKPOINT_PATH, Checkpoint, Directory, SignedCheckpoint, TileSource, VerifierKey,
    verify_folder,
};
use doorward_relay::EventReader;
use doorward_store::{LedgerStore, SqliteStore, Store, UpstreamKeyState};

use super::files::{copy, copy_folder, failed, list, make_folder, sync_folder, write};
use super::{CONFIG, EVENTS, FORMAT, LEDGER, MANIFEST, Manifest, Needed, PUBLIC_KEYS, STORE};
use crate::admin::{AdminError, now};
use crate::context::Context;
use crate::exit::Failure;
use crate::record::read_public_keys;

/// The ledger may be pruned under a copy so often.
const TRIES: usize = 5;
/// Files of a running ledger that are no part of it.
const NOT_COPIED: [&str; 2] = ["lock", CHECKPOINT_PATH];

/// Copies all that is in the data folder, secrets excepted, into a folder that is not there yet. A
/// server may run on it meanwhile.
///
/// # Errors
/// When something can't be copied or does not hold; nothing is left behind then.
pub(crate) fn take(context: &Context, to: &Path) -> Result<Manifest, Failure> {
    if to.exists() {
        return Err(Failure::usage(format_args!(
            "{} is there already; name a folder that is not",
            to.display()
        )));
    }
    let stage = partial(to);
    make_folder(&stage)?;
    let taken = fill(context, &stage).and_then(|manifest| {
        fs::rename(&stage, to).map_err(|error| failed("make", to, error))?;
        sync_folder(
            to.parent()
                .filter(|up| up != &Path::new(""))
                .unwrap_or(Path::new(".")),
        )?;
        Ok(manifest)
    });
    if taken.is_err() {
        let _ = fs::remove_dir_all(&stage);
    }
    taken
}

/// Where a folder is made before it has its name.
pub(super) fn partial(to: &Path) -> PathBuf {
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(format!(".partial-{}", std::process::id()));
    to.with_file_name(name)
}

fn fill(context: &Context, stage: &Path) -> Result<Manifest, Failure> {
    let data = &context.data_dir;
    let public_keys = data.ledger_public_keys();
    let mut ledger = None;
    if public_keys.exists() {
        let to = stage.join(PUBLIC_KEYS);
        copy(&public_keys, &to).map_err(|error| failed("copy", &public_keys, error))?;
        let keys = read_public_keys(&to)?;
        ledger = Some(copy_ledger(&data.ledger(), &stage.join(LEDGER), &keys)?);
    }
    if let Some(file) = context.config_file() {
        // It may be a link to where configurations are kept.
        let file = file
            .canonicalize()
            .map_err(|error| failed("read", &file, error))?;
        copy(&file, &stage.join(CONFIG)).map_err(|error| failed("copy", &file, error))?;
    }
    copy_events(context, &stage.join(EVENTS))?;
    let configured = context.config.references().into_iter();
    let mut secrets: Vec<Needed> = configured
        .map(|one| Needed {
            what: format!("{}: {}", one.setting, one.what),
            reference: one.place,
        })
        .collect();
    secrets.extend(copy_store(
        &data.store(),
        &stage.join(STORE),
        ledger.as_ref(),
    )?);
    secrets.sort();
    sync_folder(stage)?;
    let manifest = Manifest {
        format: FORMAT,
        doorward: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: now().to_string(),
        origin: ledger
            .as_ref()
            .map(|(_, signed)| signed.checkpoint.origin().to_owned()),
        signed_leaves: ledger.map_or(0, |(_, signed)| signed.checkpoint.size()),
        secrets,
        files: list(stage)?,
    };
    let text = serde_json::to_vec_pretty(&manifest).map_err(Failure::failed)?;
    let path = stage.join(MANIFEST);
    write(&path, &text).map_err(|error| failed("write", &path, error))?;
    sync_folder(stage)?;
    Ok(manifest)
}

/// Copies a ledger that may be written meanwhile: the checkpoint is read first, so that all it
/// speaks of is there by the time that the rest is copied.
fn copy_ledger(
    from: &Path,
    to: &Path,
    keys: &[VerifierKey],
) -> Result<(Vec<u8>, SignedCheckpoint), Failure> {
    let mut why = "it was pruned while it was copied".to_owned();
    for _ in 0..TRIES {
        if to.exists() {
            fs::remove_dir_all(to).map_err(|error| failed("remove", to, error))?;
        }
        let note = Directory::new(from).checkpoint().map_err(Failure::failed)?;
        let Some(note) = note else {
            return Err(failed(
                "copy",
                from,
                "the ledger has no checkpoint yet; try again",
            ));
        };
        let signed = Checkpoint::open(&note, keys).map_err(|error| {
            failed(
                "copy",
                from,
                format_args!("its checkpoint does not hold: {error}"),
            )
        })?;
        if !copy_folder(from, to, &NOT_COPIED)? {
            continue;
        }
        let checkpoint = to.join(CHECKPOINT_PATH);
        write(&checkpoint, &note).map_err(|error| failed("write", &checkpoint, error))?;
        sync_folder(to)?;
        match holds(to, keys)? {
            Ok(_) => return Ok((note, signed)),
            Err(break_) => why = break_,
        }
    }
    Err(failed(
        "copy",
        from,
        format_args!("{why}; `doorward audit verify` says whether the ledger itself holds"),
    ))
}

/// Whether a copy of a ledger holds, with the leaves that are durable in it, or where it is broken.
pub(super) fn holds(ledger: &Path, keys: &[VerifierKey]) -> Result<Result<u64, String>, Failure> {
    let disk = Disk::existing(ledger).map_err(|error| failed("read", ledger, error))?;
    let report = verify_folder(Arc::new(disk), keys, None, &mut |_| {})
        .map_err(|error| failed("verify", ledger, error))?;
    Ok(if report.holds() && report.signed.is_some() {
        Ok(report.durable)
    } else {
        let first = report.breaks.first();
        Err(match first {
            Some(damage) => format!("the copy does not hold at {}", damage.path),
            None => "the copy has no checkpoint that holds".to_owned(),
        })
    })
}

/// Copies the events, if any ever came in. A server may write them meanwhile.
fn copy_events(context: &Context, to: &Path) -> Result<(), Failure> {
    let from = context.data_dir.relay();
    if !from.exists() {
        return Ok(());
    }
    let secrets = context.secrets.open()?;
    let key = secrets
        .read(&context.audit_key()?)
        .map_err(|error| failed("open", &from, format_args!("the audit key: {error}")))?;
    let copied = EventReader::open(&from, &key).and_then(|reader| {
        reader.copy_to(to)?;
        // The copy is whole, and opens under the key.
        EventReader::open(to, &key)?.check()
    });
    copied.map_err(|error| failed("copy", &from, error))?;
    remove_companions(to);
    Ok(())
}

/// Copies the database, its anchor set to the checkpoint that was copied. Gives the references of
/// the upstream keys.
fn copy_store(
    from: &Path,
    to: &Path,
    ledger: Option<&(Vec<u8>, SignedCheckpoint)>,
) -> Result<Vec<Needed>, Failure> {
    let failure = |error| Failure::from(AdminError::from(error));
    let store = SqliteStore::open_read_only(from).map_err(failure)?;
    store.copy_to(to).map_err(failure)?;
    drop(store);
    let copied = SqliteStore::open(to).map_err(failure)?;
    if let Some((note, signed)) = ledger {
        let origin = signed.checkpoint.origin();
        let anchor = copied.ledger_anchor(origin).map_err(failure)?;
        if anchor.as_deref() != Some(note)
            && !copied
                .swap_ledger_anchor(origin, anchor.as_deref(), note)
                .map_err(failure)?
        {
            return Err(failed("write", to, "somebody else writes it"));
        }
    }
    let workspaces = copied.workspaces().map_err(failure)?;
    let needed = workspaces.iter().flat_map(|workspace| {
        let keys = workspace.upstream_keys.iter();
        let keys = keys.filter(|key| key.state != UpstreamKeyState::Retired);
        keys.map(|key| Needed {
            what: format!("the upstream key {} of {}", key.name, workspace.name),
            reference: key.reference.clone(),
        })
    });
    let needed = needed.collect();
    drop(copied);
    // Closed in order, all is in the one file.
    remove_companions(to);
    Ok(needed)
}

/// Removes what a database that was closed in order leaves beside it.
pub(super) fn remove_companions(store: &Path) {
    for companion in ["-wal", "-shm", ".lock"] {
        let mut path = store.as_os_str().to_owned();
        path.push(companion);
        let _ = fs::remove_file(PathBuf::from(path));
    }
}
