//! Instantly's keys by the thousand, in the places that they are found in; and what looks like one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_scan::generate::{Source, fill};
use doorward_scan::{Detectors, Engine, Limits};

use crate::{engine, found, scan};

/// Where people leave such keys; `{cut}` is the key without its padding.
const CONTEXTS: &[&str] = &[
    "fetch(url, { headers: { Authorization: `Bearer {key}` } })",
    "fetch(url, { headers: { 'Authorization': 'Bearer ' + '{key}' } })",
    "curl -H \"Authorization: Bearer {key}\" https://api.instantly.ai/api/v2/campaigns",
    "{\"mcpServers\": {\"instantly\": {\"url\": \"https://mcp.instantly.ai/mcp/{key}\"}}}",
    "https://mcp.instantly.ai/mcp/{cut}/sse",
    "claude mcp add instantly --transport http https://mcp.instantly.ai/mcp/{cut}",
    "\"x-instantly-api-key\": \"{key}\"",
    "My key is {key} (keep it safe).",
    "[10/Oct/2026:13:55:36 +0000] \"GET /?api_key={cut}%3D%3D HTTP/1.1\" 200",
    "\"source\": [\"client = Instantly(api_key=\\\"{key}\\\")\\n\"]",
    "{\"name\":\"Authorization\",\"value\":\"Bearer {key}\"}",
    "{\"key\": \"token\", \"value\": \"{key}\", \"type\": \"string\"}",
    "INSTANTLY_API_KEY={key}",
    "      - INSTANTLY_API_KEY={cut}",
    "instantly:\n  key: >-\n    {key}\n",
    "<add key=\"Instantly\" value=\"{key}\" />",
    "INSERT INTO settings VALUES (1, '{key}', now());",
    "a,b,{key},2026",
    "https:\\/\\/mcp.instantly.ai\\/mcp\\/{key}",
    "token={cut}\\u003d\\u003d",
    "key {key}\tkey",
    "!function(){var e=\"{key}\",t=n(3)}();",
    "`{key}`",
];

#[test]
fn twenty_thousand_keys_are_all_found() {
    let engine = engine();
    let mut scratch = engine.scratch();
    let mut source = Source::new(20_000);
    for round in 0..20_000 {
        let key = fill("{upstream_key}", &mut source);
        let context = CONTEXTS[round % CONTEXTS.len()];
        let text = context
            .replace("{key}", &key)
            .replace("{cut}", key.trim_end_matches('='));
        let scanned = engine.scan(&mut scratch, None, text.as_bytes());
        let values = found(&engine, &scanned);
        let one = [("instantly.upstream-key".to_owned(), key)];
        assert_eq!(values, one, "{text}");
    }
}

#[test]
fn of_two_hundred_thousand_look_alikes_at_most_two_are_taken_for_keys() {
    let detectors = Detectors::builtin().only(&["instantly.upstream-key"]);
    let engine = Engine::new(detectors.expect("it is there"), Limits::default());
    let mut scratch = engine.scratch();
    let mut source = Source::new(200_000);
    let mut text = String::new();
    let mut count = 0;
    let mut hits = 0;
    for round in 0..200_000_u64 {
        let like = match round % 8 {
            0 => fill("{rand:base64:66}==", &mut source),
            1 => STANDARD.encode(fill("{uuid}", &mut source)),
            2 => STANDARD.encode(fill("{uuid}{uuid}", &mut source)),
            3 => fill("{rand:hex:40} {rand:hex:64}", &mut source),
            4 => fill("integrity=sha512-{rand:base64:86}==", &mut source),
            5 => STANDARD.encode(fill("{uuid_upper}:{rand:base62:12}", &mut source)),
            6 => STANDARD.encode(fill("{uuid}:{uuid}", &mut source)),
            _ => STANDARD.encode(fill("{rand:hex:36}:{rand:base62:12}", &mut source)),
        };
        text.push_str(&like);
        text.push('\n');
        if text.len() > 60_000 {
            hits += engine.scan(&mut scratch, None, text.as_bytes()).hits.len();
            text.clear();
        }
        count += 1;
    }
    hits += engine.scan(&mut scratch, None, text.as_bytes()).hits.len();
    assert_eq!(count, 200_000);
    assert!(hits <= 2, "{hits}");
}

#[test]
fn places_are_told_by_line_and_character() {
    let engine = engine();
    let key = fill("{upstream_key}", &mut Source::new(3));
    let text = format!("one\r\nzwei é ü {key} and\nthree\n  {key}\n");
    let scanned = scan(&engine, "a.txt", text.as_bytes());
    let places: Vec<_> = scanned
        .hits
        .iter()
        .map(|hit| (hit.line, hit.column, hit.end_column))
        .collect();
    assert_eq!(places, [(2, 10, 78), (4, 3, 71)]);
    for hit in &scanned.hits {
        assert_eq!(&text[hit.range.clone()], key);
    }
    assert!(scanned.hits[0].excerpt.starts_with("zwei é ü "));
    assert!(scanned.hits[0].excerpt.ends_with(" and"));
}

#[test]
fn two_secrets_of_a_line_are_both_found_and_both_masked() {
    let engine = engine();
    let key = fill("{upstream_key}", &mut Source::new(1));
    let other = fill("{upstream_key}", &mut Source::new(2));
    let text = format!(
        "from {key} to {other} and {{\"p\": \"{}\"}}",
        STANDARD.encode(&key)
    );
    let scanned = scan(&engine, "a.txt", text.as_bytes());
    assert_eq!(scanned.hits.len(), 3);
    for hit in &scanned.hits {
        for secret in [&key, &other] {
            assert!(!hit.excerpt.contains(&secret[6..30]), "{}", hit.excerpt);
            assert!(
                !hit.excerpt.contains(&STANDARD.encode(secret)[10..40]),
                "{}",
                hit.excerpt
            );
        }
    }
}

#[test]
fn a_value_that_is_no_hit_a_second_time_is_masked_too() {
    let engine = engine();
    let password = fill("{rand:base62:16}", &mut Source::new(3));
    let url = format!("smtp://bot:{password}@smtp.acme.com");
    let text = format!("x{url} and {url}");
    let scanned = scan(&engine, "a", text.as_bytes());
    assert_eq!(scanned.hits.len(), 1);
    assert!(!scanned.hits[0].excerpt.contains(&password));
}

#[test]
fn comments_allow() {
    let engine = engine();
    let key = fill("{upstream_key}", &mut Source::new(4));
    let allow = |text: &str| {
        let scanned = scan(&engine, "a.py", text.as_bytes());
        assert_eq!(scanned.hits.len(), 1, "{text}");
        scanned.hits[0].allowed.clone()
    };
    assert_eq!(allow(&format!("key = '{key}'")), None);
    let full = allow(&format!(
        "key = '{key}'  # doorward:allow[instantly.upstream-key] dead since May until 2027-01-31"
    ));
    let full = full.expect("it allows");
    assert_eq!(full.detectors, ["instantly.upstream-key"]);
    assert_eq!(full.reason, "dead since May");
    assert_eq!(full.until.as_deref(), Some("2027-01-31"));
    let before = allow(&format!("<!-- doorward:allow a test -->\n{key}\n")).expect("it allows");
    assert_eq!((before.reason.as_str(), before.until), ("a test", None));
    // Of code, only what stands on the same line.
    assert_eq!(allow(&format!("x = 1  # doorward:allow no\n{key}\n")), None);
}
