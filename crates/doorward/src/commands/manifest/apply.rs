//! `doorward apply`: the steps of a plan, one after the other.

use doorward_posture::manifest::{Kind, Manifest};
use doorward_posture::plan::{Act, Plan, Step, Target};
use serde_json::json;

use super::asking::{Approved, ask};
use super::journal::{Journal, State};
use super::{files, planned, show, steps};
use crate::admin::{ManifestApplied, ManifestApply, Session};
use crate::cli::ApplyOf;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Output, Tone, clean, note};

/// Runs it.
pub(super) async fn run(context: &Context, typed: &ApplyOf) -> Outcome {
    let output = context.output;
    let manifest = files::read(&typed.of.files)?.map_err(Failure::usage)?;
    let session = Session::open(context).await?;
    let mut journal = Journal::take(context)?;
    tell_cut_off(&journal, output);
    let plan = planned(&session, &manifest, &typed.of.target).await?;
    let known_by = show::digest_of(&plan);
    if typed.refresh_only {
        return refreshed(&session, &plan, known_by, output).await;
    }
    if !output.is_json() {
        show::plan(&plan, true, output)?;
    }
    if let Some(blind) = plan.blind.first() {
        return Err(Failure::failed(format_args!(
            "nothing was done, since not all that is declared could be looked at: {}/{}: {}. Mend that, or \
             leave it out with --target",
            blind.workspace, blind.kind, blind.why
        )));
    }
    let bad = !plan.cannot.is_empty();
    if plan.steps.is_empty() {
        journal.end();
        if output.is_json() {
            output.value_line(&summary(&plan, 0, 0, 0))?;
        }
        return Ok(if bad { Exit::Findings } else { Exit::Done });
    }
    let approved = ask(&plan, typed)?;
    if matches!(approved, Approved::No) {
        note("nothing was done");
        return Ok(Exit::Findings);
    }
    let begun = ManifestApply {
        plan: known_by.clone(),
        steps: plan.steps.len(),
        dangerous: plan.steps.iter().filter(|one| one.is_dangerous()).count(),
        approved: approved.word(),
    };
    session.call(begun).await?;
    journal.begin(&plan, &known_by)?;
    let taken = take(&session, &manifest, &plan, &mut journal, output).await;
    let (done, skipped) = match &taken {
        Ok(counts) => *counts,
        Err((counts, _)) => *counts,
    };
    let left = plan.steps.len() - done - skipped;
    let ended = ManifestApplied {
        plan: known_by,
        done,
        skipped,
        left,
    };
    let recorded = session.call(ended).await;
    if output.is_json() {
        output.value_line(&summary(&plan, done, skipped, left))?;
    } else {
        output.line(format_args!(
            "{done} of {} steps done, {skipped} were done already, {left} left",
            plan.steps.len()
        ))?;
    }
    if let Err((_, failure)) = taken {
        return Err(failure);
    }
    journal.end();
    recorded?;
    Ok(if bad { Exit::Findings } else { Exit::Done })
}

fn summary(plan: &Plan, done: usize, skipped: usize, left: usize) -> serde_json::Value {
    json!({
        "steps": plan.steps.len(), "done": done, "skipped": skipped, "left": left,
        "cannot": plan.cannot,
    })
}

fn tell_cut_off(journal: &Journal, output: Output) {
    let Some(before) = &journal.before else {
        return;
    };
    let (at, done) = before.cut_off_at();
    if output.is_json() {
        return;
    }
    note(format_args!(
        "the apply that was begun at {} ended early: {done} of its {} steps were done{}. What is there now \
         is looked at anew",
        clean(&before.begun_at),
        before.steps.len(),
        at.map(|at| format!(", and '{}' was under way", clean(at)))
            .unwrap_or_default()
    ));
}

async fn refreshed(session: &Session, plan: &Plan, known_by: String, output: Output) -> Outcome {
    show::plan(plan, true, output)?;
    let looked = ManifestApplied {
        plan: known_by,
        done: 0,
        skipped: 0,
        left: plan.steps.len(),
    };
    session.call(looked).await?;
    Ok(match plan.blind.is_empty() {
        true => Exit::Done,
        false => Exit::Findings,
    })
}

/// How many steps were done, and how many were found done.
type Counts = (usize, usize);

/// Takes the steps. At the first that fails the rest is left: what comes later may need it.
async fn take(
    session: &Session,
    manifest: &Manifest,
    plan: &Plan,
    journal: &mut Journal,
    output: Output,
) -> Result<Counts, (Counts, Failure)> {
    let (mut done, mut skipped) = (0, 0);
    for (number, step) in plan.steps.iter().enumerate() {
        let failed = |failure| ((done, skipped), failure);
        let due = still_due(session, manifest, step).await.map_err(failed)?;
        if !due {
            skipped += 1;
            tell(step, output, "is done already", Tone::Quiet)
                .map_err(|failure| ((done, skipped), failure))?;
            journal
                .note(number, State::Done)
                .map_err(|failure| ((done, skipped), failure))?;
            continue;
        }
        journal.note(number, State::Begun).map_err(failed)?;
        match steps::carry_out(session, step).await {
            Ok(what) => {
                done += 1;
                let told = tell(step, output, &what, Tone::Good);
                let noted = journal.note(number, State::Done);
                told.and(noted)
                    .map_err(|failure| ((done, skipped), failure))?;
            }
            Err(failure) => {
                let _ = journal.note(number, State::Failed);
                let _ = tell(step, output, "failed", Tone::Bad);
                return Err(failed(failure));
            }
        }
    }
    Ok((done, skipped))
}

/// Looks again whether a step is to be taken: somebody else, or an apply before, may have done it, or it
/// may have come to be another one.
async fn still_due(session: &Session, manifest: &Manifest, step: &Step) -> Result<bool, Failure> {
    // A block list is long, and was read just now; its bulks are added and removed by value and id.
    if step.kind == Kind::BlockList {
        return Ok(true);
    }
    let target: Target = step.kind.as_str().parse().map_err(Failure::failed)?;
    let again = planned(session, manifest, &[target]).await?;
    let same = again.steps.iter().find(|one| same_thing(one, step));
    match same {
        None => Ok(false),
        Some(one) if one.act == step.act => Ok(true),
        Some(_) => Err(Failure::failed(format_args!(
            "{} was changed meanwhile, so that the step is another one now; look at `doorward plan` again",
            step.id()
        ))),
    }
}

fn same_thing(one: &Step, other: &Step) -> bool {
    let kind = |act: &Act| std::mem::discriminant(act);
    one.id() == other.id() && kind(&one.act) == kind(&other.act)
}

fn tell(step: &Step, output: Output, what: &str, tone: Tone) -> Result<(), Failure> {
    if output.is_json() {
        return output.value_line(&json!({
            "step": step.id(), "sign": step.sign, "outcome": what,
        }));
    }
    let what = output.paint(tone, clean(what));
    output.line(format_args!(
        "{} {}: {what}",
        step.sign.as_str(),
        clean(&step.id())
    ))
}
