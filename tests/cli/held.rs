//! Upstream keys are held: a provider that is away takes none out of use, and what it has when it is
//! back is taken.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{Server, call, run};
use crate::operate::{set, until};

/// A workspace whose key is in a file, named in some way, and a client of it.
struct Rig {
    folder: tempfile::TempDir,
    sandbox: Server,
    file: PathBuf,
    key: String,
}

impl Rig {
    fn new(reference: impl Fn(&Path) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let sandbox = Server::start(path, &["sandbox", "--seed", "3"]);
        run(path, &["init"]).ended(0);
        set(path, "allow_exec = false", "allow_exec = true");
        let file = path.join("upstream-0");
        let mut rig = Self {
            sandbox,
            file,
            key: String::new(),
            folder,
        };
        rig.put(0);
        rig.add("acme", &reference(&rig.file));
        let create = ["client", "create", "one", "-u", "analytics-dashboard"];
        let path = rig.folder.path();
        run(path, &[&create[..], &["-e", "production"]].concat()).ended(0);
        let issue = ["key", "issue", "one", "--workspace", "acme"];
        let key = run(path, &issue).ended(0).stdout;
        rig.key = key.trim_end().to_owned();
        rig
    }

    fn add(&self, name: &str, reference: &str) {
        let url = self.sandbox.text("url");
        let add = ["workspace", "add", name, "--sandbox", "--base-url", &url];
        let with = ["--key-from", reference];
        run(self.folder.path(), &[&add[..], &with[..]].concat()).ended(0);
    }

    fn value(&self, workspace: usize) -> String {
        let keys = &self.sandbox.ready["workspaces"][workspace]["keys"];
        let keys = keys.as_array().unwrap();
        let wide = keys.iter().find(|key| key["name"] == "full-automation");
        let key = wide.or(keys.first()).unwrap();
        key["key"].as_str().unwrap().to_owned()
    }

    fn put(&self, workspace: usize) {
        write(&self.file, &self.value(workspace));
    }

    fn serve(&self) -> Server {
        Server::start(self.folder.path(), &["serve", "--listen", "127.0.0.1:0"])
    }

    fn status(&self, server: &Server) -> u16 {
        let url = format!("{}/api/v2/campaigns?limit=1", server.text("gateway_url"));
        call("GET", &url, Some(&self.key), None).status
    }
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// By a program that prints the file.
fn printed(file: &Path) -> String {
    format!(
        "exec://cat?arg={}",
        file.display().to_string().replace('/', "%2F")
    )
}

#[test]
fn a_change_of_the_state_takes_no_key_out_of_use_whose_place_is_away() {
    let rig = Rig::new(|file| format!("file://{}", file.display()));
    let server = rig.serve();
    let path = rig.folder.path();
    assert_eq!(rig.status(&server), 200);
    fs::remove_file(&rig.file).unwrap();
    let create = ["client", "create", "two", "-u", "analytics-dashboard"];
    run(path, &[&create[..], &["-e", "production"]].concat()).ended(0);
    assert_eq!(rig.status(&server), 200, "nobody asked to read it again");

    // Now somebody does: that it is gone is an answer, and told.
    let reloaded = run(path, &["reload"]).ended(0).stdout;
    assert!(
        reloaded.contains("could not be read again") && reloaded.contains("does not exist"),
        "{reloaded}"
    );
    assert_ne!(rig.status(&server), 200);
    let reloaded = run(path, &["reload", "--json"]).ended(0).json();
    assert_eq!(
        reloaded["unread"].as_array().unwrap().len(),
        1,
        "{reloaded}"
    );
    rig.put(0);
    until(|| rig.status(&server) == 200);
    let reloaded = run(path, &["reload", "--json"]).ended(0).json();
    assert!(reloaded["unread"].is_null(), "{reloaded}");
}

#[test]
fn a_server_that_starts_without_its_key_takes_it_when_it_can_be_read() {
    let rig = Rig::new(printed);
    let path = rig.folder.path();
    fs::remove_file(&rig.file).unwrap();
    let server = rig.serve();
    assert_ne!(rig.status(&server), 200);
    let told = "no value before it";
    let log = || fs::read_to_string(&server.log).unwrap();
    assert!(log().contains(told), "{}", log());
    let raised = || run(path, &["audit", "search", "--json"]).stdout;
    until(|| raised().contains("secret_trouble"));
    rig.put(0);
    until(|| rig.status(&server) == 200);

    // Who asks for it gets what is there now, and not what was kept.
    write(&rig.file, "another-key-that-no-workspace-takes-0123456789");
    run(path, &["reload"]).ended(0);
    assert_ne!(rig.status(&server), 200);
    rig.put(0);
    run(path, &["reload"]).ended(0);
    assert_eq!(rig.status(&server), 200);
    // While its provider is away it is used on.
    fs::remove_file(&rig.file).unwrap();
    let reloaded = run(path, &["reload"]).ended(0).stdout;
    assert!(reloaded.contains("could not be read again"), "{reloaded}");
    assert_eq!(rig.status(&server), 200);
}

#[test]
fn a_list_of_all_workspaces_reads_each_key_no_more_than_it_uses_it() {
    let rig = Rig::new(|file| format!("file://{}", file.display()));
    let path = rig.folder.path();
    let other = path.join("upstream-1");
    write(&other, &rig.value(1));
    rig.add("other", &format!("file://{}", other.display()));
    let server = rig.serve();
    let readings = || {
        let found = run(path, &["audit", "search", "--json"]).ended(0).stdout;
        found.matches("secret.read").count()
    };
    assert_eq!(rig.status(&server), 200);
    let before = readings();
    let listed = run(path, &["upstream", "list", "--all-workspaces", "--json"]).ended(0);
    assert!(listed.json() != Value::Null);
    let read = readings() - before;
    // To list the keys, and to read the log.
    assert!((1..=4).contains(&read), "{read}");

    // Each reading is in the record, and so is that somebody looked.
    run(path, &["secret", "check", "--json"]).ended(0);
    let acts = run(path, &["audit", "search", "--json"]).ended(0).stdout;
    for told in ["secret.check", "upstream-1"] {
        assert!(acts.contains(told), "{told}: {acts}");
    }
    run(path, &["secret", "list", "--json"]).ended(0);
    let acts = run(path, &["audit", "search", "--json"]).ended(0).stdout;
    assert!(acts.contains("secret.list"), "{acts}");
}
