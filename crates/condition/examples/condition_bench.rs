//! What a judgement costs, and what many policies weigh: `cargo run --release -p doorward-condition
//! --example condition_bench`.

use std::fmt::Write;
use std::hint::black_box;
use std::io::Write as _;
use std::time::Instant;

use doorward_catalog::{Environment, Op};
use doorward_condition::{Asked, Asker, Day, Policies, PolicyText, schema_digest};
use doorward_policy::{Timestamp, WorkspaceKind};

const OWN: &str = "0195c1a0-0000-7000-8000-000000000001";

/// Memory in use, in kB, where the system tells.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Nanoseconds that this thread was on a processor; another's load does not count.
fn busy() -> f64 {
    let spent = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = spent.split(' ').next().and_then(|text| text.parse().ok());
    first.unwrap_or(0.0)
}

fn read(text: &str, files: usize) -> Policies {
    let names: Vec<String> = (0..files).map(|n| format!("p{n}")).collect();
    let texts = names.iter().map(|name| PolicyText {
        name,
        text,
        schema: schema_digest(),
    });
    Policies::read(texts, None)
}

fn judge(policies: &Policies, client: &str, body: &[u8]) -> f64 {
    const ROUNDS: u32 = 5_000;
    let asker = Asker {
        name: client,
        environment: Environment::Production,
        owner: "Ann",
        purpose: "imports",
        workspace: "acme",
        workspace_kind: WorkspaceKind::Live,
    };
    let asked = Asked {
        op: Op::CreateLead,
        parameter: None,
        query: "",
        body,
        source: [10, 0, 0, 1].into(),
        as_workspace: None,
        now: Timestamp::from_seconds(1_800_000_000),
        today: Day::default(),
    };
    let mut best = f64::MAX;
    for _ in 0..5 {
        let began = busy();
        for _ in 0..ROUNDS {
            let judged = policies.judge(black_box(&asker), black_box(asked));
            black_box(&judged);
        }
        best = best.min((busy() - began) / 1e3 / f64::from(ROUNDS));
    }
    best
}

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let body = format!(
        r#"{{"campaign":"{OWN}","email":"ann@example.org","first_name":"Ann","company_name":"Acme",
            "custom_variables":{{"a":"b"}},"skip_if_in_campaign":true}}"#
    );
    let body = body.as_bytes();
    let own = format!(
        "forbid (principal == Client::\"crm\", action, resource)
         unless {{ [\"{OWN}\"].containsAll(context.campaigns) }};"
    );
    let field = "forbid (principal, action == Action::\"createLead\", resource)
         unless { context.body has skip_if_in_campaign && context.body.skip_if_in_campaign };";
    let (own, field, none) = (read(&own, 1), read(field, 1), Policies::default());
    writeln!(
        out,
        "no policy            {:6.2} µs",
        judge(&none, "crm", body)
    )?;
    writeln!(
        out,
        "another's policy     {:6.2} µs",
        judge(&own, "other", body)
    )?;
    writeln!(
        out,
        "ids of the body      {:6.2} µs",
        judge(&own, "crm", body)
    )?;
    writeln!(
        out,
        "a field of the body  {:6.2} µs",
        judge(&field, "crm", body)
    )?;

    let mut many = String::new();
    for n in 0..100 {
        let _ = writeln!(
            many,
            "forbid (principal == Client::\"c{n}\", action, resource)
             unless {{ [\"{OWN}\"].containsAll(context.campaigns) }};"
        );
    }
    let (before, began) = (memory(), Instant::now());
    let policies = read(&many, 100);
    let took = began.elapsed().as_millis();
    let kept = memory().saturating_sub(before);
    writeln!(out, "10,000 policies      {kept} kB, read in {took} ms")?;
    writeln!(
        out,
        "one among them       {:6.2} µs",
        judge(&policies, "other", body)
    )
}
