//! What is known of a leaked key, and what is told of it: decided and written with no network.
//!
//! | part | idea |
//! |---|---|
//! | [`Found`] | which key it is |
//! | [`Dying`] | when it is proved dead |
//! | [`Deeds`] | what it did, told apart by whether it went through Doorward |
//! | [`mod@radius`] | what it could have done |
//! | [`Incident`] | the report, as JSON and as Markdown |

mod deeds;
mod dying;
mod found;
mod incident;
mod markdown;
mod marks;
mod radius;
mod steps;

pub(crate) use deeds::{Address, Around, AroundRecord, Deeds, OfOperation, Through};
pub(crate) use dying::{Dying, Proof};
pub(crate) use found::{Found, LeakedUpstream, Way};
pub(crate) use incident::{Incident, Moment, Subject};
pub(crate) use radius::{Reach, radius};
pub(crate) use steps::{by_hand, next_steps};
