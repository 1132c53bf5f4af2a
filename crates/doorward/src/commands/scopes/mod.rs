//! `doorward scopes`: the catalog's knowledge of scopes, shown. Needs no server and no state.

mod explain;
mod list;
mod plan;

use doorward_catalog::{Op, Risk, route};

use crate::cli::ScopesCommand;
use crate::exit::{Failure, Outcome};
use crate::output::{Cell, Output, Tone};

/// Runs `doorward scopes …`.
pub(crate) fn run(command: ScopesCommand, output: Output) -> Outcome {
    match command {
        ScopesCommand::Plan(plan) => plan::run(&plan, output),
        ScopesCommand::Explain { what } => explain::run(&what, output),
        ScopesCommand::List {
            use_cases: true,
            risk,
            ..
        } => list::use_cases(risk, output),
        ScopesCommand::List {
            operations: true,
            risk,
            ..
        } => list::operations(risk, output),
        ScopesCommand::List { risk, .. } => list::scopes(risk, output),
    }
}

/// The operation of an operationId, or of `METHOD PATH`; the path may be a template.
fn operation(text: &str) -> Result<Op, Failure> {
    if let Some((method, path)) = text.split_once(' ') {
        let (method, path) = (method.to_ascii_uppercase(), path.trim());
        let template = Op::ALL.into_iter().find(|op| {
            let facts = op.facts();
            facts.method.as_str() == method && facts.path == path
        });
        return match template {
            Some(op) => Ok(op),
            None => route(&method, path).map(|found| found.op).map_err(|error| {
                Failure::usage(format_args!(
                    "'{text}': {error}; `doorward scopes list --operations` shows them all"
                ))
            }),
        };
    }
    let folded = |id: &str| id.to_ascii_lowercase();
    let found = Op::from_id(text).or_else(|| {
        Op::ALL
            .into_iter()
            .find(|op| folded(op.id()) == folded(text))
    });
    found.ok_or_else(|| {
        Failure::usage(format_args!(
            "there is no operation '{text}'; `doorward scopes list --operations` shows them all"
        ))
    })
}

/// A risk in the colour of its weight.
fn risk_cell(risk: Risk) -> Cell {
    Cell::toned(
        risk,
        match risk {
            Risk::Low => Tone::Quiet,
            Risk::Medium => Tone::Strong,
            Risk::High => Tone::Careful,
            Risk::Critical => Tone::Bad,
        },
    )
}

/// How a number of things is said.
fn count(number: usize, one: &str, many: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {many}"),
    }
}
