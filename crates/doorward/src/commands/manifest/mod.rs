//! `doorward plan`, `apply`, `export` and `manifest`: the declared state of workspaces.

mod apply;
mod asking;
mod export;
mod files;
mod journal;
mod keys;
mod look;
mod show;
mod steps;
mod views;

use std::collections::BTreeSet;

use doorward_posture::manifest::{Kind, Manifest, schema};
use doorward_posture::plan::{Plan, Target, make};
use serde_json::json;

use crate::admin::{Session, now};
use crate::cli::{ApplyOf, ExportTo, ManifestCommand, PlanOf};
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};

/// Runs `doorward manifest …`, which needs neither server nor data folder.
pub(super) fn run(command: ManifestCommand, output: crate::output::Output) -> Outcome {
    match command {
        ManifestCommand::Schema => {
            let text = serde_json::to_string_pretty(&schema()).map_err(Failure::failed)?;
            output.line(text)?;
        }
        ManifestCommand::Validate { files } => match files::read(&files)? {
            Ok(manifest) => {
                let workspaces: Vec<&String> = manifest.workspaces.keys().collect();
                match output.is_json() {
                    true => output.value(&json!({ "workspaces": workspaces, "faults": [] }))?,
                    false => output.line(format_args!(
                        "the manifest is sound: {} workspaces, {} destinations",
                        workspaces.len(),
                        manifest.destinations.len()
                    ))?,
                }
            }
            Err(faults) if output.is_json() => {
                let faults: Vec<_> = faults
                    .0
                    .iter()
                    .map(|one| {
                        json!({
                            "file": one.file, "line": one.line, "column": one.column,
                            "why": one.why, "help": one.help,
                        })
                    })
                    .collect();
                output.value(&json!({ "faults": faults }))?;
                return Ok(Exit::Code(2));
            }
            Err(faults) => return Err(Failure::usage(faults)),
        },
    }
    Ok(Exit::Done)
}

/// Runs `doorward plan`.
pub(super) async fn plan(context: &Context, typed: &PlanOf) -> Outcome {
    let manifest = files::read(&typed.of.files)?.map_err(Failure::usage)?;
    let session = Session::open(context).await?;
    let plan = planned(&session, &manifest, &typed.of.target).await?;
    show::plan(&plan, typed.refresh_only, context.output)?;
    let in_doubt = !plan.blind.is_empty();
    Ok(match (plan.is_empty(), typed.detailed_exitcode) {
        (_, _) if in_doubt => Exit::Findings,
        (false, true) => Exit::Drift,
        _ => Exit::Done,
    })
}

/// Runs `doorward apply`.
pub(super) async fn apply(context: &Context, typed: &ApplyOf) -> Outcome {
    apply::run(context, typed).await
}

/// Runs `doorward export`.
pub(super) async fn export(context: &Context, typed: ExportTo) -> Outcome {
    export::run(context, typed).await
}

/// The plan that leads from what is there now to the manifest.
async fn planned(
    session: &Session,
    manifest: &Manifest,
    targets: &[Target],
) -> Result<Plan, Failure> {
    let kinds: BTreeSet<Kind> = match targets.is_empty() {
        true => Kind::ALL.into_iter().collect(),
        false => targets.iter().map(Target::kind).collect(),
    };
    let present = look::declared(session, manifest, &kinds).await?;
    Ok(make(manifest, &present, targets, now()))
}
