//! The way through: programs that have Instantly's host built in reach the gateway all the same.
//!
//! `doorward run` gives a command a proxy of its own, at which the Instantly hosts are answered with
//! certificates of the local authority and everything else is refused unless it was allowed. What is
//! said to an Instantly host is handed to the gateway byte by byte, so that the gateway alone reads
//! it.

mod environment;
mod hosts;
mod passing;
mod proxy;
mod strangers;
mod target;

pub(crate) use environment::Surroundings;
pub(crate) use hosts::{Allowed, Hosts, spoken_for};
pub(crate) use proxy::{Proxy, Refused};
pub(crate) use target::Target;
