//! Running the binary, and talking to what it runs.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// The binary with a clean environment, in a folder.
pub(crate) fn doorward(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    command
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["DOORWARD_", "INSTANTLY_", "CARGO"]
            .iter()
            .any(|start| text.starts_with(start))
        {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs the binary to its end.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Ran {
    Ran::of(doorward(folder).args(arguments).output().unwrap())
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(output: Output) -> Ran {
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The run, which must have ended with this code.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Ran {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// What it wrote, as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// A server: `up`, `serve` or `sandbox`, with `--json`.
pub(crate) struct Server {
    child: Child,
    /// The first line of its stdout.
    pub(crate) ready: Value,
    /// Where its stderr goes.
    pub(crate) log: PathBuf,
}

impl Server {
    /// Starts it and waits until it says that it is ready.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Server {
        Server::start_logging(folder, arguments, "debug")
    }

    /// The same with another filter of its log.
    pub(crate) fn start_logging(folder: &Path, arguments: &[&str], filter: &str) -> Server {
        let log = folder.join(format!("{}.log", arguments[0]));
        let stderr = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap();
        let starting = Starting::spawn(folder, arguments, filter, (stderr.into(), log));
        starting
            .ready()
            .unwrap_or_else(|why| panic!("{arguments:?}: {why}"))
    }

    /// The same with variables in its environment.
    pub(crate) fn start_with(
        folder: &Path,
        arguments: &[&str],
        variables: &[(&str, &Path)],
    ) -> Server {
        let log = folder.join(format!("{}.log", arguments[0]));
        let stderr = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap();
        let mut command = doorward(folder);
        command.envs(variables.iter().copied());
        let starting = Starting::of(command, arguments, "debug", (stderr.into(), log));
        starting
            .ready()
            .unwrap_or_else(|why| panic!("{arguments:?}: {why}"))
    }

    /// A text of what it said when it was ready.
    pub(crate) fn text(&self, name: &str) -> String {
        self.ready[name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name}: {}", self.ready))
            .to_owned()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(pid(&self.child), signal).unwrap();
    }

    /// Tells it to end, and waits for that.
    pub(crate) fn end(mut self, signal: Signal) -> ExitStatus {
        self.signal(signal);
        self.wait()
    }

    fn wait(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

pub(crate) fn pid(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap()
}

/// A server that was spawned and may not be ready yet.
pub(crate) struct Starting {
    pub(crate) child: Child,
    line: mpsc::Receiver<String>,
    log: PathBuf,
}

impl Starting {
    /// Spawns it with its stderr there; the path is where that can be read later.
    pub(crate) fn spawn(
        folder: &Path,
        arguments: &[&str],
        filter: &str,
        stderr: (Stdio, PathBuf),
    ) -> Starting {
        Starting::of(doorward(folder), arguments, filter, stderr)
    }

    fn of(
        mut command: Command,
        arguments: &[&str],
        filter: &str,
        (stderr, log): (Stdio, PathBuf),
    ) -> Starting {
        command
            .args(arguments)
            .arg("--json")
            .env("DOORWARD_LOG", filter);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = BufReader::new(stdout).read_line(&mut line);
            let _ = send.send(line);
        });
        Starting {
            child,
            line: receive,
            log,
        }
    }

    /// Waits until it says that it is ready; what it said instead.
    pub(crate) fn ready(self) -> Result<Server, String> {
        let Starting {
            mut child,
            line,
            log,
        } = self;
        let line = line.recv_timeout(PATIENCE).unwrap_or_default();
        match serde_json::from_str(&line) {
            Ok(ready) => Ok(Server { child, ready, log }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                Err(format!("{error}: {said}"))
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// A demo of its own, in a folder of its own.
pub(crate) struct Demo {
    pub(crate) folder: TempDir,
    pub(crate) server: Server,
}

impl Demo {
    pub(crate) fn up() -> Demo {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path(), &["up"]);
        Demo { folder, server }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        run(self.path(), arguments)
    }

    /// The key of a client of the demo.
    pub(crate) fn key(&self, client: &str) -> String {
        let clients = self.server.ready["clients"].as_array().unwrap();
        let client = clients
            .iter()
            .find(|known| known["name"] == client)
            .unwrap();
        client["key"].as_str().unwrap().to_owned()
    }

    /// Calls the gateway.
    pub(crate) fn call(&self, method: &str, path: &str, key: &str, body: Option<Value>) -> Answer {
        call(
            method,
            &format!("{}{path}", self.server.text("gateway_url")),
            Some(key),
            body,
        )
    }
}

/// An answer over HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }
}

/// Calls a URL.
pub(crate) fn call(method: &str, url: &str, key: Option<&str>, body: Option<Value>) -> Answer {
    let mut request = Request::builder().method(method).uri(url);
    if let Some(key) = key {
        request = request.header(AUTHORIZATION, format!("Bearer {key}"));
    }
    if body.is_some() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    let body = body
        .map(|body| Bytes::from(body.to_string()))
        .unwrap_or_default();
    let request = request.body(Full::new(body)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let response = tokio::time::timeout(PATIENCE, client.request(request)).await;
        let (head, body) = response.unwrap().unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned()));
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        }
    })
}
