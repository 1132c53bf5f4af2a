//! `init`, `sandbox`, `workspace add` and `serve`: the way to a gateway of one's own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{Ran, Server, call, doorward, run};

/// Writes a key of the sandbox into a file for its owner alone.
fn keep_key(folder: &Path, sandbox: &Value, name: &str) -> String {
    let keys = sandbox["workspaces"][0]["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["name"] == name).unwrap();
    let path = folder.join(name);
    fs::write(&path, key["key"].as_str().unwrap()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    format!("file://{}", path.display())
}

#[test]
fn a_workspace_is_added_by_its_keys_and_served() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let sandbox = Server::start(path, &["sandbox", "--seed", "3"]);
    let url = sandbox.text("url");
    run(path, &["init"]).ended(0);

    let narrow = keep_key(path, &sandbox.ready, "lead-import");
    let add = [
        "workspace",
        "add",
        "acme",
        "--base-url",
        &url,
        "--sandbox",
        "--json",
        "--key-from",
    ];
    let added = |reference: &str| {
        let all: Vec<&str> = add.iter().copied().chain([reference]).collect();
        run(path, &all)
    };
    let first = added(&narrow).ended(0).json();
    let key = &first["workspace"]["upstream_keys"][0];
    assert_eq!(key["scopes"], json!(["lead_lists:read", "leads:create"]));
    assert_eq!(
        (&key["alive"], &key["reference"]),
        (&json!("alive"), &json!(narrow))
    );
    // What it would take is told, with what of it is missing.
    let needs = first["needs"].as_array().unwrap();
    assert!(
        needs
            .iter()
            .any(|need| need["scopes"] == json!(["workspaces:read"]))
    );
    assert!(needs.iter().all(|need| need["held"] == false), "{needs:?}");
    assert_eq!(first["sub_workspaces"], Value::Null);

    let again = added(&narrow).ended(2);
    assert!(again.stderr.contains("already"), "{again:?}");
    let wide = keep_key(path, &sandbox.ready, "full-automation");
    let second = added(&wide).ended(0).json();
    assert_eq!(
        second["workspace"]["instantly_id"],
        sandbox.ready["workspaces"][0]["id"]
    );
    let subs = second["sub_workspaces"].as_array().unwrap();
    assert_eq!(subs[0]["id"], sandbox.ready["workspaces"][1]["id"]);

    run(
        path,
        &[
            "client",
            "create",
            "importer",
            "-u",
            "lead-import",
            "-e",
            "production",
        ],
    )
    .ended(0);
    let key = run(path, &["key", "issue", "importer"]).ended(0).stdout;
    let config = path.join("doorward.toml");
    let sink = "\n[[audit.sink]]\nto = \"file\"\n";
    fs::write(&config, fs::read_to_string(&config).unwrap() + sink).unwrap();
    let server = Server::start(path, &["serve", "--listen", "127.0.0.1:0"]);
    let gateway = server.text("gateway_url");
    let lead = || Some(json!({"email": "ada@example.com"}));
    let made = call(
        "POST",
        &format!("{gateway}/api/v2/leads"),
        Some(key.trim_end()),
        lead(),
    );
    assert_eq!(
        (made.status, made.header("doorward-decision")),
        (200, "allowed")
    );
    // A second server is told of the first; SIGHUP keeps it going; SIGTERM ends it.
    let second = run(path, &["serve", "--listen", "127.0.0.1:0"]).ended(2);
    assert!(second.stderr.contains("already"), "{second:?}");
    server.signal(Signal::HUP);
    let listed = call(
        "POST",
        &format!("{gateway}/api/v2/leads/list"),
        Some(key.trim_end()),
        Some(json!({})),
    );
    assert_eq!(listed.status, 200);
    assert_eq!(server.end(Signal::TERM).code(), Some(0));
    assert_eq!(sandbox.end(Signal::TERM).code(), Some(0));

    // What happened was handed on before the end, people as random ids.
    let audit = fs::read_to_string(path.join(".doorward/audit.jsonl")).unwrap();
    let entries: Vec<Value> = audit
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |action: &str| {
        let entries = entries.iter().filter(|entry| entry["action"] == action);
        entries
            .map(|entry| entry["kind"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("createLead"), ["intent", "outcome"], "{audit}");
    assert_eq!(of("listLeads"), ["outcome"], "{audit}");
    assert_eq!(of("client_key.issue"), ["client_key", "client_key"]);
    let call = entries.iter().find(|entry| entry["kind"] == "outcome");
    assert!(
        call.unwrap()["source_ip"]
            .as_str()
            .unwrap()
            .starts_with("sub_")
    );
    assert!(!audit.contains("ada@"), "{audit}");
}

/// Adds the workspace `acme` by a key that is piped in.
fn enter(folder: &Path, url: &str, key: &str) -> Ran {
    fs::write(folder.join("piped"), key).unwrap();
    let mut command = doorward(folder);
    command.args([
        "workspace",
        "add",
        "acme",
        "--sandbox",
        "--base-url",
        url,
        "--key-from",
        "-",
    ]);
    command
        .arg("--json")
        .stdin(fs::File::open(folder.join("piped")).unwrap());
    Ran::of(command.output().unwrap())
}

#[test]
fn a_key_that_is_entered_is_kept_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let sandbox = Server::start(path, &["sandbox"]);
    run(path, &["init"]).ended(0);
    let keys = sandbox.ready["workspaces"][0]["keys"].as_array().unwrap();
    let key = |n: usize| keys[n]["key"].as_str().unwrap();
    for (n, file) in [(0, "upstream-acme.key"), (3, "upstream-acme-2.key")] {
        let added = enter(path, &sandbox.text("url"), &format!("{}\n", key(n))).ended(0);
        assert!(!added.stdout.contains(key(n)));
        let kept = path.join(".doorward/secrets").join(file);
        assert_eq!(fs::read_to_string(&kept).unwrap(), key(n));
        assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    let ended = enter(path, &sandbox.text("url"), "two words").ended(2);
    assert!(ended.stderr.contains("no API key"), "{ended:?}");
}

#[test]
fn keys_that_are_no_good_are_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let sandbox = Server::start(path, &["sandbox"]);
    let url = sandbox.text("url");
    run(path, &["init"]).ended(0);
    let add = |reference: &str, url: &str| {
        let all = [
            "workspace",
            "add",
            "acme",
            "--sandbox",
            "--base-url",
            url,
            "--key-from",
            reference,
        ];
        run(path, &all)
    };
    let dead = path.join("dead");
    fs::write(
        &dead,
        "MDE5NWYzYTItMWIyYy03ZDNlLThmNDAtNWE2YjdjOGQ5ZTBmOmFCM2RFNWdIN2pLOQ==",
    )
    .unwrap();
    fs::set_permissions(&dead, fs::Permissions::from_mode(0o600)).unwrap();
    let dead = format!("file://{}", dead.display());
    let ended = add(&dead, &url).ended(1);
    assert!(
        ended.stderr.contains("does not accept the key"),
        "{ended:?}"
    );
    let ended = add("env://DOORWARD_NO_SUCH", &url).ended(2);
    assert!(ended.stderr.contains("does not exist"), "{ended:?}");
    let secret = "MDE5NWYzYTItMWIyYy03ZDNlLThmNDAtNWE2YjdjOGQ5ZTBmOmFCM2RFNWdIN2pLOQ==";
    let ended = add(secret, &url).ended(2);
    assert!(
        !ended.stderr.contains(secret) && ended.stderr.contains("env://NAME"),
        "{ended:?}"
    );
    let ended = add(&dead, "http://instantly.example").ended(2);
    assert!(ended.stderr.contains("https"), "{ended:?}");
    let left = run(path, &["workspace", "list", "--json"]).ended(0).json();
    assert_eq!(left, json!([]));
    // One that was entered is not left behind either.
    let ended = enter(path, &url, &format!("{secret}\n"));
    assert!(ended.ended(1).stderr.contains("does not accept"));
    assert_eq!(
        fs::read_dir(path.join(".doorward/secrets"))
            .unwrap()
            .count(),
        3
    );
}

#[test]
fn a_sandbox_keeps_its_state_and_is_the_same_for_the_same_seed() {
    let folder = tempfile::tempdir().unwrap();
    let workspaces = |arguments: &[&str]| {
        let server = Server::start(folder.path(), arguments);
        let url = format!("{}/api/v2/workspaces/current", server.text("url"));
        let key = server.ready["workspaces"][0]["keys"][0]["key"]
            .as_str()
            .unwrap();
        assert_eq!(call("GET", &url, Some(key), None).status, 200);
        let ready = server.ready["workspaces"].clone();
        assert_eq!(server.end(Signal::TERM).code(), Some(0));
        ready
    };
    let seven = workspaces(&["sandbox", "--seed", "7", "--state", "state.json"]);
    assert_eq!(workspaces(&["sandbox", "--seed", "7"]), seven);
    assert_ne!(workspaces(&["sandbox", "--seed", "8"]), seven);
    // What is kept goes before the seed.
    assert_eq!(
        workspaces(&["sandbox", "--seed", "8", "--state", "state.json"]),
        seven
    );
}

#[test]
fn upstream_keys_are_told_of_again_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let sandbox = Server::start(path, &["sandbox"]);
    let url = sandbox.text("url");
    run(path, &["init"]).ended(0);
    let wide = keep_key(path, &sandbox.ready, "full-automation");
    let add = [
        "workspace",
        "add",
        "acme",
        "--sandbox",
        "--base-url",
        &url,
        "--key-from",
        &wide,
    ];
    run(path, &add).ended(0);
    let show = || run(path, &["workspace", "show", "--json"]).ended(0).json();
    assert_eq!(show()["upstream_keys"][0]["scopes"], Value::Null);
    // Its scopes can't be found out, and are said afterwards.
    let said = run(
        path,
        &[&add[..], &["--scopes", "all:all", "--json"]].concat(),
    );
    assert_eq!(said.ended(0).json()["added_keys"], json!([]));
    let keys = show()["upstream_keys"].clone();
    assert_eq!(keys.as_array().unwrap().len(), 1);
    assert_eq!(keys[0]["scopes"], json!(["all:all"]));

    let remove = |key: &str| run(path, &["workspace", "remove-key", "acme", key]);
    let wrong = remove("nothing").ended(1);
    assert!(wrong.stderr.contains("workspace show acme"), "{wrong:?}");
    remove(keys[0]["name"].as_str().unwrap()).ended(0);
    assert_eq!(show()["upstream_keys"], json!([]));
    assert!(
        path.join("full-automation").exists(),
        "the key itself is not touched"
    );
}

#[test]
fn plain_http_to_another_machine_is_for_sandboxes_that_the_configuration_allows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let sandbox = Server::start(path, &["sandbox"]);
    run(path, &["init"]).ended(0);
    let key = keep_key(path, &sandbox.ready, "lead-import");
    // A name that nobody has: no packet leaves the machine.
    let url = "http://sandbox.invalid:4010";
    let add = [
        "workspace",
        "add",
        "acme",
        "--base-url",
        url,
        "--key-from",
        &key,
    ];
    let emulated = [&add[..], &["--sandbox"]].concat();
    let refused = run(path, &emulated).ended(2);
    assert!(refused.stderr.contains("gateway.plain_http"), "{refused:?}");

    let file = path.join("doorward.toml");
    let text = fs::read_to_string(&file).unwrap();
    let allowing = text.replace("plain_http = false", "plain_http = true");
    assert_ne!(allowing, text);
    fs::write(&file, allowing).unwrap();
    let tried = run(path, &emulated).ended(1);
    assert!(tried.stderr.contains("could not be tried"), "{tried:?}");
    // A real workspace's key never goes in clear.
    run(path, &add).ended(2);
}

#[test]
fn a_sandboxs_keys_can_be_copied() {
    use std::io::{BufRead, BufReader};
    let folder = tempfile::tempdir().unwrap();
    let mut command = doorward(folder.path());
    command.arg("sandbox").env("COLUMNS", "40");
    let mut sandbox = command
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(sandbox.stdout.take().unwrap()).lines();
    let key = lines
        .map(Result::unwrap)
        .find(|line| line.starts_with("    "));
    sandbox.kill().unwrap();
    sandbox.wait().unwrap();
    assert_eq!(key.unwrap().trim().len(), 68);
}

#[test]
fn a_server_tells_how_it_is_doing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    run(path, &["init"]).ended(0);
    let none = run(path, &["status"]).ended(1);
    assert!(none.stdout.contains("doorward serve"), "{none:?}");

    fs::write(
        path.join(".doorward/secrets/metrics-token"),
        "a-token-for-metrics",
    )
    .unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(path.join(".doorward/secrets/metrics-token"), private).unwrap();
    let config = path.join("doorward.toml");
    let text = fs::read_to_string(&config).unwrap().replace(
        "access = \"off\"",
        "access = \"token\"\ntoken = \"file:secrets/metrics-token\"",
    ) + "\n[[audit.sink]]\nname = \"copy\"\nto = \"file\"\n";
    fs::write(&config, text).unwrap();
    let server = Server::start(path, &["serve", "--listen", "127.0.0.1:0"]);
    let gateway = server.text("gateway_url");
    let status = run(path, &["status", "--json"]).ended(0).json();
    assert!(status["health"]["ledger"]["leaves"].as_u64().unwrap() > 0);
    assert_eq!(status["health"]["sinks"][0]["name"], "copy");

    let metrics = |token| call("GET", &format!("{gateway}/metrics"), token, None);
    assert_eq!(metrics(None).status, 401);
    assert_eq!(metrics(Some("another")).status, 401);
    let page = metrics(Some("a-token-for-metrics"));
    assert_eq!(page.status, 200);
    let text = page.body.as_str().unwrap();
    assert!(text.contains("doorward_ledger_halted 0\n"), "{text}");
    assert!(text.contains("doorward_sink_running{sink=\"copy\",kind=\"file\"} 1\n"));
    assert_eq!(server.end(Signal::TERM).code(), Some(0));
}
