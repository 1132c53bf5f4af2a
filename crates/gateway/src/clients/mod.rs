//! Who calls, and how much each may.

pub(crate) mod auth;
pub(crate) mod caller;
pub(crate) mod client_limits;
pub(crate) mod rate;
pub(crate) mod remembered;
pub(crate) mod shares;
pub(crate) mod shed;
pub(crate) mod uses;
