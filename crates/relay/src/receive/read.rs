//! Reading a body, within its bounds.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use doorward_webhook::{Pending, Refused, Stream, Verified};
use doorward_wire::credit::Credit;
use http_body::Body;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::limits::DoorLimits;
use crate::intake::Hashing;

/// Bytes that memory is given out by.
const STEP: usize = 1024;

/// The memory of all bodies.
#[derive(Debug, Clone)]
pub(super) struct Memory(Arc<Semaphore>);

impl Memory {
    pub(super) fn new(bytes: usize) -> Self {
        let steps = (bytes / STEP).clamp(1, Semaphore::MAX_PERMITS);
        Self(Arc::new(Semaphore::new(steps)))
    }

    fn take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let steps = u32::try_from(bytes.div_ceil(STEP)).ok()?;
        Arc::clone(&self.0).try_acquire_many_owned(steps).ok()
    }
}

/// How far the proof of a delivery is.
#[derive(Debug)]
pub(super) enum Proof {
    /// It proved itself by its head.
    Proved(Verified),
    /// Its proof is over the body.
    Open(Pending),
}

/// A body.
#[derive(Debug)]
pub(super) enum Came {
    /// Whole, with its share of the memory.
    Whole(Bytes, Share),
    /// Larger than is taken, from a delivery that proved itself.
    Larger(Larger, Verified),
}

/// A share of the memory, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    _permit: Option<OwnedSemaphorePermit>,
}

/// What is left of a body that is larger than is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Larger {
    /// Its beginning.
    pub(super) head: Bytes,
    /// SHA-256 of what was read of it.
    pub(super) sha256: [u8; 32],
    /// Bytes that were read of it.
    pub(super) bytes: u64,
    /// Whether that is all.
    pub(super) complete: bool,
}

impl Larger {
    /// What is stored in its place: a JSON object with `sha256` (hexadecimal), `bytes`, `complete` and
    /// `head` (base64).
    pub(super) fn kept(&self) -> Bytes {
        let digits: String = self
            .sha256
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!(
            r#"{{"sha256":"{digits}","bytes":{},"complete":{},"head":"{}"}}"#,
            self.bytes,
            self.complete,
            STANDARD.encode(&self.head)
        )
        .into()
    }
}

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// It came too slowly.
    Slow,
    /// It broke off.
    Broken,
    /// There is no memory for it now.
    NoMemory,
    /// It is larger than is taken, and nothing proves it.
    TooLarge,
    /// It is larger than is taken, and is not what was signed.
    Refused(Refused),
}

/// Reads a body.
pub(super) struct Reading<'l> {
    pub(super) limits: &'l DoorLimits,
    pub(super) memory: &'l Memory,
}

/// The frames of a body, each waited for no longer than there is patience.
struct Frames<B> {
    body: B,
    credit: Credit,
    until: Instant,
}

impl<B: Body<Data = Bytes> + Unpin> Frames<B> {
    async fn next(&mut self) -> Result<Option<Bytes>, Stop> {
        loop {
            let now = Instant::now();
            let left = self.until.saturating_duration_since(now);
            let patience = self.credit.left().min(left);
            let frame = timeout(patience, self.body.frame()).await;
            self.credit.waited(now.elapsed());
            let Some(frame) = frame.map_err(|_| Stop::Slow)? else {
                return Ok(None);
            };
            // Trailers say nothing here.
            if let Ok(bytes) = frame.map_err(|_| Stop::Broken)?.into_data()
                && !bytes.is_empty()
            {
                self.credit.moved(bytes.len());
                return Ok(Some(bytes));
            }
        }
    }
}

impl Reading<'_> {
    /// Reads a body to its end, or of a larger one what is kept of it.
    pub(super) async fn read<B>(&self, body: B, proof: &Proof) -> Result<Came, Stop>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let limits = self.limits;
        let announced = body.size_hint().exact();
        if announced.is_some_and(|bytes| bytes > limits.body_bytes as u64) {
            // Before a byte of it is read: what can't be proved is not let in.
            streaming(proof)?;
        }
        let expected = announced.and_then(|bytes| usize::try_from(bytes).ok());
        let expected = expected.filter(|bytes| *bytes <= limits.body_bytes);
        let mut share = self.share(expected.unwrap_or(0))?;
        let mut frames = Frames {
            body,
            credit: Credit::new(limits.body_idle),
            until: Instant::now() + limits.body_read,
        };
        let Some(first) = frames.next().await? else {
            return Ok(Came::Whole(Bytes::new(), Share { _permit: share }));
        };
        // Most bodies come in one piece: nothing is copied.
        if expected == Some(first.len()) {
            return Ok(Came::Whole(first, Share { _permit: share }));
        }
        let mut held = BytesMut::with_capacity(expected.unwrap_or(first.len()));
        let mut next = Some(first);
        while let Some(piece) = next {
            if held.len() + piece.len() > limits.body_bytes {
                drop(share);
                return self.larger(frames, held, piece, proof).await;
            }
            if expected.is_none() {
                self.grow(&mut share, piece.len())?;
            }
            held.extend_from_slice(&piece);
            next = frames.next().await?;
        }
        Ok(Came::Whole(held.freeze(), Share { _permit: share }))
    }

    fn share(&self, bytes: usize) -> Result<Option<OwnedSemaphorePermit>, Stop> {
        if bytes == 0 {
            return Ok(None);
        }
        self.memory.take(bytes).map(Some).ok_or(Stop::NoMemory)
    }

    fn grow(&self, share: &mut Option<OwnedSemaphorePermit>, bytes: usize) -> Result<(), Stop> {
        let more = self.share(bytes)?;
        match (share.as_mut(), more) {
            (Some(share), Some(more)) => share.merge(more),
            (None, more) => *share = more,
            (Some(_), None) => {}
        }
        Ok(())
    }

    /// Goes on with a body that is larger than is taken: `held` of it was read, and `piece`.
    async fn larger<B: Body<Data = Bytes> + Unpin>(
        &self,
        mut frames: Frames<B>,
        held: BytesMut,
        piece: Bytes,
        proof: &Proof,
    ) -> Result<Came, Stop> {
        let mut stream = streaming(proof)?;
        let mut hash = Hashing::default();
        let mut head = BytesMut::new();
        let mut bytes = 0_u64;
        let mut complete = true;
        let mut next = Some(held.freeze());
        let mut after = Some(piece);
        while let Some(piece) = next {
            if bytes + piece.len() as u64 > self.limits.hashed_bytes {
                complete = false;
                break;
            }
            bytes += piece.len() as u64;
            let room = self.limits.kept_bytes.saturating_sub(head.len());
            head.extend_from_slice(piece.get(..room.min(piece.len())).unwrap_or_default());
            hash.update(&piece);
            if let Some(stream) = &mut stream {
                stream.update(&piece);
            }
            next = match after.take() {
                Some(piece) => Some(piece),
                None => match (frames.next().await, proof) {
                    // Enough of it has come to be kept.
                    (Err(_), Proof::Proved(_)) => {
                        complete = false;
                        break;
                    }
                    (next, _) => next?,
                },
            };
        }
        let verified = match (proof, stream) {
            (Proof::Proved(verified), _) => *verified,
            (Proof::Open(_), Some(stream)) if complete => stream.finish().map_err(Stop::Refused)?,
            _ => return Err(Stop::TooLarge),
        };
        let larger = Larger {
            head: head.freeze(),
            sha256: hash.finish(),
            bytes,
            complete,
        };
        Ok(Came::Larger(larger, verified))
    }
}

/// What proves a body piece by piece; none when it is proved already.
fn streaming(proof: &Proof) -> Result<Option<Stream>, Stop> {
    match proof {
        Proof::Proved(_) => Ok(None),
        Proof::Open(pending) => pending.clone().stream().map(Some).ok_or(Stop::TooLarge),
    }
}
