//! The table of attacks in docs/THREATS.md, held against the sources: what it says a test shows has to
//! have that test.

#![cfg(test)]

use std::fs;
use std::path::Path;

/// Attacks that the table has a row of its own for, by a word of each.
const ATTACKS: [&str; 30] = [
    "`Transfer-Encoding` with `Content-Length`",
    "two lengths",
    "folded",
    "bare line feeds",
    "chunk extensions",
    "bytes after the body",
    "`Connection` lines",
    "encoded dots and slashes",
    "Unicode",
    "Absolute form",
    "header injection",
    "Oversized",
    "Slow heads",
    "floods of frames",
    "rapid reset",
    "Decompression bombs",
    "Duplicate keys and deep JSON",
    "redirects elsewhere",
    "lies about the length",
    "DNS rebinding",
    "Private addresses",
    "unknown against revoked",
    "query string",
    "Log injection",
    "Forged deliveries",
    "sent again later",
    "Guessing secrets",
    "`X-Forwarded-For`",
    "subscription switched off",
    "Acknowledged and lost",
];

/// The rows of the table: the attack, and the tests that are named.
fn rows(text: &str, title: &str) -> Vec<(String, Vec<(String, String)>)> {
    let (_, section) = text.split_once(&format!("\n## {title}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let lines = section.lines().filter(|line| line.starts_with("| "));
    let rows = lines.skip(1).map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
        assert_eq!(cells.len(), 3, "{line}");
        let named = cells[2].split(',').map(|named| {
            let named = named.trim().trim_matches('`');
            let (file, test) = named.split_once("::").unwrap_or_else(|| panic!("{named}"));
            (file.to_owned(), test.to_owned())
        });
        (cells[0].trim().to_owned(), named.collect())
    });
    rows.collect()
}

#[test]
fn each_attack_has_a_test_that_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = fs::read_to_string(root.join("docs/THREATS.md")).unwrap();
    let mut rows = rows(&text, "Attacks on the gateway");
    rows.extend(self::rows(&text, "Attacks on the relay's door"));
    rows.extend(self::rows(
        &text,
        "Attacks on the relay's store and deliveries",
    ));
    for (attack, tests) in &rows {
        assert!(!tests.is_empty(), "{attack}");
        for (file, test) in tests {
            let source = fs::read_to_string(root.join(file));
            let source = source.unwrap_or_else(|why| panic!("{attack}: {file}: {why}"));
            let named = source.find(&format!("fn {test}("));
            let at = named.unwrap_or_else(|| panic!("{attack}: {file} has no {test}"));
            // Right above it stands that it is a test, or that proptest makes it one.
            let above = &source[..at];
            let marked = above.rsplit_once("#[").map_or("", |(_, above)| above);
            let is_test = marked.starts_with("test]") || marked.starts_with("tokio::test");
            assert!(
                is_test && !marked.contains('}'),
                "{attack}: {test} is no test"
            );
        }
    }
    for attack in ATTACKS {
        let rows = rows.iter().filter(|(row, _)| row.contains(attack));
        assert!(rows.count() > 0, "no row is about {attack}");
    }
}
