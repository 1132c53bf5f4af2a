//! An answer, read whole.

use std::fmt;

use bytes::Bytes;
use doorward_catalog::Op;
use serde::de::DeserializeOwned;

use crate::error::Error;

/// A 2xx answer. Its body is JSON (checked), CSV for the one operation that answers so, or empty.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    pub(crate) op: Op,
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

impl Response {
    /// The operation called.
    pub fn op(&self) -> Op {
        self.op
    }

    /// HTTP status, 200 to 299.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The body as it came.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body as a value; `serde_json::Value` takes any.
    ///
    /// # Errors
    /// [`Error::BadAnswer`] when the body is empty or has another shape. The text names the place,
    /// never what stands there.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| Error::BadAnswer {
            op: self.op,
            status: self.status,
            why: match (self.body.is_empty(), error.classify()) {
                (true, _) => "it is empty".to_owned(),
                (_, serde_json::error::Category::Data) => {
                    format!(
                        "it has another shape at line {}, column {}",
                        error.line(),
                        error.column()
                    )
                }
                _ => "it is not JSON".to_owned(),
            },
        })
    }
}

impl fmt::Debug for Response {
    /// Not the body: it may hold secrets or people's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("op", &self.op)
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}
