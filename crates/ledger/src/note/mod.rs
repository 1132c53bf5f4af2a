//! Signed notes (C2SP signed-note): text, and under it the signatures of keys that have names.

mod key;
mod name;
mod signer;
mod text;

pub(crate) use key::split_cosignature;
pub use key::{SignatureKind, VerifierKey};
pub use name::{KeyId, KeyName};
pub use signer::{LocalSigner, Signer};
pub use text::{MAX_NOTE_BYTES, MAX_SIGNATURES, Note, NoteSignature};
