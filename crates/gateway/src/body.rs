//! Request bodies: read whole, bounded, hashed, checked.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body::Body;
use http_body_util::BodyExt;
use ring::digest::{Context, SHA256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::json;
use crate::limits::Limits;
use crate::refusal::Refusal;

/// Any error of a body's source.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A whole body, with its share of the memory that all bodies have together.
#[derive(Debug)]
pub(crate) struct HeldBody {
    bytes: Bytes,
    sha256: [u8; 32],
    _share: OwnedSemaphorePermit,
}

impl HeldBody {
    /// The very bytes that were received and checked.
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    pub(crate) fn sha256(&self) -> [u8; 32] {
        self.sha256
    }
}

/// Reads bodies, no more at once than there is memory for.
#[derive(Debug)]
pub(crate) struct Bodies {
    memory: Arc<Semaphore>,
    max: usize,
    depth: usize,
    patience: Duration,
}

impl Bodies {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            memory: Arc::new(Semaphore::new(
                limits.memory_bytes.min(Semaphore::MAX_PERMITS),
            )),
            max: limits.body_bytes.min(u32::MAX as usize),
            depth: limits.json_depth,
            patience: limits.body_read,
        }
    }

    /// Reads a JSON body whole. `None` when it has no bytes.
    pub(crate) async fn read<B>(&self, body: B) -> Result<Option<HeldBody>, Refusal>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<BoxError>,
    {
        if body.is_end_stream() {
            return Ok(None);
        }
        // What is announced is reserved before a byte is read.
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if announced > self.max {
            return Err(too_large());
        }
        let mut share = self.reserve(announced)?;
        let read = self.collect(body, announced, &mut share);
        let bytes = match tokio::time::timeout(self.patience, read).await {
            Ok(bytes) => bytes?,
            Err(_) => {
                return Err(Refusal::new(
                    StatusCode::REQUEST_TIMEOUT,
                    "body_timeout",
                    "the body did not arrive in time",
                ));
            }
        };
        if bytes.is_empty() {
            return Ok(None);
        }
        json::check(&bytes, self.depth)
            .map_err(|fault| Refusal::bad_request("body_malformed", fault.to_string()))?;
        let mut hash = Context::new(&SHA256);
        hash.update(&bytes);
        let mut sha256 = [0; 32];
        for (to, from) in sha256.iter_mut().zip(hash.finish().as_ref()) {
            *to = *from;
        }
        Ok(Some(HeldBody {
            bytes,
            sha256,
            _share: share,
        }))
    }

    async fn collect<B>(
        &self,
        mut body: B,
        announced: usize,
        share: &mut OwnedSemaphorePermit,
    ) -> Result<Bytes, Refusal>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<BoxError>,
    {
        let mut reserved = announced;
        let mut first = Bytes::new();
        let mut whole = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| {
                Refusal::bad_request("body_incomplete", "the body ended before its end")
            })?;
            // Trailers are dropped: nothing of the API reads them.
            let Ok(data) = frame.into_data() else {
                continue;
            };
            let length = first.len() + whole.len() + data.len();
            if length > self.max {
                return Err(too_large());
            }
            if length > reserved {
                share.merge(self.reserve(length - reserved)?);
                reserved = length;
            }
            // Most bodies are one piece, which is kept as it is.
            if whole.is_empty() && first.is_empty() {
                first = data;
            } else {
                if whole.is_empty() {
                    whole.reserve(announced.max(first.len() + data.len()));
                    whole.extend_from_slice(&std::mem::take(&mut first));
                }
                whole.extend_from_slice(&data);
            }
        }
        Ok(if whole.is_empty() {
            first
        } else {
            whole.freeze()
        })
    }

    fn reserve(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        u32::try_from(bytes)
            .ok()
            .and_then(|bytes| Arc::clone(&self.memory).try_acquire_many_owned(bytes).ok())
            .ok_or_else(|| {
                Refusal::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "memory_exhausted",
                    "too many request bodies are being handled; try again",
                )
            })
    }
}

fn too_large() -> Refusal {
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        "the body is too large",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::Full;

    fn bodies(memory_bytes: usize) -> Bodies {
        Bodies::new(&Limits {
            body_bytes: 10,
            memory_bytes,
            ..Limits::default()
        })
    }

    fn body(text: &'static str) -> Full<Bytes> {
        Full::new(Bytes::from_static(text.as_bytes()))
    }

    #[tokio::test]
    async fn memory_is_shared_and_given_back() {
        let bodies = bodies(12);
        let held = bodies.read(body(r#"{"a":"b"}"#)).await.unwrap().unwrap();
        let refused = bodies.read(body("[1,2,3]")).await.unwrap_err();
        assert_eq!(refused.reason(), "memory_exhausted");
        assert_eq!(refused.status(), 503);
        drop(held);
        assert!(bodies.read(body("[1,2,3]")).await.is_ok());
    }

    #[tokio::test]
    async fn bodies_are_bounded_and_checked() {
        let bodies = bodies(100);
        assert!(bodies.read(body("")).await.unwrap().is_none());
        let refused = bodies.read(body(r#"{"a":"bcd"}"#)).await.unwrap_err();
        assert_eq!(
            (refused.status().as_u16(), refused.reason()),
            (413, "body_too_large")
        );
        let refused = bodies.read(body("{")).await.unwrap_err();
        assert_eq!(
            (refused.status().as_u16(), refused.reason()),
            (400, "body_malformed")
        );
        let held = bodies.read(body("[]")).await.unwrap().unwrap();
        assert_eq!(held.bytes(), "[]");
        let digest = ring::digest::digest(&SHA256, b"[]");
        assert_eq!(held.sha256(), digest.as_ref());
    }
}
