//! The engine: detectors run over bytes.

mod hit;
mod layer;
mod limits;
mod place;
mod prefilter;
mod session;

use std::ops::Range;

use ring::digest::{Context, SHA256};

use crate::detector::{Detectors, Finder, Runner};
use crate::hold;

pub use hit::{Hit, InlineAllow, Scanned, Skipped, Via};
pub use limits::{Cut, Limits};
pub use place::masked;
use prefilter::Prefilter;
pub(crate) use session::Session;

/// Goes up when what the engine finds changes though no detector did.
const REVISION: u32 = 2;

/// How far beyond what is told of regions the engine looks: for what overlaps a hit at the edge.
const OVERLAP: usize = 160;

/// Detectors made ready to run. Shared by threads.
#[derive(Debug)]
pub struct Engine {
    detectors: Detectors,
    limits: Limits,
    prefilter: Prefilter,
    reach: usize,
    /// Numbers of the detectors that look for upstream keys in runs.
    upstream: Vec<u16>,
}

/// What one thread needs to scan: buffers and the state of its searches. Holds no text between
/// scans longer than it must.
#[derive(Debug, Default)]
pub struct Scratch {
    runners: Vec<Option<Runner>>,
    buffers: Vec<Vec<u8>>,
}

impl Scratch {
    pub(crate) fn buffer(&mut self) -> Vec<u8> {
        self.buffers.pop().unwrap_or_default()
    }

    /// Gives a buffer back; a large one is freed.
    pub(crate) fn give_back(&mut self, mut buffer: Vec<u8>) {
        const KEPT: usize = 8 << 20;
        if buffer.capacity() <= KEPT && self.buffers.len() < 8 {
            buffer.clear();
            self.buffers.push(buffer);
        }
    }
}

impl Engine {
    /// Makes detectors ready. Patterns are compiled when a keyword of theirs is first seen.
    pub fn new(detectors: Detectors, limits: Limits) -> Self {
        let prefilter = Prefilter::new(&detectors);
        let upstream = (0..)
            .zip(detectors.rules())
            .filter(|(_, detector)| matches!(detector.finder, Finder::Shape(_)))
            .map(|(number, _)| number)
            .collect();
        let reach = detectors.reach();
        Self {
            detectors,
            limits,
            prefilter,
            reach,
            upstream,
        }
    }

    /// What a thread needs to scan.
    pub fn scratch(&self) -> Scratch {
        let mut runners = Vec::new();
        runners.resize_with(self.detectors.len(), || None);
        Scratch {
            runners,
            buffers: Vec::new(),
        }
    }

    /// Everything in one blob: encodings are undone and archives opened, within the limits. `name`,
    /// a path with `/`, helps to tell what it is and decides on rules that ask for a path.
    pub fn scan(&self, scratch: &mut Scratch, name: Option<&str>, bytes: &[u8]) -> Scanned {
        let mut session = Session::new(self, scratch);
        session.content(name, bytes);
        session.finish(name)
    }

    /// The hits of a whole scan that touch, or may have been decided by, the bytes of `regions`
    /// (what a delta inserted): those within [`Engine::reach`] of one, and it may be some more.
    /// Archives are not opened.
    pub fn scan_regions(
        &self,
        scratch: &mut Scratch,
        bytes: &[u8],
        regions: &[Range<usize>],
    ) -> Scanned {
        let told = widened(regions, self.reach, bytes.len());
        let looked_at = widened(regions, self.reach + OVERLAP, bytes.len());
        let mut session = Session::new(self, scratch);
        session.regions(bytes, &looked_at, &told);
        session.finish(None)
    }

    /// Everything in what a reader gives, which may be larger than memory: read in pieces.
    ///
    /// Ranges and lines count from the beginning.
    pub fn scan_reader(
        &self,
        scratch: &mut Scratch,
        name: Option<&str>,
        reader: &mut dyn std::io::Read,
    ) -> Scanned {
        let mut session = Session::new(self, scratch);
        session.outer(name, reader);
        session.finish(name)
    }

    /// How far from a match the engine looks, in bytes: a hit's fate depends on none further away.
    /// Encoded text (base64, escapes) is looked at to its own end, which may be further.
    pub fn reach(&self) -> usize {
        self.reach
    }

    /// Whether a blob that begins so (the first 512 bytes, or all of it) is read other than as it
    /// stands, being an archive or in UTF-16, so that regions of it are no use.
    pub fn is_container(&self, name: Option<&str>, head: &[u8]) -> bool {
        hold::kind(name, head).is_some() || crate::decode::is_utf16(head)
    }

    /// Changes when detectors, limits or engine do: the key of what is remembered of scans.
    pub fn version(&self) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        context.update(b"doorward scan ");
        context.update(env!("CARGO_PKG_VERSION").as_bytes());
        context.update(&REVISION.to_be_bytes());
        context.update(&self.detectors.digest);
        context.update(format!("{:?}", self.limits).as_bytes());
        let mut version = [0; 32];
        for (to, from) in version.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        version
    }

    /// Whether the hit's detector looks in files of this path (with `/`); a member of an archive is
    /// judged by its own path. For blobs of a history, which have many paths.
    pub fn stands_at(&self, hit: &Hit, path: &str) -> bool {
        let path = hit.inner.as_deref().unwrap_or(path);
        self.detector(hit)
            .is_some_and(|detector| detector.stands_at(path))
    }

    /// The detector of a hit.
    pub fn detector(&self, hit: &Hit) -> Option<&crate::Detector> {
        self.detectors.get(hit.detector)
    }

    /// The detectors.
    pub fn detectors(&self) -> &Detectors {
        &self.detectors
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn into_detectors(self) -> Detectors {
        self.detectors
    }

    /// Whether this detector, were it the only one, finds something.
    pub(crate) fn alone(&self, scratch: &mut Scratch, detector: usize, text: &[u8]) -> bool {
        let mut session = Session::new(self, scratch);
        session.only = u16::try_from(detector).ok();
        session.content(None, text);
        !session.finish(None).hits.is_empty()
    }
}

/// Ranges with so many bytes more on both sides, in order, those that meet joined.
fn widened(ranges: &[Range<usize>], by: usize, length: usize) -> Vec<Range<usize>> {
    let mut around: Vec<Range<usize>> = ranges
        .iter()
        .map(|range| range.start.saturating_sub(by)..range.end.saturating_add(by).min(length))
        .filter(|range| range.start < range.end)
        .collect();
    around.sort_unstable_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(around.len());
    for range in around {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}
