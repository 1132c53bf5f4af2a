//! The ledger: an append-only Merkle log of every act, provable offline.
//!
//! | part | idea |
//! |---|---|
//! | [`LeafBytes`] | one record as bytes: canonical JSON (RFC 8785) of at most [`MAX_LEAF_BYTES`] |
//! | [`struct@Hash`], [`leaf_hash`], [`node_hash`], [`Frontier`] | the tree of RFC 6962 |
//! | [`VerifierKey`], [`Signer`], [`Note`] | signed notes (C2SP signed-note) |
//! | [`Checkpoint`] | what is signed: origin, size and root (C2SP tlog-checkpoint) |
//! | [`Leaf`], [`Event`], [`Sealed`] | what a record says, and how people's data lies in it |
//! | [`Tile`], [`TileBuilder`], [`TileSource`] | the tree and the leaves as files (C2SP tlog-tiles) |
//! | [`LogProof`], [`AddCheckpoint`] | one leaf's proof as a file; what a witness is sent |
//! | [`verify_folder`], [`verify_log`] | the offline verifier: whether a log holds, and where it does not |
//!
//! `docs/formats/ledger.md` describes the format with test vectors. The crate knows no clock and no
//! runtime; what it writes and reads are plain files.
//!
//! ```
//! use doorward_ledger::{Checkpoint, Frontier, KeyName, LeafBytes, LocalSigner, Signer};
//!
//! let leaf = LeafBytes::from_canonical(br#"{"at":"2026-01-02T03:04:05Z","kind":"intent","v":1}"#.to_vec())?;
//! let mut tree = Frontier::new();
//! tree.push(leaf.hash());
//!
//! let signer = LocalSigner::from_seed(KeyName::new("ledger.example/main")?, &[7; 32])?;
//! let checkpoint = Checkpoint::new("ledger.example/main", tree.head())?;
//! let note = checkpoint.sign(&[&signer])?;
//! let opened = Checkpoint::open(&note.to_bytes(), &[signer.verifier_key().clone()])?;
//! assert_eq!(opened.checkpoint, checkpoint);
//! # Ok::<(), doorward_ledger::Error>(())
//! ```

mod base64;
mod checkpoint;
mod error;
mod hash;
mod jcs;
mod leaf;
pub mod log;
mod merkle;
mod note;
mod proof;
pub mod segment;
mod tile;
mod verify;
mod witness;

pub use checkpoint::{Checkpoint, Cosigned, SignedCheckpoint};
pub use error::{Error, Result};
pub use hash::{HASH_LEN, Hash, leaf_hash, node_hash};
pub use jcs::{MAX_LEAF_BYTES, canonical_json};
pub use leaf::{
    Act, Actor, ActorKind, Body, Change, Commitment, CommitmentKey, Decision, Door, Event,
    FindingState, LEAF_VERSION, Leaf, LeafBytes, LeafId, Metadata, OutcomeActor, OutcomeId,
    OutcomeLeaf, OutcomeResource, ReadLeaf, Resource, RotationStep, Sealed, Severity, SubjectId,
    SubjectKey, Text, Verdict,
};
pub use merkle::{
    Frontier, MAX_TREE_SIZE, NodeSource, TreeHead, consistency_path, inclusion_path, root_at,
    verify_consistency, verify_inclusion,
};
pub use note::{
    KeyId, KeyName, LocalSigner, MAX_NOTE_BYTES, MAX_SIGNATURES, Note, NoteSignature,
    SignatureKind, Signer, VerifierKey,
};
pub use proof::{LogProof, MAX_PROOF_BYTES, Proved};
pub use tile::{
    CHECKPOINT_PATH, Directory, MAX_BUNDLE_BYTES, TILE_WIDTH, Tile, TileBuilder, TileKind,
    TileNodes, TileSource, append_to_bundle, bundle_leaves, tiles_between,
};
pub use verify::{
    Break, Damage, MAX_BREAKS, Progress, Report, Unfinished, Verified, verify_against,
    verify_folder, verify_log,
};
pub use witness::{AddCheckpoint, cosignatures, witness_size};
