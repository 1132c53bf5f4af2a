//! Credentials that look like real ones and open nothing, made when they are needed.
//!
//! No file of the project holds one: examples are templates. `{upstream_key}` stands for an
//! Instantly key, `{rand:base62:40}` for 40 random characters; [`fill`] puts them in. What is in
//! braces and is no name of a template stays as it is.

mod keys;
mod template;

pub use template::fill;

/// Random numbers that are the same for the same seed (SplitMix64). Not for real secrets.
#[derive(Debug, Clone)]
pub struct Source(u64);

impl Source {
    /// Begins at a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    /// The next 64 bits.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        match u64::try_from(end) {
            Ok(end) if end > 0 => (self.number() % end) as usize,
            _ => 0,
        }
    }

    /// Random bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.number() as u8).collect()
    }

    /// So many characters of an alphabet, which is ASCII.
    pub fn text(&mut self, alphabet: &[u8], count: usize) -> String {
        (0..count)
            .filter_map(|_| alphabet.get(self.below(alphabet.len())))
            .map(|byte| char::from(*byte))
            .collect()
    }
}
