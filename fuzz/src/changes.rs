//! Changed seeds, for where there is no libFuzzer: the same ones for the same number.

use fastrand::Rng;

/// Bytes that parsers stumble over.
const AWKWARD: [&[u8]; 16] = [
    b"\n",
    b"\n\n",
    b" ",
    b"+",
    b"/",
    b"%",
    b"\0",
    b"\xff",
    b"\r\n",
    b"\"",
    b"\\u0000",
    b"-0",
    b"18446744073709551616",
    b"9223372036854775807",
    "\u{2014} ".as_bytes(),
    "é😀".as_bytes(),
];

/// One of `seeds`, changed in one to eight places, now and then with a piece of another.
pub fn changed(seeds: &[Vec<u8>], random: &mut Rng) -> Vec<u8> {
    let pick = |random: &mut Rng| seeds[random.usize(..seeds.len())].clone();
    let mut bytes = pick(random);
    for _ in 0..1 + random.usize(..8).min(random.usize(..8)) {
        let at = random.usize(..=bytes.len());
        match random.u8(..8) {
            0 | 1 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.u8(..8);
                }
            }
            2 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = random.u8(..);
                }
            }
            3 => {
                let end = (at + 1 + random.usize(..16)).min(bytes.len());
                bytes.drain(at..end);
            }
            4 => {
                let piece = AWKWARD[random.usize(..AWKWARD.len())];
                bytes.splice(at..at, piece.iter().copied());
            }
            5 => {
                // A digit more, less or other: numbers decide most.
                let digit = bytes.iter().skip(at).position(u8::is_ascii_digit);
                if let Some(byte) = digit.and_then(|after| bytes.get_mut(at + after)) {
                    *byte = b'0' + random.u8(..10);
                }
            }
            6 => {
                let end = random.usize(at..=bytes.len().min(at + 64));
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                let other = pick(random);
                let from = random.usize(..=other.len());
                bytes.truncate(at);
                bytes.extend(&other[from..]);
            }
        }
    }
    bytes
}
