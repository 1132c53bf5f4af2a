//! `doorward upstream`: the real keys, at Instantly and here.

mod adopt;
mod entered;
mod list;
mod mint;
mod owed;
mod revoke;
mod shrink;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::canary::{files, holds};
use crate::harness::{Ran, Server, call, doorward, run};

/// The seeded key that makes, lists and deletes keys, and reads the audit log.
pub(crate) const MANAGER: &str = "key-rotation";

/// A sandbox, and a data folder whose workspace `acme` is bound to it.
pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) sandbox: Server,
}

impl World {
    /// With these seeded keys of the sandbox, each kept in a file of its name.
    pub(crate) fn with(keys: &[&str]) -> World {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = Server::start(folder.path(), &["sandbox", "--seed", "3"]);
        run(folder.path(), &["init"]).ended(0);
        // The seeded keys are old: none is replaced before a test has said so.
        let config = folder.path().join("doorward.toml");
        let text = fs::read_to_string(&config).unwrap();
        let (by_age, never) = ("rotate_every = \"90d\"\n", "rotate_every = \"never\"\n");
        assert!(text.contains(by_age));
        fs::write(&config, text.replacen(by_age, never, 1)).unwrap();
        let world = World { folder, sandbox };
        for name in keys {
            let value = world.seeded(name)["key"].as_str().unwrap().to_owned();
            let reference = world.keep(name, &value);
            let url = world.sandbox.text("url");
            let add = [
                "workspace",
                "add",
                "acme",
                "--base-url",
                &url,
                "--sandbox",
                "--key-from",
                &reference,
            ];
            world.run(&add).ended(0);
        }
        world
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        run(self.path(), arguments)
    }

    /// Runs the binary with something piped in.
    pub(crate) fn piped(&self, arguments: &[&str], input: &str) -> Ran {
        let mut child = doorward(self.path())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // One that refuses before it reads closes the pipe.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Ran::of(child.wait_with_output().unwrap())
    }

    /// What the record has of these actions, newest last: action and result.
    pub(crate) fn recorded(&self, action: &str) -> Vec<Value> {
        let found = self.run(&["audit", "search", "--action", action, "--json"]);
        let lines = found.ended(0).stdout;
        lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Nothing that Doorward keeps holds this, but for files of this name.
    #[track_caller]
    pub(crate) fn holds_nowhere(&self, value: &str, but: &str) {
        let mut kept = Vec::new();
        files(&self.path().join(".doorward"), &[], &mut kept);
        assert!(!kept.is_empty());
        for entry in fs::read_dir(self.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "log") {
                let told = fs::read_to_string(&path).unwrap();
                assert!(!told.contains(value), "{}", path.display());
            }
        }
        for (path, bytes) in kept {
            assert!(path.ends_with(but) || !holds(&bytes, value), "{path}");
        }
    }

    /// Writes a value into a file for its owner alone; gives the reference.
    pub(crate) fn keep(&self, name: &str, value: &str) -> String {
        let path = self.path().join(format!("{name}.key"));
        fs::write(&path, value).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        format!("file://{}", path.display())
    }

    /// A key that the sandbox was seeded with.
    pub(crate) fn seeded(&self, name: &str) -> &Value {
        let keys = self.sandbox.ready["workspaces"][0]["keys"]
            .as_array()
            .unwrap();
        keys.iter().find(|key| key["name"] == name).unwrap()
    }

    /// Calls the emulated API itself.
    pub(crate) fn instantly(
        &self,
        key: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let url = format!("{}/api/v2{path}", self.sandbox.text("url"));
        let answer = call(method, &url, Some(key), body);
        (answer.status, answer.body)
    }

    /// Changes settings of the sandbox.
    pub(crate) fn set(&self, settings: Value) {
        let url = format!("{}/_sandbox/settings", self.sandbox.text("url"));
        assert_eq!(call("PATCH", &url, None, Some(settings)).status, 200);
    }

    /// Has the emulated API fail like this from now on; only like this.
    pub(crate) fn fail(&self, fault: Option<Value>) {
        let url = format!("{}/_sandbox/faults", self.sandbox.text("url"));
        assert_eq!(call("DELETE", &url, None, None).status, 200);
        if let Some(fault) = fault {
            assert!(call("POST", &url, None, Some(fault)).status < 300);
        }
    }

    /// Makes a key in Instantly's interface, so to say: with its id and value.
    pub(crate) fn made_elsewhere(&self, name: &str, scopes: &[&str]) -> (String, String) {
        let wide = self.seeded("full-automation")["key"]
            .as_str()
            .unwrap()
            .to_owned();
        let body = json!({ "name": name, "scopes": scopes });
        let (status, made) = self.instantly(&wide, "POST", "/api-keys", Some(body));
        assert_eq!(status, 200, "{made}");
        let text = |field: &str| made[field].as_str().unwrap().to_owned();
        (text("id"), text("key"))
    }

    /// A client with a key, and the gateway that it calls.
    pub(crate) fn serve(&self, use_case: &str) -> (Server, String) {
        let create = [
            "client",
            "create",
            use_case,
            "-u",
            use_case,
            "-e",
            "production",
        ];
        self.run(&create).ended(0);
        let key = self.run(&["key", "issue", use_case]).ended(0).stdout;
        let server = Server::start(self.path(), &["serve", "--listen", "127.0.0.1:0"]);
        (server, key.trim_end().to_owned())
    }

    /// `upstream list --json` of the one workspace.
    pub(crate) fn inventory(&self) -> Value {
        let listed = self.run(&["upstream", "list", "--json"]).ended(0).json();
        listed[0].clone()
    }
}

/// The row of a key that Doorward holds, or else the only one of that name.
#[track_caller]
pub(crate) fn row<'v>(inventory: &'v Value, name: &str) -> &'v Value {
    let rows = inventory["keys"].as_array().unwrap();
    let mut named: Vec<&Value> = rows.iter().filter(|row| row["name"] == name).collect();
    if named.iter().any(|row| row["key_id"].is_string()) {
        named.retain(|row| row["key_id"].is_string());
    }
    match named.as_slice() {
        [row] => row,
        _ => panic!("not one {name} in {inventory:#}"),
    }
}
