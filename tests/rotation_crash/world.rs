//! An emulated Instantly, a Doorward beside it, a key that is to be rotated and a client of it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cases::Case;
use crate::faults::{Fault, Mounted};
use crate::harness::{Answer, Ran, Server, Starting, call, doorward, pid, run};
use crate::hook::Hook;
use crate::load::Aim;
use crate::watch::Watch;

/// How long a call of a rotation's may take here.
pub(crate) const CALL_SECONDS: u64 = 2;
/// For how long a deleted key works on where it does.
const LATE_DEATH_MS: u64 = 3_000;
/// Room of the data folder that can be filled: the ledger takes 64 MB ahead.
const ROOM: &str = "160m";
const LOG: &str = "warn,doorward::rotation=debug";
/// The rotated key.
pub(crate) const KEY: &str = "reader";

/// The sandbox's control API.
pub(crate) struct Control {
    url: String,
    /// Every key's value that was ever seen, by its id.
    seen: Mutex<BTreeMap<String, String>>,
}

impl Control {
    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let answer = call(method, &format!("{}/_sandbox/{path}", self.url), None, body);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.body
    }

    pub(crate) fn faults(&self, fault: Value) {
        self.ask("POST", "faults", Some(fault));
    }

    pub(crate) fn no_faults(&self) {
        self.ask("DELETE", "faults", None);
    }

    /// The number of the newest request.
    pub(crate) fn last(&self) -> u64 {
        self.ask("GET", "received?limit=1", None)["last"]
            .as_u64()
            .unwrap()
    }

    /// Waits until one of those operations was called by Doorward itself, after that request.
    pub(crate) fn wait_for(&self, operation: &str, after: u64, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        while Instant::now() < until {
            let seen = self.ask("GET", &format!("received?after={after}&limit=1000"), None);
            let mut items = seen["items"].as_array().unwrap().iter();
            if items.any(|one| one["operation"] == operation) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }

    /// Id, name and value of each key of the workspace.
    pub(crate) fn keys(&self) -> Vec<(String, String, String)> {
        let listed = self.ask("GET", "keys", None);
        let keys = listed[0]["keys"].as_array().unwrap().iter().map(|key| {
            let text = |name: &str| key[name].as_str().unwrap().to_owned();
            (text("id"), text("name"), text("key"))
        });
        let keys: Vec<_> = keys.collect();
        let mut seen = self.seen.lock().unwrap();
        seen.extend(
            keys.iter()
                .map(|(id, _, value)| (id.clone(), value.clone())),
        );
        keys
    }

    /// Every value that was ever seen.
    pub(crate) fn values(&self) -> BTreeMap<String, String> {
        self.seen.lock().unwrap().clone()
    }

    /// Calls the emulated API.
    pub(crate) fn instantly(
        &self,
        key: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        call(
            method,
            &format!("{}/api/v2/{path}", self.url),
            Some(key),
            body,
        )
    }
}

/// One world.
pub(crate) struct World {
    pub(crate) control: Control,
    pub(crate) watch: Watch,
    /// What somebody outside is told.
    pub(crate) hook: Hook,
    server: Option<Server>,
    /// A server that is not ready yet.
    starting: Option<Starting>,
    /// When there was no server to call.
    pub(crate) downs: Vec<(Instant, Instant)>,
    /// What commands wrote.
    pub(crate) said: Mutex<Vec<u8>>,
    /// Instantly's id of the key that is there at first, and its value.
    pub(crate) old: (String, String),
    client_key: String,
    address: String,
    pub(crate) full: Option<Mounted>,
    _sandbox: Server,
    folder: TempDir,
}

impl World {
    pub(crate) fn new(case: &Case) -> World {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let full = (case.fault == Fault::DiskFull).then(|| {
            let data = path.join(".doorward");
            fs::create_dir(&data).unwrap();
            Mounted::tmpfs(&data, ROOM).unwrap()
        });
        let sandbox = Server::start_logging(path, &["sandbox", "--seed", "3"], "warn");
        let control = Control {
            url: sandbox.text("url"),
            seen: Mutex::default(),
        };
        if case.fault == Fault::LateDeath {
            let delay = json!({ "revocation_delay_ms": LATE_DEATH_MS });
            control.ask("PATCH", "settings", Some(delay));
        }
        let log = File::create(path.join("serve.log")).unwrap();
        let mut world = World {
            watch: Watch::new(log),
            hook: Hook::listen(),
            server: None,
            starting: None,
            downs: Vec::new(),
            said: Mutex::default(),
            old: Default::default(),
            client_key: String::new(),
            address: "127.0.0.1:0".to_owned(),
            full,
            control,
            _sandbox: sandbox,
            folder,
        };
        world.furnish();
        world.start().unwrap();
        world
    }

    fn furnish(&mut self) {
        let mut init = doorward(self.path());
        let ran = Ran::of(init.arg("init").output().unwrap()).ended(0);
        assert!(ran.stderr.len() < 10_000);
        self.configure();
        fs::create_dir(self.keys()).unwrap();
        fs::set_permissions(self.keys(), fs::Permissions::from_mode(0o700)).unwrap();
        let seeded = self.control.keys();
        let of = |name: &str| seeded.iter().find(|key| key.1 == name).unwrap().2.clone();
        let scopes = json!(["campaigns:read", "lead_lists:create"]);
        let body = json!({ "name": KEY, "scopes": scopes });
        let made = self
            .control
            .instantly(&of("full-automation"), "POST", "api-keys", Some(body));
        let text = |name: &str| made.body[name].as_str().unwrap().to_owned();
        self.old = (text("id"), text("key"));
        for (name, value, manages) in [
            (KEY, self.old.1.clone(), false),
            ("manager", of("key-rotation"), true),
        ] {
            let path = self.keys().join(name);
            fs::write(&path, value).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let reference = format!("file://{}", path.display());
            let url = self.control.url.clone();
            let mut add = vec!["workspace", "add", "acme", "--sandbox", "--base-url", &url];
            add.extend(["--key-from", &reference]);
            add.extend(manages.then_some("--manages"));
            self.run(&add).ended(0);
        }
        let grant = ["--scope", "campaigns:read", "--operation", "createLeadList"];
        let mut create = vec!["client", "create", "load", "-e", "production"];
        create.extend(grant);
        self.run(&create).ended(0);
        let issued = run(self.path(), &["key", "issue", "load"]).ended(0);
        self.client_key = issued.stdout.trim_end().to_owned();
        self.control.keys();
    }

    /// Times that a case can wait for; and nobody but the rotation calls Instantly for Doorward, so that
    /// what is struck is a call of the rotation's.
    fn configure(&self) {
        let path = self.path().join("doorward.toml");
        let mut text = fs::read_to_string(&path).unwrap();
        let call = format!("call = {CALL_SECONDS}");
        for (from, to) in [
            ("watch = true", "watch = false"),
            ("overlap = \"1m\"", "overlap = \"1s\""),
            ("call = 30", &call),
            ("lost = 120", "lost = 5"),
        ] {
            assert_eq!(text.matches(from).count(), 1, "{from}");
            text = text.replace(from, to);
        }
        // Somebody outside holds the key as well, and says so when it has got the new one.
        text.push_str(&format!(
            "\n[[rotation.consumer]]\nname = \"crm\"\nkey = \"{KEY}\"\nwrite = [\"file://{}\"]\n\
             webhook = {{ url = \"{}\", secret = \"file:secrets/hook\" }}\n\
             command = [\"/bin/true\"]\n",
            self.outside().display(),
            self.hook.url
        ));
        let secret = self.data().join("secrets");
        fs::create_dir_all(&secret).unwrap();
        let secret = secret.join("hook");
        fs::write(&secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        fs::create_dir(self.path().join("outside")).unwrap();
        fs::write(&path, text).unwrap();
    }

    /// Where somebody outside holds the key.
    pub(crate) fn outside(&self) -> PathBuf {
        self.path().join("outside").join("key")
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where the keys are kept.
    pub(crate) fn keys(&self) -> PathBuf {
        self.path().join("keys")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path().join(".doorward")
    }

    /// What a load calls.
    pub(crate) fn aim(&self) -> Aim {
        let listed = self
            .control
            .instantly(&self.old.1, "GET", "campaigns?limit=1", None);
        Aim {
            url: format!("http://{}", self.address),
            key: self.client_key.clone(),
            campaign: listed.body["items"][0]["id"].as_str().unwrap().to_owned(),
        }
    }

    /// Calls through the gateway.
    pub(crate) fn through(&self) -> u16 {
        let url = format!("http://{}/api/v2/campaigns?limit=1", self.address);
        call("GET", &url, Some(&self.client_key), None).status
    }

    /// Runs a command.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let ran = run(self.path(), arguments);
        let mut said = self.said.lock().unwrap();
        said.extend_from_slice(ran.stdout.as_bytes());
        said.extend_from_slice(ran.stderr.as_bytes());
        ran
    }

    /// Begins a command.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = doorward(self.path());
        command.args(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Waits for a command that was begun, a while; then it is ended.
    pub(crate) fn ended(&self, mut child: Child) -> Ran {
        let until = Instant::now() + Duration::from_secs(10);
        while child.try_wait().unwrap().is_none() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = child.kill();
        let ran = Ran::of(child.wait_with_output().unwrap());
        let mut said = self.said.lock().unwrap();
        said.extend_from_slice(ran.stdout.as_bytes());
        said.extend_from_slice(ran.stderr.as_bytes());
        ran
    }

    /// Starts the server where it was before.
    pub(crate) fn start(&mut self) -> Result<(), String> {
        self.begin_start();
        self.is_ready()
    }

    /// Starts the server, and does not wait until it is ready: it may be stopped before.
    pub(crate) fn begin_start(&mut self) {
        let (reader, writer) = std::io::pipe().unwrap();
        let log = self.path().join("serve.log");
        let serve = ["serve", "--listen", &self.address];
        let starting = Starting::spawn(self.path(), &serve, LOG, (writer.into(), log));
        self.watch.follow(reader, pid(&starting.child));
        self.starting = Some(starting);
    }

    /// Waits until a server that was started is ready.
    fn is_ready(&mut self) -> Result<(), String> {
        let Some(starting) = self.starting.take() else {
            return Ok(());
        };
        let server = starting.ready()?;
        let url = server.text("gateway_url");
        self.address = url.trim_start_matches("http://").to_owned();
        self.server = Some(server);
        if let Some((_, to)) = self.downs.last_mut() {
            *to = Instant::now();
        }
        Ok(())
    }

    /// Kills the server.
    pub(crate) fn kill(&mut self) {
        if let Some(mut starting) = self.starting.take() {
            starting.child.kill().unwrap();
            starting.child.wait().unwrap();
        }
        if let Some(server) = self.server.take() {
            let now = Instant::now();
            // Until it is up again.
            self.downs.push((now, now + Duration::from_secs(3_600)));
            server.end(Signal::KILL);
        }
    }

    /// Lets the server go on that was stopped.
    pub(crate) fn go_on(&mut self) -> Result<(), String> {
        if let Some(server) = &self.server {
            server.signal(Signal::CONT);
        }
        if let Some(starting) = &self.starting {
            kill_process(pid(&starting.child), Signal::CONT).unwrap();
        }
        self.is_ready()
    }

    /// Ends the server as an operator would.
    pub(crate) fn end(&mut self) -> bool {
        let now = Instant::now();
        self.downs.push((now, now + Duration::from_secs(3_600)));
        let server = self.server.take();
        server.is_some_and(|server| server.end(Signal::TERM).success())
    }

    /// Whether the server runs.
    pub(crate) fn is_up(&self) -> bool {
        let Some(server) = &self.server else {
            return false;
        };
        let stat = fs::read_to_string(format!("/proc/{}/stat", server.ready["pid"]));
        // One that ended is a zombie until it is waited for.
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    }

    /// Keeps the folder, to be looked at.
    pub(crate) fn keep(mut self) -> PathBuf {
        self.full = None;
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }
}

impl Drop for World {
    /// A server that never was ready is ended too.
    fn drop(&mut self) {
        if let Some(mut starting) = self.starting.take() {
            let _ = starting.child.kill();
            let _ = starting.child.wait();
        }
    }
}
