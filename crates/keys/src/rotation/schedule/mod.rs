//! When an upstream key is due to be replaced: by its age, spread a little, within windows.
//!
//! A key is due when it is as old as [`Schedule`] says, or a little younger: each key by a
//! part of its own, made of its id, so that keys made together are not replaced together. Nothing is
//! begun outside the [`Windows`]; where the next one opens too late, the last before counts.

mod due;
mod every;
mod window;

pub use due::{Schedule, ScheduleFault, When};
pub use every::Every;
pub use window::{Window, WindowFault, Windows};
