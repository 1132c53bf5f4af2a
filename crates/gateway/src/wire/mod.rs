//! The socket: connections, heads and frames, bounded before anything reads them. What other doors
//! need as well is in a crate of its own.

pub(crate) use doorward_wire::{credit, crowd, head_guard, protocol, raw_head, stall, tls};

pub(crate) mod frames;
pub(crate) mod http2;
pub(crate) mod http2_head;
pub(crate) mod serve;
pub(crate) mod source;
