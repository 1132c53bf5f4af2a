//! Prints how fast an answer of 1 MB passes, with 2,000 secrets known, in megabytes a second.
//! `scripts/bench veil` runs it.
//! `cargo run --release -p doorward-veil --example veil_bench`

use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use doorward_catalog::Op;
use doorward_veil::{Action, DataClass, Redactor, Rule, Scrubber, Scrubbing, Target};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout();
    let mut seed = 7_u64;
    let mut random = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as u32
    };
    let letters: Vec<char> = ('a'..='z').chain('A'..='Z').chain('0'..='9').collect();
    let secrets: Vec<String> = (0..2000)
        .map(|_| {
            (0..68)
                .filter_map(|_| letters.get(random() as usize % letters.len()))
                .collect()
        })
        .collect();
    let began = Instant::now();
    let scrubber = Arc::new(Scrubber::new(secrets.iter().map(String::as_str))?);
    writeln!(out, "built in {:?}", began.elapsed())?;
    for (name, note) in [
        ("plain", "Met at the fair in Lyon and asked for a call"),
        (
            "escaped",
            r#"<p class=\"x\">50% off<\/p>\n<a href=\"%2Fx\">y<\/a>"#,
        ),
    ] {
        let mut answer = String::from("{\"items\":[");
        while answer.len() < 1_000_000 {
            let id = random();
            answer.push_str(&format!(
                r#"{{"id":"0195f3a2-1b2c-7d3e-8f40-5a6b{id:08x}","email":"p{id}@example.com","first_name":"Ann","phone":"+33 1 {id}","status":1,"opens":{},"note":"{note}","payload":{{"city":"Lyon","ok":true,"x":null}}}},"#,
                id % 100
            ));
        }
        answer.pop();
        answer.push_str("]}");
        let mut measure = |what: &str, work: &mut dyn FnMut() -> usize| -> std::io::Result<()> {
            let mut best = f64::MAX;
            for _ in 0..60 {
                let began = Instant::now();
                std::hint::black_box(work());
                best = best.min(began.elapsed().as_secs_f64());
            }
            let speed = answer.len() as f64 / best / 1e6;
            writeln!(out, "{name:8} {what:24} {speed:8.0} MB/s")
        };
        measure("scrub whole", &mut || {
            scrubber.scrub(answer.as_bytes()).len()
        })?;
        let mut passed = Vec::with_capacity(2_000_000);
        measure("scrub chunks of 16 KiB", &mut || {
            passed.clear();
            let mut scrubbing = Scrubbing::new(Arc::clone(&scrubber));
            for chunk in answer.as_bytes().chunks(16_384) {
                scrubbing.feed(chunk, &mut passed);
            }
            scrubbing.finish(&mut passed);
            passed.len()
        })?;
        let rules = [DataClass::Email, DataClass::Name, DataClass::Phone].map(|class| Rule {
            target: Target::Class(class),
            action: Action::Mask,
        });
        let redactor = Redactor::new(&rules, &[7; 32])?;
        measure("redact three classes", &mut || {
            let redacted = redactor.redact(Some(Op::ListLeads), answer.as_bytes());
            redacted.map_or(0, |redacted| redacted.len())
        })?;
        measure("redact three and scrub", &mut || {
            let redacted = redactor.redact(Some(Op::ListLeads), answer.as_bytes());
            redacted.map_or(0, |redacted| scrubber.scrub(&redacted).len())
        })?;
        let rule = Rule {
            target: Target::Pointer("/items/*/phone".to_owned()),
            action: Action::Drop,
        };
        let redactor = Redactor::new(&[rule], &[7; 32])?;
        measure("redact one pointer", &mut || {
            let redacted = redactor.redact(Some(Op::ListLeads), answer.as_bytes());
            redacted.map_or(0, |redacted| redacted.len())
        })?;
        measure("redact one and scrub", &mut || {
            let redacted = redactor.redact(Some(Op::ListLeads), answer.as_bytes());
            redacted.map_or(0, |redacted| scrubber.scrub(&redacted).len())
        })?;
    }
    Ok(())
}
