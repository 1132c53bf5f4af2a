//! Answers that are read whole before any of them goes on.

use std::sync::Arc;

use bytes::Bytes;
use doorward_catalog::Op;
use doorward_veil::{DOCUMENT_MAX, Decoding, VeilError};
use http::StatusCode;
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout, timeout_at};

use crate::answers::veil::{Coding, Veil};
use crate::clients::shares::{Memory, MemoryShare, NoMemory};
use crate::decision::refusal::Refusal;
use crate::request::limits::LimitsInForce;
use crate::wire::credit::Credit;

/// Answers up to so many bytes are read whole in any case: one piece, of a known length, costs less
/// than a stream, and can still be refused.
const SHORT_MAX: u64 = 64 * 1024;
/// An answer may take so many times as long as one of its pieces.
const PIECES_TIME: u32 = 5;

/// Reads answers whole, no more at once than there is memory for.
pub(crate) struct Answers {
    memory: Memory,
    limits: LimitsInForce,
}

/// Why an answer is not passed on.
#[derive(Debug)]
pub(crate) enum Unread {
    /// It can't be read, and so neither redacted nor scrubbed.
    Unreadable(VeilError),
    /// It broke off.
    Cut,
    /// It stopped arriving.
    Late,
    /// Others fill the memory.
    NoMemory,
}

impl From<VeilError> for Unread {
    fn from(why: VeilError) -> Self {
        Self::Unreadable(why)
    }
}

impl From<NoMemory> for Unread {
    fn from(_: NoMemory) -> Self {
        Self::NoMemory
    }
}

impl Unread {
    /// What the client is told in the answer's place.
    pub(crate) fn refusal(&self, op: Op, answered: StatusCode) -> Refusal {
        let (status, reason, why) = match self {
            Self::Unreadable(why) => (502, "response_unreadable", format!("can't be read ({why})")),
            Self::Cut => (502, "response_cut", "broke off".to_owned()),
            Self::Late => (504, "response_timeout", "stopped arriving".to_owned()),
            Self::NoMemory => {
                let why = "finds no memory to be redacted in, with so many others, of this client or of all";
                (503, "memory_exhausted", why.to_owned())
            }
        };
        let mut message = format!(
            "the API's answer {why} and is not passed on; its status is {}",
            answered.as_u16()
        );
        if op.facts().writes() && answered.is_success() {
            message += ": the call was carried out; look before you repeat it";
        }
        // What the API refused is refused as it was, so that a client waits or gives up rightly.
        let status = if answered.as_u16() >= 400 {
            answered
        } else {
            StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY)
        };
        Refusal::new(status, reason, message).of(op).after_allowed()
    }
}

/// Bytes with their share of the memory.
struct Held {
    bytes: Bytes,
    _share: Option<MemoryShare>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Bytes that give their share of the memory back when the last of them was sent.
fn held(bytes: Bytes, share: Option<MemoryShare>) -> Bytes {
    match share {
        None => bytes,
        share => Bytes::from_owner(Held {
            bytes,
            _share: share,
        }),
    }
}

/// Whether an answer is short, and says so.
pub(crate) fn is_short(body: &impl Body) -> bool {
    body.size_hint()
        .exact()
        .is_some_and(|length| length <= SHORT_MAX)
}

impl Answers {
    pub(crate) fn new(limits: LimitsInForce) -> Self {
        Self {
            memory: Memory::new(limits.load().memory_bytes),
            limits,
        }
    }

    /// Reads an answer and gives it as the client may see it.
    pub(crate) async fn read<B>(
        &self,
        body: B,
        coding: &Coding,
        veil: &Veil,
    ) -> Result<Bytes, Unread>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let decoding = coding.decoding()?;
        let (document, share) = self.collect(body, decoding, veil.client()).await?;
        Ok(held(veil.cover(document)?, share))
    }

    /// Bytes of an answer that are here already, with their share of the memory.
    pub(crate) fn hold(&self, bytes: Bytes, client: &Arc<str>) -> Result<Bytes, Unread> {
        let mut share = None;
        self.reserve(client, &mut share, bytes.len())?;
        Ok(held(bytes, share))
    }

    async fn collect<B>(
        &self,
        mut body: B,
        mut decoding: Option<Decoding>,
        client: &Arc<str>,
    ) -> Result<(Bytes, Option<MemoryShare>), Unread>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let (mut first, mut whole, mut share) = (Bytes::new(), Vec::new(), None);
        let patience = self.limits.load().response_idle;
        let end = Instant::now() + patience * PIECES_TIME;
        let mut credit = Credit::new(patience);
        loop {
            let asked = Instant::now();
            let frame = timeout_at(end, timeout(credit.left(), body.frame())).await;
            let Ok(Ok(frame)) = frame else {
                return Err(Unread::Late);
            };
            let Some(frame) = frame else {
                break;
            };
            let Ok(data) = frame.map_err(|_| Unread::Cut)?.into_data() else {
                continue;
            };
            credit.waited(asked.elapsed());
            credit.moved(data.len());
            match &mut decoding {
                Some(decoding) => decoding.feed(&data, &mut whole)?,
                // Most answers are one piece, which is kept as it is.
                None if first.is_empty() && whole.is_empty() => first = data,
                None => {
                    if whole.is_empty() {
                        whole.extend_from_slice(&std::mem::take(&mut first));
                    }
                    whole.extend_from_slice(&data);
                }
            }
            let length = first.len() + whole.len();
            if length > DOCUMENT_MAX {
                return Err(VeilError::TooLong(DOCUMENT_MAX).into());
            }
            self.reserve(client, &mut share, length)?;
        }
        if let Some(decoding) = decoding {
            decoding.finish(&mut whole)?;
            self.reserve(client, &mut share, whole.len())?;
        }
        let document = if whole.is_empty() {
            first
        } else {
            whole.into()
        };
        Ok((document, share))
    }

    /// Takes memory for a document and for what is made of it, of the client's part of it all.
    fn reserve(
        &self,
        client: &Arc<str>,
        share: &mut Option<MemoryShare>,
        length: usize,
    ) -> Result<(), Unread> {
        if length as u64 <= SHORT_MAX {
            return Ok(());
        }
        let share = match share {
            Some(share) => share,
            None => share.insert(self.memory.share(client)?),
        };
        let more = length.saturating_mul(2).saturating_sub(share.bytes());
        Ok(share.grow(more, self.memory.each(2 * DOCUMENT_MAX))?)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Poll, ready};
    use std::time::Duration;

    use arc_swap::ArcSwap;
    use http_body::Frame;
    use tokio::time::{Sleep, sleep};

    use super::*;
    use crate::request::limits::Limits;

    fn answers() -> Answers {
        Answers::new(Arc::new(ArcSwap::from_pointee(Limits {
            response_idle: Duration::from_secs(10),
            ..Limits::default()
        })))
    }

    #[test]
    fn one_client_keeps_no_other_from_its_answers() {
        let answers = answers();
        let (greedy, other) = (Arc::from("greedy"), Arc::from("other"));
        let (mut large, mut more, mut theirs) = (None, None, None);
        assert!(answers.reserve(&greedy, &mut large, DOCUMENT_MAX).is_ok());
        let refused = answers.reserve(&greedy, &mut more, 1 << 20);
        assert!(matches!(refused, Err(Unread::NoMemory)));
        assert!(answers.reserve(&other, &mut theirs, 1 << 20).is_ok());
        assert!(
            answers.reserve(&other, &mut theirs, 2 << 20).is_ok(),
            "it grows"
        );
        drop(large);
        assert!(answers.reserve(&greedy, &mut more, 1 << 20).is_ok());
        assert_eq!(answers.memory.held(), (4 << 20) + (2 << 20));
    }

    /// A byte a second.
    struct Drip(Pin<Box<Sleep>>);

    impl Body for Drip {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            ready!(self.0.as_mut().poll(cx));
            self.0 = Box::pin(sleep(Duration::from_secs(1)));
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_trickles_in_is_given_up() {
        let began = Instant::now();
        let drip = Drip(Box::pin(sleep(Duration::from_secs(1))));
        let read = answers().collect(drip, None, &Arc::from("one")).await;
        assert!(matches!(read, Err(Unread::Late)));
        assert!(
            began.elapsed() < Duration::from_secs(12),
            "{:?}",
            began.elapsed()
        );
    }
}
