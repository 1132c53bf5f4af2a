//! Bodies that decode, that are cut, broken, or bombs.

#![cfg(test)]

use std::io::Write;

use doorward_veil::{DecodeLimits, Decoding, VeilError};
use proptest::prelude::*;

const CODINGS: [&str; 4] = ["identity", "gzip", "br", "zstd"];

fn encode(coding: &str, plain: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" => {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
        "br" => {
            let mut out = Vec::new();
            let mut encoder = brotli::CompressorWriter::new(&mut out, 4096, 3, 20);
            encoder.write_all(plain).unwrap();
            drop(encoder);
            out
        }
        "zstd" => zstd::bulk::compress(plain, 1).unwrap(),
        _ => plain.to_vec(),
    }
}

fn decode(
    coding: &str,
    body: &[u8],
    cut: usize,
    limits: DecodeLimits,
) -> Result<Vec<u8>, VeilError> {
    let mut decoding = Decoding::new(Some(coding), limits)?;
    let mut out = Vec::new();
    for chunk in body.chunks(cut) {
        decoding.feed(chunk, &mut out)?;
        assert!(out.len() as u64 <= limits.bytes, "no more than is allowed");
    }
    decoding.finish(&mut out)?;
    Ok(out)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn what_was_coded_comes_back(plain in prop::collection::vec(any::<u8>(), 0..40_000), cut in 1_usize..9000) {
        for coding in CODINGS {
            let body = encode(coding, &plain);
            prop_assert_eq!(decode(coding, &body, cut, DecodeLimits::default()), Ok(plain.clone()), "{}", coding);
        }
    }

    #[test]
    fn a_body_cut_off_is_refused(plain in prop::collection::vec(any::<u8>(), 1..2000), at in any::<prop::sample::Index>()) {
        for coding in &CODINGS[1..] {
            let body = encode(coding, &plain);
            let left = &body[..at.index(body.len() - 1) + 1];
            if left.len() < body.len() {
                prop_assert!(decode(coding, left, 700, DecodeLimits::default()).is_err(), "{} {} of {}", coding, left.len(), body.len());
            }
        }
    }

    #[test]
    fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..4000), cut in 1_usize..500) {
        for coding in CODINGS {
            let _ = decode(coding, &noise, cut, DecodeLimits::default());
        }
    }
}

#[test]
fn bombs_are_stopped() {
    let zeros = vec![0; 20_000_000];
    for coding in &CODINGS[1..] {
        let bomb = encode(coding, &zeros);
        for limits in [
            DecodeLimits {
                bytes: 1_000_000,
                ratio: u64::MAX,
            },
            DecodeLimits {
                bytes: u64::MAX,
                ratio: 100,
            },
        ] {
            assert_eq!(
                decode(coding, &bomb, 1 << 20, limits),
                Err(VeilError::Expands),
                "{coding}"
            );
        }
    }
}

#[test]
fn frames_may_follow_each_other_and_other_codings_are_refused() {
    for coding in ["gzip", "zstd"] {
        let body = [encode(coding, b"one "), encode(coding, b"two")].concat();
        assert_eq!(
            decode(coding, &body, 5, DecodeLimits::default()).unwrap(),
            b"one two"
        );
    }
    for coding in ["deflate", "gzip, br", "gzip,gzip", "compress"] {
        assert_eq!(
            Decoding::new(Some(coding), DecodeLimits::default()).unwrap_err(),
            VeilError::UnknownCoding
        );
    }
    for coding in &CODINGS[1..] {
        assert_eq!(
            decode(coding, b"", 5, DecodeLimits::default()).unwrap(),
            b""
        );
        assert!(decode(coding, b"plain text, truly", 5, DecodeLimits::default()).is_err());
    }
}
