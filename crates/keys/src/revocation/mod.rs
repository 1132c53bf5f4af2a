//! The revocation of an upstream key that nothing takes the place of, as a state machine that touches
//! nothing itself.
//!
//! ```text
//! revoke ─► prove dead ─► done
//!    ▲          │
//!    └──────────┘ when it lives on
//! ```
//!
//! It is a debt: owed until the key was seen refused three times over ten seconds, or, where its value
//! is not to be had, until Instantly lists it no more. What fails is tried again for ever, ever less
//! often; only a person can end it otherwise. Whoever drives it asks [`Revocation::next`] for the
//! [`Step`], makes the state durable, does the step, and tells [`Revocation::on`] what came of it.

mod event;
mod machine;

pub use event::{Event, Step, Unfit};
pub use machine::{HeldKey, Phase, Revocation};
