//! What leaves Doorward: known secrets are scrubbed from it, and people's fields redacted.
//!
//! Three parts, for an answer in this order; none does I/O, each is fed and asked:
//!
//! - [`Decoding`] undoes gzip, br and zstd within limits, so that what follows can read the body;
//! - [`Redactor`] masks, hashes, blanks or leaves out people's fields by a client's [`Rule`]s, and
//!   never lets an API key's `key` or a webhook's header values through;
//! - [`Scrubbing`] removes every known secret from the stream, in whatever form, wherever it is cut.
//!
//! ```
//! use std::sync::Arc;
//! use doorward_veil::{Scrubber, Scrubbing};
//!
//! let scrubber = Arc::new(Scrubber::new(["a-secret+of/ours"])?);
//! let mut scrubbing = Scrubbing::new(Arc::clone(&scrubber));
//! let mut out = Vec::new();
//! scrubbing.feed(br#"{"note":"a-secr"#, &mut out);
//! scrubbing.feed(br#"et%2Bof\/ours"}"#, &mut out);
//! assert_eq!(scrubbing.finish(&mut out), 1);
//! assert_eq!(out, br#"{"note":"[removed]"}"#);
//! # Ok::<(), doorward_veil::VeilError>(())
//! ```

mod decode;
mod error;
mod redact;
mod scrub;

pub use decode::{DecodeLimits, Decoding};
pub use error::VeilError;
pub use redact::{Action, DEPTH_MAX, DOCUMENT_MAX, DataClass, RULES_MAX, Redactor, Rule, Target};
pub use scrub::{MARKER, SECRET_MAX, SECRET_MIN, SECRETS_MAX, Scrubber, Scrubbing};
