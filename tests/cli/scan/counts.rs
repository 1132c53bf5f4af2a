//! What counts: allowances of lines and files, and baselines.

use std::fs;

use serde_json::Value;

use super::{evidence, findings, key, put, scan};

fn standing(finding: &Value) -> &str {
    match &finding["standing"] {
        Value::String(word) => word,
        other => other.as_object().unwrap().keys().next().unwrap(),
    }
}

#[test]
fn a_line_says_why_it_is_all_right_and_until_when() {
    let folder = tempfile::tempdir().unwrap();
    let line = |says: &str| format!("key = \"{}\"  # {says}\n", key(10));
    let counts = |says: &str| {
        put(folder.path(), "a.py", &line(says));
        let told = scan(folder.path(), &["--json"]);
        let found = findings(&told);
        let said = evidence(&found[0], "allowance")
            .unwrap_or_default()
            .to_owned();
        (told.code, standing(&found[0]).to_owned(), said)
    };
    let (code, stands, _) = counts("doorward:allow made up for the tests until 2999-01-01");
    assert_eq!((code, stands.as_str()), (0, "muted"));
    let (code, stands, said) = counts("doorward:allow made up until 2020-01-01");
    assert_eq!((code, stands.as_str()), (1, "open"));
    assert!(
        said.contains("until 2020-01-01") && said.contains("counts again"),
        "{said}"
    );
    for unfit in [
        "doorward:allow",
        "doorward:allow because",
        "doorward:allow until 2999-01-01",
    ] {
        let (code, _, said) = counts(unfit);
        assert_eq!(code, 1, "{unfit}");
        assert!(said.contains("until YYYY-MM-DD"), "{unfit}: {said}");
    }
    counts("doorward:allow made up until 2999-01-01");
    scan(folder.path(), &["--no-allow"]).ended(1);
}

#[test]
fn a_file_says_which_places_are_all_right() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    put(path, "tests/fixtures/a.js", &format!("k('{}')\n", key(11)));
    put(path, "src/a.js", &format!("k('{}')\n", key(12)));
    let rule = |until: &str, more: &str| {
        let text = format!(
            "[[allow]]\npaths = [\"tests/fixtures/\"]\nreason = \"made up\"\nowner = \"ada@example.com\"\n\
             until = \"{until}\"\n{more}"
        );
        put(path, ".doorward-scan.toml", &text);
    };
    rule("2999-01-01", "");
    let found = findings(&scan(path, &["--json"]).ended(1));
    let by_path = |path: &str| {
        let mut all = found.iter();
        all.find(|one| one["places"][0]["file"]["path"] == path)
            .unwrap()
    };
    assert_eq!(standing(by_path("src/a.js")), "open");
    let muted = by_path("tests/fixtures/a.js");
    assert_eq!(muted["standing"]["muted"]["owner"], "ada@example.com");
    let told = scan(path, &[]).ended(1);
    assert!(
        told.stdout.contains("1 found: 1 critical; 1 allowed"),
        "{}",
        told.stdout
    );
    // From a folder below, the file above it holds as well.
    scan(path, &["tests"]).ended(0);
    // Said by another file, or by none.
    scan(path, &["tests", "--no-allow"]).ended(1);
    fs::rename(path.join(".doorward-scan.toml"), path.join("other.toml")).unwrap();
    scan(path, &["tests"]).ended(1);
    // Its paths are told relative to what is scanned.
    scan(
        path,
        &[".", "--allow-file", "other.toml", "--exclude", "src/"],
    )
    .ended(0);

    rule("2020-01-01", "");
    let told = scan(path, &[]).ended(1);
    assert!(
        told.stdout
            .contains("allowed until 2020-01-01 by ada@example.com"),
        "{}",
        told.stdout
    );
    rule("2999-01-01", "who = \"?\"\n");
    let told = scan(path, &[]).ended(2);
    assert!(told.stderr.contains("who"), "{}", told.stderr);
}

#[test]
fn a_baseline_holds_what_was_there_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (old, new) = (key(13), key(14));
    put(path, "src/a.js", &format!("k('{old}')\n"));
    scan(path, &["src", "--write-baseline", "known.json"]).ended(0);
    let text = fs::read_to_string(path.join("known.json")).unwrap();
    assert!(
        !text.contains(&old) && text.contains("instantly.upstream-key"),
        "{text}"
    );
    let against = ["src", "--baseline", "known.json"];
    let told = scan(path, &against).ended(0);
    assert!(
        told.stdout.contains("1 known from before"),
        "{}",
        told.stdout
    );
    // Moved, it is known still; another is not.
    fs::rename(path.join("src/a.js"), path.join("src/b.ts")).unwrap();
    scan(path, &against).ended(0);
    put(path, "src/c.js", &format!("k('{new}')\n"));
    let told = scan(path, &against).ended(1);
    assert!(
        told.stdout.contains("1 found") && told.stdout.contains("c.js:1"),
        "{}",
        told.stdout
    );
    // Written again against itself, it holds both.
    scan(
        path,
        &[
            "src",
            "--baseline",
            "known.json",
            "--write-baseline",
            "known.json",
        ],
    )
    .ended(0);
    scan(path, &against).ended(0);
    fs::write(path.join("known.json"), "[]").unwrap();
    scan(path, &against).ended(2);
}

#[test]
fn what_is_mild_fails_a_run_only_when_it_is_to() {
    let folder = tempfile::tempdir().unwrap();
    put(
        folder.path(),
        "make.js",
        "client.apiKeys.create({ name: \"sync\", scopes: [\"all:all\"] })\n",
    );
    let found = findings(&scan(folder.path(), &["--json"]).ended(1));
    assert_eq!(found[0]["rule"], "instantly.wildcard-scope");
    assert_eq!(found[0]["severity"], "medium");
    scan(folder.path(), &["--fail-on", "medium"]).ended(1);
    scan(folder.path(), &["--fail-on", "high"]).ended(0);
    scan(folder.path(), &["--fail-on", "bad"]).ended(2);
}
