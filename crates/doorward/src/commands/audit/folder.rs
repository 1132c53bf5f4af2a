//! The ledger's folder, read beside whoever writes it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use doorward_audit::Entry;
use doorward_ledger::log::{LogError, Reader, Record};
use doorward_ledger::segment::{Disk, Storage};
use doorward_ledger::{
    CHECKPOINT_PATH, Checkpoint, Directory, SignedCheckpoint, TILE_WIDTH, Tile, TileKind,
    TileSource, VerifierKey, bundle_leaves,
};

use crate::context::Context;
use crate::exit::Failure;
use crate::record::read_public_keys;

/// The ledger of the data folder.
pub(in crate::commands) struct Folder {
    path: PathBuf,
    public_keys: PathBuf,
    given_keys: Vec<VerifierKey>,
}

impl Folder {
    /// The ledger of the data folder, which must be there.
    ///
    /// # Errors
    /// When it is not.
    pub(in crate::commands) fn of(context: &Context) -> Result<Self, Failure> {
        let data = &context.data_dir;
        let path = data.ledger();
        if !path.is_dir() {
            return Err(Failure::usage(format_args!(
                "there is no ledger in {}: it begins when `doorward up` or `doorward serve` runs, \
                 or with the first thing you do; say where the data folder is with --data-dir",
                data.path().display()
            )));
        }
        Ok(Self {
            path,
            public_keys: data.ledger_public_keys(),
            given_keys: Vec::new(),
        })
    }

    /// A copy of a ledger, and the keys that it is believed by.
    pub(super) fn copy(named: &Path, keys: Vec<VerifierKey>) -> Self {
        Self {
            path: within(named),
            public_keys: PathBuf::new(),
            given_keys: keys,
        }
    }

    /// One leaf, of a ledger or of a copy without segments.
    ///
    /// # Errors
    /// When it was pruned, is not there yet, or can't be read.
    pub(super) fn leaf(&self, sequence: u64) -> Result<Vec<u8>, Failure> {
        match self.reader()?.leaf(sequence) {
            Ok(leaf) => Ok(leaf),
            // Where there are no segments, the reader knows of nothing.
            Err(error @ LogError::NotYet { .. }) => match self.bundled(sequence)? {
                Some(leaf) => Ok(leaf),
                None => Err(Failure::failed(error)),
            },
            Err(error) => Err(Failure::failed(error)),
        }
    }

    /// A leaf out of its bundle; what it is worth, the proof tells.
    fn bundled(&self, sequence: u64) -> Result<Option<Vec<u8>>, Failure> {
        let Some((_, signed)) = self.checkpoint()? else {
            return Ok(None);
        };
        let (index, size) = (sequence / TILE_WIDTH, signed.checkpoint.size());
        let Some(tile) = Tile::in_tree(TileKind::Entries, index, size) else {
            return Ok(None);
        };
        let directory = self.directory();
        let bundle = match directory.tile(&tile).map_err(Failure::failed)? {
            Some(bundle) => Some(bundle),
            None => directory.tile(&tile.full()).map_err(Failure::failed)?,
        };
        let within = usize::try_from(sequence % TILE_WIDTH).unwrap_or(usize::MAX);
        let leaf = bundle.as_deref().and_then(|bytes| {
            let leaf = bundle_leaves(bytes).nth(within)?;
            leaf.ok().map(<[u8]>::to_vec)
        });
        Ok(leaf)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Its published files.
    pub(super) fn directory(&self) -> Directory {
        Directory::new(&self.path)
    }

    /// Reads leaves.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub(in crate::commands) fn reader(&self) -> Result<Reader, Failure> {
        Reader::open(storage(&self.path)?, None).map_err(Failure::failed)
    }

    /// The public keys of the data folder.
    ///
    /// # Errors
    /// When there are none.
    pub(super) fn keys(&self) -> Result<Vec<VerifierKey>, Failure> {
        if !self.given_keys.is_empty() {
            return Ok(self.given_keys.clone());
        }
        read_public_keys(&self.public_keys)
    }

    /// The newest checkpoint, as it is and verified; `None` before the first.
    ///
    /// # Errors
    /// When it can't be read or does not hold.
    pub(super) fn checkpoint(&self) -> Result<Option<(Vec<u8>, SignedCheckpoint)>, Failure> {
        let Some(bytes) = self.directory().checkpoint().map_err(Failure::failed)? else {
            return Ok(None);
        };
        let signed = Checkpoint::open(&bytes, &self.keys()?).map_err(|error| {
            Failure::failed(format_args!(
                "the checkpoint does not hold: {error}; `doorward audit verify` says more"
            ))
        })?;
        Ok(Some((bytes, signed)))
    }
}

/// The ledger's folder in what somebody names: itself, or the data folder that it is in.
pub(super) fn within(named: &Path) -> PathBuf {
    let inner = named.join("ledger");
    if !named.join(CHECKPOINT_PATH).exists() && inner.is_dir() {
        return inner;
    }
    named.to_owned()
}

/// The keys that were given, each as text or in a file, or the data folder's own.
///
/// # Errors
/// When there are none.
pub(super) fn keys_of(context: &Context, given: &[String]) -> Result<Vec<VerifierKey>, Failure> {
    if given.is_empty() {
        return read_public_keys(&context.data_dir.ledger_public_keys());
    }
    let mut keys = Vec::new();
    for text in given {
        match text.trim().parse() {
            Ok(key) => keys.push(key),
            Err(error) => {
                let path = Path::new(text);
                if !path.exists() && text.matches('+').count() >= 2 {
                    return Err(Failure::usage(format_args!("--key: {error}")));
                }
                keys.extend(read_public_keys(path)?);
            }
        }
    }
    Ok(keys)
}

/// A folder that must be there, to be read.
pub(super) fn storage(path: &Path) -> Result<Arc<dyn Storage>, Failure> {
    let disk = Disk::existing(path)
        .map_err(|error| Failure::usage(format_args!("can't read {}: {error}", path.display())))?;
    Ok(Arc::new(disk))
}

/// The entry of a record, people as the ids that stand for them.
pub(super) fn entry(record: &Record) -> Result<Entry, Failure> {
    Entry::of(record, |_, _, sealed| Ok(sealed.subject.to_string())).map_err(Failure::failed)
}
