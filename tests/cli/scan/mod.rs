//! `doorward scan`: what a person, a pipeline and a hook see of it.

mod counts;
mod forms;
mod git;
mod hooks;
mod keys;
mod rules;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use doorward_scan::generate::{Source, fill};
use serde_json::Value;

use crate::harness::{Ran, doorward};

/// A key that looks like a real one and opens nothing; another for each number.
pub(crate) fn key(number: u64) -> String {
    fill("{upstream_key}", &mut Source::new(number))
}

/// Runs `doorward scan` with a home of its own, as somebody who never configured anything.
pub(crate) fn scan(folder: &Path, arguments: &[&str]) -> Ran {
    scan_with(folder, arguments, &[], None)
}

/// The same with variables in its environment, and something piped in.
pub(crate) fn scan_with(
    folder: &Path,
    arguments: &[&str],
    variables: &[(&str, &str)],
    input: Option<&str>,
) -> Ran {
    let mut command = doorward(folder);
    command
        .arg("scan")
        .args(arguments)
        .env("XDG_CACHE_HOME", folder.join("cache-of-the-test"))
        .envs(variables.iter().copied());
    let Some(input) = input else {
        return Ran::of(command.output().unwrap());
    };
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    Ran::of(child.wait_with_output().unwrap())
}

/// Writes a file, and the folders that it is in.
pub(crate) fn put(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// The findings of a report in JSON.
#[track_caller]
pub(crate) fn findings(ran: &Ran) -> Vec<Value> {
    ran.json()["findings"].as_array().unwrap().clone()
}

/// A value that a finding names.
pub(crate) fn evidence<'v>(finding: &'v Value, name: &str) -> Option<&'v str> {
    let all = finding["evidence"].as_array()?;
    let found = all.iter().find(|pair| pair[0] == name)?;
    found[1].as_str()
}

#[test]
fn a_key_in_a_folder_is_told_masked_with_its_place_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let key = key(1);
    let line = format!("  headers: {{ Authorization: `Bearer {key}` }},");
    put(folder.path(), "src/sync.js", &format!("// sync\n{line}\n"));
    put(folder.path(), "README.md", "Nothing to see.\n");
    let told = scan(folder.path(), &[]).ended(1);
    assert!(
        !told.stdout.contains(&key) && !told.stderr.contains(&key),
        "{told:?}"
    );
    for part in [
        "critical",
        "Instantly API key",
        "src/sync.js:2:",
        "1 found: 1 critical",
        "--verify",
    ] {
        assert!(told.stdout.contains(part), "{part}: {}", told.stdout);
    }
    assert!(told.stderr.contains("2 files"), "{}", told.stderr);

    // The same place, whatever it is called.
    let whole = folder.path().to_str().unwrap();
    for typed in [
        &["."][..],
        &[whole],
        &["src/sync.js"],
        &["src", "README.md"],
    ] {
        let mut arguments = typed.to_vec();
        arguments.push("--json");
        let found = findings(&scan(folder.path(), &arguments).ended(1));
        assert_eq!(found.len(), 1, "{typed:?}");
        let place = &found[0]["places"][0]["file"];
        let path = place["path"].as_str().unwrap();
        assert!(
            path == "src/sync.js" || typed == [whole],
            "{typed:?}: {path}"
        );
        assert_eq!(place["line"], 2);
        let column = line.find(&key).unwrap() + 1;
        assert_eq!(place["column"], column);
        assert_eq!(place["end_column"], column + key.len());
        assert!(place["excerpt"].as_str().unwrap().contains("Authorization"));
    }
    // Said so, it is shown.
    let shown = scan(folder.path(), &["--reveal"]).ended(1);
    assert!(shown.stdout.contains(&key));
}

#[test]
fn nothing_found_is_0_and_what_can_not_be_looked_at_is_2() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "a.txt", "nothing\n");
    let told = scan(folder.path(), &[]).ended(0);
    assert_eq!(told.stdout, "nothing found\n");
    assert_eq!(scan(folder.path(), &["--quiet"]).ended(0).stderr, "");
    for (typed, says) in [
        (&["missing"][..], "missing"),
        (&["--only", "no.such"], "scan rules list"),
        (&["--skip", "no.such"], "scan rules list"),
        (&["--baseline", "missing"], "--write-baseline"),
        (&["--allow-file", "missing"], "missing"),
        (&["--exclude", "a[z-a]"], "exclude"),
        (&["--rules", "."], ".toml"),
        (&["--finding", "zz"], "fingerprint"),
        (&["--respond"], "data folder"),
        (&["--record"], "data folder"),
        (&["--max-file-size", "big"], "50MB"),
        (&["-", "a.txt"], "alone"),
    ] {
        let told = scan(folder.path(), typed).ended(2);
        assert!(told.stderr.contains(says), "{typed:?}: {}", told.stderr);
    }
    // An archive that is none is told; only --strict ends by it.
    fs::write(folder.path().join("broken.zip"), b"PK\x03\x04 and no more").unwrap();
    let told = scan(folder.path(), &[]).ended(0);
    assert!(
        told.stderr.contains("not looked at: broken.zip"),
        "{}",
        told.stderr
    );
    scan(folder.path(), &["--strict"]).ended(2);
}

#[test]
fn standard_input_is_read_and_files_that_are_ignored_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let key = key(2);
    let log = format!("GET /api/v2/leads\nauthorization: Bearer {key}\n");
    for typed in ["-", "--stdin"] {
        let told = scan_with(folder.path(), &[typed, "--json"], &[], Some(&log)).ended(1);
        let found = findings(&told);
        assert_eq!(found[0]["places"][0]["file"]["path"], "-");
        assert_eq!(found[0]["places"][0]["file"]["line"], 2);
        // What is gone can't be scanned again.
        assert!(found[0]["remedy"]["command"].is_null(), "{found:#?}");
    }
    put(folder.path(), ".gitignore", "build/\n");
    put(folder.path(), "build/out.js", &log);
    put(folder.path(), ".env", &format!("INSTANTLY_API_KEY={key}\n"));
    let places = |arguments: &[&str]| {
        let found = findings(&scan(folder.path(), arguments).ended(1));
        found[0]["places"].as_array().unwrap().len()
    };
    assert_eq!(places(&["--json"]), 1);
    assert_eq!(places(&["--json", "--no-ignore"]), 2);
    assert_eq!(places(&["--json", "--no-ignore", "--exclude", "build/"]), 1);
    assert_eq!(places(&["--json", "--no-ignore", "--only", "instantly"]), 2);
    scan(folder.path(), &["--no-ignore", "--skip", "instantly"]).ended(0);
    scan(folder.path(), &["--max-file-size", "10"]).ended(0);
}

#[test]
fn one_secret_in_many_places_is_one_finding_by_the_same_name_wherever_it_moves() {
    let folder = tempfile::tempdir().unwrap();
    let key = key(3);
    put(folder.path(), "a/one.js", &format!("k('{key}')\n"));
    put(
        folder.path(),
        "b/two.py",
        &format!("\n\nK = \"{}\"\n", key.trim_end_matches('=')),
    );
    let found = findings(&scan(folder.path(), &["--json"]).ended(1));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0]["places"].as_array().unwrap().len(), 2);
    assert_eq!(evidence(&found[0], "places"), Some("2"));
    let print = found[0]["fingerprint"].as_str().unwrap().to_owned();

    let moved = tempfile::tempdir().unwrap();
    put(
        moved.path(),
        "c/three.yml",
        &format!("# moved\n\nkey: {key}\n"),
    );
    let again = findings(&scan(moved.path(), &["--json"]).ended(1));
    assert_eq!(again[0]["fingerprint"], print.as_str());
    let one = ["--finding", &print[..12], "--json"];
    assert_eq!(findings(&scan(moved.path(), &one).ended(1)).len(), 1);
}
