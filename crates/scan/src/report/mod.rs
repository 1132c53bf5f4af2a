//! From hits to findings: one finding a secret, wherever it was seen.
//!
//! | part | idea |
//! |---|---|
//! | [`Collector`] | takes hits from many threads, one heap of places a secret |
//! | [`mask`] | what is shown of a secret |
//! | [`fingerprint`] | by what a secret is known in every run, without saying what it is |
//! | [`AllowRules`], [`inline`] | who said that a place is all right, why, and until when |
//! | [`Baseline`] | what was there before |
//! | [`Settled`] | the findings, each with its secret beside it and not in it |
//! | [`Proof`] | what trying a key told of it |

mod allow;
mod baseline;
mod collect;
mod day;
mod fingerprint;
mod inline;
mod mask;
mod proof;
mod settle;

pub use allow::{ALLOW_FILE, AllowFault, AllowRules};
pub use baseline::{Baseline, BaselineFault};
pub use collect::{Collector, Gathered, Group, Sighting};
pub use day::Day;
pub use fingerprint::{fingerprint, is_guessable};
pub use inline::{Inline, inline};
pub use mask::mask;
pub use proof::{Alive, Proof};
pub use settle::{Secret, Settings, Settled, settle};
