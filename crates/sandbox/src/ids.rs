//! Identifiers and random choices, the same for the same seed.

use doorward_catalog::UpstreamKeyFormat;
use serde::{Deserialize, Serialize};

/// A seeded source of identifiers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Ids {
    state: u64,
    /// The time every uuid is made for, ms since 1970, while one is set.
    #[serde(default)]
    pinned: Option<i64>,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Ids {
        Ids {
            state: seed,
            pinned: None,
        }
    }

    /// Makes every uuid for this time, whatever it is asked for, until `None` is set: what is
    /// seeded has the same ids and keys whenever that is done.
    pub(crate) fn pin(&mut self, at: Option<i64>) {
        self.pinned = at;
    }

    /// A number below `bound`; 0 for a bound of 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next() % bound }
    }

    /// A uuid of version 7's shape for a time in ms, lower-case.
    pub(crate) fn uuid(&mut self, at: i64) -> String {
        let at = self.pinned.unwrap_or(at);
        let mut random = [0; 10];
        for (to, from) in random.iter_mut().zip(
            self.next()
                .to_le_bytes()
                .into_iter()
                .chain(self.next().to_le_bytes()),
        ) {
            *to = from;
        }
        uuid::Builder::from_unix_timestamp_millis(u64::try_from(at).unwrap_or(0), &random)
            .into_uuid()
            .to_string()
    }

    /// An upstream key.
    pub(crate) fn key(&mut self, at: i64) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let uuid = self.uuid(at);
        let tail: String = (0..12)
            .filter_map(|_| {
                let n = usize::try_from(self.below(LETTERS.len() as u64)).ok()?;
                LETTERS.get(n).map(|letter| char::from(*letter))
            })
            .collect();
        UpstreamKeyFormat::compose(&uuid, &tail)
    }

    /// SplitMix64 (Steele, Lea, Flood 2014): small, seedable, and its state is one number that a
    /// dump can hold. Not for secrets that protect anything.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
