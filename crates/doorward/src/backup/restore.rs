//! Putting a backup back.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use doorward_ledger::Checkpoint;
use doorward_store::{LedgerStore, SqliteStore};

use super::files::{copy, failed, make_folder, plain, sync_folder};
use super::take::{holds, partial, remove_companions};
use super::{FORMAT, LEDGER, MANIFEST, Manifest, PUBLIC_KEYS, RestoredNote, STORE};
use crate::admin::AdminError;
use crate::exit::Failure;
use crate::record::read_public_keys;

/// Most bytes of a manifest.
const MANIFEST_MAX: u64 = 256 * 1024 * 1024;

/// What was put back.
#[derive(Debug)]
pub(crate) struct Restored {
    /// What the backup said of itself.
    pub(crate) manifest: Manifest,
    /// What was put back, and what was ended in it.
    pub(crate) note: RestoredNote,
}

/// Puts a backup into a data folder that is not there yet, or empty. All of it is verified before
/// the folder gets its name.
///
/// # Errors
/// When the folder is in use, or the backup does not hold; nothing is left behind then.
pub(crate) fn restore(from: &Path, to: &Path) -> Result<Restored, Failure> {
    let manifest = read_manifest(from)?;
    let there = match fs::read_dir(to) {
        Ok(entries) => {
            is_empty(to, entries)?;
            true
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(failed("read", to, error)),
    };
    // One that is there may be a mount point, which nothing can be put in the place of.
    let stage = match there {
        true => partial(&to.join("restore")),
        false => partial(to),
    };
    if there {
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(to, private)
            .map_err(|error| failed("keep others out of", to, error))?;
    }
    make_folder(&stage)?;
    let restored = fill(from, &stage, &manifest).and_then(|note| {
        if there {
            move_up(&stage, to)?;
        } else {
            fs::rename(&stage, to).map_err(|error| failed("make", to, error))?;
        }
        sync_folder(
            to.parent()
                .filter(|up| up != &Path::new(""))
                .unwrap_or(Path::new(".")),
        )?;
        Ok(note)
    });
    if restored.is_err() {
        let _ = fs::remove_dir_all(&stage);
    }
    restored.map(|note| Restored { manifest, note })
}

/// What a file system has at its top by itself.
const OF_THE_SYSTEM: &str = "lost+found";

fn is_empty(to: &Path, entries: fs::ReadDir) -> Result<(), Failure> {
    for entry in entries {
        let entry = entry.map_err(|error| failed("read", to, error))?;
        if entry.file_name() != OF_THE_SYSTEM {
            return Err(Failure::usage(format_args!(
                "{} is not empty, and nothing is overwritten; name another folder with --data-dir",
                to.display()
            )));
        }
    }
    Ok(())
}

/// Moves what is in a folder to the one above it, the database last: without it, what is there is
/// no data folder yet.
fn move_up(stage: &Path, to: &Path) -> Result<(), Failure> {
    let mut names = Vec::new();
    for entry in fs::read_dir(stage).map_err(|error| failed("read", stage, error))? {
        names.push(
            entry
                .map_err(|error| failed("read", stage, error))?
                .file_name(),
        );
    }
    names.sort_by_key(|name| name == STORE);
    let mut moved = Vec::new();
    for name in &names {
        let target = to.join(name);
        if let Err(error) = fs::rename(stage.join(name), &target) {
            // What was there before is not touched, and nothing was.
            for target in moved {
                let _ = fs::remove_dir_all(&target).or_else(|_| fs::remove_file(&target));
            }
            return Err(failed("make", &target, error));
        }
        moved.push(target);
    }
    fs::remove_dir(stage).map_err(|error| failed("remove", stage, error))?;
    sync_folder(to)
}

fn read_manifest(from: &Path) -> Result<Manifest, Failure> {
    let path = from.join(MANIFEST);
    let mut bytes = Vec::new();
    File::open(&path)
        .and_then(|file| file.take(MANIFEST_MAX + 1).read_to_end(&mut bytes))
        .map_err(|error| {
            Failure::usage(format_args!(
                "{} is no backup: {MANIFEST}: {error}; `doorward backup` makes one",
                from.display()
            ))
        })?;
    if bytes.len() as u64 > MANIFEST_MAX {
        return Err(failed("read", &path, "it is too large"));
    }
    let manifest: Manifest =
        serde_json::from_slice(&bytes).map_err(|error| failed("read", &path, error))?;
    if manifest.format != FORMAT {
        let why = format!(
            "its layout is {}, and this version knows {FORMAT}",
            manifest.format
        );
        return Err(failed("read", &path, why));
    }
    Ok(manifest)
}

/// Copies what is listed, verifies it, and ends what must not pass a second time.
fn fill(from: &Path, stage: &Path, manifest: &Manifest) -> Result<RestoredNote, Failure> {
    for listed in &manifest.files {
        let Some(within) = plain(&listed.path) else {
            return Err(failed("restore", from, "a listed path leads out of it"));
        };
        let (source, target) = (from.join(&within), stage.join(&within));
        if let Some(folder) = target.parent().filter(|folder| !folder.exists()) {
            make_folders(folder)?;
        }
        let (size, sha256) =
            copy(&source, &target).map_err(|error| failed("copy", &source, error))?;
        if (size, &sha256) != (listed.size, &listed.sha256) {
            return Err(failed(
                "restore",
                &source,
                "it is not the file that was backed up",
            ));
        }
    }
    sync_folder(stage)?;
    let leaves = verify(from, stage, manifest)?;
    let store = SqliteStore::open(&stage.join(STORE)).map_err(AdminError::from)?;
    let note = RestoredNote::leave(stage, &store, manifest, leaves)?;
    // Closed in order before the folder gets its name, so that all is in the one file.
    drop(store);
    remove_companions(&stage.join(STORE));
    Ok(note)
}

/// Holds the ledger's copy against its public keys and the database's anchor; gives its leaves.
fn verify(from: &Path, stage: &Path, manifest: &Manifest) -> Result<u64, Failure> {
    let (ledger, public_keys) = (stage.join(LEDGER), stage.join(PUBLIC_KEYS));
    let store = SqliteStore::open_read_only(&stage.join(STORE)).map_err(AdminError::from)?;
    let Some(origin) = &manifest.origin else {
        return Ok(0);
    };
    let keys = read_public_keys(&public_keys)?;
    let leaves = holds(&ledger, &keys)?
        .map_err(|why| failed("restore", from, format_args!("{why}; take an older backup")))?;
    let anchor = store
        .ledger_anchor(origin)
        .map_err(|error| Failure::from(AdminError::from(error)))?;
    let Some(anchor) = anchor else {
        return Err(failed("restore", from, "its database is not its ledger's"));
    };
    let anchored = Checkpoint::open(&anchor, &keys).map_err(|error| {
        failed(
            "restore",
            from,
            format_args!("its database's anchor does not hold: {error}"),
        )
    })?;
    if anchored.checkpoint.size() > leaves {
        return Err(failed(
            "restore",
            from,
            "its ledger is older than its database",
        ));
    }
    Ok(leaves)
}

fn make_folders(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt;
    let made = fs::DirBuilder::new()
        .mode(0o700)
        .recursive(true)
        .create(path);
    made.map_err(|error| failed("make", path, error))
}
