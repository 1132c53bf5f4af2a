//! When a call goes: turns, both windows, the breaker.

pub(crate) mod breaker;
pub(crate) mod breakers;
pub(crate) mod ids;
pub(crate) mod kept;
pub(crate) mod line;
pub(crate) mod pacing;
pub(crate) mod turns;
