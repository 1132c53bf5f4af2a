//! What is known of an event: its facts, the key it is stored once under, which destinations want it, and our own envelope around it.

mod envelope;
mod facts;
mod filter;
mod key;

pub use envelope::{normalised, type_name};
pub use facts::{Facts, Form, Misfit, facts};
pub use filter::{Filter, FilterFault};
pub use key::EventKeys;
