//! Pages of lists.

use serde::{Deserialize, Serialize};

/// A page: items, and an opaque cursor for the next. A cursor can be present on the last page; a
/// walk ends at a page without items.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items.
    #[serde(default = "Vec::new")]
    pub items: Vec<T>,
    /// Where the next page starts: a uuid, a time or an address, as the endpoint likes.
    #[serde(default)]
    pub next_starting_after: Option<String>,
}
