//! `doorward upstream shrink`.

use doorward_keys::inventory::Kept;

use super::rotate::{show_plan, wait_for};
use crate::admin::{Session, ShrinkAsked, ShrinkPlan, UpstreamShrink, UpstreamShrinkPlan};
use crate::cli::ShrinkUpstream;
use crate::commands::confirm::confirm;
use crate::commands::whole_seconds;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, note};

/// Runs it.
pub(super) async fn run(context: &Context, session: &Session, typed: ShrinkUpstream) -> Outcome {
    let output = context.output;
    let asked = ShrinkAsked {
        workspace: typed.of.workspace,
        name: typed.name,
        since: typed.since.0,
        to: typed.to,
        at_once: typed.now,
    };
    let plan = session.call(UpstreamShrinkPlan(asked.clone())).await?;
    match (output.is_json(), typed.dry_run) {
        (true, true) => output.value(&plan)?,
        (true, false) => output.value_line(&plan)?,
        (false, _) => show(output, &plan)?,
    }
    if typed.dry_run {
        if !output.is_json() {
            output.line("")?;
            show_plan(output, &plan.rotation)?;
        }
        return Ok(Exit::Done);
    }
    if !plan.lost.is_empty() {
        let question = format!(
            "Clients are granted {} operations that no key would cover any more. Shrink '{}' all the \
             same?",
            plan.lost.len(),
            plan.name
        );
        if !confirm(&question, typed.yes)? {
            note("nothing was done");
            return Ok(Exit::Findings);
        }
    }
    let rotation = session.call(UpstreamShrink(asked, plan.scopes)).await?;
    wait_for(output, session, rotation, &typed.wait, true).await
}

fn show(output: Output, plan: &ShrinkPlan) -> Result<(), Failure> {
    output.line(format_args!(
        "{}, used since {}:",
        output.paint(Tone::Strong, &plan.name),
        whole_seconds(plan.since)
    ))?;
    let kept = plan.kept.iter().map(|kept| {
        vec![
            Cell::toned(kept.scope, Tone::Strong),
            Cell::toned("stays", Tone::Good),
            Cell::from(why(kept)),
        ]
    });
    let dropped = plan.dropped.iter().map(|scope| {
        vec![
            Cell::toned(scope, Tone::Strong),
            Cell::toned("goes", Tone::Careful),
            Cell::from(""),
        ]
    });
    let rows = kept.chain(dropped).collect();
    output.table(&["scope", "", "because"], rows, "nothing")?;
    if !plan.lost.is_empty() {
        output.line(format_args!(
            "granted to clients, and covered by no key any more: {}",
            output.paint(Tone::Bad, plan.lost.join(", "))
        ))?;
    }
    for told in &plan.told {
        note(format_args!("note: {told}"));
    }
    Ok(())
}

fn why(kept: &Kept) -> String {
    let mut parts = Vec::new();
    match kept.calls {
        0 => {}
        1 => parts.push("1 call through Doorward".to_owned()),
        calls => parts.push(format!("{calls} calls through Doorward")),
    }
    match kept.records {
        0 => {}
        1 => parts.push("1 act beside Doorward may have needed it".to_owned()),
        records => parts.push(format!("{records} acts beside Doorward may have needed it")),
    }
    parts.extend(
        kept.own
            .iter()
            .map(|own| format!("Doorward itself: to {own}")),
    );
    if kept.to_be_safe {
        parts.push("to be safe: no known scope covers what was called".to_owned());
    }
    parts.join("; ")
}
