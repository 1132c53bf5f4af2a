//! What is sent to a witness and what comes back (C2SP tlog-witness); the sending is others' work.

use crate::checkpoint::decimal;
use crate::note::NoteSignature;
use crate::proof::parse_hashes;
use crate::{
    Checkpoint, Error, Hash, MAX_NOTE_BYTES, MAX_SIGNATURES, Note, Result, SignatureKind,
    TileNodes, TileSource, VerifierKey, consistency_path,
};

/// The most hashes that a witness is sent.
const MAX_LINES: usize = 63;

/// The body of an `add-checkpoint` request: a checkpoint, and the proof that it goes on from what
/// the witness saw last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AddCheckpoint {
    old_size: u64,
    path: Vec<Hash>,
    note: Note,
}

impl AddCheckpoint {
    /// For a witness that saw the log at `old_size` leaves last: 0 if never, or if not known; then it
    /// answers 409 and its size ([`witness_size`]).
    ///
    /// # Errors
    ///
    /// When `old_size` is larger than the checkpoint's or a tile is missing.
    pub fn make(source: &dyn TileSource, old_size: u64, note: Note) -> Result<Self> {
        let size = Checkpoint::parse(note.text())?.size();
        Ok(Self {
            old_size,
            path: consistency_path(&mut TileNodes::new(source, size), old_size, size)?,
            note,
        })
    }

    /// Parses a request body, as a witness would.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let fault = |why| Error::malformed("the request to a witness", why);
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(Error::TooLarge {
                what: "the request to a witness",
                limit: MAX_NOTE_BYTES,
            });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| fault("it is not UTF-8"))?;
        let (head, note) = text
            .split_once("\n\n")
            .ok_or(fault("it has no checkpoint after an empty line"))?;
        let mut lines = head.split('\n');
        let old_size = lines
            .next()
            .and_then(|line| line.strip_prefix("old "))
            .and_then(decimal)
            .ok_or(fault("it has no `old` line with a decimal number"))?;
        let path = parse_hashes(lines)?;
        if path.len() > MAX_LINES {
            return Err(fault("its path is too long"));
        }
        Ok(Self {
            old_size,
            path,
            note: Note::parse(note.as_bytes())?,
        })
    }

    /// The size that the witness is thought to have seen last.
    pub const fn old_size(&self) -> u64 {
        self.old_size
    }

    /// The consistency proof from the old size to the checkpoint's.
    pub fn path(&self) -> &[Hash] {
        &self.path
    }

    /// The checkpoint.
    pub const fn note(&self) -> &Note {
        &self.note
    }

    /// The body to send.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut body = format!("old {}\n", self.old_size);
        for hash in &self.path {
            body.push_str(&hash.to_string());
            body.push('\n');
        }
        body.push('\n');
        body.push_str(&self.note.to_string());
        body.into_bytes()
    }
}

/// The size in a witness's answer 409: decimal and a newline. `None` when it is none.
pub fn witness_size(body: &[u8]) -> Option<u64> {
    decimal(std::str::from_utf8(body).ok()?.strip_suffix('\n')?)
}

/// The cosignatures in a witness's answer 200 that are of `witness` and right for `note`. Those of
/// other keys are passed over.
///
/// # Errors
///
/// When the answer is malformed, the witness's cosignature is wrong, or there is none.
pub fn cosignatures(body: &[u8], note: &Note, witness: &VerifierKey) -> Result<Vec<NoteSignature>> {
    let fault = |why| Error::malformed("the witness's answer", why);
    if witness.kind() != SignatureKind::CosignatureV1 {
        return Err(fault("its key is not a witness's"));
    }
    if body.len() > MAX_NOTE_BYTES {
        return Err(Error::TooLarge {
            what: "the witness's answer",
            limit: MAX_NOTE_BYTES,
        });
    }
    let lines = std::str::from_utf8(body)
        .ok()
        .and_then(|text| text.strip_suffix('\n'))
        .ok_or(fault("it is not lines of text"))?;
    let mut found = Vec::new();
    for (count, line) in lines.split('\n').enumerate() {
        if count >= MAX_SIGNATURES {
            return Err(fault("it has too many signatures"));
        }
        let line = NoteSignature::parse(line)?;
        if !line.is_by(witness) {
            continue;
        }
        if !witness.verifies(note.text(), &line.signature) {
            return Err(Error::BadSignature(witness.name().clone()));
        }
        found.push(line);
    }
    if found.is_empty() {
        return Err(Error::Unsigned);
    }
    Ok(found)
}
