//! How a log is opened.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{Anchor, Clock, SystemClock};
use crate::{LeafBytes, Signer, VerifierKey};

/// What a log needs to know.
#[derive(Clone)]
pub struct LogOptions {
    /// The log's unique name, a URL without its scheme: the first line of its checkpoints.
    pub origin: String,
    /// Who signs checkpoints: one, or the old and the new while one takes over from the other.
    pub signers: Vec<Arc<dyn Signer>>,
    /// Earlier keys of this log: a checkpoint they signed is still believed.
    pub trusted: Vec<VerifierKey>,
    /// Where the last signed checkpoint is also kept.
    pub anchor: Arc<dyn Anchor>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Makes the leaf that is written last when the disk is full.
    pub disk_full_leaf: Arc<dyn Fn(SystemTime) -> Option<LeafBytes> + Send + Sync>,
    /// Take a log over whose anchor is lost. Only after it was verified.
    pub adopt: bool,
    /// Sizes and times.
    pub tuning: Tuning,
}

impl LogOptions {
    /// The usual: the machine's clock, nothing adopted.
    pub fn new(origin: &str, signer: Arc<dyn Signer>, anchor: Arc<dyn Anchor>) -> Self {
        Self {
            origin: origin.to_owned(),
            signers: vec![signer],
            trusted: Vec::new(),
            anchor,
            clock: Arc::new(SystemClock::default()),
            disk_full_leaf: Arc::new(|_| None),
            adopt: false,
            tuning: Tuning::default(),
        }
    }
}

/// Sizes and times of a log.
#[derive(Clone, Copy, Debug)]
pub struct Tuning {
    /// Room set aside for a segment, in bytes.
    pub segment_bytes: u64,
    /// The most leaves in a batch, at most 256.
    pub batch_leaves: u32,
    /// The longest a leaf waits for others to share its sync. One that is alone never waits.
    pub batch_delay: Duration,
    /// The most leaves that wait for the disk.
    pub queue_leaves: usize,
    /// The most bytes that wait for the disk.
    pub queue_bytes: usize,
    /// Time between checkpoints when there is something new.
    pub checkpoint_every: Duration,
    /// Time between checkpoints when there is nothing new.
    pub checkpoint_idle: Duration,
    /// Bytes kept on disk so that a full disk can still be recorded.
    pub reserve_bytes: u64,
    /// Segments kept after all their leaves are in entry bundles.
    pub keep_segments: usize,
    /// Publish from a thread. Without, [`Log::tick`](super::Log::tick) does it.
    pub background: bool,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            batch_leaves: 256,
            batch_delay: Duration::from_millis(5),
            queue_leaves: 16_384,
            queue_bytes: 64 << 20,
            checkpoint_every: Duration::from_secs(1),
            checkpoint_idle: Duration::from_secs(60),
            reserve_bytes: 1 << 20,
            keep_segments: 2,
            background: true,
        }
    }
}
