//! Measures the event store beside a bare loop over the same tables, and what delivers from it.
//!
//! `relay_bench takes FOLDER SECONDS ROUNDS` · `relay_bench backlog FOLDER EVENTS SECONDS` ·
//! `relay_bench deliver FOLDER EVENTS`. Prints one JSON object. Used by `scripts/bench relay`.

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
    let folder = PathBuf::from(text(1));
    let result = match text(0) {
        "takes" => takes::measure(&folder, text(2).parse()?, text(3).parse()?)?,
        "backlog" => backlog::measure(&folder, text(2).parse()?, text(3).parse()?)?,
        "deliver" => deliver::measure(&folder, text(2).parse()?)?,
        _ => return Err("relay_bench takes|backlog|deliver FOLDER …".into()),
    };
    writeln!(std::io::stdout(), "{result}")?;
    Ok(())
}
