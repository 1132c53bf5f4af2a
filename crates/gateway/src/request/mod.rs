//! A request in its canonical form: read once, within limits.

pub(crate) mod body;
pub(crate) mod canonical;
pub(crate) mod headers;
pub(crate) mod json;
pub(crate) mod limits;
pub(crate) mod query;
pub(crate) mod request_id;
