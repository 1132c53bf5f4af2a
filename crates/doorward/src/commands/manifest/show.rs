//! Plans as they are shown.

use doorward_catalog::Risk;
use doorward_posture::plan::{Plan, Sign, Step};
use ring::digest;
use serde_json::json;

use crate::exit::Failure;
use crate::output::{Output, Tone, clean, note};

/// Hexadecimal digits of what a plan is known by.
const DIGITS: usize = 12;
/// Most characters of a value that people are shown.
const VALUE_MAX: usize = 400;

/// What the dangerous steps of a plan are known by: the same for the same steps alone.
pub(super) fn digest_of(plan: &Plan) -> String {
    let dangerous: Vec<&Step> = plan.steps.iter().filter(|one| one.is_dangerous()).collect();
    let text = serde_json::to_vec(&dangerous).unwrap_or_default();
    let digest = digest::digest(&digest::SHA256, &text);
    let bytes = digest.as_ref().iter();
    let text: String = bytes.map(|byte| format!("{byte:02x}")).collect();
    text.chars().take(DIGITS).collect()
}

/// Shows a plan.
pub(super) fn plan(plan: &Plan, refresh_only: bool, output: Output) -> Result<(), Failure> {
    let dangerous = plan.steps.iter().filter(|one| one.is_dangerous()).count();
    if output.is_json() {
        let steps: Vec<_> = plan.steps.iter().map(as_json).collect();
        return output.value(&json!({
            "drift": !plan.is_empty(),
            "steps": steps,
            "cannot": plan.cannot,
            "not_looked_at": plan.blind,
            "unmanaged": plan.unmanaged,
            "dangerous": dangerous,
            "approve": (dangerous > 0).then(|| digest_of(plan)),
        }));
    }
    for step in &plan.steps {
        self::step(step, output)?;
    }
    for cannot in &plan.cannot {
        let workspace = cannot.workspace.as_deref().unwrap_or_default();
        let place = format!("{workspace}/{}/{}", cannot.kind, cannot.name);
        let sign = output.paint(Tone::Bad, "!");
        output.line(format_args!(
            "{sign} {} can't be as declared",
            clean(&place)
        ))?;
        output.line(format_args!("      {}", clean(&cannot.why)))?;
    }
    for blind in &plan.blind {
        let sign = output.paint(Tone::Bad, "?");
        output.line(format_args!(
            "{sign} {}/{} could not be looked at",
            clean(&blind.workspace),
            blind.kind
        ))?;
        output.line(format_args!("      {}", clean(&blind.why)))?;
    }
    sum(plan, output)?;
    if dangerous > 0 && !refresh_only {
        note(format_args!(
            "{dangerous} of them can do much harm; without a terminal: doorward apply --yes --approve {}",
            digest_of(plan)
        ));
    }
    Ok(())
}

fn sum(plan: &Plan, output: Output) -> Result<(), Failure> {
    let count = |sign: Sign| plan.steps.iter().filter(|one| one.sign == sign).count();
    if plan.is_empty() && plan.blind.is_empty() {
        output.line(output.paint(Tone::Good, "Nothing to do: everything is as declared."))?;
    } else {
        output.line(format_args!(
            "{} to make, {} to change, {} to make anew, {} to remove; {} can't be as declared",
            count(Sign::Make),
            count(Sign::Change),
            count(Sign::Anew),
            count(Sign::Remove),
            plan.cannot.len()
        ))?;
    }
    if !plan.unmanaged.is_empty() {
        let stays: Vec<String> = plan
            .unmanaged
            .iter()
            .map(|(kind, count)| match *kind {
                doorward_posture::manifest::Kind::BlockList => "more of the block list".to_owned(),
                kind => format!("{count} of {kind}"),
            })
            .collect();
        note(format_args!(
            "not declared, and stays: {}",
            stays.join(", ")
        ));
    }
    Ok(())
}

/// A step as programs read it, with its id.
pub(super) fn as_json(step: &Step) -> serde_json::Value {
    let mut value = serde_json::to_value(step).unwrap_or_default();
    if let Some(members) = value.as_object_mut() {
        members.insert("id".to_owned(), step.id().into());
        members.insert("dangerous".to_owned(), step.is_dangerous().into());
    }
    value
}

fn tone(sign: Sign) -> Tone {
    match sign {
        Sign::Make => Tone::Good,
        Sign::Change | Sign::Anew => Tone::Careful,
        Sign::Remove => Tone::Bad,
    }
}

/// A step on one line, and what it changes below.
fn step(step: &Step, output: Output) -> Result<(), Failure> {
    let tone = tone(step.sign);
    let sign = output.paint(tone, step.sign.as_str());
    let risk = match step.risk {
        Risk::Low => Tone::Quiet,
        Risk::Medium => Tone::Careful,
        Risk::High | Risk::Critical => Tone::Bad,
    };
    let risk = output.paint(risk, format_args!("({} risk)", step.risk));
    let id = output.paint(Tone::Strong, clean(&step.id()));
    output.line(format_args!("{sign} {id} {risk}"))?;
    for change in &step.changes {
        let (from, to) = (short(&change.from), short(&change.to));
        let line = match (from.is_empty(), to.is_empty()) {
            (true, _) => output.paint(Tone::Good, format_args!("{}: {to}", change.field)),
            (_, true) => output.paint(Tone::Bad, format_args!("{}: {from}", change.field)),
            _ => format!(
                "{}: {} → {}",
                change.field,
                output.paint(Tone::Bad, from),
                output.paint(Tone::Good, to)
            ),
        };
        output.line(format_args!("      {line}"))?;
    }
    for told in &step.told {
        let told = output.paint(Tone::Quiet, clean(told));
        output.line(format_args!("      {told}"))?;
    }
    Ok(())
}

fn short(text: &str) -> String {
    let mut short: String = text.chars().take(VALUE_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    clean(&short)
}
