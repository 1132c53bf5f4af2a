//! `doorward scopes list`: every scope, use case or operation.

use doorward_catalog::{Op, Risk, Scope, ScopeSet, UseCase};
use serde_json::{Value, json};

use super::risk_cell;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone};

/// Lists the scopes that a key can be given.
pub(super) fn scopes(least: Option<Risk>, output: Output) -> Outcome {
    let scopes = Scope::assignable().filter(|scope| enough(scope.risk().risk, least));
    if output.is_json() {
        let all: Vec<Value> = scopes
            .map(|scope| {
                let ids: Vec<_> = allowed(scope).collect();
                json!({ "scope": scope, "risk": scope.risk(), "operations": ids })
            })
            .collect();
        return done(output.value(&all));
    }
    let rows = scopes.map(|scope| {
        let risk = scope.risk();
        vec![
            Cell::toned(scope, Tone::Strong),
            risk_cell(risk.risk),
            Cell::from(scope.breadth()),
            Cell::from(format_args!("it {}", risk.reason)),
        ]
    });
    let none = "no scope is of that risk";
    done(output.table(
        &["scope", "risk", "operations", "why"],
        rows.collect(),
        none,
    ))
}

/// Lists the use cases.
pub(super) fn use_cases(least: Option<Risk>, output: Output) -> Outcome {
    let cases = UseCase::ALL
        .into_iter()
        .filter(|case| enough(case.risk(), least));
    if output.is_json() {
        let all: Vec<Value> = cases.map(use_case_json).collect();
        return done(output.value(&all));
    }
    let rows = cases.map(|case| {
        vec![
            Cell::toned(case, Tone::Strong),
            risk_cell(case.risk()),
            Cell::from(case.operations().len()),
            Cell::from(case.purpose()),
        ]
    });
    let none = "no use case is of that risk";
    done(output.table(
        &["use case", "risk", "operations", "what it does"],
        rows.collect(),
        none,
    ))
}

/// A use case for programs.
pub(super) fn use_case_json(case: UseCase) -> Value {
    json!({
        "use_case": case,
        "purpose": case.purpose(),
        "risk": case.risk(),
        "break_glass": case.is_break_glass(),
        "operations": case.operations().iter().map(Op::id).collect::<Vec<_>>(),
        "assumed": case.assumed().iter().map(Op::id).collect::<Vec<_>>(),
        "scopes": case.scopes(),
    })
}

/// Lists the operations.
pub(super) fn operations(least: Option<Risk>, output: Output) -> Outcome {
    let operations = Op::ALL
        .into_iter()
        .filter(|op| enough(op.risk().risk, least));
    if output.is_json() {
        let all: Vec<Value> = operations.map(operation_json).collect();
        return done(output.value(&all));
    }
    let rows = operations.map(|op| {
        let facts = op.facts();
        let assumed = if facts.basis.is_assumed() { "*" } else { "" };
        vec![
            Cell::toned(op, Tone::Strong),
            Cell::from(facts.method),
            Cell::from(facts.path),
            Cell::from(format_args!("{}{assumed}", facts.scope)),
            risk_cell(op.risk().risk),
        ]
    });
    let none = "no operation is of that risk";
    let headings = ["operation", "method", "path", "scope", "risk"];
    done(output.table(&headings, rows.collect(), none))
}

/// An operation for programs.
pub(super) fn operation_json(op: Op) -> Value {
    let facts = op.facts();
    json!({
        "operation": facts.id,
        "method": facts.method.as_str(),
        "path": facts.path,
        "scope": facts.scope,
        "basis": facts.basis.as_str(),
        "accepted": facts.accepted(),
        "writes": facts.writes(),
        "hazards": facts.hazards.iter().map(|hazard| hazard.as_str()).collect::<Vec<_>>(),
        "returns_people": facts.returns_people(),
        "returns_secrets": facts.returns_secrets(),
        "risk": op.risk(),
    })
}

/// The operations that a key with this scope alone may call.
pub(super) fn allowed(scope: Scope) -> impl Iterator<Item = &'static str> {
    ScopeSet::from_iter([scope])
        .allows()
        .iter()
        .map(Op::id)
        .collect::<Vec<_>>()
        .into_iter()
}

fn enough(risk: Risk, least: Option<Risk>) -> bool {
    least.is_none_or(|least| risk >= least)
}

fn done(written: Result<(), Failure>) -> Outcome {
    written.map(|()| Exit::Done)
}
