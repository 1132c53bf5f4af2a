//! `doorward scopes explain`: one scope, operation or use case, in words.

use doorward_catalog::{Basis, Environment, Op, Scope, UseCase};
use serde_json::json;

use super::list::{allowed, operation_json, use_case_json};
use super::{count, operation, risk_cell};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone};

/// Explains what is named.
pub(super) fn run(what: &[String], output: Output) -> Outcome {
    let text = what.join(" ");
    let explained = if let Ok(case) = text.parse::<UseCase>() {
        use_case(case, output)
    } else if text.contains(':') && !text.contains(' ') {
        scope(text.parse().map_err(Failure::usage)?, output)
    } else {
        about_operation(operation(&text)?, output)
    };
    explained.map(|()| Exit::Done)
}

fn scope(scope: Scope, output: Output) -> Result<(), Failure> {
    let operations: Vec<_> = allowed(scope).collect();
    let use_cases = UseCase::ALL
        .into_iter()
        .filter(|case| case.scopes().contains(scope));
    let use_cases: Vec<_> = use_cases.map(UseCase::as_str).collect();
    let risk = scope.risk();
    if output.is_json() {
        return output.value(&json!({
            "scope": scope,
            "assignable": scope.is_assignable(),
            "risk": risk,
            "operations": operations,
            "use_cases": use_cases,
        }));
    }
    let given = if scope.is_assignable() {
        "a key can be given it"
    } else {
        "operations ask for it, but no key can be given it; only all:read, all:create or all:all \
         covers them"
    };
    output.fields(vec![
        ("scope", Cell::toned(scope, Tone::Strong)),
        ("risk", risk_cell(risk.risk)),
        ("why", Cell::from(format_args!("it {}", risk.reason))),
        ("by", Cell::from(risk.operation.unwrap_or_default())),
        ("given", Cell::from(given)),
        ("use cases", Cell::from(use_cases.join(", "))),
        (
            "allows",
            Cell::from(count(operations.len(), "operation", "operations")),
        ),
    ])?;
    let rows = operations
        .iter()
        .filter_map(|id| Op::from_id(id))
        .map(operation_row);
    if operations.is_empty() {
        return Ok(());
    }
    output.line("")?;
    output.table(&["operation", "call", "risk"], rows.collect(), "")
}

fn operation_row(op: Op) -> Vec<Cell> {
    let facts = op.facts();
    vec![
        Cell::from(op),
        Cell::from(format_args!("{} {}", facts.method, facts.path)),
        risk_cell(op.risk().risk),
    ]
}

fn about_operation(op: Op, output: Output) -> Result<(), Failure> {
    let facts = op.facts();
    let use_cases: Vec<_> = UseCase::ALL
        .into_iter()
        .filter(|case| case.operations().contains(op))
        .map(UseCase::as_str)
        .collect();
    let environments: Vec<_> = Environment::ALL
        .into_iter()
        .filter(|environment| environment.admits(op).is_ok())
        .map(Environment::as_str)
        .collect();
    if output.is_json() {
        let mut value = operation_json(op);
        if let Some(object) = value.as_object_mut() {
            object.insert("use_cases".to_owned(), json!(use_cases));
            object.insert("environments".to_owned(), json!(environments));
        }
        return output.value(&value);
    }
    let basis = match facts.basis {
        Basis::Documented => "stated in the vendor's API document",
        Basis::Guide => "left out of the API document, stated in one of the vendor's guides",
        Basis::Assumed => {
            "not documented: assumed from its neighbours; the API's own answer may name another"
        }
    };
    let accepted = facts.accepted().map(|scope| scope.to_string()).join(", ");
    let granted = match environments.as_slice() {
        [] => "nowhere: no client is granted it".to_owned(),
        some => some.join(", "),
    };
    let risk = op.risk();
    let data = match (facts.returns_secrets(), facts.returns_people()) {
        (true, _) => "secrets in clear",
        (false, true) => "people's data",
        (false, false) => "",
    };
    output.fields(vec![
        ("operation", Cell::toned(op, Tone::Strong)),
        (
            "call",
            Cell::from(format_args!("{} {}", facts.method, facts.path)),
        ),
        ("scope", Cell::toned(facts.scope, Tone::Strong)),
        ("known", Cell::from(basis)),
        ("accepted", Cell::from(accepted)),
        (
            "writes",
            Cell::from(if facts.writes() { "yes" } else { "no" }),
        ),
        ("returns", Cell::from(data)),
        ("risk", risk_cell(risk.risk)),
        ("why", Cell::from(format_args!("it {}", risk.reason))),
        ("use cases", Cell::from(use_cases.join(", "))),
        ("environments", Cell::from(granted)),
    ])
}

fn use_case(case: UseCase, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(&use_case_json(case));
    }
    output.fields(vec![
        ("use case", Cell::toned(case, Tone::Strong)),
        ("purpose", Cell::from(case.purpose())),
        ("risk", risk_cell(case.risk())),
        ("scopes", Cell::from(case.scopes())),
    ])?;
    output.line("")?;
    let rows = case.operations().iter().map(operation_row);
    output.table(
        &["operation", "call", "risk"],
        rows.collect(),
        "it needs nothing",
    )
}
