//! Keys that were found: tried, answered, recorded.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::git::{Repo, git_in};
use super::{evidence, findings, key, put, scan};
use crate::harness::{Demo, Server};
use crate::upstream::{MANAGER, World};

/// The findings by the path of their first place.
fn by_path(found: &[Value]) -> impl Fn(&str) -> Value + '_ {
    move |path| {
        let mut all = found.iter();
        let one = all.find(|one| one["places"][0]["file"]["path"] == path);
        one.unwrap_or_else(|| panic!("{path}: {found:#?}")).clone()
    }
}

#[test]
fn a_key_committed_and_removed_long_ago_is_found_alive_and_ended() {
    let world = World::with(&[MANAGER, "lead-import"]);
    // A program got a key of its own, and its author committed it.
    let (_, leaked) = world.made_elsewhere("dw-crm-1", &["campaigns:all", "leads:all"]);
    let held = world.seeded("lead-import")["key"]
        .as_str()
        .unwrap()
        .to_owned();
    // Nothing is revoked by a guess: which of Instantly's keys it is has to be known.
    let id = world.seeded("lead-import")["id"]
        .as_str()
        .unwrap()
        .to_owned();
    world
        .run(&["upstream", "adopt", "lead-import", "--id", &id])
        .ended(0);
    let repo = world.path().join("crm");
    fs::create_dir(&repo).unwrap();
    git_in(&repo, &["init", "-q", "-b", "main"]);
    let commit = |path: &str, text: &str, says: &str| {
        put(&repo, path, text);
        git_in(&repo, &["add", path]);
        git_in(&repo, &["commit", "-q", "-m", says]);
        git_in(&repo, &["rev-parse", "HEAD"])
    };
    let brought = commit(
        "sync.js",
        &format!("\nfetch(u, {{ a: 'Bearer {leaked}' }})\n"),
        "Add sync",
    );
    commit("import.py", &format!("KEY = '{held}'\n"), "Import");
    commit("dead.txt", &format!("{}\n", key(70)), "Dead");
    for path in ["sync.js", "import.py", "dead.txt"] {
        commit(path, "nothing\n", "Hide it");
    }
    // Not asked for, nothing is tried.
    let told = scan(world.path(), &["--git", "crm"]).ended(1).stdout;
    assert!(
        !told.contains("alive") && told.contains("--respond"),
        "{told}"
    );

    let told = scan(world.path(), &["--git", "crm", "--verify"]).ended(1);
    for part in [
        &brought[..12],
        "Ada Lovelace",
        "sync.js:2:",
        "alive, campaigns:all leads:all, key dw-crm-1",
        "leak respond --key lead-import --workspace acme",
        "nothing to revoke",
    ] {
        assert!(told.stdout.contains(part), "{part}: {}", told.stdout);
    }
    let all = format!("{}{}", told.stdout, told.stderr);
    assert!(!all.contains(&leaked) && !all.contains(&held), "{all}");

    let found = findings(&scan(world.path(), &["--git", "crm", "--verify", "--json"]).ended(1));
    let of = by_path(&found);
    assert_eq!(evidence(&of("sync.js"), "state"), Some("alive"));
    assert_eq!(
        evidence(&of("sync.js"), "scopes"),
        Some("campaigns:all leads:all")
    );
    assert_eq!(of("import.py")["severity"], "critical");
    assert_eq!(evidence(&of("dead.txt"), "state"), Some("dead"));
    assert_eq!(of("dead.txt")["severity"], "low");
    assert!(of("dead.txt")["remedy"]["command"].is_null());

    // What was tried is in the ledger, and no key is.
    let tried = world.recorded("scan.verify");
    assert!(tried.len() >= 6, "{tried:#?}");
    let text = serde_json::to_string(&tried).unwrap();
    assert!(
        text.contains(of("sync.js")["fingerprint"].as_str().unwrap()),
        "{text}"
    );
    assert!(!text.contains(&leaked));
    world.holds_nowhere(&leaked, "no such file");

    // The command that was printed ends it.
    let print = of("import.py")["fingerprint"].as_str().unwrap()[..16].to_owned();
    let ended = scan(
        world.path(),
        &[
            "--git",
            "crm",
            "--finding",
            &print,
            "--respond",
            "--yes",
            "--report",
            "out",
        ],
    )
    .ended(1);
    assert!(ended.stderr.contains("proved dead"), "{}", ended.stderr);
    assert_eq!(fs::read_dir(world.path().join("out")).unwrap().count(), 2);
    let found = findings(&scan(world.path(), &["--git", "crm", "--verify", "--json"]).ended(1));
    assert_eq!(
        evidence(&by_path(&found)("import.py"), "state"),
        Some("dead")
    );
}

#[test]
fn a_server_that_runs_is_asked_and_knows_when_a_key_was_used() {
    let demo = Demo::up();
    let client = demo.key("analytics-dashboard");
    let status = demo.call("GET", "/api/v2/campaigns", &client, None).status;
    assert_eq!(status, 200);
    let secrets = demo.path().join(".doorward/secrets");
    let mut kept = fs::read_dir(secrets)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let reader = kept
        .find(|path| path.to_string_lossy().contains("reader"))
        .unwrap();
    let upstream = fs::read_to_string(reader).unwrap().trim().to_owned();
    put(demo.path(), "src/a.js", &format!("k('{upstream}')\n"));
    put(demo.path(), "src/b.js", &format!("k('{client}')\n"));
    let found = findings(&scan(demo.path(), &["src", "--verify", "--json"]).ended(1));
    let of = by_path(&found);
    for path in ["a.js", "b.js"] {
        let one = of(path);
        assert_eq!(evidence(&one, "state"), Some("alive"), "{one:#}");
        assert!(
            evidence(&one, "last_used").unwrap().starts_with("20"),
            "{one:#}"
        );
        let command = one["remedy"]["command"].as_str().unwrap();
        assert!(
            command.starts_with("doorward leak respond --key "),
            "{command}"
        );
    }
    assert!(
        evidence(&of("b.js"), "key")
            .unwrap()
            .contains("analytics-dashboard")
    );
    // The client's key is shown by its id.
    assert!(
        of("b.js")["message"]
            .as_str()
            .unwrap()
            .contains(&client[..18])
    );
    demo.run(&["key", "revoke", &client[6..18]]).ended(0);
    let found = findings(&scan(demo.path(), &["src", "--verify", "--json"]).ended(1));
    assert_eq!(evidence(&by_path(&found)("b.js"), "state"), Some("dead"));
}

#[test]
fn without_a_data_folder_a_key_is_tried_where_it_is_said_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = Server::start(folder.path(), &["sandbox", "--seed", "3"]);
    let workspace = &sandbox.ready["workspaces"][0];
    let seeded = workspace["keys"].as_array().unwrap();
    let value = seeded
        .iter()
        .find(|key| key["name"] == "lead-import")
        .unwrap();
    let value = value["key"].as_str().unwrap();
    put(folder.path(), "src/a.js", &format!("k('{value}')\n"));
    put(folder.path(), "src/b.js", &format!("k('{}')\n", key(71)));
    let url = sandbox.text("url");
    let states = || {
        let told = scan(
            folder.path(),
            &["src", "--verify", "--verify-at", &url, "--json"],
        )
        .ended(1);
        assert!(!told.stdout.contains(value));
        let found = findings(&told);
        let of = by_path(&found);
        let state = |path| evidence(&of(path), "state").unwrap().to_owned();
        let scopes = evidence(&of("a.js"), "scopes")
            .unwrap_or_default()
            .to_owned();
        (state("a.js"), scopes, state("b.js"))
    };
    let (alive, scopes, dead) = states();
    assert_eq!((alive.as_str(), dead.as_str()), ("alive", "dead"));
    assert!(scopes.contains("leads:"), "{scopes}");
    let set = |settings: Value| {
        let control = format!("{url}/_sandbox/settings");
        assert_eq!(
            crate::harness::call("PATCH", &control, None, Some(settings)).status,
            200
        );
    };
    set(json!({ "unpaid": [workspace["id"]] }));
    assert_eq!(states().0, "alive, unpaid");
    set(json!({ "unpaid": [] }));
    assert_eq!(sandbox.end(Signal::TERM).code(), Some(0));
    // What the edge keeps out is neither, nor is what finds nobody; and to another machine no key goes
    // in clear.
    for url in [edge(), url, "http://example.com".to_owned()] {
        let told = scan(
            folder.path(),
            &["src", "--verify", "--verify-at", &url, "--json"],
        )
        .ended(1);
        let found = findings(&told);
        let one = by_path(&found)("a.js");
        assert_eq!(evidence(&one, "state"), Some("unknown"), "{url}: {one:#}");
        assert_eq!(one["severity"], "critical");
    }
}

/// Something that refuses as the edge before Instantly does.
fn edge() -> String {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4_096]);
            let says = "error code: 1010";
            let _ = write!(
                stream,
                "HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n{says}",
                says.len()
            );
        }
    });
    url
}

#[test]
fn a_configuration_that_lies_in_what_is_scanned_is_not_heard() {
    let repo = Repo::new();
    // As a hostile repository would: its configuration runs a program.
    let trap = repo.path().join("trap");
    let config = format!(
        "data_dir = \"elsewhere\"\npepper = \"exec:///bin/touch {}\"\n",
        trap.display()
    );
    put(repo.path(), "doorward.toml", &config);
    put(repo.path(), ".doorward/doorward.db", "");
    put(repo.path(), "a.js", "nothing\n");
    scan(repo.path(), &["--verify"]).ended(0);
    scan(repo.path(), &["--respond"]).ended(2);
    assert!(!trap.exists());
}

#[test]
fn what_was_found_is_recorded_when_asked() {
    let world = World::with(&[MANAGER]);
    put(world.path(), "src/a.js", &format!("k('{}')\n", key(72)));
    scan(world.path(), &["src", "--record"]).ended(1);
    let found = world.recorded("scan.found");
    let text = serde_json::to_string(&found).unwrap();
    assert!(
        text.contains("instantly.upstream-key") && text.contains("a.js:1"),
        "{text}"
    );
    assert!(!text.contains(&key(72)));
    world.holds_nowhere(&key(72), "no such file");
}
