//! Dangerous acts wait for a person, who is not the one that asks.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{Answer, Ran, Server, call, doorward, run};

/// A gateway of one's own, with a policy that has new leads wait.
pub(crate) struct Stage {
    folder: tempfile::TempDir,
    _sandbox: Server,
    server: Option<Server>,
    key: String,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let sandbox = Server::start(path, &["sandbox", "--seed", "3"]);
        run(path, &["init"]).ended(0);
        let keys = sandbox.ready["workspaces"][0]["keys"].as_array().unwrap();
        let key = keys
            .iter()
            .find(|key| key["name"] == "lead-import")
            .unwrap();
        let file = path.join("upstream");
        fs::write(&file, key["key"].as_str().unwrap()).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let (url, from) = (sandbox.text("url"), format!("file://{}", file.display()));
        let add = [
            "workspace",
            "add",
            "acme",
            "--base-url",
            &url,
            "--sandbox",
            "--key-from",
        ];
        run(path, &[&add[..], &[from.as_str()]].concat()).ended(0);
        let policy = "@approval(\"required\")\n\
                      forbid (principal, action == Action::\"createLead\", resource);\n";
        fs::write(path.join("leads.cedar"), policy).unwrap();
        run(path, &["policy", "add", "new-leads", "leads.cedar"]).ended(0);
        let create = ["client", "create", "importer", "--use-case", "lead-import"];
        let rest = ["--environment", "production", "--owner", "ann@example.com"];
        run(path, &[&create[..], &rest[..]].concat()).ended(0);
        let key = run(path, &["key", "issue", "importer", "--json"])
            .ended(0)
            .json();
        let mut stage = Self {
            key: key["key"].as_str().unwrap().to_owned(),
            folder,
            _sandbox: sandbox,
            server: None,
        };
        stage.serve();
        stage
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    fn serve(&mut self) {
        self.serve_with(&[]);
    }

    /// Serves with more options.
    pub(crate) fn serve_with(&mut self, options: &[&str]) {
        let arguments = [&["serve", "--listen", "127.0.0.1:0"], options].concat();
        self.server = Some(Server::start(self.path(), &arguments));
    }

    /// Ends the server in order.
    pub(crate) fn end(&mut self) {
        let server = self.server.take().unwrap();
        assert_eq!(server.end(Signal::TERM).code(), Some(0));
    }

    pub(crate) fn lead(&self, email: &str) -> Answer {
        let url = self.server.as_ref().unwrap().text("gateway_url");
        let body = json!({ "email": email });
        call(
            "POST",
            &format!("{url}/api/v2/leads"),
            Some(&self.key),
            Some(body),
        )
    }

    /// Makes a token for somebody.
    pub(crate) fn token(&self, name: &str) -> String {
        let create = ["admin", "token", "create", name, "--json"];
        let made = run(self.path(), &create).ended(0).json();
        made["token"].as_str().unwrap().to_owned()
    }

    /// Runs a command with somebody's token.
    pub(crate) fn with(&self, token: &str, arguments: &[&str]) -> Ran {
        let mut command = doorward(self.path());
        let command = command.args(arguments).env("DOORWARD_ADMIN_TOKEN", token);
        Ran::of(command.output().unwrap())
    }
}

#[track_caller]
fn waits(answer: &Answer) -> String {
    assert_eq!(answer.status, 403, "{answer:?}");
    assert_eq!(answer.body["doorward"]["reason"], "approval_required");
    assert_eq!(answer.body["doorward"]["policy"], "new-leads");
    let id = answer.body["doorward"]["approval"]["id"].as_str().unwrap();
    assert!(answer.body["message"].as_str().unwrap().contains(id));
    id.to_owned()
}

#[test]
fn the_very_request_passes_once_when_somebody_else_approved_it() {
    let mut stage = Stage::new();
    let id = waits(&stage.lead("one@example.com"));
    assert_eq!(
        waits(&stage.lead("one@example.com")),
        id,
        "one for one request"
    );
    assert_ne!(
        waits(&stage.lead("two@example.com")),
        id,
        "another byte, another request"
    );

    // Without a token, with one that is none, and by the client's own owner it is refused.
    let approve = ["approval", "approve", &id, "--reason", "checked"];
    let refused = run(stage.path(), &approve).ended(2);
    assert!(refused.stderr.contains("admin token create"), "{refused:?}");
    let (ann, bob) = (stage.token("ann"), stage.token("bob"));
    let forged = format!("{}0", &bob[..bob.len() - 1]);
    let forged = if forged == bob {
        format!("{}1", &bob[..bob.len() - 1])
    } else {
        forged
    };
    let refused = stage.with(&forged, &approve).ended(2);
    assert!(refused.stderr.contains("not good"), "{refused:?}");
    let refused = stage.with(&ann, &approve).ended(2);
    assert!(refused.stderr.contains("somebody else"), "{refused:?}");
    waits(&stage.lead("one@example.com"));

    // What is approved is shown whole.
    let shown = run(stage.path(), &["approval", "show", &id, "--json"])
        .ended(0)
        .json();
    assert_eq!(shown["request"]["target"], "/api/v2/leads");
    assert_eq!(shown["request"]["body"], "{\"email\":\"one@example.com\"}");
    assert_eq!(
        (&shown["client"], &shown["asked"]),
        (&json!("importer"), &json!(3))
    );
    stage.with(&bob, &approve).ended(0);

    // It outlives a crash, and passes once.
    stage.server.take().unwrap().end(Signal::KILL);
    stage.serve();
    assert_ne!(waits(&stage.lead("three@example.com")), id);
    let passed = stage.lead("one@example.com");
    assert_eq!(passed.status, 200, "{passed:?}");
    assert_ne!(waits(&stage.lead("one@example.com")), id);
    let shown = run(stage.path(), &["approval", "show", &id, "--json"])
        .ended(0)
        .json();
    assert_eq!(
        (&shown["state"], &shown["decided_by"]),
        (&json!("spent"), &json!("bob"))
    );
    assert_eq!(
        shown["request"],
        Value::Null,
        "people's data goes when it is used"
    );
    stage.with(&bob, &approve).ended(1);

    // All of it is in the ledger, and somebody was told.
    for action in [
        "approval.ask",
        "approval.approve",
        "approval.spend",
        "approval.show",
    ] {
        let found = ["audit", "search", "--action", action, "--json"];
        let found = run(stage.path(), &found).ended(0);
        assert!(found.stdout.contains(action), "{action}: {found:?}");
    }
    let told = run(stage.path(), &["alert", "list", "--json"])
        .ended(0)
        .json();
    let told = told.as_array().unwrap();
    assert!(
        told.iter()
            .any(|one| one["kind"] == "approval_asked" && one["key"] == *id)
    );
}

#[test]
fn of_two_at_once_one_passes_and_what_is_denied_does_not() {
    let stage = Stage::new();
    let bob = stage.token("bob");
    let id = waits(&stage.lead("one@example.com"));
    stage.with(&bob, &["approval", "approve", &id]).ended(0);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let stage = &stage;
        let calls: Vec<_> = (0..6)
            .map(|_| scope.spawn(move || stage.lead("one@example.com").status))
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    let passed = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(passed, 1, "{statuses:?}");
    assert!(
        statuses.iter().all(|status| [200, 403].contains(status)),
        "{statuses:?}"
    );

    let id = waits(&stage.lead("two@example.com"));
    let deny = ["approval", "deny", &id, "--reason", "no"];
    stage.with(&bob, &deny).ended(0);
    assert_ne!(waits(&stage.lead("two@example.com")), id);
    stage.with(&bob, &["approval", "approve", &id]).ended(1);

    // Nor does a token that was revoked decide.
    run(stage.path(), &["admin", "token", "revoke", "bob"]).ended(0);
    stage.with(&bob, &["approval", "list"]).ended(2);
    // Whoever made the client does not approve what it asks for.
    let carl = stage.token("carl");
    let create = ["client", "create", "second", "--use-case", "lead-import"];
    let rest = ["--environment", "production"];
    stage
        .with(&carl, &[&create[..], &rest[..]].concat())
        .ended(0);
    let dora = stage.token("dora");
    let key = stage
        .with(&dora, &["key", "issue", "second", "--json"])
        .ended(0)
        .json();
    let second = Stage {
        key: key["key"].as_str().unwrap().to_owned(),
        ..stage
    };
    let id = waits(&second.lead("one@example.com"));
    let refused = second.with(&carl, &["approval", "approve", &id]).ended(2);
    assert!(refused.stderr.contains("somebody else"), "{refused:?}");
    // Nor does who issued its key, and so may hold it.
    let refused = second.with(&dora, &["approval", "approve", &id]).ended(2);
    assert!(refused.stderr.contains("somebody else"), "{refused:?}");
}

#[test]
fn whoever_had_a_hand_in_a_client_does_not_approve_what_it_asks_for() {
    let stage = Stage::new();
    let lead = stage.lead("one@example.com");
    let approve = ["approval".to_owned(), "approve".to_owned(), waits(&lead)];
    let approve: Vec<&str> = approve.iter().map(String::as_str).collect();
    let hands: [(&str, &[&str]); 5] = [
        ("keyer", &["key", "issue", "importer"]),
        (
            "granter",
            &["client", "grant", "importer", "--use-case", "lead-import"],
        ),
        ("setter", &["client", "set", "importer", "--weight", "2"]),
        ("enabler", &["client", "enable", "importer"]),
        (
            "owner",
            &["client", "set", "importer", "--owner", "next@example.com"],
        ),
    ];
    for (name, act) in hands {
        let token = stage.token(name);
        stage.with(&token, act).ended(0);
    }
    // A token that is made later is the same person's.
    for (name, _) in hands {
        run(stage.path(), &["admin", "token", "revoke", name]).ended(0);
        let refused = stage.with(&stage.token(name), &approve).ended(2);
        assert!(
            refused.stderr.contains("somebody else"),
            "{name}: {refused:?}"
        );
    }
    // Who handed it on, and who has it now.
    for name in ["ann", "next"] {
        let refused = stage.with(&stage.token(name), &approve).ended(2);
        assert!(
            refused.stderr.contains("somebody else"),
            "{name}: {refused:?}"
        );
    }
    // Handing it to and fro forgets nobody.
    for owner in ["b@example.com", "c@example.com"] {
        run(
            stage.path(),
            &["client", "set", "importer", "--owner", owner],
        )
        .ended(0);
    }
    let refused = stage.with(&stage.token("b"), &approve).ended(2);
    assert!(refused.stderr.contains("somebody else"), "{refused:?}");
    // Who switched it off in need, or looked at it, gave it nothing.
    let bob = stage.token("bob");
    stage
        .with(&bob, &["client", "disable", "importer"])
        .ended(0);
    stage.with(&bob, &["client", "show", "importer"]).ended(0);
    stage.with(&bob, &approve).ended(0);
}

#[test]
fn a_call_may_be_held_until_it_is_approved() {
    let stage = Stage::new();
    let bob = stage.token("bob");
    let url = stage.server.as_ref().unwrap().text("gateway_url");
    std::thread::scope(|scope| {
        let held = scope.spawn(|| {
            let mut request = std::process::Command::new("curl");
            let auth = format!("authorization: Bearer {}", stage.key);
            request.args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", &auth]);
            request.args([
                "-H",
                "doorward-wait: 30",
                "-H",
                "content-type: application/json",
            ]);
            request.args(["-d", "{\"email\":\"held@example.com\"}"]);
            let output = request.arg(format!("{url}/api/v2/leads")).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        });
        let id = loop {
            let listed = run(stage.path(), &["approval", "list", "--json"])
                .ended(0)
                .json();
            if let Some(id) = listed[0]["id"].as_str() {
                break id.to_owned();
            }
        };
        stage.with(&bob, &["approval", "approve", &id]).ended(0);
        assert_eq!(held.join().unwrap(), "200");
    });
}
