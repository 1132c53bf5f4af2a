//! The door `/in/<source>`: deliveries authenticated, bounded, made durable, then acknowledged.
//!
//! What is answered, and when:
//!
//! | answer | when |
//! |---|---|
//! | 200 | the delivery proved itself and is on disk: stored, known already, or in quarantine |
//! | 503 | it can't be stored, or there is no memory for it: it is to be sent again (`Retry-After`) |
//! | 401 | it did not prove itself, or there is no such source: which of them is told to nobody |
//! | 413 | it is larger than is taken, and did not prove itself |
//! | 408 | its body came too slowly, before it proved itself |
//! | 429 | who sends failed to prove itself too often, and again just now |
//! | 400, 404, 405 | it is no request to a source at all |
//!
//! A delivery that proved itself is never answered 4xx, whatever is in it: what does not fit is kept
//! in quarantine. Of a body larger than [`DoorLimits::body_bytes`] its beginning and its hash are
//! kept. Where the proof is over the body, such a body is hashed piece by piece up to
//! [`DoorLimits::hashed_bytes`]; with Ed25519, which needs the body whole, it is refused.

mod address;
mod door;
mod limits;
mod making;
mod observe;
mod read;
mod serve;
mod source;
mod strangers;
mod turns;

pub use doorward_wire::tls::{Tls, TlsError};

pub use door::{Clock, Door, DoorParts, TakesEvents, Taking};
pub use limits::DoorLimits;
pub use observe::{Counted, Minute, Observer, Refusal, SourceFigures};
pub use serve::{DoorListener, serve_door};
pub use source::{ClosedSource, Source, SourceParts, Sources};
