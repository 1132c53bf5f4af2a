//! Reading the record: what is found, and what looking leaves behind.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Kept, files, lines, texts};
use crate::harness::{Demo, call, doorward, run};

#[test]
fn what_was_done_is_found_by_what_it_was() {
    let kept = Kept::new();
    let issued = kept.search(&["--action", "client_key.issue", "--result", "success"]);
    assert_eq!(issued.len(), 3);
    assert!(texts(&issued, "client").iter().all(|name| *name == "crm"));
    assert_eq!(kept.search(&["--operation", "client_key.issue"]).len(), 6);
    let failed = kept.search(&["--client", "nobody", "--result", "failure", "--since", "1h"]);
    assert_eq!(texts(&failed, "action"), ["client.delete"]);
    assert!(kept.search(&["--until", "1h"]).is_empty());
    assert!(
        kept.search(&["--workspace", "demo", "--kind", "state"])
            .is_empty()
    );
    let newest = kept.search(&["--limit", "2"]);
    let all = kept.search(&["--since", "1h"]);
    assert_eq!(newest, all[all.len() - 2..]);

    let shown = kept.run(&["audit", "search", "--client", "crm"]).ended(0);
    assert!(shown.stdout.contains("client_key.issue"), "{shown:#?}");
    let tail = kept.run(&["audit", "tail", "-n", "2"]).ended(0);
    assert_eq!(tail.stdout.lines().count(), 2);
    kept.run(&["audit", "search", "--kind", "nonsense"])
        .ended(2);
    kept.run(&["audit", "search", "--since", "yesterday"])
        .ended(2);
    kept.run(&["audit", "search", "--workspace", "none"])
        .ended(1);
}

#[test]
fn reading_leaves_no_trace_and_looking_at_people_does() {
    let kept = Kept::new();
    let seq = kept.search(&["--client", "crm"])[0]["seq"].to_string();
    let before = kept.search(&[]).len();
    kept.run(&["audit", "tail"]).ended(0);
    kept.run(&["audit", "show", &seq]).ended(0);
    kept.run(&["audit", "verify"]).ended(0);
    kept.run(&["audit", "review"]).ended(0);
    kept.run(&["audit", "checkpoint"]).ended(0);
    assert_eq!(kept.search(&[]).len(), before);

    let shown = kept
        .run(&["audit", "show", &seq, "--people", "--json"])
        .ended(0)
        .json();
    let user = shown["entry"]["user"].as_str().unwrap().to_owned();
    assert!(user.contains("uid "), "{user}");
    let looked = kept.search(&["--action", "audit.show"]);
    assert_eq!(texts(&looked, "result"), ["pending", "success"]);

    let found = kept.search(&["--person", &user, "--client", "crm"]);
    assert!(!found.is_empty());
    let searched = kept.search(&["--action", "audit.search", "--result", "success"]);
    let subject = searched[0]["metadata"]["subjects"][0].as_str().unwrap();
    assert!(subject.starts_with("sub_"), "{searched:?}");
    let nobody = kept
        .run(&["audit", "search", "--person", "nobody@example.com"])
        .ended(0);
    assert!(nobody.stdout.contains("nobody of that name"), "{nobody:#?}");
}

#[test]
fn calls_stand_in_it_with_who_what_and_why() {
    let demo = Demo::up();
    let key = demo.key("analytics-dashboard");
    for _ in 0..7 {
        assert_eq!(
            demo.call("GET", "/api/v2/campaigns", &key, None).status,
            200
        );
    }
    let campaign = "/api/v2/campaigns/019a0000-1111-7222-8333-444455556666";
    let refused = demo.call("DELETE", campaign, &key, None);
    for _ in 0..2 {
        assert_eq!(demo.call("DELETE", campaign, &key, None).status, 403);
    }
    let search = |arguments: &[&str]| {
        let all = [
            &[
                "audit",
                "search",
                "--json",
                "--client",
                "analytics-dashboard",
            ],
            arguments,
        ];
        lines(&demo.run(&all.concat()).ended(0))
    };
    // A read's record is on disk soon after its answer.
    let began = Instant::now();
    while search(&[]).len() < 10 && began.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(
        search(&["--result", "success", "--operation", "listCampaign"]).len(),
        7
    );
    let denied = search(&["--result", "refused"]);
    assert_eq!(texts(&denied, "reason"), ["scope_missing"; 3]);
    let tail = demo.run(&["audit", "tail", "--kind", "decision"]).ended(0);
    assert_eq!(
        tail.stdout.matches("refused 403  scope_missing").count(),
        3,
        "{tail:#?}"
    );

    // By the address it came from, and by the name that its answer had.
    assert_eq!(
        search(&["--person", "127.0.0.1", "--result", "refused"]).len(),
        3
    );
    let name = refused.header("doorward-request-id");
    let shown = demo.run(&["audit", "show", name, "--json"]).ended(0).json();
    assert_eq!(shown["entry"]["action"], "deleteCampaign", "{shown}");
    let clear = demo
        .run(&["audit", "show", name, "--json", "--people"])
        .ended(0)
        .json();
    assert_eq!(clear["entry"]["source_ip"], "127.0.0.1");

    let seq = shown["entry"]["seq"].to_string();
    demo.run(&["audit", "prove", &seq, "--output", "call.tlog-proof"])
        .ended(0);
    demo.run(&["audit", "verify", "call.tlog-proof"]).ended(0);
    let review = demo.run(&["audit", "review", "--json"]).ended(0).json();
    assert_eq!(review["counts"]["refusals"], 3, "{review}");
    assert_eq!(review["counts"]["unknown_addresses"], 1, "{review}");
}

#[test]
fn who_goes_around_with_a_key_that_got_out_is_told() {
    let demo = Demo::up();
    let secrets = demo.path().join(".doorward/secrets");
    let leaked = fs::read_to_string(secrets.join("upstream-wide.key")).unwrap();
    let reconcile = ["audit", "reconcile", "--since", "1h", "--json"];
    let deletions = |told: &Value| {
        let around = told["report"]["around"].as_array().unwrap();
        let deleted = around
            .iter()
            .filter(|one| one["activity"] == "Campaign deletion");
        deleted.count()
    };
    let before = demo.run(&reconcile).json();
    assert_eq!(deletions(&before), 0, "{before}");

    let list = demo.call(
        "GET",
        "/api/v2/campaigns",
        &demo.key("analytics-dashboard"),
        None,
    );
    let id = list.body["items"][0]["id"].as_str().unwrap();
    let url = format!("{}/api/v2/campaigns/{id}", demo.server.text("sandbox_url"));
    assert_eq!(call("DELETE", &url, Some(leaked.trim()), None).status, 200);
    let told = demo.run(&reconcile).ended(1).json();
    assert_eq!(deletions(&told), 1, "{told}");
    let shown = demo.run(&["audit", "reconcile", "--since", "1h"]).ended(1);
    assert!(shown.stdout.contains("Campaign deletion"), "{shown:#?}");
    assert!(!shown.stdout.contains(leaked.trim()));
}

#[test]
fn an_export_is_whole_and_overwrites_nothing() {
    let kept = Kept::new();
    let all = kept.search(&["--limit", "1000"]);
    for (format, lines) in [("jsonl", 0), ("ocsf", 0), ("csv", 1), ("cef", 0)] {
        let ran = kept.run(&["audit", "export", "--format", format]).ended(0);
        assert_eq!(ran.stdout.lines().count(), all.len() + lines, "{format}");
    }
    let export = [
        "audit", "export", "--output", "x.jsonl", "--client", "crm", "--json",
    ];
    let wrote = kept.run(&export).ended(0).json();
    let text = fs::read_to_string(kept.path().join("x.jsonl")).unwrap();
    assert_eq!(wrote["entries"], text.lines().count());
    assert!(!text.is_empty() && !text.contains("uid "), "{text}");
    let again = kept.run(&export).ended(2);
    assert!(again.stderr.contains("not overwritten"), "{again:#?}");
    assert_eq!(
        fs::read_to_string(kept.path().join("x.jsonl")).unwrap(),
        text
    );

    let clear = kept
        .run(&["audit", "export", "--people", "--client", "crm"])
        .ended(0);
    assert_eq!(clear.stdout.lines().count(), text.lines().count());
    assert!(
        clear.stdout.lines().all(|line| line.contains("uid ")),
        "{clear:#?}"
    );
    kept.run(&["audit", "export", "--format", "xml"]).ended(2);
    kept.run(&["audit", "export", "--output", "none/x"])
        .ended(1);
}

#[test]
fn nothing_about_people_and_no_secret_is_shown_unasked() {
    let kept = Kept::new();
    let user = kept.search(&["--client", "crm", "--people"])[0]["user"].clone();
    let user = user.as_str().unwrap();
    let secret = fs::read_to_string(kept.path().join(".doorward/secrets/ledger-key")).unwrap();
    kept.run(&["audit", "search", "--person", "canary@example.com"])
        .ended(0);
    let seq = kept.search(&["--client", "crm"])[0]["seq"].to_string();
    for arguments in [
        &["audit", "tail", "-n", "1000"][..],
        &["audit", "tail", "-n", "1000", "--json"],
        &["audit", "search"],
        &["audit", "search", "--json"],
        &["audit", "show", &seq],
        &["audit", "show", &seq, "--json"],
        &["audit", "prove", &seq],
        &["audit", "review", "--json"],
        &["audit", "rotate-key"],
        &["audit", "checkpoint", "--json"],
    ] {
        let ran = kept.run(arguments).ended(0);
        for hidden in [user, secret.trim(), "PRIVATE+KEY", "canary@example.com"] {
            assert!(!ran.stdout.contains(hidden), "{arguments:?}: {hidden}");
            assert!(!ran.stderr.contains(hidden), "{arguments:?}: {hidden}");
        }
    }
    for file in files(&kept.ledger()) {
        let bytes = fs::read(&file).unwrap();
        for hidden in [user, "canary@example.com"] {
            let found = bytes
                .windows(hidden.len())
                .any(|part| part == hidden.as_bytes());
            assert!(!found, "{}: {hidden}", file.display());
        }
    }
}

#[test]
fn without_a_ledger_each_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for command in [
        &["tail"][..],
        &["search"],
        &["review"],
        &["prove", "0"],
        &["checkpoint"],
    ] {
        let ran = run(folder.path(), &[&["audit"], command].concat()).ended(2);
        assert!(ran.stderr.contains("--data-dir"), "{ran:#?}");
    }
}

#[test]
fn a_tail_that_is_followed_tells_what_comes() {
    let demo = Demo::up();
    let mut child = doorward(demo.path())
        .args([
            "audit",
            "tail",
            "-n",
            "0",
            "--follow",
            "--json",
            "--kind",
            "client_key",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (send, told) = mpsc::channel();
    std::thread::spawn(move || {
        while let Some(Ok(line)) = lines.next() {
            let _ = send.send(line);
        }
    });
    let next = || -> Value {
        let line = told.recv_timeout(Duration::from_secs(20)).unwrap();
        serde_json::from_str(&line).unwrap()
    };
    // It may not have begun yet: keys are issued until it tells of one.
    let mut first = None;
    for _ in 0..50 {
        demo.run(&["key", "issue", "lead-import"]).ended(0);
        if let Ok(line) = told.recv_timeout(Duration::from_millis(300)) {
            first = Some(serde_json::from_str::<Value>(&line).unwrap());
            break;
        }
    }
    let first = first.expect("nothing is told");
    assert_eq!(first["action"], "client_key.issue");
    let mut last = first["seq"].as_u64().unwrap();
    demo.run(&["key", "issue", "analytics-dashboard"]).ended(0);
    loop {
        let entry = next();
        assert!(entry["seq"].as_u64().unwrap() > last);
        last = entry["seq"].as_u64().unwrap();
        if entry["client"] == "analytics-dashboard" && entry["result"] == "success" {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
