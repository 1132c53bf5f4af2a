//! Detectors of one's own: read, refused, chosen, and where they look.

use doorward_scan::{Detectors, Engine, Limits};

use crate::{engine, found};

const ACME: &str = r#"
id = "acme.key"
title = "Acme key"
severity = "high"
why = "Whoever has it orders in our name."
remedy = "Make another."
keywords = ["acme_"]
pattern = '(?<secret>acme_[a-z0-9]{20})'
entropy = 2.5
paths = ["*.env", "config/**"]
not_paths = ["**/tests/**"]
examples = ['KEY=acme_{rand:lower36:20}']
negatives = ['acme_short']
"#;

fn acme() -> Engine {
    let detectors =
        Detectors::load(&[("acme.toml", ACME)]).unwrap_or_else(|said| panic!("{said:?}"));
    let (detectors, faults) = detectors.self_check();
    assert!(faults.is_empty(), "{faults:?}");
    Engine::new(detectors, Limits::default())
}

fn faults(text: &str) -> Vec<String> {
    let said = Detectors::load(&[("a.toml", text)]).expect_err("it is wrong");
    assert!(said.iter().all(|fault| fault.file == "a.toml"));
    said.into_iter().map(|fault| fault.what).collect()
}

#[test]
fn a_detector_looks_in_the_files_it_names() {
    let engine = acme();
    let text = b"KEY=acme_k3jd92mxq0pzlw81ab4c\n";
    let mut scratch = engine.scratch();
    let mut hits = |name: Option<&str>| engine.scan(&mut scratch, name, text).hits;
    for (path, expected) in [
        (".env", true),
        ("a/b/prod.env", true),
        ("config/deep/a.yml", true),
        ("config/tests/a.env", false),
        ("src/main.rs", false),
    ] {
        assert_eq!(hits(Some(path)).len(), usize::from(expected), "{path}");
    }
    // A blob of a history has no path yet: it is asked of the hit later.
    let blob = hits(None);
    assert!(engine.stands_at(&blob[0], ".env") && !engine.stands_at(&blob[0], "src/main.rs"));
}

#[test]
fn all_that_is_wrong_with_a_file_is_told_at_once() {
    let wrong = ACME
        .replace("acme.key", "Acme")
        .replace("\"high\"", "\"awful\"")
        .replace("{20}", "+")
        .replace("entropy = 2.5", "entropy = 2.5\nchecks = [\"luck\"]");
    let said = faults(&wrong).join("\n");
    for part in [
        "area.name",
        "info, low",
        "no longest match",
        "there is no check \"luck\"",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn what_no_detector_can_be_is_refused() {
    for (change, to, says) in [
        ("keywords = [\"acme_\"]", "", "needs keywords"),
        ("[\"acme_\"]", "[\"ac\"]", "at least 3"),
        (
            "pattern = '(?<secret>acme_[a-z0-9]{20})'",
            "",
            "either a pattern or a shape",
        ),
        ("{20}", "{20}(", "unclosed group"),
        ("{20}", "{2000}", "1024"),
        ("acme_[a-z0-9]{20}", "a?", "fewer than 4"),
        (
            "negatives = ['acme_short']",
            "negatives = []",
            "examples and of negatives",
        ),
        ("entropy", "entropie", "unknown field"),
        ("entropy = 2.5", "within = 9999", "within is at most"),
        ("entropy = 2.5", "near = [\"Acme\"]", "lower case"),
        ("entropy = 2.5", "at = \"end\"", "at is"),
        ("entropy = 2.5", "extend = \"line\"", "extend is"),
        ("title = \"Acme key\"\n", "", "title"),
    ] {
        let said = faults(&ACME.replace(change, to)).join("\n");
        assert!(said.contains(says), "{says}: {said}");
    }
}

#[test]
fn examples_that_do_not_come_out_are_told() {
    let wrong = ACME
        .replace("'acme_short'", "'acme_{rand:lower36:20}'")
        .replace("'KEY=acme_", "'KEY=ACME_");
    let (_, said) = Detectors::load(&[("a.toml", wrong)])
        .expect("it is read")
        .self_check();
    let said: Vec<String> = said.into_iter().map(|fault| fault.what).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("nothing in its example") && said[1].contains("in its negative"));
}

#[test]
fn detectors_are_joined_and_chosen_by_id_and_area() {
    let own = || Detectors::load(&[("a.toml", ACME)]).expect("it is read");
    let count = Detectors::builtin().len();
    let both = Detectors::builtin().and(own()).expect("no id twice");
    assert_eq!(both.len(), count + 1);
    assert!(
        own()
            .and(own())
            .is_err_and(|said| said[0].what.contains("acme.key"))
    );
    let chosen = both.only(&["acme.key", "github"]).expect("they are there");
    let ids: Vec<&str> = chosen.rules().map(|rule| rule.id()).collect();
    assert_eq!(
        ids,
        ["github.fine-grained-token", "github.token", "acme.key"]
    );
    assert_eq!(chosen.only(&["gitlab", "acme"]).unwrap_err(), ["gitlab"]);
}

#[test]
fn a_version_is_that_of_detectors_and_limits() {
    let whole = engine().version();
    assert_eq!(whole, engine().version());
    let fewer = Detectors::builtin()
        .only(&["instantly"])
        .expect("they are there");
    assert_ne!(whole, Engine::new(fewer, Limits::default()).version());
    let limits = Limits {
        depth: 1,
        ..Limits::default()
    };
    assert_ne!(whole, Engine::new(Detectors::builtin(), limits).version());
}

#[test]
fn a_hit_of_two_detectors_is_told_once_by_the_surer_one() {
    let engine = engine();
    let mut source = doorward_scan::generate::Source::new(6);
    for (template, id) in [
        ("INSTANTLY_API_KEY={upstream_key}", "instantly.upstream-key"),
        ("X-N8N-API-KEY: {jwt}", "n8n.api-key"),
        ("INSTANTLY_TOKEN={client_key}", "doorward.client-key"),
    ] {
        let text = doorward_scan::generate::fill(template, &mut source);
        let told = found(&engine, &crate::scan(&engine, "a", text.as_bytes()));
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].0, id);
    }
}
