//! Client keys: their text form, their identity, and the keyed hash that is stored in their place.
//!
//! A client key looks like this and is always [`CLIENT_KEY_LEN`] characters long:
//!
//! ```text
//! dwk_p_3Nf0aQ9ZbX2k_<43 characters of secret><6 characters of checksum>
//! │   │ │
//! │   │ └ key id: public, used to look the key up
//! │   └ environment: d, s or p
//! └ so that people and scanners know what they found
//! ```
//!
//! `docs/formats/client-key.md` describes the format with test vectors.
//!
//! The crate is pure: randomness is an argument, there is no I/O and no clock. What is kept of a
//! key is [`KeyHash`], an HMAC-SHA-256 under a [`Pepper`] that never lies beside the hashes, so a
//! copy of the database opens no door and cannot be searched for weak keys.
//!
//! ```
//! use doorward_catalog::Environment;
//! use doorward_keys::{ClientKey, Pepper, authenticate};
//!
//! let pepper = Pepper::new(&[7; 32])?;
//! let key = ClientKey::generate(Environment::Development, &[42; ClientKey::RANDOM_LEN]);
//! let stored = key.hash(&pepper);
//!
//! let found = authenticate(&pepper, key.expose(), |id| (id == key.id()).then_some((stored, "lead-import")));
//! assert_eq!(found, Ok((key.id(), "lead-import")));
//! # Ok::<(), doorward_keys::PepperTooShort>(())
//! ```

mod base62;
mod client_key;
mod hash;
pub mod inventory;
mod key_id;
pub mod revocation;
pub mod rotation;

pub use client_key::{CLIENT_KEY_LEN, CLIENT_KEY_PREFIX, ClientKey, KeyFormatError, ParsedKey};
pub use hash::{KeyHash, KeyRefused, Pepper, PepperTooShort, authenticate, authenticate_parsed};
pub use key_id::{KeyId, KeyIdError};
