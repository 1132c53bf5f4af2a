//! Putting a backup back.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use doorward_ledger::Checkpoint;
use doorward_store::{LedgerStore, SqliteStore};

use super::files::{copy, failed, make_folder, plain, sync_folder};
use super::take::{holds, partial};
use super::{FORMAT, LEDGER, MANIFEST, Manifest, PUBLIC_KEYS, STORE};
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
    /// Leaves in the ledger.
    pub(crate) leaves: u64,
}

/// Puts a backup into a data folder that is not there yet, or empty. All of it is verified before
/// the folder gets its name.
///
/// # Errors
/// When the folder is in use, or the backup does not hold; nothing is left behind then.
pub(crate) fn restore(from: &Path, to: &Path) -> Result<Restored, Failure> {
    let manifest = read_manifest(from)?;
    match fs::read_dir(to).map(|mut entries| entries.next().is_none()) {
        Ok(true) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Ok(false) => {
            return Err(Failure::usage(format_args!(
                "{} is not empty, and nothing is overwritten; name another folder with --data-dir",
                to.display()
            )));
        }
        Err(error) => return Err(failed("read", to, error)),
    }
    let stage = partial(to);
    make_folder(&stage)?;
    let restored = fill(from, &stage, &manifest).and_then(|leaves| {
        // Onto an empty folder, too.
        fs::rename(&stage, to).map_err(|error| failed("make", to, error))?;
        sync_folder(
            to.parent()
                .filter(|up| up != &Path::new(""))
                .unwrap_or(Path::new(".")),
        )?;
        Ok(leaves)
    });
    if restored.is_err() {
        let _ = fs::remove_dir_all(&stage);
    }
    restored.map(|leaves| Restored { manifest, leaves })
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

/// Copies what is listed and verifies it; gives the ledger's leaves.
fn fill(from: &Path, stage: &Path, manifest: &Manifest) -> Result<u64, Failure> {
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
    let store = stage.join(STORE);
    let (ledger, public_keys) = (stage.join(LEDGER), stage.join(PUBLIC_KEYS));
    // Closed before the folder gets its name.
    let store =
        SqliteStore::open_read_only(&store).map_err(|e| Failure::from(AdminError::from(e)))?;
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
    drop(store);
    for companion in ["-wal", "-shm"] {
        let _ = fs::remove_file(stage.join(format!("{STORE}{companion}")));
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
