//! Measures the event store beside a bare loop over the same tables, and what delivers from it.
//!
//! `relay_bench takes FOLDER SECONDS ROUNDS` · `relay_bench backlog FOLDER EVENTS SECONDS` ·
//! `relay_bench deliver FOLDER EVENTS` · `relay_bench bare FILE GROUP SECONDS`. Prints one JSON object. `relay_bench at-once SECRET` is a receiver
//! that stores nothing. Used by `scripts/bench relay`.

mod at_once;
mod backlog;
mod bare;
mod common;
mod deliver;
mod takes;

use std::io::Write;
use std::path::PathBuf;

fn main() -> Result<(), common::Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text = |at: usize| arguments.get(at).map(String::as_str).unwrap_or_default();
    if text(0) == "at-once" {
        return at_once::serve(text(1).to_owned());
    }
    let folder = PathBuf::from(text(1));
    let result = match text(0) {
        "bare" => {
            let (a_second, _) = bare::measure(&folder, text(2).parse()?, life(text(3))?)?;
            serde_json::json!({ "per_second": a_second.round() })
        }
        "takes" => takes::measure(&folder, text(2).parse()?, text(3).parse()?)?,
        "backlog" => backlog::measure(&folder, text(2).parse()?, text(3).parse()?)?,
        "deliver" => deliver::measure(&folder, text(2).parse()?)?,
        _ => return Err("relay_bench takes|backlog|deliver FOLDER …, or at-once SECRET".into()),
    };
    writeln!(std::io::stdout(), "{result}")?;
    Ok(())
}

fn life(seconds: &str) -> Result<std::time::Duration, common::Failure> {
    Ok(std::time::Duration::from_secs(seconds.parse()?))
}
