//! `doorward upstream mint`.

use super::rotate::{show_plan, wait_for};
use crate::admin::{MintAsked, MintPlan, Session, UpstreamAdopt, UpstreamMint, UpstreamMintPlan};
use crate::cli::MintUpstream;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, note};

/// Runs it.
pub(super) async fn run(context: &Context, session: &Session, typed: MintUpstream) -> Outcome {
    let output = context.output;
    let asked = MintAsked {
        workspace: typed.of.workspace,
        name: typed.name,
        use_cases: typed.use_case,
        environment: typed.environment,
        to: typed.to,
    };
    if typed.dry_run {
        let plan = session.call(UpstreamMintPlan(asked)).await?;
        match output.is_json() {
            true => output.value(&plan)?,
            false => show(output, &plan)?,
        }
        return Ok(Exit::Done);
    }
    let rotation = session.call(UpstreamMint(asked)).await?;
    if !output.is_json() {
        note(format_args!(
            "a key '{}' is made in {} (rotation {})",
            rotation.key, rotation.workspace, rotation.id
        ));
    }
    let (workspace, name) = (rotation.workspace.clone(), rotation.key.clone());
    let exit = wait_for(output, session, rotation, &typed.wait, true).await?;
    if let (Exit::Done, Some(owner)) = (exit, typed.owner) {
        let note = UpstreamAdopt {
            workspace: Some(workspace),
            name,
            reference: None,
            owner: Some(owner),
            api_key_id: None,
            scopes: None,
            manages: None,
            without_id: true,
        };
        session.call(note).await?;
    }
    Ok(exit)
}

fn show(output: Output, plan: &MintPlan) -> Result<(), Failure> {
    let rows = plan.choices.iter().map(|choice| {
        vec![
            Cell::toned(&choice.scope, Tone::Strong),
            Cell::from(choice.operations.join(", ")),
            Cell::toned(
                choice.wider_because.as_deref().unwrap_or_default(),
                Tone::Careful,
            ),
        ]
    });
    output.table(
        &["scope", "for", "wider because"],
        rows.collect(),
        "nothing",
    )?;
    output.line("")?;
    show_plan(output, &plan.rotation)
}
