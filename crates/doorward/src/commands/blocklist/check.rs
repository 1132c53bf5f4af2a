//! `doorward blocklist check`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use doorward_posture::block::BlockValue;
use serde::Serialize;

use super::read::{Reading, look_up, parse, read_all, read_file};
use crate::admin::Session;
use crate::cli::InWorkspace;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone};

/// Most entries of a kind that are named.
const NAMED_MAX: usize = 100;

/// Whether a value is blocked.
#[derive(Debug, Serialize)]
struct Checked {
    value: String,
    blocked: bool,
    /// The entry that does it: its own or its domain's.
    by: Option<String>,
}

/// What is odd about the list itself.
#[derive(Debug, Default, Serialize)]
struct Looked {
    entries: u64,
    domains: u64,
    /// Values that have several entries.
    twice: Vec<String>,
    /// Addresses whose domain is blocked as well.
    covered: Vec<String>,
    /// Entries that are no address or domain, and so block nothing.
    faulty: Vec<String>,
    /// Domains that many people share.
    shared: Vec<String>,
}

/// Runs it.
pub(super) async fn run(
    session: &Session,
    typed: &[String],
    file: Option<&Path>,
    within: InWorkspace,
    output: Output,
) -> Outcome {
    let mut values: BTreeSet<BlockValue> = parse(typed)?.into_iter().collect();
    if let Some(path) = file {
        let lines = read_file(path)?;
        if let Some(fault) = lines.faults.first() {
            return Err(Failure::usage(format_args!(
                "{}:{}: {} ({} such lines)",
                path.display(),
                fault.line,
                fault.why,
                lines.faulty
            )));
        }
        values.extend(lines.values);
    }
    if values.is_empty() && file.is_none() {
        return look_through(session, within, output).await;
    }
    let mut sought: BTreeSet<BlockValue> = values.clone();
    sought.extend(
        values
            .iter()
            .filter_map(|one| BlockValue::parse(one.domain()).ok()),
    );
    let sought: Vec<BlockValue> = sought.into_iter().collect();
    let there: BTreeSet<BlockValue> = look_up(session, within.workspace, &sought)
        .await?
        .into_iter()
        .filter(|(_, entries)| !entries.is_empty())
        .map(|(value, _)| value)
        .collect();
    let checked: Vec<Checked> = values.iter().map(|value| check(value, &there)).collect();
    let open = checked.iter().any(|one| !one.blocked);
    match output.is_json() {
        true => output.value(&checked)?,
        false => {
            let rows = checked.iter().map(|one| {
                vec![
                    Cell::toned(&one.value, Tone::Strong),
                    match one.blocked {
                        true => Cell::toned("blocked", Tone::Good),
                        false => Cell::toned("not blocked", Tone::Bad),
                    },
                    Cell::from(one.by.as_deref().unwrap_or_default()),
                ]
            });
            output.table(
                &["value", "state", "by"],
                rows.collect(),
                "nothing to check",
            )?;
        }
    }
    Ok(if open { Exit::Findings } else { Exit::Done })
}

fn check(value: &BlockValue, there: &BTreeSet<BlockValue>) -> Checked {
    let domain = || BlockValue::parse(value.domain()).ok();
    let by = there
        .get(value)
        .or_else(|| domain().and_then(|domain| there.get(&domain)));
    Checked {
        value: value.to_string(),
        blocked: by.is_some(),
        by: by.map(ToString::to_string),
    }
}

async fn look_through(session: &Session, within: InWorkspace, output: Output) -> Outcome {
    let reading = Reading {
        workspace: within.workspace,
        ..Reading::default()
    };
    let mut all = Vec::new();
    read_all(session, &reading, |entry| all.push(entry.value)).await?;
    let found = look(&all);
    let open = !(found.twice.is_empty() && found.faulty.is_empty() && found.shared.is_empty());
    match output.is_json() {
        true => output.value(&found)?,
        false => {
            let named = |names: &[String], tone: Tone| Cell::toned(names.join(", "), tone);
            output.fields(vec![
                ("entries", Cell::from(found.entries)),
                ("domains", Cell::from(found.domains)),
                ("twice", named(&found.twice, Tone::Careful)),
                (
                    "covered by their domain",
                    named(&found.covered, Tone::Quiet),
                ),
                ("block nothing", named(&found.faulty, Tone::Bad)),
                ("shared by many people", named(&found.shared, Tone::Bad)),
            ])?;
        }
    }
    Ok(if open { Exit::Findings } else { Exit::Done })
}

fn look(all: &[String]) -> Looked {
    let mut counts: BTreeMap<BlockValue, u64> = BTreeMap::new();
    let mut looked = Looked {
        entries: all.len() as u64,
        ..Looked::default()
    };
    let name = |into: &mut Vec<String>, text: &str| {
        if into.len() < NAMED_MAX {
            into.push(text.to_owned());
        }
    };
    for text in all {
        match BlockValue::parse(text) {
            Ok(value) => *counts.entry(value).or_default() += 1,
            Err(_) => name(&mut looked.faulty, text),
        }
    }
    for (value, count) in &counts {
        if *count > 1 {
            name(&mut looked.twice, value.as_str());
        }
        if value.is_shared() {
            name(&mut looked.shared, value.as_str());
        }
        match BlockValue::parse(value.domain()) {
            _ if value.is_domain() => looked.domains += 1,
            Ok(domain) if counts.contains_key(&domain) => {
                name(&mut looked.covered, value.as_str());
            }
            _ => {}
        }
    }
    looked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_blocked_by_itself_or_its_domain() {
        let value = |text| BlockValue::parse(text).unwrap();
        let there = BTreeSet::from([value("rival.com"), value("ann@ours.com")]);
        let by = |text| check(&value(text), &there).by;
        assert_eq!(by("bob@rival.com").as_deref(), Some("rival.com"));
        assert_eq!(by("ann@ours.com").as_deref(), Some("ann@ours.com"));
        assert_eq!(by("rival.com").as_deref(), Some("rival.com"));
        for open in ["bob@ours.com", "ours.com", "a@sub.rival.com"] {
            assert_eq!(by(open), None, "{open}");
        }
    }

    #[test]
    fn what_is_odd_about_a_list_is_named() {
        let all = [
            "Rival.com",
            "rival.com",
            "ann@rival.com",
            "x@y.example",
            "gmail.com",
            "com",
        ];
        let looked = look(&all.map(str::to_owned));
        assert_eq!((looked.entries, looked.domains), (6, 2));
        assert_eq!(looked.twice, ["rival.com"]);
        assert_eq!(looked.covered, ["ann@rival.com"]);
        assert_eq!(looked.faulty, ["com"]);
        assert_eq!(looked.shared, ["gmail.com"]);
    }
}
