//! `doorward ca`: the local certificate authority.

use serde_json::json;

use super::whole_seconds;
use crate::admin::now;
use crate::ca::Authority;
use crate::cli::CaCommand;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};

/// Runs `doorward ca`.
pub(crate) fn run(context: &Context, command: &CaCommand) -> Outcome {
    let data = &context.data_dir;
    if !data.exists() {
        return Err(Failure::usage(format_args!(
            "there is no data folder {}; make it with `doorward init`",
            data.path().display()
        )));
    }
    let authority = Authority::open(data, &std::collections::BTreeSet::new(), now())?;
    let output = context.output;
    let ends = whole_seconds(authority.not_after());
    match command {
        CaCommand::Export if output.is_json() => {
            output.value(&json!({ "certificate": authority.certificate() }))?;
        }
        CaCommand::Export => output.bytes(authority.certificate().as_bytes())?,
        CaCommand::Path if output.is_json() => {
            output.value(&json!({ "path": authority.path() }))?;
        }
        CaCommand::Path => output.line(authority.path().display())?,
        CaCommand::Show if output.is_json() => output.value(&json!({
            "name": authority.name(),
            "hosts": authority.hosts(),
            "path": authority.path(),
            "not_after": ends,
        }))?,
        CaCommand::Show => {
            let hosts: Vec<&str> = authority.hosts().iter().map(String::as_str).collect();
            output.line(format_args!(
                "{}\n  speaks for  {}\n  until       {ends}\n  certificate {}",
                authority.name(),
                hosts.join(", "),
                authority.path().display()
            ))?;
        }
    }
    Ok(Exit::Done)
}
