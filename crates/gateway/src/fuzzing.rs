//! The parsers of what clients send, as the fuzz targets reach them. Of no use otherwise.

use crate::request::{json, query as queries};

/// A query's canonical form; `None` when it is refused.
pub fn query(raw: &str) -> Option<String> {
    queries::canonical(raw).ok()
}

/// Whether a body is let through as JSON that nests at most `depth` levels.
pub fn json(bytes: &[u8], depth: usize) -> bool {
    json::check(bytes, depth).is_ok()
}
