//! Witnesses (C2SP tlog-witness): others who see each checkpoint and vouch that the ledger only ever
//! grew.
//!
//! | part | idea |
//! |---|---|
//! | [`Witness`] | who and where |
//! | `plan` | what to ask a witness next, and what its answer means. Pure |
//! | `ask` | one question: proof, request, answer |
//! | `kept` | the cosigned checkpoints, in `witness/` of the ledger's folder |
//! | [`Witnesses`] | all of them, round after round, in the background |
//! | [`WitnessWatch`] | who is told when one refuses |
//!
//! Nothing waits for a witness. One that can't be reached is tried again; one that refuses says that
//! it was shown another history, and that is an alarm.

mod alarm;
mod ask;
mod kept;
mod peer;
mod plan;
mod rounds;

pub use alarm::{Refusal, WitnessWatch};
pub use kept::COSIGNED_PATH;
pub use peer::{Witness, WitnessOptions, WitnessStatus};
pub use rounds::Witnesses;
