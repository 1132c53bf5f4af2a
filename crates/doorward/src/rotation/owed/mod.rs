//! Revocations of keys that nothing takes the place of, carried out: the state machine of
//! `doorward_keys::revocation` over the store and Instantly.
//!
//! A task drives each that is open, as one does each rotation, and holds nothing that is not in the
//! store: whoever starts the program next goes on ([`Revocations::resume_open`]).

mod all;
mod driver;
mod leaves;
mod view;

pub(crate) use all::{Revocations, Revoke};
pub(crate) use view::RevocationView;
