//! Rotations of upstream keys, carried out: the state machine of `doorward_keys::rotation` over the
//! store, the secret store, Instantly and the gateway.
//!
//! ```text
//! next step ─► state durable ─► done ─► what came of it ─► a leaf ─► state durable ─► next step
//! ```
//!
//! A task drives each rotation that is open. It holds nothing that is not in the store but the value
//! of a key that was made and not yet kept: the program can end at any time, and whoever starts it
//! next goes on ([`Rotations::resume_open`]).

mod calls;
mod driver;
mod held;
mod identity;
mod leaves;
mod manager;
mod owed;
mod parts;
mod prepare;
mod pulse;
mod rotations;
mod steps;
mod twins;
mod view;

pub(crate) use owed::{RevocationView, Revocations, Revoke};
pub(crate) use parts::{Gate, Given, Handed, NoGate, Outside, Parts, Watched};
pub(crate) use prepare::Asked;
pub(crate) use pulse::{Pulse, pulse, read_of, sure_pulse};
pub(crate) use rotations::Rotations;
pub(crate) use view::{Moved, PlanView, RotationView};
