//! SHA-256 of many messages side by side, for processors that have wide registers and no
//! instructions for SHA-256: most servers built between 2013 and 2020. Three times as fast there as
//! one message after the other, which is most of what verifying a log is.
//!
//! FIPS 180-4, sections 5.1.1 and 6.2; each of eight lanes works at a message of its own, and takes
//! the next one when it is done. Nothing here is secret: time may depend on lengths.

use fearless_simd::{Avx2, Level, Simd, SimdBase, SimdInto, u32x8};

use super::{HASH_LEN, Hash};

const LANES: usize = 8;
/// Fewer messages are not worth it.
const FEWEST: usize = 4;
const BLOCK: usize = 64;

/// A word of each lane.
type Words = [u32; LANES];

const START: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

#[rustfmt::skip]
const ROUND: [[u32; 16]; 4] = [
    [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
        0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    ],
    [
        0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
        0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    ],
    [
        0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    ],
    [
        0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ],
];

/// SHA-256 of the byte `prefix` and each message; `None` when one after the other is as well.
pub(super) fn hash_all(prefix: u8, messages: &[&[u8]]) -> Option<Vec<Hash>> {
    if messages.len() < FEWEST {
        return None;
    }
    wide().map(|avx2| avx2.vectorize(|| run(avx2, prefix, messages)))
}

fn wide() -> Option<Avx2> {
    let has_sha = std::arch::is_x86_feature_detected!("sha");
    // What the compiler doesn't optimize is slower than one after the other.
    (!has_sha && !cfg!(debug_assertions))
        .then(|| Level::new().as_avx2())
        .flatten()
}

/// What a lane is at.
#[derive(Clone, Copy)]
struct Work<'m> {
    place: usize,
    message: &'m [u8],
    block: usize,
}

impl Work<'_> {
    /// Length with the prefix, in bytes.
    const fn len(&self) -> usize {
        self.message.len() + 1
    }

    /// Whether the block is the last, which ends in the length.
    const fn is_last(&self) -> bool {
        self.block + 1 == (self.len() + 9).div_ceil(BLOCK)
    }

    /// The block's bytes, padding included.
    #[inline(always)]
    fn bytes(&self, prefix: u8) -> [u8; BLOCK] {
        let start = self.block * BLOCK;
        let Some(from) = start.checked_sub(1) else {
            let mut bytes = [0; BLOCK];
            if let Some((first, rest)) = bytes.split_first_mut() {
                *first = prefix;
                self.tail(rest, self.message);
            }
            return bytes;
        };
        let left = self.message.get(from..).unwrap_or_default();
        left.first_chunk().copied().unwrap_or_else(|| {
            let mut bytes = [0; BLOCK];
            self.tail(&mut bytes, left);
            bytes
        })
    }

    /// What is left of the message, the bit that ends it, and its length in bits.
    fn tail(&self, into: &mut [u8], left: &[u8]) {
        let copied = left.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..copied), left.get(..copied)) {
            to.copy_from_slice(from);
        }
        // A message that ends with the block before has its end at the beginning of this one.
        let ended = self.block * BLOCK > self.len();
        if let Some(end) = into.get_mut(copied).filter(|_| !ended) {
            *end = 0x80;
        }
        if self.is_last()
            && let Some(length) = into.last_chunk_mut::<8>()
        {
            *length = (self.len() as u64 * 8).to_be_bytes();
        }
    }
}

#[inline(always)]
fn run<S: Simd>(simd: S, prefix: u8, messages: &[&[u8]]) -> Vec<Hash> {
    let mut hashes = vec![Hash([0; HASH_LEN]); messages.len()];
    let mut waiting = messages.iter().zip(0..).map(|(message, place)| Work {
        place,
        message,
        block: 0,
    });
    let mut lanes: [Option<Work<'_>>; LANES] = [None; LANES];
    let mut state = START.map(|word| [word; LANES]);
    let mut words = [[0; LANES]; 16];
    loop {
        let mut busy = false;
        for (lane, work) in lanes.iter_mut().enumerate() {
            if work.is_none() {
                *work = waiting.next();
                for (words, start) in state.iter_mut().zip(START) {
                    put(words, lane, start);
                }
            }
            if let Some(work) = work {
                busy = true;
                let bytes = work.bytes(prefix);
                for (words, word) in words.iter_mut().zip(bytes.as_chunks::<4>().0) {
                    put(words, lane, u32::from_be_bytes(*word));
                }
            }
        }
        if !busy {
            return hashes;
        }
        compress(simd, &mut state, &words);
        for (lane, slot) in lanes.iter_mut().enumerate() {
            let Some(work) = slot else { continue };
            if !work.is_last() {
                work.block += 1;
                continue;
            }
            if let Some(hash) = hashes.get_mut(work.place) {
                for (to, words) in hash.0.as_chunks_mut::<4>().0.iter_mut().zip(&state) {
                    *to = words.get(lane).copied().unwrap_or_default().to_be_bytes();
                }
            }
            *slot = None;
        }
    }
}

#[inline(always)]
fn put(words: &mut Words, lane: usize, word: u32) {
    if let Some(place) = words.get_mut(lane) {
        *place = word;
    }
}

/// One block of each lane.
#[inline(always)]
fn compress<S: Simd>(simd: S, state: &mut [Words; 8], block: &[Words; 16]) {
    let zero = u32x8::splat(simd, 0);
    let mut w = block.map(|words| -> u32x8<S> { words.simd_into(simd) });
    let before = state.map(|words| -> u32x8<S> { words.simd_into(simd) });
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = before;
    for (sixteen, constants) in ROUND.iter().enumerate() {
        for (i, constant) in constants.iter().enumerate() {
            let at = |w: &[u32x8<S>; 16], back: usize| w.get(back & 15).copied().unwrap_or(zero);
            if sixteen > 0 {
                let (w15, w2) = (at(&w, i + 1), at(&w, i + 14));
                let s0 = rotate::<7, S>(w15) ^ rotate::<18, S>(w15) ^ (w15 >> 3);
                let s1 = rotate::<17, S>(w2) ^ rotate::<19, S>(w2) ^ (w2 >> 10);
                let next = at(&w, i) + s0 + at(&w, i + 9) + s1;
                if let Some(word) = w.get_mut(i) {
                    *word = next;
                }
            }
            let s1 = rotate::<6, S>(e) ^ rotate::<11, S>(e) ^ rotate::<25, S>(e);
            let chosen = g ^ (e & (f ^ g));
            let one = h + s1 + chosen + u32x8::splat(simd, *constant) + at(&w, i);
            let s0 = rotate::<2, S>(a) ^ rotate::<13, S>(a) ^ rotate::<22, S>(a);
            let most = (a & b) ^ (c & (a ^ b));
            (h, g, f, e) = (g, f, e, d + one);
            (d, c, b, a) = (c, b, a, one + s0 + most);
        }
    }
    let after = [a, b, c, d, e, f, g, h];
    for (words, (before, after)) in state.iter_mut().zip(before.into_iter().zip(after)) {
        *words = (before + after).into();
    }
}

#[inline(always)]
fn rotate<const RIGHT: u32, S: Simd>(word: u32x8<S>) -> u32x8<S> {
    (word >> RIGHT) | (word << (32 - RIGHT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fearless_simd::dispatch;
    use proptest::prelude::*;
    use ring::digest::{SHA256, digest};

    fn one(prefix: u8, message: &[u8]) -> Vec<u8> {
        let bytes = [&[prefix], message].concat();
        digest(&SHA256, &bytes).as_ref().to_vec()
    }

    /// On whatever this machine has, so that the code is tested where it is not used.
    fn all(prefix: u8, messages: &[&[u8]]) -> Vec<Vec<u8>> {
        let hashes = dispatch!(Level::new(), simd => run(simd, prefix, messages));
        hashes.iter().map(|hash| hash.0.to_vec()).collect()
    }

    #[test]
    fn every_length_is_padded_as_another_implementation_does() {
        let bytes: Vec<u8> = (0..1000).map(|n| (n * 7 % 251) as u8).collect();
        let messages: Vec<&[u8]> = (0..=400).map(|len| &bytes[len..2 * len]).collect();
        let expected: Vec<_> = messages.iter().map(|message| one(1, message)).collect();
        assert_eq!(all(1, &messages), expected);
        let long = vec![9; 65_535];
        assert_eq!(
            all(0, &[&long, b"", &long]),
            [one(0, &long), one(0, b""), one(0, &long)]
        );
        assert!(all(0, &[]).is_empty());
    }

    proptest! {
        #[test]
        fn agrees_with_another_implementation(
            prefix in any::<u8>(),
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..40),
        ) {
            let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
            let expected: Vec<_> = messages.iter().map(|message| one(prefix, message)).collect();
            prop_assert_eq!(&all(prefix, &messages), &expected);
            if let Some(hashes) = hash_all(prefix, &messages) {
                let hashes: Vec<_> = hashes.iter().map(|hash| hash.0.to_vec()).collect();
                prop_assert_eq!(hashes, expected);
            }
        }
    }
}
