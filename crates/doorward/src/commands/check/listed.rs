//! `doorward check list` and `doorward check show`: the checks themselves. Needs neither a server nor a
//! workspace.

use doorward_posture::checks::{Check, all};
use serde_json::json;

use super::words::tone;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone};

/// Runs `doorward check list`.
pub(super) fn list(output: Output, area: Option<&str>) -> Outcome {
    let checks: Vec<&Check> = all()
        .iter()
        .filter(|check| area.is_none_or(|area| check.area() == area))
        .collect();
    if let (true, Some(area)) = (checks.is_empty(), area) {
        return Err(Failure::usage(format_args!(
            "there is no area '{}'; there are {}",
            doorward_catalog::shown(area),
            areas().join(", ")
        )));
    }
    if output.is_json() {
        let checks: Vec<_> = checks.into_iter().map(as_json).collect();
        output.value(&checks)?;
        return Ok(Exit::Done);
    }
    let rows = checks.into_iter().map(|check| {
        vec![
            Cell::toned(&check.id, Tone::Strong),
            Cell::toned(check.severity, tone(check.severity)),
            Cell::from(&check.title),
        ]
    });
    output.table(
        &["check", "severity", "what it finds"],
        rows.collect(),
        "there are no checks",
    )?;
    Ok(Exit::Done)
}

/// Runs `doorward check show`.
pub(super) fn show(output: Output, id: &str) -> Outcome {
    let Some(check) = all().iter().find(|check| check.id == id) else {
        return Err(Failure::usage(format_args!(
            "there is no check '{}'; `doorward check list` has them",
            doorward_catalog::shown(id)
        )));
    };
    if output.is_json() {
        output.value(&as_json(check))?;
        return Ok(Exit::Done);
    }
    let looks_at: Vec<&str> = check.parts().map(|part| part.name()).collect();
    output.fields(vec![
        ("check", Cell::toned(&check.id, Tone::Strong)),
        ("finds", Cell::from(&check.title)),
        (
            "severity",
            Cell::toned(check.severity, tone(check.severity)),
        ),
        ("why", Cell::from(&check.why)),
        ("remedy", Cell::from(&check.remedy)),
        ("looks at", Cell::from(looks_at.join(", "))),
        ("OWASP API 2023", Cell::from(check.owasp.join(", "))),
        ("CIS v8", Cell::from(check.cis.join(", "))),
        ("SOC 2", Cell::from(check.soc2.join(", "))),
    ])?;
    for (action, command) in &check.commands {
        let safe = match check.safe.contains(action) {
            true => " (--fix runs it)",
            false => "",
        };
        output.line(format_args!(
            "  $ {command}{}",
            output.paint(Tone::Quiet, safe)
        ))?;
    }
    for reference in &check.references {
        output.line(output.paint(Tone::Quiet, reference))?;
    }
    Ok(Exit::Done)
}

fn as_json(check: &Check) -> serde_json::Value {
    let mut value = json!(check.rule());
    if let Some(members) = value.as_object_mut() {
        members.insert("area".to_owned(), check.area().into());
        members.insert("commands".to_owned(), json!(check.commands));
        members.insert("safe".to_owned(), json!(check.safe));
        let parts: Vec<&str> = check.parts().map(|part| part.name()).collect();
        members.insert("looks_at".to_owned(), json!(parts));
    }
    value
}

fn areas() -> Vec<&'static str> {
    let mut areas: Vec<&str> = all().iter().map(Check::area).collect();
    areas.dedup();
    areas
}
