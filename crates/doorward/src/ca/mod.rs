//! Doorward's own certificate authority, of one machine: it can speak for the Instantly hosts and
//! for nothing else.
//!
//! It is made on first use in the data folder. Programs that `doorward run` starts, and those whose
//! host is mapped here, are told to trust it; the names that it may sign for are in its certificate,
//! so that a stolen key is of no use for any other host.

mod authority;
mod leaves;
mod roots;

pub(crate) use authority::{Authority, INSTANTLY_HOST};
pub(crate) use leaves::Leaves;
pub(crate) use roots::Roots;
