//! Carrying out what was allowed: the key, the connection, the attempt.

pub(crate) mod attempt;
pub(crate) mod carry;
pub(crate) mod connection;
pub(crate) mod exchange;
pub(crate) mod forward;
pub(crate) mod held;
pub(crate) mod held_keys;
pub(crate) mod key_use;
pub(crate) mod keychoice;
pub(crate) mod keyhealth;
pub(crate) mod names;
pub(crate) mod pool;
pub(crate) mod under_way;
pub(crate) mod upstream;
pub(crate) mod waking;
pub(crate) mod way;
