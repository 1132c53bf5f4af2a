//! The rotation of an upstream key, as a state machine that touches nothing itself.
//!
//! An Instantly key has no expiry, no last use and no update; it is made and deleted, and shown
//! once. A [`Rotation`] puts a new one in an old one's place:
//!
//! ```text
//! plan → create → store → verify → promote → (tell) → drain → confirm → revoke → prove dead
//!      → forget → tidy → done                     and back, from anywhere before revoke
//! ```
//!
//! Whoever drives it asks [`Rotation::next`] for the [`Step`], makes the rotation's state durable,
//! does the step, and tells [`Rotation::on`] what came of it as an [`Event`]. After a crash the
//! state that was kept is told [`Event::Restarted`], and goes on: each step can be repeated, or
//! leaves a trace by which it is undone. What holds whatever happens:
//!
//! - the old key is revoked only after the new one has carried calls, and was seen to work once more;
//! - the new key is taken back only after the old one was seen to work;
//! - a creation whose answer was lost leaves a key whose name says so; it is deleted, and looked for
//!   again when no creation can come true any more;
//! - a revocation is owed until it is done and proved.
//!
//! Nothing here holds a secret: a [`NewKey`] is Instantly's id and the start of a hash.

mod advance;
mod back;
mod clock;
mod death;
mod event;
mod forward;
mod id;
mod machine;
mod phase;
mod plan;
pub mod schedule;
mod standing;
mod timing;
mod unseen;

pub use death::Dying;
pub use event::{Event, Failure, Look, OutOfOrder, Step};
pub use id::{RotationId, RotationIdError};
pub use machine::{Proof, Rotation};
pub use phase::{NewKey, Phase};
pub use plan::{CONSUMERS_MAX, Draft, OldKey, Plan, PlanFault, Why};
pub use timing::{CREATIONS_MAX, PROOF_REFUSALS, TRIES_MAX, Timing};
pub(crate) use timing::{debt_pause, longest_debt_pause};
