//! Values that stand where a secret would: `your-api-key`, `xxxx…`, `<token>`, `${KEY}`.

/// Words that no random value holds by chance, or hardly.
const WORDS: &[&[u8]] = &[
    b"your",
    b"example",
    b"placeholder",
    b"changeme",
    b"change-me",
    b"change_me",
    b"change.me",
    b"dummy",
    b"redacted",
    b"insert",
    b"replace",
    b"sample",
    b"xxxxx",
    b"*****",
    b".....",
    b"-here",
    b"_here",
    b"todo",
    b"fixme",
    b"undefined",
    b"secret_key",
    b"secretkey",
    b"api_key",
    b"apikey",
    b"api-key",
    b"access_token",
    b"accesstoken",
    b"my-secret",
    b"my_secret",
    b"mysecret",
    b"mytoken",
    b"my-token",
    b"my_token",
    b"fake",
    b"notreal",
    b"not-real",
    b"invalid",
    b"password",
    b"some-",
    b"some_",
    b"abcdefgh",
    b"12345678",
    b"01234567",
    b"deadbeef",
    b"00000000",
    b"test-key",
    b"test_key",
    b"testkey",
    b"test-token",
    b"test_token",
    b"testtoken",
    b"lorem",
    b"template",
    b"foobar",
    b"hunter2",
    b"keyboard",
    b"encrypted",
];

/// Whether a value is no secret but stands for one.
pub(crate) fn is_placeholder(secret: &[u8]) -> bool {
    let lower = secret.to_ascii_lowercase();
    let marked = secret
        .iter()
        .any(|byte| matches!(byte, b'<' | b'>' | b'{' | b'}' | b'[' | b']'))
        || secret.starts_with(b"$")
        || secret.starts_with(b"%")
        || memchr::memmem::find(secret, "…".as_bytes()).is_some();
    marked
        || WORDS
            .iter()
            .any(|word| memchr::memmem::find(&lower, word).is_some())
        || repeats(&lower)
}

/// Hardly more than one character, or the same few over and over.
fn repeats(lower: &[u8]) -> bool {
    let most = (0..=u8::MAX)
        .map(|byte| memchr::memchr_iter(byte, lower).count())
        .max()
        .unwrap_or(0);
    if lower.len() >= 8 && most * 2 > lower.len() {
        return true;
    }
    (1..=lower.len() / 3).any(|period| {
        lower
            .iter()
            .zip(lower.iter().skip(period))
            .all(|(one, other)| one == other)
    })
}

#[cfg(test)]
mod tests {
    use super::is_placeholder;

    #[test]
    fn what_stands_for_a_secret_is_told_from_one() {
        for text in [
            "your-api-key",
            "YOUR_API_KEY_HERE",
            "<token>",
            "${INSTANTLY_KEY}",
            "xxxxxxxxxxxx",
            "abcabcabcabc",
            "changeme",
            "1234567890",
            "AKIAIOSFODNN7EXAMPLE",
            "****************",
        ] {
            assert!(is_placeholder(text.as_bytes()), "{text}");
        }
        for text in ["k3Jd92mXq0PzLw81", "9f3b1c77a2de40b8", "p-Qx81.zz~T40ab"] {
            assert!(!is_placeholder(text.as_bytes()), "{text}");
        }
    }
}
