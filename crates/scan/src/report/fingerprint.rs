//! By what a secret is known in every run.
//!
//! A fingerprint is made of the secret alone: neither of the place nor of the line, so that it stays the
//! same wherever the secret moves to, and in a history as in a tree. Fingerprints stand in baselines,
//! allow rules, reports and the ledger, where anybody may read them: nobody must be able to find the
//! secret by trying guesses against one.
//!
//! - A secret that can't be guessed (a key of random characters) has 128 bits of its SHA-256.
//! - Any other, such as a password, has twenty bits of a slow hash of it (PBKDF2, 20,000 rounds), spread
//!   to the same length. A guess that fits fits by chance once in a million: a list of a thousand million
//!   passwords leaves a thousand. In turn two such secrets may have the same fingerprint, as rarely.
//! - What is no secret at all but a word (the scope `all:all` written into code) is known by its file too:
//!   else one place of it would stand for all.

use std::num::NonZeroU32;

use doorward_catalog::UpstreamKeyFormat;
use doorward_keys::ClientKey;
use ring::{digest, pbkdf2};

/// Bytes of a fingerprint.
const BYTES: usize = 16;
const ROUNDS: u32 = 20_000;

/// Says what is hashed, and by which version of this.
const LONG: &[u8] = b"doorward scan fingerprint 1\0";
const SHORT: &[u8] = b"doorward scan fingerprint 1 guessable\0";

const WORDS: &[u8] = b"doorward scan fingerprint 1 word\0";

/// Fewest characters of a secret that can't be guessed, its least entropy in bits, and its longest run of
/// letters of one case: longer ones are words.
const LEAST: usize = 20;
const BITS: f64 = 64.0;
const WORD: usize = 5;

/// The fingerprint of what was found in a file: 32 hexadecimal digits. With or without its padding an
/// upstream key is one secret.
pub fn fingerprint(secret: &str, path: &str) -> String {
    let secret = canonical(secret);
    let hashed = match (is_word(secret), is_guessable(secret)) {
        (true, _) => hash(WORDS, format!("{secret}\0{path}").as_bytes()),
        (false, false) => hash(LONG, secret.as_bytes()),
        (false, true) => hash(SHORT, &twenty_bits(secret)),
    };
    let bytes = hashed.as_ref().iter().take(BYTES);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

/// Whether what was found is a word that anybody may know: a scope.
pub(super) fn is_word(secret: &str) -> bool {
    let plain =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    match secret.split_once(':') {
        Some((resource, "all" | "read")) => plain(resource),
        _ => false,
    }
}

/// The secret without what may be missing of it.
pub(super) fn canonical(secret: &str) -> &str {
    match UpstreamKeyFormat::matches(secret) {
        true => secret.trim_end_matches('='),
        false => secret,
    }
}

fn hash(purpose: &[u8], what: &[u8]) -> digest::Digest {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(purpose);
    context.update(what);
    context.finish()
}

fn twenty_bits(secret: &str) -> [u8; 3] {
    let mut bits = [0; 3];
    let rounds = NonZeroU32::new(ROUNDS).unwrap_or(NonZeroU32::MIN);
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        rounds,
        SHORT,
        secret.as_bytes(),
        &mut bits,
    );
    let [a, b, c] = bits;
    [a, b, c & 0xf0]
}

/// Whether a secret may be one of those that people think of.
pub fn is_guessable(secret: &str) -> bool {
    if UpstreamKeyFormat::matches(secret) || ClientKey::parse(secret).is_ok() {
        return false;
    }
    let secret = unit(secret);
    let count = secret.chars().count();
    count < LEAST || longest_word(secret) > WORD || entropy(secret) * (count as f64) < BITS
}

/// What a text is made of, when it is the same again and again: no harder to guess than once.
fn unit(text: &str) -> &str {
    let again = |end: &usize| {
        let (unit, rest) = text.split_at(*end);
        rest.len().is_multiple_of(*end)
            && rest
                .as_bytes()
                .chunks(*end)
                .all(|one| one == unit.as_bytes())
    };
    let ends = text.char_indices().map(|(at, _)| at).skip(1);
    let end = ends.take_while(|end| end * 2 <= text.len()).find(again);
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// The longest run of letters of one case.
fn longest_word(text: &str) -> usize {
    let (mut longest, mut run, mut before) = (0, 0, None);
    for c in text.chars() {
        let case = match (c.is_lowercase(), c.is_uppercase()) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        };
        run = match case {
            None => 0,
            Some(_) if case == before => run + 1,
            Some(_) => 1,
        };
        before = case;
        longest = longest.max(run);
    }
    longest
}

/// Shannon's entropy of the characters, in bits a character.
fn entropy(text: &str) -> f64 {
    let mut counts = std::collections::BTreeMap::new();
    for c in text.chars() {
        *counts.entry(c).or_insert(0_u32) += 1;
    }
    let all = f64::from(counts.values().sum::<u32>());
    counts
        .values()
        .map(|count| {
            let part = f64::from(*count) / all;
            -part * part.log2()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn padding_makes_no_other_key() {
        let key =
            UpstreamKeyFormat::compose("0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f", "aB3dE5gH7jK9");
        assert!(!is_guessable(&key));
        let bare = fingerprint(key.trim_end_matches('='), "b");
        assert_eq!(fingerprint(&key, "a"), bare);
        assert_eq!(bare.len(), 32);
        assert_ne!(fingerprint("a=", ""), fingerprint("a", ""));
    }

    #[test]
    fn what_people_think_of_is_guessable_and_random_keys_are_not() {
        for guessable in [
            "",
            "hunter2",
            "Summer2024!Summer2024!",
            "correct horse battery staple",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "1111111111111111111111111111111111111",
        ] {
            assert!(is_guessable(guessable), "{guessable}");
        }
        for random in [
            "8f14e45fceea167a5a36dedd4bea2543",
            "q7Rw2Lx9Tn4Vb6Kd1Zp8",
            "xA3_k9-Qw7ZrT2bN5mV8cL1p",
        ] {
            assert!(!is_guessable(random), "{random}");
        }
    }

    #[test]
    fn a_password_has_one_fingerprint_in_a_million() {
        // The twenty bits are all that there is of it.
        let bits = twenty_bits("hunter2");
        assert_eq!(bits[2] & 0x0f, 0);
        assert_eq!(
            fingerprint("hunter2", ""),
            hash(SHORT, &bits).as_ref()[..BYTES]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        );
        let all: BTreeSet<String> = (0..20)
            .map(|n| fingerprint(&format!("pass{n}"), ""))
            .collect();
        assert_eq!(all.len(), 20);
    }

    #[test]
    fn a_scope_is_known_by_its_file() {
        assert!(is_word("all:all") && is_word("all:read"));
        assert!(!is_word("user:hunter2") && !is_word("all:") && !is_word("a-b:all"));
        assert_ne!(
            fingerprint("all:all", "a.js"),
            fingerprint("all:all", "b.js")
        );
    }

    #[test]
    fn fingerprints_stay_what_they_are() {
        // Baselines hold them.
        assert_eq!(
            fingerprint("8f14e45fceea167a5a36dedd4bea2543", ""),
            "7c67d922df0361697a95d3e297d3a38b"
        );
        assert_eq!(
            fingerprint("hunter2", ""),
            "b30a1650c43b5d887d1a474d08f8f696"
        );
    }
}
