//! How much is looked at: whatever comes in, a scan ends.

use std::fmt;
use std::time::Duration;

/// Bounds of one blob's scan. What they cut is told in [`crate::Scanned::skipped`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a blob or member that are held at once; larger ones are looked through in pieces,
    /// and not opened if opening takes all of them.
    pub held: usize,
    /// Bytes in all that archives and encodings of one blob may become.
    pub expanded: u64,
    /// What a compressed stream may become, times its size, once it is past 16 MiB.
    pub ratio: u64,
    /// Archives within archives.
    pub depth: u8,
    /// Members of all archives of one blob.
    pub members: u32,
    /// Encodings within encodings.
    pub decode_depth: u8,
    /// Hits of one blob.
    pub hits: usize,
    /// Bytes that patterns are run over, times the blob's size, and 16 MiB.
    pub effort: u64,
    /// Time for one blob.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            held: 16 << 20,
            expanded: 1 << 30,
            ratio: 500,
            depth: 6,
            members: 100_000,
            decode_depth: 4,
            hits: 1_000,
            effort: 64,
            time: Duration::from_secs(60),
        }
    }
}

/// Which limit, or what else, kept something from being looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Cut {
    /// Larger than what is held, and of a kind that is only read whole.
    Size,
    /// It became more than it may.
    Expanded,
    /// Archives within archives.
    Depth,
    /// Members.
    Members,
    /// Hits.
    Hits,
    /// Patterns were run over more than they may.
    Effort,
    /// Time.
    Time,
    /// The archive is broken.
    Broken,
    /// The archive, or a member of it, is encrypted.
    Encrypted,
    /// A compression that is not known here.
    Unknown,
    /// It could not be read.
    Unread,
}

impl Cut {
    /// In words, to follow the name of what was cut.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Size => "is too large to be opened",
            Self::Expanded => "unpacks to more than is looked at",
            Self::Depth => "is an archive too deep in others",
            Self::Members => "has more members than are looked at",
            Self::Hits => "has more hits than are told",
            Self::Effort => "resembles credentials in too many places",
            Self::Time => "took too long",
            Self::Broken => "is broken",
            Self::Encrypted => "is encrypted",
            Self::Unknown => "is compressed in a way that is not known here",
            Self::Unread => "could not be read",
        }
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.reason())
    }
}
