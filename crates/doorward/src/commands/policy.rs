//! `doorward policy`: conditions beyond grants.

use std::io::Read;

use doorward_condition::{PRESETS, PolicyFault, TEXT_MAX, check, schema_text};
use serde_json::json;

use super::{operations_cell, whole_seconds};
use crate::admin::{
    PolicyAdd, PolicyList, PolicyRemove, PolicyShow, PolicyView, RuleView, Session,
};
use crate::cli::PolicyCommand;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, note};

/// Runs a command that needs no state; gives the others back.
pub(crate) fn run_apart(command: PolicyCommand, output: Output) -> Result<Outcome, PolicyCommand> {
    match command {
        PolicyCommand::Check { file } => Ok(check_file(&file, output)),
        PolicyCommand::Schema => Ok(print_schema(output)),
        PolicyCommand::Presets { name } => Ok(presets(name.as_deref(), output)),
        other => Err(other),
    }
}

/// Runs `doorward policy …`.
pub(crate) async fn run(context: &Context, command: PolicyCommand) -> Outcome {
    let output = context.output;
    // A file that can't be read is told before anything is asked of a server.
    let command = match command {
        PolicyCommand::Add { name, file } => {
            let text = read(&file)?;
            let session = Session::open(context).await?;
            let policy = session.call(PolicyAdd { name, text }).await?;
            return saved(&policy, output);
        }
        PolicyCommand::Explain(explain) => return super::trial::explain(context, *explain).await,
        PolicyCommand::Simulate(simulate) => {
            return super::trial::simulate(context, *simulate).await;
        }
        other => other,
    };
    let session = Session::open(context).await?;
    match command {
        PolicyCommand::List => {
            let policies = session.call(PolicyList {}).await?;
            if output.is_json() {
                output.value(&policies)?;
            } else {
                list(&policies, output)?;
            }
        }
        PolicyCommand::Show { name } => {
            let policy = session.call(PolicyShow { name }).await?;
            if output.is_json() {
                output.value(&policy)?;
            } else {
                output.line(policy.text.trim_end())?;
                output.line("")?;
                rules(&policy.rules, output)?;
                warn(&policy);
            }
        }
        PolicyCommand::Remove { name } => {
            let policy = session.call(PolicyRemove { name }).await?;
            if output.is_json() {
                output.value(&policy)?;
            } else {
                output.line(format_args!("removed policy '{}'", policy.name))?;
            }
        }
        _ => {}
    }
    Ok(Exit::Done)
}

fn saved(policy: &PolicyView, output: Output) -> Outcome {
    if output.is_json() {
        output.value(policy)?;
    } else {
        output.line(format_args!(
            "policy '{}' is saved; it holds from the next call on",
            policy.name
        ))?;
        rules(&policy.rules, output)?;
        warn(policy);
    }
    Ok(Exit::Done)
}

fn list(policies: &[PolicyView], output: Output) -> Result<(), Failure> {
    let row = |policy: &PolicyView| {
        let state = match policy.faults.as_slice() {
            [] => Cell::toned("in force", Tone::Good),
            _ => Cell::toned("faulty: all it could bear on is refused", Tone::Bad),
        };
        let approvals = policy.rules.iter().filter(|rule| rule.effect != "forbid");
        let of = |count: usize, what: &str| match count {
            0 => None,
            count => Some(format!("{count} {what}")),
        };
        let approvals = approvals.count();
        let forbids = policy.rules.len() - approvals;
        let holds: Vec<String> = [of(forbids, "forbid"), of(approvals, "approval")]
            .into_iter()
            .flatten()
            .collect();
        vec![
            Cell::from(&policy.name),
            state,
            Cell::from(holds.join(", ")),
            Cell::from(clients(&policy.rules)),
            Cell::from(whole_seconds(policy.updated_at)),
        ]
    };
    output.table(
        &["policy", "status", "rules", "clients", "changed"],
        policies.iter().map(row).collect(),
        "no policies; `doorward policy presets` shows some to begin with",
    )
}

fn clients(rules: &[RuleView]) -> String {
    if rules.iter().any(|rule| rule.client.is_none()) {
        return "any".to_owned();
    }
    let mut names: Vec<&str> = rules
        .iter()
        .filter_map(|rule| rule.client.as_deref())
        .collect();
    names.sort_unstable();
    names.dedup();
    match names.len() {
        0..=4 => names.join(", "),
        count => format!("{count} clients"),
    }
}

fn rules(rules: &[RuleView], output: Output) -> Result<(), Failure> {
    let row = |rule: &RuleView| {
        let operations = match rule.all_operations {
            true => Cell::from("every operation"),
            false => operations_cell(&rule.operations, false),
        };
        vec![
            Cell::from(&rule.name),
            Cell::from(&rule.effect),
            Cell::from(rule.client.as_deref().unwrap_or("any")),
            operations,
        ]
    };
    output.table(
        &["rule", "effect", "client", "operations"],
        rules.iter().map(row).collect(),
        "it bears on nothing that can be told",
    )
}

fn warn(policy: &PolicyView) {
    for name in &policy.unknown_clients {
        note(format_args!(
            "there is no client '{name}' yet; `doorward client list --all-workspaces` shows those \
             there are"
        ));
    }
    for fault in &policy.faults {
        note(format_args!("faulty: {fault}"));
    }
}

fn check_file(file: &str, output: Output) -> Outcome {
    let text = read(file)?;
    let checked = check("policy", &text);
    if output.is_json() {
        let (rules, faults): (Vec<RuleView>, Vec<PolicyFault>) = match checked {
            Ok(rules) => (rules.into_iter().map(RuleView::of).collect(), Vec::new()),
            Err(faults) => (Vec::new(), faults),
        };
        output.value(&json!({ "fits": faults.is_empty(), "rules": rules, "faults": faults }))?;
        return Ok(if faults.is_empty() {
            Exit::Done
        } else {
            Exit::Findings
        });
    }
    match checked {
        Ok(found) => {
            let found: Vec<RuleView> = found.into_iter().map(RuleView::of).collect();
            rules(&found, output)?;
            Ok(Exit::Done)
        }
        Err(faults) => {
            for fault in faults {
                output.line(format_args!("{fault}\n"))?;
            }
            Ok(Exit::Findings)
        }
    }
}

fn print_schema(output: Output) -> Outcome {
    output.bytes(schema_text().as_bytes())?;
    Ok(Exit::Done)
}

fn presets(name: Option<&str>, output: Output) -> Outcome {
    let Some(name) = name else {
        let row = |preset: &doorward_condition::Preset| {
            let to_fill_in = match preset.to_fill_in {
                true => "put in names or ids first",
                false => "",
            };
            vec![
                Cell::from(preset.name),
                Cell::from(preset.about),
                Cell::toned(to_fill_in, Tone::Careful),
            ]
        };
        if output.is_json() {
            let preset = |preset: &doorward_condition::Preset| {
                json!({
                    "name": preset.name,
                    "about": preset.about,
                    "to_fill_in": preset.to_fill_in,
                    "text": preset.text,
                })
            };
            output.value(&PRESETS.iter().map(preset).collect::<Vec<_>>())?;
        } else {
            let rows = PRESETS.iter().map(row).collect();
            output.table(&["preset", "what it does", ""], rows, "none")?;
        }
        return Ok(Exit::Done);
    };
    let Some(preset) = PRESETS.iter().find(|preset| preset.name == name) else {
        return Err(Failure::usage(
            "there is no such preset; `doorward policy presets` lists them",
        ));
    };
    output.bytes(preset.text.as_bytes())?;
    Ok(Exit::Done)
}

/// The text of a policy, no more of it than one may have.
pub(super) fn read(file: &str) -> Result<String, Failure> {
    let mut text = String::new();
    let most = TEXT_MAX as u64 + 1;
    let done = if file == "-" {
        std::io::stdin().lock().take(most).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|opened| opened.take(most).read_to_string(&mut text))
    };
    done.map_err(|error| Failure::usage(format_args!("{file} can't be read: {error}")))?;
    Ok(text)
}
