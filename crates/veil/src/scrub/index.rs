//! Finds any of many patterns by looking at every seventh place of a text.
//!
//! Of each pattern the last [`WINDOW`] bytes hold seven runs of six bytes. Wherever the pattern
//! lies in a text, one of every seven places is the beginning of such a run. So only those places
//! are looked at: six bytes are hashed and looked up in a bit set that stays in the cache. What
//! the bit set does not rule out is looked up in a table, and compared.

use zeroize::Zeroize;

use super::forms::Form;

/// The shortest pattern, in bytes.
pub(super) const WINDOW: usize = 12;
/// Bytes hashed at a place.
const GRAM: usize = 6;
/// From one place that is looked at to the next.
const STRIDE: usize = WINDOW - GRAM + 1;
/// Bytes four places span, with the two that are read beside the last.
const BLOCK: usize = 3 * STRIDE + 8;
/// Bits of the set for each run: about 3 % of the places pass it by chance.
const BITS_PER_RUN: usize = 32;

/// From a pattern's first byte in a text to the byte after its last.
pub(super) type Span = (usize, usize);

/// A run of six bytes of a pattern.
struct Run {
    /// Part of its hash.
    tag: u32,
    /// Which pattern.
    pattern: u32,
    /// Where in the pattern.
    offset: usize,
}

/// The patterns, ready to be found.
pub(super) struct Index {
    /// In order.
    patterns: Box<[Form]>,
    bits: Box<[u64]>,
    bit_shift: u32,
    /// Runs by the beginning of their hash; a slot's runs are from its start to the next's.
    runs: Box<[Run]>,
    longest: usize,
    starts: Box<[u32]>,
    slot_shift: u32,
}

impl Drop for Index {
    fn drop(&mut self) {
        // A tag and its slot together tell most of six bytes of a secret.
        self.runs.iter_mut().for_each(|run| run.tag.zeroize());
        self.bits.zeroize();
    }
}

impl Index {
    /// Patterns of fewer than [`WINDOW`] bytes are never found; there must be none.
    pub(super) fn new(mut patterns: Vec<Form>) -> Index {
        patterns.sort_unstable_by(|a, b| a.as_slice().cmp(b));
        patterns.dedup_by(|a, b| a.as_slice() == b.as_slice());
        let mut hashed: Vec<(u64, u32, usize)> = Vec::with_capacity(patterns.len() * STRIDE);
        for (pattern, number) in patterns.iter().zip(0_u32..) {
            let Some(first) = pattern.len().checked_sub(WINDOW) else {
                continue;
            };
            for offset in first..first + STRIDE {
                if let Some(gram) = pattern.get(offset..).and_then(padded) {
                    hashed.push((hash(gram), number, offset));
                }
            }
        }
        hashed.sort_unstable();
        let width = |count: usize| count.max(64).next_power_of_two().trailing_zeros();
        let (bit_width, slot_width) = (
            width(hashed.len().saturating_mul(BITS_PER_RUN)),
            width(hashed.len()),
        );
        let (bit_shift, slot_shift) = (64 - bit_width, 64 - slot_width);
        let mut bits = vec![0_u64; 1 << (bit_width - 6)];
        let mut starts = Vec::with_capacity((1 << slot_width) + 1);
        for (at, (hash, ..)) in hashed.iter().enumerate() {
            let bit = hash >> bit_shift;
            if let Some(word) = bits.get_mut((bit >> 6) as usize) {
                *word |= 1 << (bit & 63);
            }
            while starts.len() as u64 <= hash >> slot_shift {
                starts.push(at as u32);
            }
        }
        starts.resize((1 << slot_width) + 1, hashed.len() as u32);
        let runs = hashed.iter().map(|&(hash, pattern, offset)| Run {
            tag: tag(hash),
            pattern,
            offset,
        });
        let index = Index {
            runs: runs.collect(),
            longest: patterns.iter().map(|p| p.len()).max().unwrap_or(0),
            patterns: patterns.into(),
            bits: bits.into(),
            bit_shift,
            starts: starts.into(),
            slot_shift,
        };
        hashed.iter_mut().for_each(|run| run.0.zeroize());
        index
    }

    pub(super) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The length of the longest pattern.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// Whether a pattern begins so.
    pub(super) fn has_beginning(&self, text: &[u8]) -> bool {
        let at = self
            .patterns
            .partition_point(|pattern| pattern.as_slice() < text);
        self.patterns
            .get(at)
            .is_some_and(|pattern| pattern.starts_with(text))
    }

    /// Adds where patterns lie in the text, in no order, some more than once.
    pub(super) fn find(&self, text: &[u8], found: &mut Vec<Span>) {
        let mut at = 0;
        while let Some(block) = text.get(at..).and_then(|rest| rest.first_chunk::<BLOCK>()) {
            let hashes = [
                hash(gram::<0>(block)),
                hash(gram::<STRIDE>(block)),
                hash(gram::<{ 2 * STRIDE }>(block)),
                hash(gram::<{ 3 * STRIDE }>(block)),
            ];
            let passed = hashes.map(|hash| self.passes(hash));
            if passed.contains(&true) {
                for ((hash, passed), step) in hashes.into_iter().zip(passed).zip(0..) {
                    if passed {
                        self.compare(text, at + step * STRIDE, hash, found);
                    }
                }
            }
            at += 4 * STRIDE;
        }
        while let Some(gram) = text.get(at..).and_then(padded) {
            let hash = hash(gram);
            if self.passes(hash) {
                self.compare(text, at, hash, found);
            }
            at += STRIDE;
        }
    }

    #[inline(always)]
    fn passes(&self, hash: u64) -> bool {
        let bit = hash >> self.bit_shift;
        self.bits
            .get((bit >> 6) as usize)
            .is_some_and(|word| word >> (bit & 63) & 1 == 1)
    }

    #[cold]
    fn compare(&self, text: &[u8], at: usize, hash: u64, found: &mut Vec<Span>) {
        let slot = (hash >> self.slot_shift) as usize;
        let (Some(&from), Some(&to)) = (self.starts.get(slot), self.starts.get(slot + 1)) else {
            return;
        };
        let runs = self.runs.get(from as usize..to as usize).unwrap_or(&[]);
        for run in runs.iter().filter(|run| run.tag == tag(hash)) {
            let (Some(pattern), Some(start)) = (
                self.patterns.get(run.pattern as usize),
                at.checked_sub(run.offset),
            ) else {
                continue;
            };
            let end = start + pattern.len();
            if text.get(start..end) == Some(pattern.as_slice()) {
                found.push((start, end));
            }
        }
    }
}

/// Multiplicative hashing: the upper bits depend on all six bytes.
#[inline(always)]
fn hash(gram: u64) -> u64 {
    (gram << 16).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn tag(hash: u64) -> u32 {
    (hash >> 16) as u32
}

/// The six bytes at a constant place of a block.
#[inline(always)]
fn gram<const AT: usize>(block: &[u8; BLOCK]) -> u64 {
    block
        .get(AT..)
        .and_then(|rest| rest.first_chunk::<8>())
        .map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// The first six bytes of a text, if it has as many.
fn padded(text: &[u8]) -> Option<u64> {
    let [a, b, c, d, e, f] = *text.first_chunk::<GRAM>()?;
    Some(u64::from_le_bytes([a, b, c, d, e, f, 0, 0]))
}
