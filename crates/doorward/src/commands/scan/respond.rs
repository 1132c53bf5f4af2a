//! Ending keys that were found alive.

use doorward_catalog::wire::SecretText;
use secrecy::ExposeSecret;

use super::keys::is_key;
use crate::cli::{RespondLeak, ScanRun};
use crate::commands::leak;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{Output, note};
use doorward_scan::report::Settled;

/// How far back it is told what a key did, and how long it is waited for its end.
const SINCE: &str = "90d";
const WAIT: &str = "15m";

/// Answers the leak of each key that is alive, one after another, as `doorward leak respond` does.
///
/// # Errors
/// When one of them is not proved dead; all are answered first.
pub(super) async fn all(
    context: &Context,
    run: &ScanRun,
    settled: &Settled,
) -> Result<(), Failure> {
    // The report of the scan has the output: this goes beside it.
    let mut context = context.clone();
    context.output = Output::new(false);
    let mut left = Vec::new();
    let mut any = false;
    for one in &settled.found {
        let evidence = &one.finding.evidence;
        let alive = evidence
            .iter()
            .any(|(name, seen)| name == "state" && seen.starts_with("alive"));
        if !alive || !one.finding.is_open() || !is_key(&one.secret) {
            continue;
        }
        any = true;
        note(format_args!(
            "\n{}",
            crate::output::clean(&one.finding.message)
        ));
        let value = SecretText::new(one.secret.expose_secret().to_owned());
        match leak::respond_to(&context, value, said(run)?).await {
            Ok(Exit::Done) => {}
            Ok(_) => left.push(format!("{} is not proved dead", one.finding.fingerprint)),
            Err(failure) => left.push(format!("{}: {failure}", one.finding.fingerprint)),
        }
    }
    if !any && !run.quiet {
        note("no key is known to be alive: there is nothing to end");
    }
    match left.is_empty() {
        true => Ok(()),
        false => Err(Failure::failed(left.join("\n"))),
    }
}

/// What `doorward leak respond` would have been told.
fn said(run: &ScanRun) -> Result<RespondLeak, Failure> {
    Ok(RespondLeak {
        key: "-".to_owned(),
        workspace: run.workspace.clone(),
        id: None,
        report: run.report.clone(),
        since: SINCE.parse().map_err(Failure::failed)?,
        reissue: false,
        scopes: None,
        to: None,
        revoke_anyway: false,
        wait: WAIT.parse().map_err(Failure::failed)?,
        yes: run.yes,
    })
}
