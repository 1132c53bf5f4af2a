//! One leaf's proof as a file (C2SP tlog-proof): all that is needed to verify it with the log's
//! public key alone.

use std::fmt;

use crate::checkpoint::decimal;
use crate::merkle::MAX_PATH;
use crate::{
    Checkpoint, Error, Hash, MAX_LEAF_BYTES, MAX_NOTE_BYTES, Result, SignedCheckpoint, TileNodes,
    TileSource, VerifierKey, base64, inclusion_path, leaf_hash, verify_inclusion,
};

/// First line of the file.
const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// The most bytes a proof file may have: the leaf in base64, the path, the checkpoint.
pub const MAX_PROOF_BYTES: usize =
    MAX_LEAF_BYTES.div_ceil(3) * 4 + MAX_PATH * 45 + MAX_NOTE_BYTES + 128;

/// The proof that a leaf is in the log. What is parsed is not yet verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogProof {
    leaf: Option<Vec<u8>>,
    index: u64,
    path: Vec<Hash>,
    checkpoint: Vec<u8>,
}

/// What a proof has proved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proved {
    /// The leaf's index in the log.
    pub index: u64,
    /// The leaf.
    pub leaf: Vec<u8>,
    /// The checkpoint that covers it.
    pub signed: SignedCheckpoint,
}

impl LogProof {
    /// Makes the proof of leaf `index` under a signed checkpoint, from the log's tiles. The leaf is
    /// put into the file, so that the file says what it proves.
    ///
    /// The proof is checked before it is returned, so tiles that were tampered with give an error
    /// and no wrong proof.
    ///
    /// # Errors
    ///
    /// When the checkpoint is not signed by one of `keys`, does not cover the leaf, a tile is
    /// missing, or the tiles or the leaf don't belong to the checkpoint.
    pub fn make(
        source: &dyn TileSource,
        index: u64,
        leaf: Vec<u8>,
        checkpoint: Vec<u8>,
        keys: &[VerifierKey],
    ) -> Result<Self> {
        let size = Checkpoint::open(&checkpoint, keys)?.checkpoint.size();
        let proof = Self {
            path: inclusion_path(&mut TileNodes::new(source, size), index, size)?,
            leaf: Some(leaf),
            index,
            checkpoint,
        };
        proof.verify(None, keys)?;
        Ok(proof)
    }

    /// Parses a proof file and verifies nothing.
    ///
    /// # Errors
    ///
    /// When it is none, in its only spelling.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let fault = |why| Error::malformed("the proof", why);
        if bytes.len() > MAX_PROOF_BYTES {
            return Err(Error::TooLarge {
                what: "the proof",
                limit: MAX_PROOF_BYTES,
            });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| fault("it is not UTF-8"))?;
        let (head, checkpoint) = text
            .split_once("\n\n")
            .ok_or(fault("it has no checkpoint after an empty line"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(FIRST_LINE) {
            return Err(fault("its first line is not `c2sp.org/tlog-proof@v1`"));
        }
        let leaf = match lines.peek().and_then(|line| line.strip_prefix("extra ")) {
            Some(extra) => {
                lines.next();
                Some(base64::decode(extra).ok_or(fault("its `extra` is not in base64"))?)
            }
            None => None,
        };
        let index = lines
            .next()
            .and_then(|line| line.strip_prefix("index "))
            .and_then(decimal)
            .ok_or(fault("it has no `index` line with a decimal number"))?;
        let path = parse_hashes(lines)?;
        Ok(Self {
            leaf,
            index,
            path,
            checkpoint: checkpoint.as_bytes().to_vec(),
        })
    }

    /// The leaf's index in the log.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The leaf that the file brings along.
    pub fn leaf(&self) -> Option<&[u8]> {
        self.leaf.as_deref()
    }

    /// The path from the leaf to the root.
    pub fn path(&self) -> &[Hash] {
        &self.path
    }

    /// Verifies the proof with the log's keys. `leaf` is what is to be proved; without it, the leaf
    /// in the file is.
    ///
    /// # Errors
    ///
    /// When the checkpoint's signature is wrong or of another key, there is no leaf, the file's leaf
    /// is not the given one, or the path does not lead from the leaf to the signed root.
    pub fn verify(&self, leaf: Option<&[u8]>, keys: &[VerifierKey]) -> Result<Proved> {
        let signed = Checkpoint::open(&self.checkpoint, keys)?;
        let leaf = match (leaf, self.leaf.as_deref()) {
            (Some(given), Some(own)) if given != own => {
                return Err(Error::ProofRefused("inclusion"));
            }
            (Some(leaf), _) | (None, Some(leaf)) => leaf,
            (None, None) => {
                return Err(Error::malformed(
                    "the proof",
                    "it does not hold the leaf: give the leaf beside it",
                ));
            }
        };
        let head = signed.checkpoint.head();
        verify_inclusion(&leaf_hash(leaf), self.index, &head, &self.path)?;
        Ok(Proved {
            index: self.index,
            leaf: leaf.to_vec(),
            signed,
        })
    }
}

/// The file.
impl fmt::Display for LogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        if let Some(leaf) = &self.leaf {
            writeln!(f, "extra {}", base64::encode(leaf))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.path {
            writeln!(f, "{hash}")?;
        }
        write!(f, "\n{}", String::from_utf8_lossy(&self.checkpoint))
    }
}

/// The hashes of a path, one a line.
pub(crate) fn parse_hashes<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Vec<Hash>> {
    let mut path = Vec::new();
    for line in lines {
        if path.len() >= MAX_PATH {
            return Err(Error::malformed("the proof", "its path is too long"));
        }
        path.push(line.parse()?);
    }
    Ok(path)
}
