//! Request bodies: read whole, bounded, hashed, checked.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body::Body;
use http_body_util::BodyExt;
use ring::digest::{Context, SHA256};

use crate::clients::shares::{Memory, MemoryShare};
use crate::decision::refusal::Refusal;
use crate::request::json;
use crate::request::limits::LimitsInForce;

/// Any error of a body's source.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A whole body, with its share of the memory that all bodies have together.
#[derive(Debug)]
pub(crate) struct HeldBody {
    bytes: Bytes,
    sha256: [u8; 32],
    _share: Option<MemoryShare>,
}

impl HeldBody {
    /// A body of Doorward's own making.
    pub(crate) fn own(bytes: Bytes) -> Self {
        let mut hash = Context::new(&SHA256);
        hash.update(&bytes);
        Self {
            sha256: digest(hash),
            bytes,
            _share: None,
        }
    }

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
    memory: Memory,
    limits: LimitsInForce,
}

impl Bodies {
    pub(crate) fn new(limits: LimitsInForce) -> Self {
        Self {
            memory: Memory::new(limits.load().memory_bytes),
            limits,
        }
    }

    /// Most bytes of one client, so that none keeps the others from writing.
    fn each(&self) -> usize {
        self.memory.each(self.limits.load().body_bytes)
    }

    /// Bytes of all bodies held now.
    pub(crate) fn held_bytes(&self) -> usize {
        self.memory.held()
    }

    /// Reads a JSON body of a client's whole. `None` when it has no bytes.
    pub(crate) async fn read<B>(
        &self,
        client: &Arc<str>,
        body: B,
    ) -> Result<Option<HeldBody>, Refusal>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<BoxError>,
    {
        self.read_up_to(usize::MAX, client, body).await
    }

    /// The same, of no more than `max` bytes.
    pub(crate) async fn read_up_to<B>(
        &self,
        max: usize,
        client: &Arc<str>,
        body: B,
    ) -> Result<Option<HeldBody>, Refusal>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<BoxError>,
    {
        let limits = self.limits.load_full();
        let max = max.min(limits.body_bytes).min(u32::MAX as usize);
        if body.is_end_stream() {
            return Ok(None);
        }
        // What is announced is reserved before a byte is read.
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if announced > max {
            return Err(too_large());
        }
        let mut share = self.reserve(client, announced)?;
        let read = self.collect(body, max, announced, &mut share);
        let bytes = match tokio::time::timeout(limits.body_read, read).await {
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
        json::check(&bytes, limits.json_depth)
            .map_err(|fault| Refusal::bad_request("body_malformed", fault.to_string()))?;
        let mut hash = Context::new(&SHA256);
        hash.update(&bytes);
        Ok(Some(HeldBody {
            bytes,
            sha256: digest(hash),
            _share: Some(share),
        }))
    }

    async fn collect<B>(
        &self,
        mut body: B,
        max: usize,
        announced: usize,
        share: &mut MemoryShare,
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
            if length > max {
                return Err(too_large());
            }
            if length > reserved {
                self.grow(share, length - reserved)?;
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

    fn reserve(&self, client: &Arc<str>, bytes: usize) -> Result<MemoryShare, Refusal> {
        let mut share = self.memory.share(client).map_err(|_| exhausted())?;
        self.grow(&mut share, bytes)?;
        Ok(share)
    }

    fn grow(&self, share: &mut MemoryShare, bytes: usize) -> Result<(), Refusal> {
        let grown = share.grow(bytes, self.each());
        grown.map_err(|_| exhausted())
    }
}

fn digest(hash: Context) -> [u8; 32] {
    let mut sha256 = [0; 32];
    for (to, from) in sha256.iter_mut().zip(hash.finish().as_ref()) {
        *to = *from;
    }
    sha256
}

fn exhausted() -> Refusal {
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "memory_exhausted",
        "too many request bodies are being handled; try again",
    )
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
    use crate::request::limits::Limits;
    use arc_swap::ArcSwap;
    use http_body_util::Full;

    fn bodies(memory_bytes: usize) -> Bodies {
        Bodies::new(Arc::new(ArcSwap::from_pointee(Limits {
            body_bytes: 10,
            memory_bytes,
            ..Limits::default()
        })))
    }

    fn body(text: &'static str) -> Full<Bytes> {
        Full::new(Bytes::from_static(text.as_bytes()))
    }

    fn name(text: &str) -> Arc<str> {
        text.into()
    }

    #[tokio::test]
    async fn one_client_keeps_no_other_from_writing() {
        let bodies = bodies(40);
        let text = r#"{"a":"b"}"#;
        let held = bodies.read(&name("greedy"), body(text)).await.unwrap();
        let refused = bodies.read(&name("greedy"), body(text)).await.unwrap_err();
        assert_eq!(refused.reason(), "memory_exhausted");
        assert!(bodies.read(&name("other"), body(text)).await.is_ok());
        drop(held);
        assert!(bodies.read(&name("greedy"), body(text)).await.is_ok());
        assert_eq!(bodies.held_bytes(), 0);
    }

    #[tokio::test]
    async fn memory_is_shared_and_given_back() {
        let bodies = bodies(12);
        let held = bodies
            .read(&name("one"), body(r#"{"a":"b"}"#))
            .await
            .unwrap()
            .unwrap();
        let refused = bodies
            .read(&name("two"), body("[1,2,3]"))
            .await
            .unwrap_err();
        assert_eq!(refused.reason(), "memory_exhausted");
        assert_eq!(refused.status(), 503);
        drop(held);
        assert!(bodies.read(&name("one"), body("[1,2,3]")).await.is_ok());
    }

    #[tokio::test]
    async fn bodies_are_bounded_and_checked() {
        let bodies = bodies(100);
        assert!(bodies.read(&name("one"), body("")).await.unwrap().is_none());
        let refused = bodies
            .read(&name("one"), body(r#"{"a":"bcd"}"#))
            .await
            .unwrap_err();
        assert_eq!(
            (refused.status().as_u16(), refused.reason()),
            (413, "body_too_large")
        );
        let refused = bodies.read(&name("one"), body("{")).await.unwrap_err();
        assert_eq!(
            (refused.status().as_u16(), refused.reason()),
            (400, "body_malformed")
        );
        let held = bodies
            .read(&name("one"), body("[]"))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(held.bytes(), "[]");
        let digest = ring::digest::digest(&SHA256, b"[]");
        assert_eq!(held.sha256(), digest.as_ref());
    }
}
