//! The cosigned checkpoints, in the folder `witness/` of the ledger.
//!
//! `witness/checkpoint` is the newest one that anybody cosigned, with the cosignatures of all who
//! did: a signed note that any C2SP client reads. `witness/<key id>` is the last that one witness
//! cosigned; it tells where to go on after a restart, and what that witness vouches for.

use std::io;

use doorward_ledger::segment::{Disk, Storage, read_all, replace};
use doorward_ledger::{
    Checkpoint, MAX_NOTE_BYTES, Note, NoteSignature, SignedCheckpoint, TreeHead, VerifierKey,
};

const FOLDER: &str = "witness";
/// The newest cosigned checkpoint, in the ledger's folder.
pub const COSIGNED_PATH: &str = "witness/checkpoint";

/// The folder, and whom to believe.
#[derive(Clone)]
pub(super) struct Kept {
    disk: Disk,
    /// The log's keys and the witnesses'.
    log: Vec<VerifierKey>,
    witnesses: Vec<VerifierKey>,
}

/// What a witness is known to have cosigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Vouched {
    pub(super) head: TreeHead,
    /// By the witness's clock, in seconds since 1970.
    pub(super) time: u64,
}

impl Kept {
    pub(super) fn open(
        disk: Disk,
        log: &[VerifierKey],
        witnesses: &[VerifierKey],
    ) -> io::Result<Self> {
        if disk.create_folder(FOLDER)? {
            disk.sync_folder("")?;
        }
        Ok(Self {
            disk,
            log: log.to_vec(),
            witnesses: witnesses.to_vec(),
        })
    }

    /// What this witness cosigned last, if that is kept and holds.
    pub(super) fn vouched(&self, witness: &VerifierKey) -> Option<Vouched> {
        let opened = self.read(&path(witness), std::slice::from_ref(witness))?;
        let time = opened.cosigned_by.iter().map(|by| by.time).max()?;
        Some(Vouched {
            head: opened.checkpoint.head(),
            time,
        })
    }

    /// Keeps the cosignatures of one checkpoint.
    pub(super) fn keep(
        &self,
        note: &Note,
        cosigned: &[(VerifierKey, Vec<NoteSignature>)],
    ) -> io::Result<()> {
        let malformed = |_| io::Error::from(io::ErrorKind::InvalidData);
        for (witness, lines) in cosigned {
            let with = cosign(note, lines).map_err(malformed)?;
            replace(&self.disk, &path(witness), &with.to_bytes())?;
        }
        let size = Checkpoint::parse(note.text()).map_err(malformed)?.size();
        let before = self.read(COSIGNED_PATH, &self.witnesses);
        let mut with = note.clone();
        if let Some(before) = before {
            // One that covers more is kept: it may be all that tells of leaves that are gone.
            if before.checkpoint.size() > size {
                return Ok(());
            }
            if before.note.text() == note.text() {
                // A key counts once, with its newest line.
                let still = self
                    .witnesses
                    .iter()
                    .filter(|key| cosigned.iter().all(|(other, _)| other != *key));
                for key in still {
                    let lines = before.note.signatures().iter();
                    let lines: Vec<_> = lines.filter(|line| line.is_by(key)).cloned().collect();
                    with = cosign(&with, &lines).map_err(malformed)?;
                }
            }
        }
        for (_, lines) in cosigned {
            with = cosign(&with, lines).map_err(malformed)?;
        }
        replace(&self.disk, COSIGNED_PATH, &with.to_bytes())
    }

    fn read(&self, path: &str, witnesses: &[VerifierKey]) -> Option<SignedCheckpoint> {
        let bytes = read_all(&self.disk, path, MAX_NOTE_BYTES).ok()?;
        let keys = [&self.log, witnesses].concat();
        Checkpoint::open(&bytes, &keys)
            .inspect_err(|error| tracing::warn!(path, %error, "a kept cosignature does not hold"))
            .ok()
    }
}

/// The note with the first of these lines; a second of the same key would make readers refuse it.
fn cosign(note: &Note, lines: &[NoteSignature]) -> doorward_ledger::Result<Note> {
    let mut note = note.clone();
    if let Some(line) = lines.first() {
        note.add(line.clone())?;
    }
    Ok(note)
}

fn path(witness: &VerifierKey) -> String {
    format!("{FOLDER}/{}", witness.id())
}
