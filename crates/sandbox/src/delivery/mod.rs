//! Webhooks: who is told of an event, what, and what becomes of the tries.
//!
//! [`plan`] decides, with no network and no clock of its own; [`send`] makes one try; [`task`] puts
//! the two together.

mod payload;
mod plan;
mod send;
mod task;

pub(crate) use payload::{headers, is_off, sample, url};
pub(crate) use plan::Queue;
pub(crate) use send::Sender;
pub(crate) use task::run;
