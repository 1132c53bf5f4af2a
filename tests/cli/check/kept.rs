//! Runs are kept, compared, and in the ledger.

use std::fs;

use super::{leaves, looked, open};
use crate::harness::Demo;

#[test]
fn a_run_tells_what_is_new_and_what_is_mended_since_another() {
    let demo = Demo::up();
    let project = demo.path().join("project");
    fs::create_dir(&project).unwrap();
    let repo = ["--only", "secrets", "--repo", "project"];
    let first = looked(&demo, &repo);
    assert!(
        first.get("since").is_none(),
        "there is nothing to compare with"
    );
    let prints = |run| -> Vec<String> {
        let found = open(run);
        let prints = found
            .iter()
            .map(|one| one["fingerprint"].as_str().unwrap().to_owned());
        prints.collect()
    };
    let before = prints(&first);
    // A key in a file that everybody reads.
    let key = demo.key("analytics-dashboard");
    fs::write(project.join(".env"), format!("DOORWARD_KEY={key}\n")).unwrap();
    let second = looked(&demo, &repo);
    let new = second["since"]["new"].as_array().unwrap();
    assert!(!new.is_empty(), "{second}");
    assert_eq!(
        new.len(),
        prints(&second)
            .iter()
            .filter(|one| !before.contains(one))
            .count()
    );
    assert_eq!(second["since"]["still"], before.len());
    assert!(
        !second.to_string().contains(&key),
        "the key is not in the report"
    );
    // One that does not look at it leaves it as it was.
    let other = looked(&demo, &["--only", "keys.no_owner"]);
    assert!(
        other["since"]["mended"].as_array().unwrap().is_empty(),
        "{other}"
    );
    fs::remove_file(project.join(".env")).unwrap();
    let third = looked(&demo, &repo);
    let mended = third["since"]["mended"].as_array().unwrap();
    assert_eq!(mended.len(), new.len(), "{third}");
    // Against a time before them all it is as if it had not been.
    let long = looked(&demo, &[&repo[..], &["--since", "30d"]].concat());
    assert!(long["since"]["mended"].as_array().unwrap().is_empty());
    assert_eq!(long["since"]["new"].as_array().unwrap().len(), before.len());

    let runs = demo.run(&["check", "history", "--json"]).ended(0).json();
    assert_eq!(runs.as_array().unwrap().len(), 5);
    assert!(
        runs.as_array()
            .unwrap()
            .iter()
            .all(|run| run["whole"] == false)
    );
    // The ledger has each run and each change.
    assert_eq!(leaves(&demo, "check.run").len(), 5);
    let changes = leaves(&demo, "check.finding");
    let state = |wanted: &str| {
        let of = changes
            .iter()
            .filter(|leaf| leaf["metadata"]["state"] == wanted);
        of.count()
    };
    assert_eq!(state("mended"), mended.len(), "{changes:?}");
    assert!(state("open") >= mended.len() + before.len());
}

#[test]
fn whole_runs_make_the_trend() {
    let demo = Demo::up();
    for _ in 0..2 {
        looked(&demo, &[]);
    }
    looked(&demo, &["--only", "keys"]);
    let third = looked(&demo, &[]);
    let trend = third["trend"].as_array().unwrap();
    assert_eq!(trend.len(), 3, "runs in part are not in it");
    assert_eq!(trend[2]["run"], third["run"]);
    assert!(
        trend
            .iter()
            .all(|one| one["score"] == third["score"]["score"])
    );
    let text = demo.run(&["check"]).ended(1).stdout;
    assert!(
        text.contains("(runs: ") && text.contains(" of 100"),
        "{text}"
    );
    let shown = demo
        .run(&["check", "history", "--last", "2"])
        .ended(0)
        .stdout;
    assert_eq!(shown.lines().count(), 3, "{shown}");
}
