//! Secrets planted in every form, cut anywhere, against a slow and simple search.

#![cfg(test)]

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use doorward_catalog::Environment;
use doorward_keys::ClientKey;
use doorward_veil::{MARKER, SECRET_MIN, Scrubber, Scrubbing, VeilError};
use proptest::prelude::*;

fn streamed(scrubber: &Arc<Scrubber>, text: &[u8], cuts: &[usize]) -> (Vec<u8>, u64) {
    let (mut out, mut rest) = (Vec::new(), text);
    let mut scrubbing = Scrubbing::new(Arc::clone(scrubber));
    for cut in cuts
        .iter()
        .cycle()
        .take(if cuts.is_empty() { 0 } else { 100_000 })
    {
        if rest.is_empty() {
            break;
        }
        let (chunk, more) = rest.split_at((*cut).clamp(1, rest.len()));
        scrubbing.feed(chunk, &mut out);
        rest = more;
    }
    scrubbing.feed(rest, &mut out);
    let replaced = scrubbing.finish(&mut out);
    (out, replaced)
}

fn percent(text: &str, mask: u64) -> String {
    let mut out = String::new();
    for (at, byte) in text.bytes().enumerate() {
        match (mask >> (at % 64)) & 3 {
            0 => out.push(byte as char),
            1 => out.push_str(&format!("%{byte:02x}")),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn json(text: &str, mask: u64) -> String {
    let mut out = String::new();
    for (at, byte) in text.bytes().enumerate() {
        match (byte, (mask >> (at % 64)) & 3) {
            (b'/', 0) => out.push_str("\\/"),
            (b'/', 1) => out.push_str("\\\\/"),
            (_, 2) => out.push_str(&format!("\\u{byte:04x}")),
            (_, 3) => out.push_str(&format!("\\\\u{byte:04X}")),
            _ => out.push(byte as char),
        }
    }
    out
}

/// The text in which the secret hides, and whether its own letters are around the secret.
fn planted(secret: &str, form: u8, mask: u64) -> String {
    let in_base64 = |engine: &dyn Fn(&[u8]) -> String| {
        let before = "ab".repeat((mask % 3) as usize);
        engine(format!("{before}{secret}tail").as_bytes())
    };
    let standard = |bytes: &[u8]| STANDARD.encode(bytes);
    let url = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    match form % 8 {
        0 => secret.to_owned(),
        1 => percent(secret, mask),
        2 => json(secret, mask),
        3 => in_base64(&standard),
        4 => in_base64(&url),
        5 => percent(&in_base64(&standard), mask),
        6 => json(&in_base64(&standard), mask),
        _ => percent(&json(secret, 0), 0),
    }
}

/// What is left of a secret: any eight of its bytes, in clear or in base64, escapes undone.
fn traces(secret: &str, text: &[u8]) -> bool {
    let mut plain = Vec::new();
    let mut rest = text;
    loop {
        rest = match rest {
            [b'%', a, b, more @ ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {
                plain.push(
                    u8::from_str_radix(&format!("{}{}", *a as char, *b as char), 16).unwrap(),
                );
                more
            }
            [b'\\', b'u', b'0', b'0', a, b, more @ ..]
                if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() =>
            {
                plain.push(
                    u8::from_str_radix(&format!("{}{}", *a as char, *b as char), 16).unwrap(),
                );
                more
            }
            [b'\\', more @ ..] => more,
            [byte, more @ ..] => {
                plain.push(*byte);
                more
            }
            [] => break,
        };
    }
    let mut needles: Vec<Vec<u8>> = secret.as_bytes().windows(8).map(<[u8]>::to_vec).collect();
    for part in secret.as_bytes().windows(9) {
        needles.push(STANDARD.encode(part).into_bytes());
        needles.push(URL_SAFE_NO_PAD.encode(part).into_bytes());
    }
    needles
        .iter()
        .any(|needle| plain.windows(needle.len()).any(|at| at == needle))
}

/// How many bytes of the secret the text begins with: all, or those that the text's end leaves.
fn found(secret: &str, text: &str) -> Option<usize> {
    let whole = text.starts_with(secret);
    let cut_off = text.len() >= SECRET_MIN && secret.starts_with(text);
    (whole || cut_off).then(|| secret.len().min(text.len()))
}

proptest! {
    #[test]
    fn no_form_passes_and_cuts_do_not_matter(
        secrets in prop::collection::vec("[A-Za-z0-9+/_=-]{12,80}", 1..20),
        plants in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..8, any::<u64>(), "[ -~é]{0,40}"), 0..12),
        cuts in prop::collection::vec(1_usize..5000, 0..6),
    ) {
        let scrubber = Arc::new(Scrubber::new(secrets.iter().map(String::as_str)).unwrap());
        let mut text = String::new();
        for (which, form, mask, between) in &plants {
            text.push_str(between);
            text.push_str(" \"");
            text.push_str(&planted(&secrets[which.index(secrets.len())], *form, *mask));
            text.push_str("\" ");
        }
        let whole = scrubber.scrub(text.as_bytes());
        for secret in &secrets {
            prop_assert!(!traces(secret, &whole), "{secret} in {}", String::from_utf8_lossy(&whole));
        }
        let (out, replaced) = streamed(&scrubber, text.as_bytes(), &cuts);
        prop_assert_eq!(&*whole, &out[..]);
        prop_assert!(replaced as usize >= plants.len());
    }

    #[test]
    fn what_holds_no_secret_passes_unchanged(text in prop::collection::vec(any::<u8>(), 0..20_000), cut in 1_usize..9000) {
        let scrubber = Arc::new(Scrubber::new(["not-in-there-ever", "nor-this-one-at-all"]).unwrap());
        let (out, replaced) = streamed(&scrubber, &text, &[cut]);
        prop_assert_eq!(out, text);
        prop_assert_eq!(replaced, 0);
    }

    #[test]
    fn raw_secrets_in_dense_text_against_a_simple_search(
        secrets in prop::collection::vec("[ab]{12,14}", 1..4),
        text in "[ab%\\\\u0]{0,12000}",
        cut in 1_usize..4000,
        end in 0_usize..15,
    ) {
        let scrubber = Arc::new(Scrubber::new(secrets.iter().map(String::as_str)).unwrap());
        let (out, _) = streamed(&scrubber, text.as_bytes(), &[cut]);
        prop_assert_eq!(&*scrubber.scrub(text.as_bytes()), &out[..]);
        // Of a text with no escapes: the spans of every occurrence, overlapping ones as one.
        let mut plain: String = text.chars().filter(|c| "ab".contains(*c)).collect();
        plain.push_str(&secrets[0][..end.min(secrets[0].len())]);
        // One that is cut off by the end counts from twelve bytes on.
        let lengths: Vec<usize> = (0..plain.len())
            .map(|at| secrets.iter().filter_map(|secret| found(secret, &plain[at..])).max().unwrap_or(0))
            .collect();
        let (mut expected, mut until) = (String::new(), 0);
        for (at, byte) in plain.bytes().enumerate() {
            if lengths[at] > 0 && at >= until {
                expected.push_str(MARKER);
            }
            until = until.max(at + lengths[at]);
            if at >= until {
                expected.push(byte as char);
            }
        }
        let scrubbed = scrubber.scrub(plain.as_bytes());
        prop_assert_eq!(String::from_utf8_lossy(&scrubbed), expected);
    }
}

#[test]
fn one_byte_at_a_time_and_the_holding_back_is_bounded() {
    let secret = "dwk_p_3Nf0aQ9ZbX2k_abcdefghijklmnopqrstuvwxyz0123456789ABCDEF";
    let scrubber = Arc::new(Scrubber::new([secret]).unwrap());
    let text = format!(
        "{} {secret} {}",
        "x%".repeat(9000),
        percent(secret, u64::MAX)
    );
    let mut scrubbing = Scrubbing::new(Arc::clone(&scrubber));
    let (mut out, mut fed) = (Vec::new(), 0);
    for byte in text.as_bytes() {
        scrubbing.feed(&[*byte], &mut out);
        fed += 1;
        assert!(fed - out.len() <= scrubbing.holds_at_most() + 2 * 300);
    }
    assert_eq!(scrubbing.finish(&mut out), 2);
    let expected = format!("{} {MARKER} {MARKER}", "x%".repeat(9000));
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn json_stays_json() {
    let secret = "/secret/with/slashes";
    let scrubber = Scrubber::new([secret]).unwrap();
    for text in [
        r#"{"a":"\/secret\/with\/slashes\""}"#,
        r#"{"a":"\\/secret/with/slashes"}"#,
    ] {
        let out = scrubber.scrub(text.as_bytes());
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert!(value["a"].as_str().unwrap().starts_with(MARKER), "{value}");
    }
}

#[test]
fn a_secret_with_backslashes_and_percent_signs() {
    let secret = r#"a\b%41"c\u0041-tail-tail"#;
    let scrubber = Scrubber::new([secret]).unwrap();
    let escaped = serde_json::to_string(&format!("<{secret}>")).unwrap();
    assert_eq!(
        &*scrubber.scrub(format!("<{secret}>").as_bytes()),
        format!("<{MARKER}>").as_bytes()
    );
    let left = scrubber.scrub(escaped.as_bytes());
    assert_eq!(String::from_utf8_lossy(&left), format!("\"<{MARKER}>\""));
}

#[test]
fn what_can_not_be_looked_for_is_refused() {
    assert_eq!(
        Scrubber::new(["eleven-byte"]).unwrap_err(),
        VeilError::SecretLength(11)
    );
    assert_eq!(
        Scrubber::new([&*"x".repeat(4097)]).unwrap_err(),
        VeilError::SecretLength(4097)
    );
    let none = Arc::new(Scrubber::new([]).unwrap());
    assert_eq!(streamed(&none, b"anything", &[3]).0, b"anything");
    let shown = format!("{:?}", Scrubber::new(["a-secret-of-mine"]).unwrap());
    assert_eq!(shown, "Scrubber");
}

/// A client key and the text of it.
fn client_key(seed: u8) -> String {
    let mut random = [0; ClientKey::RANDOM_LEN];
    for (byte, n) in random.iter_mut().zip(0_u8..) {
        *byte = n.wrapping_mul(31).wrapping_add(seed).wrapping_mul(seed | 1);
    }
    let environments = [
        Environment::Development,
        Environment::Staging,
        Environment::Production,
    ];
    let environment = environments[usize::from(seed) % 3];
    ClientKey::generate(environment, &random)
        .expose()
        .to_owned()
}

proptest! {
    #[test]
    fn client_keys_are_known_by_their_form(
        seed: u8,
        form in 0_u8..8,
        mask: u64,
        before in "[ -~é]{0,20}",
        after in "[ -~é]{0,20}",
        cuts in prop::collection::vec(1_usize..60, 0..20),
    ) {
        let key = client_key(seed);
        let scrubber = Arc::new(Scrubber::new(["0123456789abcdef"]).unwrap());
        // What is beside it must not look like more of its base64, or the end of an escape.
        let text = format!("{before}\"{}\"{after}", planted(&key, form, mask));
        let (out, replaced) = streamed(&scrubber, text.as_bytes(), &cuts);
        prop_assert_eq!(replaced, 1, "{}", text);
        prop_assert!(!traces(&key[6..], &out), "{}", String::from_utf8_lossy(&out));
        prop_assert_eq!(out, scrubber.scrub(text.as_bytes()).into_owned());
    }
}

#[test]
fn what_only_resembles_a_client_key_passes() {
    let scrubber = Arc::new(Scrubber::new([]).unwrap());
    let mut wrong = client_key(3);
    let last = wrong.pop().unwrap();
    let other = wrong.replace("dwk_", "dwx_");
    wrong.push(if last == 'a' { 'b' } else { 'a' });
    for text in [
        wrong.clone(),
        other,
        "dwk_".to_owned(),
        STANDARD.encode(&wrong),
    ] {
        assert_eq!(scrubber.scrub(text.as_bytes()), text.as_bytes());
        assert_eq!(
            streamed(&scrubber, text.as_bytes(), &[3]).0,
            text.as_bytes()
        );
    }
    // One that begins within what resembles one.
    let nested = format!("dwk_p_dwk_{}", client_key(3));
    assert_eq!(
        scrubber.scrub(nested.as_bytes()),
        &b"dwk_p_dwk_[removed]"[..]
    );
}

#[test]
fn a_stream_goes_on_up_to_where_it_can_be_cut() {
    let scrubber = Arc::new(Scrubber::new(["a-secret+of/ours"]).unwrap());
    let (mut scrubbing, mut out) = (Scrubbing::new(scrubber), Vec::new());
    scrubbing.feed(br#"{"first":1,"next":"a-secr"#, &mut out);
    assert_eq!(out, br#"{"first":1,"next":""#);
    scrubbing.feed(br#"et+of/ours"}"#, &mut out);
    assert_eq!(out, br#"{"first":1,"next":"[removed]"}"#);
    assert_eq!(scrubbing.finish(&mut out), 1);
}

#[test]
fn a_backslash_before_the_last_letters_hides_nothing() {
    let scrubber = Arc::new(Scrubber::new(["a-secret-of-ours-u0"]).unwrap());
    for text in ["a-secret-of-ours-\\u0", "a-secret-of-ours-\\u0\" and more"] {
        assert!(scrubber.scrub(text.as_bytes()).starts_with(b"[removed]"));
        let (out, replaced) = streamed(&scrubber, text.as_bytes(), &[20, 1]);
        assert!(out.starts_with(b"[removed]") && replaced == 1, "{text}");
    }
}

proptest! {
    #[test]
    fn what_the_end_cuts_off_does_not_pass(
        which in 0_usize..2,
        form in 0_u8..5,
        mask: u64,
        keep in 30_usize..60,
        before in "[ -~]{0,20}",
        cuts in prop::collection::vec(1_usize..60, 0..20),
    ) {
        let secret = [client_key(9), "An0ther+Secret/of=ours".repeat(3)][which].clone();
        let scrubber = Arc::new(Scrubber::new(["An0ther+Secret/of=ours".repeat(3).as_str()]).unwrap());
        let whole = planted(&secret, form, mask);
        let text = format!("{before}\"{}", &whole[..keep.min(whole.len() - 1)]);
        let (out, _) = streamed(&scrubber, text.as_bytes(), &cuts);
        prop_assert_eq!(&out, &*scrubber.scrub(text.as_bytes()));
        // Fewer than twelve characters are left of it, whatever the form.
        let left = String::from_utf8_lossy(&out).into_owned();
        if form == 0 {
            prop_assert!(left.ends_with("\"[removed]"), "{}", left);
        }
        let plain = whole.len() == secret.len();
        prop_assert!(!plain || !left.contains(&secret[..12]), "{}", left);
    }
}
