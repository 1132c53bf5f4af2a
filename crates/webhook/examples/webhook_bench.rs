//! Prints what a payload of 1.5 KB costs: its canonical form, its facts, its proof and its
//! signature, in nanoseconds.
//! `cargo run --release -p doorward-webhook --example webhook_bench`

use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

use doorward_policy::Timestamp;
use doorward_webhook::{
    Canonicaliser, Delivery, Limits, Scheme, Schemes, Signer, Way, WebhookSecret, facts,
};

fn payload() -> String {
    let mut payload = String::from(
        r#"{"timestamp":"2026-08-13T11:11:58.208Z","event_type":"reply_received","workspace":"0195f3a2-1b2c-7d3e-8f40-5a6b00000001","campaign_id":"0195f3a2-1b2c-7d3e-8f40-5a6b00000002","unibox_url":"https://app.instantly.ai/app/unibox?thread_search=thread:0195f3a2","campaign_name":"Spring in Lyon","email_account":"sales@example.com","is_first":true,"lead_email":"ann@example.com","email":"ann@example.com","website":"https:\/\/example.com","step":2,"variant":1,"reply_text_snippet":"Yes, let's talk","email_subject":"Re: a question","reply_html":""#,
    );
    while payload.len() < 1_400 {
        payload.push_str("<p>Met at the fair in Lyon \\u2014 \\\"call me\\\"<\\/p>\\r\\n");
    }
    payload.push_str(
        r#"","firstName":"Ann","lastName":"Martin","companyName":"Example","score":1.0}"#,
    );
    payload
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let payload = payload();
    let body = payload.as_bytes();
    let limits = Limits::default();
    let now = Timestamp::from_seconds(1_800_000_000);
    let scheme = |way: &Way| {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into();
        Schemes::new(vec![Scheme::new(way, &[secret])?])
    };
    let name = "x-webhook-secret".to_owned();
    let (by_header, by_standard) = (scheme(&Way::Header { name })?, scheme(&Way::standard())?);
    let secret = WebhookSecret::parse(&"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into())?;
    let signer = Signer::new(vec![secret])?;
    let mut head = signer.headers("evt_1", 1_800_000_000, body).to_vec();
    head.push((
        "x-webhook-secret",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(),
    ));
    let delivery = Delivery {
        head: &head,
        certificate: None,
    };

    let mut canonicaliser = Canonicaliser::default();
    let mut other = Canonicaliser::default();
    let canonical = other.run(body, &limits)?;
    let mut out = std::io::stdout();
    writeln!(out, "{} bytes", body.len())?;
    let mut measure = |what: &str, work: &mut dyn FnMut()| {
        let mut best = f64::MAX;
        for _ in 0..1_000 {
            let began = Instant::now();
            for _ in 0..50 {
                work();
            }
            best = best.min(began.elapsed().as_nanos() as f64 / 50.0);
        }
        writeln!(out, "{what}: {best:.0} ns")
    };
    measure("canonical form", &mut || {
        black_box(canonicaliser.run(black_box(body), &limits).is_ok());
    })?;
    measure("facts", &mut || {
        black_box(facts(black_box(canonical)).is_ok());
    })?;
    measure("proof by a header", &mut || {
        black_box(by_header.verify(&delivery, black_box(body), now).is_ok());
    })?;
    measure("proof by Standard Webhooks", &mut || {
        black_box(by_standard.verify(&delivery, black_box(body), now).is_ok());
    })?;
    measure("signature", &mut || {
        black_box(signer.sign("evt_1", 1_800_000_000, black_box(body)));
    })?;
    Ok(())
}
