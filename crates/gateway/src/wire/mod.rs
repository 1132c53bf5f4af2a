//! The socket: connections, heads and frames, bounded before anything reads them.

pub(crate) mod credit;
pub(crate) mod crowd;
pub(crate) mod frames;
pub(crate) mod head_guard;
pub(crate) mod http2;
pub(crate) mod http2_head;
pub(crate) mod protocol;
pub(crate) mod raw_head;
pub(crate) mod serve;
pub(crate) mod source;
pub(crate) mod stall;
pub(crate) mod tls;
