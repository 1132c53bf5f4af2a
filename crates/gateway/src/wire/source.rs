//! Where the body of an answer comes from: the API, or what was read of it before.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame, SizeHint};

use crate::request::body::BoxError;
use crate::sending::connection::Arriving;

/// A body of the API's.
pub(crate) struct Source {
    /// What was read of it, and not passed on yet.
    first: Bytes,
    rest: Rest,
}

/// What comes after that.
enum Rest {
    Live(Arriving),
    Nothing,
    /// It broke off there.
    Broken,
}

impl Source {
    /// A body that is all there.
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self {
            first: bytes,
            rest: Rest::Nothing,
        }
    }

    /// A body that broke off after these bytes.
    pub(crate) fn broken(bytes: Bytes) -> Self {
        Self {
            first: bytes,
            rest: Rest::Broken,
        }
    }

    /// An answer as it arrives.
    pub(crate) fn live(response: Response<Arriving>) -> Response<Self> {
        response.map(|body| Self {
            first: Bytes::new(),
            rest: Rest::Live(body),
        })
    }

    /// The same with these bytes before what is left of it: they were read of it, all so far.
    pub(crate) fn with_first(self, first: Bytes) -> Self {
        Self { first, ..self }
    }
}

impl Body for Source {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if !self.first.is_empty() {
            let first = std::mem::take(&mut self.first);
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        match &mut self.rest {
            Rest::Live(body) => Pin::new(body).poll_frame(cx),
            Rest::Nothing => Poll::Ready(None),
            Rest::Broken => {
                self.rest = Rest::Nothing;
                Poll::Ready(Some(Err("the API's answer broke off".into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_empty()
            && match &self.rest {
                Rest::Live(body) => body.is_end_stream(),
                Rest::Nothing => true,
                Rest::Broken => false,
            }
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.len() as u64;
        match &self.rest {
            Rest::Live(body) => {
                let rest = body.size_hint();
                let mut hint = SizeHint::new();
                // The upper bound first: a lower one may not exceed it.
                if let Some(upper) = rest.upper() {
                    hint.set_upper(upper.saturating_add(first));
                }
                hint.set_lower(rest.lower().saturating_add(first));
                hint
            }
            Rest::Nothing => SizeHint::with_exact(first),
            // Longer than what is there, by how much nobody knows.
            Rest::Broken => {
                let mut hint = SizeHint::new();
                hint.set_lower(first);
                hint
            }
        }
    }
}
