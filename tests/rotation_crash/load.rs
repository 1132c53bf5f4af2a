//! A client that calls all the time: twenty calls a second, reads and writes, over connections that are
//! kept and over new ones, begun on time whether or not earlier ones are answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

const EVERY: Duration = Duration::from_millis(50);
/// Longer than the gateway waits for anything.
const PATIENCE: Duration = Duration::from_secs(45);

/// One call.
#[derive(Debug)]
pub(crate) struct Called {
    pub(crate) what: &'static str,
    pub(crate) from: Instant,
    pub(crate) to: Instant,
    /// The status, and the start of the body; or why there is none.
    pub(crate) answer: Result<(u16, String), String>,
}

/// Where the calls go.
pub(crate) struct Aim {
    pub(crate) url: String,
    pub(crate) key: String,
    /// A campaign that is there.
    pub(crate) campaign: String,
}

/// A load that runs.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Called>>,
}

type Http = Client<HttpConnector, Full<Bytes>>;

impl Load {
    pub(crate) fn start(aim: Aim) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().unwrap();
            runtime.block_on(calls(Arc::new(aim), &until))
        });
        Load { stop, thread }
    }

    /// Begins no more calls, and waits for those under way.
    pub(crate) fn end(self) -> Vec<Called> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

async fn calls(aim: Arc<Aim>, stop: &AtomicBool) -> Vec<Called> {
    let kept: Http = Client::builder(TokioExecutor::new()).build_http();
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut under_way = JoinSet::new();
    let mut n = 0_u32;
    while !stop.load(Ordering::Relaxed) {
        ticks.tick().await;
        let http = match n % 4 {
            3 => Client::builder(TokioExecutor::new()).build_http(),
            _ => kept.clone(),
        };
        under_way.spawn(call(http, Arc::clone(&aim), n));
        n += 1;
    }
    under_way.join_all().await
}

async fn call(http: Http, aim: Arc<Aim>, n: u32) -> Called {
    let from = Instant::now();
    let (what, method, path, body) = match n % 4 {
        1 => (
            "write",
            "POST",
            "lead-lists".to_owned(),
            format!("{{\"name\":\"load {n}\"}}"),
        ),
        3 => (
            "read over a new connection",
            "GET",
            format!("campaigns/{}", aim.campaign),
            String::new(),
        ),
        _ => (
            "read",
            "GET",
            format!("campaigns/{}", aim.campaign),
            String::new(),
        ),
    };
    let request = Request::builder()
        .method(method)
        .uri(format!("{}/api/v2/{path}", aim.url))
        .header(AUTHORIZATION, format!("Bearer {}", aim.key));
    let request = match method {
        "POST" => request.header(CONTENT_TYPE, "application/json"),
        _ => request,
    };
    let request = request.body(Full::new(Bytes::from(body))).unwrap();
    let answered = timeout(PATIENCE, async {
        let answer = http.request(request).await.map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            format!("{error}: {}", cause.unwrap_or_default())
        })?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await;
        let body = body.map_err(|error| error.to_string())?.to_bytes();
        let start = String::from_utf8_lossy(&body).chars().take(400).collect();
        Ok((status, start))
    });
    let answer = answered
        .await
        .unwrap_or_else(|_| Err(format!("no answer in {PATIENCE:?}")));
    Called {
        what,
        from,
        to: Instant::now(),
        answer,
    }
}
