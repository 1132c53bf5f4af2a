//! Fills a sandbox with leads and tells what that costs.
//!
//! ```sh
//! cargo run --release -p doorward-sandbox --example fill -- 100000
//! cargo run --release -p doorward-sandbox --example fill -- 100000 --serve 127.0.0.1:4010
//! ```
//!
//! The first line of stdout is one JSON object: `leads`, `seconds` it took to add them through the
//! API, `resident_kib` before and after (of the whole process; 0 where the system does not say),
//! `get_per_second` and `list_per_second` in process, and `url` and `key` when it serves on.

use std::io::Write as _;
use std::time::{Duration, Instant};

use doorward_sandbox::{Incoming, Sandbox, Settings};
use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error>;

/// Leads in one call.
const AT_ONCE: usize = 1_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut leads = 100_000;
    let mut address = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--serve" => address = Some(arguments.next().ok_or("--serve takes an address")?),
            number => leads = number.parse()?,
        }
    }
    let settings = Settings {
        rate_limits: false,
        ..Settings::default()
    };
    let sandbox = Sandbox::builder().seed(1).settings(settings).build()?;
    let workspace = sandbox.summary("").workspaces.swap_remove(0);
    let key = workspace
        .keys
        .first()
        .ok_or("the sandbox has no key")?
        .key
        .clone();
    let caller = Caller { sandbox, key };
    let before = resident();
    let began = Instant::now();
    let list = caller.fill(leads).await?;
    let seconds = began.elapsed().as_secs_f64();
    let after = resident();
    let one = format!("/api/v2/lead-lists/{list}");
    let get = caller.pace("GET", &one, Value::Null).await?;
    let body = json!({ "list_id": list, "limit": 100 });
    let listed = caller.pace("POST", "/api/v2/leads/list", body).await?;
    let mut told = json!({
        "leads": leads,
        "seconds": seconds,
        "resident_kib": { "before": before, "after": after },
        "get_per_second": get,
        "list_per_second": listed,
    });
    let mut running = None;
    if let Some(address) = &address {
        let served = caller.sandbox.clone().spawn(address).await?;
        if let Some(told) = told.as_object_mut() {
            told.insert("url".to_owned(), json!(served.url));
            told.insert("key".to_owned(), json!(caller.key));
        }
        running = Some(served);
    }
    writeln!(std::io::stdout(), "{told}")?;
    if let Some(running) = running {
        tokio::signal::ctrl_c().await?;
        running.shutdown().await?;
    }
    Ok(())
}

/// Who calls the sandbox.
struct Caller {
    sandbox: Sandbox,
    key: String,
}

impl Caller {
    async fn call(&self, method: &str, target: &str, body: &Value) -> Result<Value, Failure> {
        let mut request = Incoming {
            method: method.to_owned(),
            target: target.to_owned(),
            address: "127.0.0.1".to_owned(),
            ..Incoming::default()
        };
        let bearer = format!("Bearer {}", self.key).parse()?;
        request.headers.insert(http::header::AUTHORIZATION, bearer);
        if !body.is_null() {
            let json = http::HeaderValue::from_static("application/json");
            request.headers.insert(http::header::CONTENT_TYPE, json);
            request.body = body.to_string().into();
        }
        let answer = self.sandbox.handle(request).await;
        if answer.status != 200 {
            let said = String::from_utf8_lossy(&answer.body).into_owned();
            return Err(format!("{method} {target}: {} {said}", answer.status).into());
        }
        Ok(answer.value())
    }

    /// Adds leads to a new list; its id.
    async fn fill(&self, leads: usize) -> Result<String, Failure> {
        let list = self
            .call("POST", "/api/v2/lead-lists", &json!({ "name": "many" }))
            .await?;
        let list = list
            .get("id")
            .and_then(Value::as_str)
            .ok_or("a list without an id")?;
        let mut added = 0;
        while added < leads {
            let until = leads.min(added + AT_ONCE);
            let batch: Vec<Value> = (added..until).map(lead).collect();
            let body = json!({ "list_id": list, "leads": batch });
            self.call("POST", "/api/v2/leads/add", &body).await?;
            added = until;
        }
        Ok(list.to_owned())
    }

    /// Calls a second.
    async fn pace(&self, method: &str, target: &str, body: Value) -> Result<u64, Failure> {
        let began = Instant::now();
        let mut calls = 0_u64;
        while began.elapsed() < Duration::from_secs(1) {
            self.call(method, target, &body).await?;
            calls += 1;
        }
        Ok((calls as f64 / began.elapsed().as_secs_f64()) as u64)
    }
}

/// A lead as imports bring them.
fn lead(number: usize) -> Value {
    json!({
        "email": format!("lead{number}@company{}.example", number / 20),
        "first_name": format!("First{}", number % 997),
        "last_name": format!("Last{}", number % 4_999),
        "company_name": format!("Company {}", number / 20),
        "job_title": "Head of Operations",
        "website": format!("https://company{}.example", number / 20),
        "custom_variables": { "industry": "software", "seats": number % 500 },
    })
}

/// Resident memory of this process in KiB; 0 where `/proc` does not say.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}
