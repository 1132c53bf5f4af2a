//! What is asked of a value beyond its pattern, by name.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// One check of a value.
pub(crate) type Check = fn(&[u8]) -> bool;

/// All, by the names that detector files use.
pub(crate) const CHECKS: &[(&str, Check)] = &[
    ("client_key", client_key),
    ("crc32_github", crc32_github),
    ("digit", digit),
    ("jwt", jwt),
    ("letter_and_digit", letter_and_digit),
    ("lower_upper_digit", lower_upper_digit),
    ("not_a_name", not_a_name),
    ("not_code", not_code),
    ("not_hex", not_hex),
    ("pem", pem),
    ("varied", varied),
];

/// The check of this name.
pub(crate) fn check(name: &str) -> Option<Check> {
    CHECKS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, check)| *check)
}

/// Shannon's entropy of the bytes, in bits a byte.
pub(crate) fn entropy(bytes: &[u8]) -> f32 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let all = bytes.len() as f32;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = *count as f32 / all;
            -share * share.log2()
        })
        .sum()
}

fn client_key(secret: &[u8]) -> bool {
    std::str::from_utf8(secret).is_ok_and(|text| doorward_keys::ClientKey::parse(text).is_ok())
}

/// Tokens that end in six base62 digits of the CRC-32 of what stands between prefix and checksum.
fn crc32_github(secret: &[u8]) -> bool {
    let Some(after) = memchr::memchr(b'_', secret) else {
        return false;
    };
    let body = secret.get(after + 1..).unwrap_or_default();
    let Some((covered, found)) = body.split_last_chunk::<6>() else {
        return false;
    };
    *found == base62_of(crc32fast::hash(covered))
}

/// Six base62 digits of a number, `0-9A-Za-z`, most significant first.
pub(crate) fn base62_of(mut number: u32) -> [u8; 6] {
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = match (number % 62) as u8 {
            value @ 0..=9 => b'0' + value,
            value @ 10..=35 => b'A' + value - 10,
            value => b'a' + value - 36,
        };
        number /= 62;
    }
    digits
}

fn digit(secret: &[u8]) -> bool {
    secret.iter().any(u8::is_ascii_digit)
}

fn letter_and_digit(secret: &[u8]) -> bool {
    digit(secret) && secret.iter().any(u8::is_ascii_alphabetic)
}

fn lower_upper_digit(secret: &[u8]) -> bool {
    digit(secret)
        && secret.iter().any(u8::is_ascii_lowercase)
        && secret.iter().any(u8::is_ascii_uppercase)
}

fn not_hex(secret: &[u8]) -> bool {
    !secret.iter().all(u8::is_ascii_hexdigit)
}

/// A third of its characters at least are different ones, or twelve of them.
fn varied(secret: &[u8]) -> bool {
    let mut seen = [false; 256];
    for byte in secret {
        if let Some(seen) = seen.get_mut(usize::from(*byte)) {
            *seen = true;
        }
    }
    let different = seen.iter().filter(|seen| **seen).count();
    different >= 12 || different * 3 >= secret.len()
}

/// Not words joined by `_`, `-` or `.`: the name of something and not a value. Random text changes
/// between letters and digits, and between cases, where words do not.
fn not_a_name(secret: &[u8]) -> bool {
    !secret
        .split(|byte| b"_-./:".contains(byte))
        .all(is_like_a_word)
}

/// Letters, then at most three digits; a long one changes its case as seldom as words begin.
fn is_like_a_word(word: &[u8]) -> bool {
    let letters = word
        .iter()
        .take_while(|byte| !byte.is_ascii_digit())
        .count();
    let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
    let humps = word
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()))
        .count();
    digits <= 3 && letters + digits == word.len() && (word.len() < 16 || humps * 6 <= word.len())
}

/// Not a piece of code: a call, a member of something, a variable of a shell or template.
fn not_code(secret: &[u8]) -> bool {
    const CODE: [&[u8]; 16] = [
        b"(",
        b"${",
        b"{{",
        b"process.env",
        b"os.environ",
        b"getenv",
        b"config.",
        b"settings.",
        b"secrets.",
        b"self.",
        b"this.",
        b"import.meta",
        b"std::",
        b"=>",
        b"$(",
        b"env.",
    ];
    !CODE
        .iter()
        .any(|code| memchr::memmem::find(secret, code).is_some())
        && !secret.starts_with(b"$")
        && !secret.starts_with(b"%")
        && !secret.starts_with(b"<")
}

/// A compact JWS or JWE: a header that is JSON with an `alg`, and a payload that is a JSON object
/// or, with `enc` in the header, anything.
fn jwt(secret: &[u8]) -> bool {
    let mut parts = secret.split(|byte| *byte == b'.');
    let (Some(header), Some(payload)) = (parts.next(), parts.next()) else {
        return false;
    };
    let Ok(header) = URL_SAFE_NO_PAD.decode(header) else {
        return false;
    };
    let Ok(serde_json::Value::Object(header)) = serde_json::from_slice(&header) else {
        return false;
    };
    if !header.get("alg").is_some_and(serde_json::Value::is_string) {
        return false;
    }
    // The payload may be cut by the bounds of the pattern: its beginning tells.
    header.contains_key("enc")
        || payload
            .get(..4)
            .and_then(|start| URL_SAFE_NO_PAD.decode(start).ok())
            .is_some_and(|start| start.starts_with(b"{\""))
}

/// The first line of a private key's body: base64 of DER, of an OpenSSH key, or of a PGP packet.
fn pem(secret: &[u8]) -> bool {
    let body = secret.get(..secret.len() / 4 * 4).unwrap_or_default();
    let Ok(decoded) = STANDARD_NO_PAD.decode(body) else {
        return false;
    };
    let der = decoded.starts_with(&[0x30]);
    let openssh = decoded.starts_with(b"openssh-key-v1");
    // An old-format PGP packet of a secret key, or a legacy encrypted body, which looks random.
    (der || openssh || decoded.first().is_some_and(|byte| byte & 0x80 != 0)) && entropy(body) > 2.5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_is_that_of_shannon() {
        assert_eq!(entropy(b"aaaa"), 0.0);
        assert_eq!(entropy(b"abab"), 1.0);
        assert_eq!(entropy(b"abcd"), 2.0);
        assert_eq!(entropy(b""), 0.0);
    }

    #[test]
    fn names_are_told_from_values() {
        for name in [
            "my-api-key",
            "webhook_secret_v2",
            "production",
            "sha256",
            "a.b.c",
            "x-api-key",
        ] {
            assert!(!not_a_name(name.as_bytes()), "{name}");
        }
        for value in ["a8Kd03nxPq2", "9f8e7d6c5b4a", "kd93-kd03k"] {
            assert!(not_a_name(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn any_bytes_are_checked_without_panic() {
        for bytes in [&b""[..], b"_", b".", b"\xff\xfe", b"gh_", &[0; 300]] {
            for (_, check) in CHECKS {
                let _ = check(bytes);
            }
        }
    }
}
