//! `doorward upstream rotate`: one key in another's place, whatever happens on the way.

mod back;
mod debt;
mod load;
mod overwritten;
mod plan;
mod restart;
mod twins;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Ran, Server, call};
use crate::upstream::World;

/// What the key under test may do.
const SCOPES: [&str; 2] = ["campaigns:read", "leads:read"];
const CAMPAIGNS: &str = "/api/v2/campaigns";

/// A sandbox, a workspace with a key and one that manages it, and a client.
struct Stage {
    world: World,
    client: String,
    /// Instantly's id of the key that is rotated, and its value.
    old: (String, String),
}

impl Stage {
    fn new() -> Stage {
        let world = World::with(&[]);
        let managing = ["api_keys:create", "api_keys:read", "api_keys:delete"];
        let (_, manager) = world.made_elsewhere("doorward manager", &managing);
        let old = world.made_elsewhere("reader by hand", &SCOPES);
        let url = world.sandbox.text("url");
        let add = |name: &str, value: &str, more: &[&str]| {
            let place = world.keep(name, value);
            let add = ["workspace", "add", "acme", "--sandbox", "--base-url", &url];
            let add = [&add[..], &["--key-from", &place], more].concat();
            world.run(&add).ended(0);
        };
        add("reader", &old.1, &[]);
        add("manager", &manager, &["--manages"]);
        world
            .run(&["upstream", "adopt", "reader", "--id", &old.0])
            .ended(0);
        let create = ["client", "create", "dash", "--scope", "campaigns:read"];
        world
            .run(&[&create[..], &["-e", "production"]].concat())
            .ended(0);
        let client = world.run(&["key", "issue", "dash"]).ended(0).stdout;
        Stage {
            client: client.trim_end().to_owned(),
            world,
            old,
        }
    }

    fn serve(&self) -> Server {
        Server::start(self.world.path(), &["serve", "--listen", "127.0.0.1:0"])
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.world.run(arguments)
    }

    /// Adds a fault to the sandbox.
    /// Begins a rotation of `reader`, and does not wait for it.
    fn begin(&self, more: &[&str]) {
        let begin = ["upstream", "rotate", "reader", "--no-wait", "--json"];
        self.run(&[&begin[..], more].concat()).ended(0);
    }

    fn fault(&self, fault: Value) {
        let url = format!("{}/_sandbox/faults", self.world.sandbox.text("url"));
        assert_eq!(call("POST", &url, None, Some(fault)).status, 200);
    }

    fn no_faults(&self) {
        let url = format!("{}/_sandbox/faults", self.world.sandbox.text("url"));
        assert_eq!(call("DELETE", &url, None, None).status, 200);
    }

    /// What the emulated API answers under a value.
    fn status_under(&self, value: &str) -> u16 {
        self.world.instantly(value, "GET", "/campaigns", None).0
    }

    /// Names and ids of the workspace's keys at Instantly that rotations made.
    fn made(&self) -> Vec<(String, String)> {
        let wide = self.world.seeded("full-automation")["key"].clone();
        let wide = wide.as_str().unwrap();
        let (status, listed) = self
            .world
            .instantly(wide, "GET", "/api-keys?limit=100", None);
        assert_eq!(status, 200, "{listed}");
        let keys = listed["items"].as_array().unwrap().iter();
        let text = |key: &Value, field: &str| key[field].as_str().unwrap().to_owned();
        keys.map(|key| (text(key, "name"), text(key, "id")))
            .filter(|(name, _)| name.starts_with("dw-"))
            .collect()
    }

    fn value_at(&self, file: &str) -> Option<String> {
        std::fs::read_to_string(self.world.path().join(file)).ok()
    }

    /// The only rotation there is.
    fn rotation(&self) -> Value {
        let all = self.run(&["upstream", "history", "--json"]).ended(0).json();
        assert_eq!(all.as_array().unwrap().len(), 1, "{all:#}");
        all[0].clone()
    }

    /// Waits until the rotation is so.
    #[track_caller]
    fn until(&self, what: &str, so: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let all = self.run(&["upstream", "history", "--json"]).ended(0).json();
            if all[0].is_object() && so(&all[0]) {
                return all[0].clone();
            }
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "not {what}: {all:#}"
            );
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// What the ledger has of the rotation, in order: steps, and where they led.
    fn story(&self) -> Vec<String> {
        let found = self.run(&["audit", "search", "--kind", "rotation", "--json"]);
        let found = found.ended(0).stdout;
        let lines = found
            .lines()
            .map(|line| -> Value { serde_json::from_str(line).unwrap() });
        let steps = lines.map(|line| {
            let action = line["action"].as_str().unwrap();
            action.strip_prefix("rotation.").unwrap().to_owned()
        });
        steps.collect()
    }

    /// All is as it is meant to be once a rotation is done: the new key alone is alive, in force and
    /// kept, and the old one is dead and gone.
    #[track_caller]
    fn is_replaced(&self, server: &Server) {
        let rotation = self.rotation();
        assert_eq!(rotation["step"], "done", "{rotation:#}");
        assert_eq!(rotation["old_api_key_id"], *self.old.0);
        assert_eq!(rotation["refusals"], 3);
        assert_eq!(self.status_under(&self.old.1), 401);
        let made = self.made();
        assert_eq!(made.len(), 1, "an orphan: {made:?}");
        assert_eq!(rotation["new_api_key_id"], *made[0].1);
        assert_eq!(self.value_at("reader.key"), None);
        let new = self.value_at("reader.key-b").unwrap();
        assert_eq!(self.status_under(&new), 200);
        assert_eq!(self.get(server), 200);
        let keys = self
            .run(&["workspace", "show", "acme", "--json"])
            .ended(0)
            .json();
        let keys = keys["upstream_keys"].as_array().unwrap();
        let states: Vec<_> = keys
            .iter()
            .map(|key| (&key["name"], &key["state"]))
            .collect();
        let retired = format!("reader~{}", rotation["id"].as_str().unwrap());
        assert!(
            states.contains(&(&json!("reader"), &json!("active"))),
            "{states:?}"
        );
        assert!(
            states.contains(&(&json!(retired), &json!("retired"))),
            "{states:?}"
        );
        for value in [&new, &self.old.1] {
            self.world.holds_nowhere(value, "nothing");
        }
        let log = std::fs::read_to_string(&server.log).unwrap();
        assert!(!log.contains(&new) && !log.contains(&self.old.1));
    }

    fn get(&self, server: &Server) -> u16 {
        let url = format!("{}{CAMPAIGNS}", server.text("gateway_url"));
        call("GET", &url, Some(&self.client), None).status
    }
}

/// Calls of a client, one after another in each of some threads, until it is dropped.
struct Load {
    stop: Arc<AtomicBool>,
    well: Arc<AtomicUsize>,
    badly: Arc<std::sync::Mutex<Vec<u16>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    fn on(stage: &Stage, server: &Server, threads: usize) -> Load {
        let url = format!("{}{CAMPAIGNS}", server.text("gateway_url"));
        let load = Load {
            stop: Arc::default(),
            well: Arc::default(),
            badly: Arc::default(),
            threads: Vec::new(),
        };
        let start = |_| {
            let (url, key) = (url.clone(), stage.client.clone());
            let (stop, well) = (Arc::clone(&load.stop), Arc::clone(&load.well));
            let badly = Arc::clone(&load.badly);
            std::thread::spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    match call("GET", &url, Some(&key), None).status {
                        200 => _ = well.fetch_add(1, Ordering::SeqCst),
                        status => badly.lock().unwrap().push(status),
                    }
                }
            })
        };
        let threads = (0..threads).map(start).collect();
        Load { threads, ..load }
    }

    /// Ends it: how many calls went well, and the statuses of those that did not.
    fn end(self) -> (usize, Vec<u16>) {
        self.stop.store(true, Ordering::SeqCst);
        for thread in self.threads {
            thread.join().unwrap();
        }
        let badly = self.badly.lock().unwrap().clone();
        (self.well.load(Ordering::SeqCst), badly)
    }
}
