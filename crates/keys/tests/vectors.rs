//! Holds the code to the vectors in `docs/formats/client-key.md`.

#![cfg(test)]

use doorward_catalog::Environment;
use doorward_keys::{ClientKey, KeyFormatError, KeyHash, Pepper, authenticate};

const DOC: &str = include_str!("../../../docs/formats/client-key.md");

/// The lines of the `n`th fenced block after the heading "Vectors".
fn block(n: usize) -> Vec<&'static str> {
    let (_, vectors) = DOC.split_once("## Vectors").expect("the page has vectors");
    let fenced = vectors
        .split("```")
        .nth(2 * n + 1)
        .expect("the block is there");
    fenced.lines().skip(1).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2));
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap())
        .collect()
}

#[test]
fn every_key_of_the_page_is_made_read_and_found() {
    let lines = block(0);
    let vectors: Vec<&[&str]> = lines.split(|line| line.is_empty()).collect();
    assert_eq!(vectors.len(), 5);
    for vector in vectors {
        let field = |name: &str| {
            let (_, value) = vector
                .iter()
                .filter_map(|line| line.split_once(':'))
                .find(|(found, _)| *found == name)
                .unwrap_or_else(|| panic!("{name} in {vector:?}"));
            value.trim()
        };
        let environment = match field("environment") {
            "development" => Environment::Development,
            "staging" => Environment::Staging,
            "production" => Environment::Production,
            other => panic!("{other}"),
        };
        let mut random = unhex(field("id-random"));
        random.extend(unhex(field("secret-random")));
        let random: [u8; ClientKey::RANDOM_LEN] = random.try_into().unwrap();
        let pepper = Pepper::new(&unhex(field("pepper"))).unwrap();
        let hash: [u8; KeyHash::LEN] = unhex(field("hash")).try_into().unwrap();

        let key = ClientKey::generate(environment, &random);
        assert_eq!(key.expose(), field("key"));
        assert_eq!(key.id().as_str(), field("key-id"));
        assert_eq!(key.environment(), environment);
        assert_eq!(key.hash(&pepper).as_bytes(), &hash);
        assert_eq!(pepper.check_value(), field("pepper-check"));

        let stored = KeyHash::from_bytes(hash);
        let found = authenticate(&pepper, field("key"), |id| Some((stored, id)));
        assert_eq!(found, Ok((key.id(), key.id())));
    }
}

#[test]
fn every_refusal_of_the_page_is_refused_by_the_check_it_names() {
    let lines = block(1);
    let mut seen = std::collections::BTreeSet::new();
    for line in lines.iter().filter(|line| !line.is_empty()) {
        let (check, text) = line.split_once(':').unwrap();
        let refused = ClientKey::parse(text.trim()).expect_err(line);
        let named = match refused {
            KeyFormatError::Length(_) => "length",
            KeyFormatError::Prefix => "prefix",
            KeyFormatError::Environment => "environment",
            KeyFormatError::Alphabet => "alphabet",
            KeyFormatError::Checksum => "checksum",
            KeyFormatError::Range => "range",
            other => panic!("{other}"),
        };
        assert_eq!(named, check, "{line}");
        assert!(
            !refused.to_string().contains("egSzfdg3nsUZ"),
            "an error shows nothing of the key"
        );
        seen.insert(named);
    }
    assert_eq!(seen.len(), 6, "every check has a vector: {seen:?}");
}
