//! Safe writes: a write under an `Idempotency-Key` is carried out once, however often it is sent.
//!
//! | part | idea |
//! |---|---|
//! | [`IdempotencyKey`] | the header |
//! | [`State`], [`Repeat`], [`event_of`] | the life of a write, pure |
//! | [`seal`] | names, fingerprints and sealed answers |
//! | [`guard`] | one write in hand: noted before it leaves, its answer kept |
//! | [`natural`] | what shows whether a create was done |
//! | [`settle`] | looking for it |
//! | [`looking`] | how much of that goes on at once |
//! | [`carry`] | where a call on its way meets all this |
//!
//! The policy decides first, so that a client that was revoked gets no old answer either; and what
//! is kept is the API's own answer, so that an old one is redacted by the rules now in force.

mod carry;
mod figures;
mod guard;
mod key;
mod looking;
mod natural;
mod seal;
mod settings;
mod settle;
mod state;

pub(crate) use carry::{About, Before};
pub use figures::IdempotencyFigures;
pub use guard::Idempotency;
pub(crate) use guard::{Guard, Named};
pub use key::IdempotencyKey;
pub(crate) use seal::{Kept, Whose};
pub use settings::IdempotencySettings;
pub(crate) use settle::Told;
