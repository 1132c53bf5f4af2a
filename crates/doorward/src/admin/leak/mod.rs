//! Requests that answer the leak of a key.

mod around;
mod deeds;
mod describe;
mod find;
mod replace;
mod stop;
mod types;

use crate::leak::{Deeds, Found};

pub(in crate::admin) use deeds::last_use;
pub(crate) use types::{
    LeakClose, LeakClosed, LeakDeeds, LeakFind, LeakProbe, LeakStop, Leaked, Probed, Stopped,
};

routed_calls! {
    LeakFind, "leak/find" => Found;
    LeakStop, "leak/stop" => Stopped;
    LeakProbe, "leak/probe" => Probed;
    LeakDeeds, "leak/deeds" => Deeds;
    LeakClose, "leak/close" => LeakClosed;
}
