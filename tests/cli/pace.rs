//! Calls at the pace that Instantly bears, before a sandbox that keeps the very limits.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http::header::AUTHORIZATION;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Server, call, run};

/// What the answers were: 200, 429, and others or none.
type Answers = [AtomicU32; 3];

/// Calls from many connections at once until it is told to stop.
fn calls(gateway: &str, key: &str, connections: usize, stop: &Arc<AtomicBool>) -> Arc<Answers> {
    let answers = Arc::<Answers>::default();
    let (counted, stop) = (Arc::clone(&answers), Arc::clone(stop));
    let (url, key) = (
        format!("{gateway}/api/v2/campaigns?limit=1"),
        key.to_owned(),
    );
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
            let mut tasks = tokio::task::JoinSet::new();
            for _ in 0..connections {
                let (client, counted, stop) = (client.clone(), counted.clone(), stop.clone());
                let (url, key) = (url.clone(), key.clone());
                tasks.spawn(async move {
                    while !stop.load(Ordering::SeqCst) {
                        let request = Request::get(&url)
                            .header(AUTHORIZATION, format!("Bearer {key}"))
                            .body(Empty::new())
                            .unwrap();
                        let status = match client.request(request).await {
                            Ok(answer) => {
                                let status = answer.status().as_u16();
                                let _ = answer.into_body().collect().await;
                                status
                            }
                            Err(_) => 0,
                        };
                        let kind = match status {
                            200 => 0,
                            429 => 1,
                            _ => 2,
                        };
                        counted[kind].fetch_add(1, Ordering::SeqCst);
                        if kind != 0 {
                            tokio::time::sleep(Duration::from_millis(50)).await;
                        }
                    }
                });
            }
            tasks.join_all().await;
        });
    });
    answers
}

fn keep_key(folder: &Path, sandbox: &Value) -> String {
    let keys = sandbox["workspaces"][0]["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["name"] == "full-automation");
    let path = folder.join("upstream-key");
    fs::write(&path, key.unwrap()["key"].as_str().unwrap()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    format!("file://{}", path.display())
}

#[test]
fn two_clients_share_and_the_api_never_has_too_much_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let sandbox = Server::start(path, &["sandbox", "--seed", "3"]);
    run(path, &["init"]).ended(0);
    // A fifth of the limits, so that a slow machine fills them too.
    let config = path.join("doorward.toml");
    let text = fs::read_to_string(&config).unwrap();
    let text = text.replace("budget_percent = 90", "budget_percent = 20");
    let text = text.replace("max_wait_seconds = 10", "max_wait_seconds = 60");
    fs::write(&config, text).unwrap();
    let reference = keep_key(path, &sandbox.ready);
    let url = sandbox.text("url");
    let add = [
        "workspace",
        "add",
        "acme",
        "--base-url",
        &url,
        "--sandbox",
        "--key-from",
    ];
    let add: Vec<&str> = add.iter().copied().chain([reference.as_str()]).collect();
    run(path, &add).ended(0);
    let client = |name: &str, weight: &str| {
        let create = [
            "client",
            "create",
            name,
            "-u",
            "analytics-dashboard",
            "-e",
            "production",
        ];
        let create: Vec<&str> = create.iter().copied().chain(["--weight", weight]).collect();
        run(path, &create).ended(0);
        run(path, &["key", "issue", name])
            .ended(0)
            .stdout
            .trim_end()
            .to_owned()
    };
    let (greedy, other) = (client("greedy", "1"), client("other", "3"));
    let stats = format!("{}/stats", sandbox.text("control_url"));
    call("DELETE", &stats, None, None);

    // The same address over restarts.
    let serve = |at: &str| Server::start(path, &["serve", "--listen", at]);
    let server = serve("127.0.0.1:0");
    let gateway = server.text("gateway_url");
    let at = gateway.trim_start_matches("http://").to_owned();
    let (stop, began) = (Arc::new(AtomicBool::new(false)), Instant::now());
    let of_greedy = calls(&gateway, &greedy, 60, &stop);
    let of_other = calls(&gateway, &other, 20, &stop);
    let served = |answers: &Answers| answers[0].load(Ordering::SeqCst);
    // The first second's went to whoever came first.
    std::thread::sleep(Duration::from_millis(1_500));
    let before = (served(&of_greedy), served(&of_other));
    std::thread::sleep(Duration::from_millis(3_000));
    let (greedy, other) = (served(&of_greedy) - before.0, served(&of_other) - before.1);
    assert!(other > greedy, "{greedy} to {other}, by weights 1 to 3");
    assert!(greedy > 0);
    let other = served(&of_other);

    // In order, in the middle of a second; and without any order.
    assert_eq!(server.end(Signal::TERM).code(), Some(0));
    let server = serve(&at);
    std::thread::sleep(Duration::from_millis(700));
    server.end(Signal::KILL);
    let server = serve(&at);
    std::thread::sleep(Duration::from_millis(1_700));
    stop.store(true, Ordering::SeqCst);
    assert!(served(&of_other) > other, "it goes on after the restarts");

    let told = call("GET", &stats, None, None).body;
    let windows = 1 + began.elapsed().as_millis() as u64 / 1_005;
    let requests = told["requests"].as_u64().unwrap();
    assert!(
        (60..=20 * windows).contains(&requests),
        "{told} in {windows} s"
    );
    assert_eq!(told["statuses"]["429"], Value::Null, "{told}");
    // On their way calls may come closer together than they left.
    assert!(told["peak_per_second"].as_u64().unwrap() <= 40, "{told}");
    server.end(Signal::TERM);
    sandbox.end(Signal::TERM);
}
