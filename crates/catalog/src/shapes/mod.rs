//! The shapes of the Instantly API v2: what every operation takes and answers.
//!
//! The shapes are stated in the text files under `data/shapes/` (the form is described in
//! `docs/formats/shapes.md`), embedded, and read once.
//!
//! ```
//! use doorward_catalog::shapes;
//! use serde_json::json;
//!
//! let op = shapes::of("createAPIKey").unwrap();
//! let refused = op.check_body(Some(&json!({"name": "crm", "scopes": ["leads:fly"]})));
//! assert_eq!(
//!     refused.unwrap_err().to_string(),
//!     "body/scopes/0 must be equal to one of the allowed values",
//! );
//!
//! let query = shapes::of("listLeadList").unwrap().read_query(&[("limit", "20")]).unwrap();
//! assert_eq!(query["limit"], 20);
//! ```

mod blank;
mod book;
mod check;
mod data;
mod format;
mod model;
mod op;
mod query;
mod read;
mod text;

use std::sync::LazyLock;

pub use book::Book;
pub use check::Violation;
pub use format::{Format, Pattern};
pub use model::{Bounds, Field, Kind, Param, Range, Rest, Shape};
pub use op::{BodyShape, OpShape, ResponseShape};
pub use text::TextError;

static BOOK: LazyLock<Result<Book, TextError>> = LazyLock::new(|| Book::read(data::FILES));

/// The embedded shapes, whole.
///
/// # Errors
/// The first fault of the embedded text. A test holds that there is none.
pub fn book() -> Result<&'static Book, &'static TextError> {
    BOOK.as_ref()
}

/// The shape of the operation with this `operationId`.
pub fn of(op_id: &str) -> Option<&'static OpShape> {
    book().ok()?.op(op_id)
}

/// The object of that name which the API describes, such as `Lead` or `APIKey`.
pub fn entity(name: &str) -> Option<&'static Shape> {
    book().ok()?.entity(name)
}
