//! The checks: data that says what each looks for, and code that looks.
//!
//! [`all`] are the checks as data; [`run`] has those that are asked for judge what was seen, and makes a
//! report of it. A check that could not look says so: it has not passed.

mod audit;
mod block_list;
mod data;
mod environment;
#[cfg(test)]
mod fixtures;
mod group;
mod keys;
mod keys_of;
mod keys_used;
mod login;
mod people;
mod registry;
mod run;
mod secrets;
#[cfg(test)]
mod tests;
mod verdict;
mod webhooks;
mod webhooks_here;

pub use data::{Check, all};
pub use run::{Asked, Fix, Ran, Selection, run};
