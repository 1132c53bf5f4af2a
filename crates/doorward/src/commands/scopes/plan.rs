//! `doorward scopes plan`: the least scopes for what a program is to do.

use doorward_catalog::{Environment, OpSet, RiskReason, ScopePlan, ScopeSet, UseCase, plan_scopes};
use serde::Serialize;

use super::{count, operation, risk_cell};
use crate::cli::ScopesPlan;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone};

#[derive(Serialize)]
struct Plan {
    use_cases: Vec<UseCase>,
    operations: Vec<&'static str>,
    /// What a client key is granted.
    client_scopes: ScopeSet,
    /// What the upstream key needs.
    upstream_scopes: ScopeSet,
    #[serde(flatten)]
    choices: ScopePlan,
    risk: Option<RiskReason>,
    /// Where a client may be granted all of it.
    environments: Vec<Environment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<Held>,
}

/// The plan against the scopes of a key.
#[derive(Serialize)]
struct Held {
    has: ScopeSet,
    /// Operations that the key does not cover.
    uncovered: Vec<&'static str>,
    /// Scopes it would need beside.
    lacks: ScopeSet,
    /// Scopes it has and does not need.
    excess: ScopeSet,
}

/// Plans, and holds the plan against a key's scopes when they are given.
pub(super) fn run(asked: &ScopesPlan, output: Output) -> Outcome {
    let plan = make(asked)?;
    let findings = plan.held.as_ref().is_some_and(Held::has_findings);
    if output.is_json() {
        output.value(&plan)?;
    } else {
        show(&plan, output)?;
    }
    Ok(if findings { Exit::Findings } else { Exit::Done })
}

fn make(asked: &ScopesPlan) -> Result<Plan, Failure> {
    let mut operations = OpSet::EMPTY;
    let mut use_cases = Vec::new();
    for name in &asked.use_case {
        let case: UseCase = name
            .parse()
            .map_err(|error| Failure::usage(format_args!("'{name}': {error}")))?;
        operations = operations.union(case.operations());
        use_cases.push(case);
    }
    for name in &asked.operation {
        operations.insert(operation(name)?);
    }
    let choices = plan_scopes(operations);
    let held = asked
        .has
        .as_deref()
        .map(|has| held(has, operations, &choices))
        .transpose()?;
    let environments = Environment::ALL
        .into_iter()
        .filter(|environment| operations.iter().all(|op| environment.admits(op).is_ok()))
        .collect();
    Ok(Plan {
        operations: operations.iter().map(|op| op.id()).collect(),
        client_scopes: operations.narrow_scopes(),
        upstream_scopes: choices.scopes(),
        risk: operations.risk(),
        environments,
        use_cases,
        choices,
        held,
    })
}

fn held(has: &str, operations: OpSet, plan: &ScopePlan) -> Result<Held, Failure> {
    let has: ScopeSet = has.parse().map_err(Failure::usage)?;
    let uncovered: OpSet = operations.iter().filter(|op| !has.covers(*op)).collect();
    Ok(Held {
        uncovered: uncovered.iter().map(|op| op.id()).collect(),
        lacks: plan
            .scopes()
            .iter()
            .filter(|scope| !has.covers_scope(*scope))
            .collect(),
        excess: has.excess(operations),
        has,
    })
}

impl Held {
    fn has_findings(&self) -> bool {
        !self.uncovered.is_empty() || !self.excess.is_empty()
    }
}

fn show(plan: &Plan, output: Output) -> Result<(), Failure> {
    let rows = plan.choices.choices.iter().map(|choice| {
        let operations = choice.operations.iter().map(|id| {
            let assumed = if choice.assumed.contains(id) { "*" } else { "" };
            format!("{id}{assumed}")
        });
        vec![
            Cell::toned(choice.scope, Tone::Strong),
            risk_cell(choice.scope.risk().risk),
            Cell::from(operations.collect::<Vec<_>>().join(", ")),
        ]
    });
    output.table(
        &["scope", "risk", "for"],
        rows.collect(),
        "no scopes are needed",
    )?;
    output.line("")?;
    for because in plan
        .choices
        .choices
        .iter()
        .filter_map(|c| c.wider_because.as_ref())
    {
        output.line(format_args!("wider than asked for: {because}"))?;
    }
    if plan
        .choices
        .choices
        .iter()
        .any(|choice| !choice.assumed.is_empty())
    {
        output.line(
            "* the vendor does not document this operation's scope; it is assumed, and the API's \
             own answer may name another",
        )?;
    }
    let environments: Vec<&str> = plan.environments.iter().map(|e| e.as_str()).collect();
    let risk = plan.risk.map(|risk| {
        let of = risk
            .operation
            .map(|id| format!(": {id} {}", risk.reason))
            .unwrap_or_default();
        format!("{}{of}", risk.risk)
    });
    output.fields(vec![
        (
            "upstream key",
            Cell::toned(plan.upstream_scopes, Tone::Strong),
        ),
        ("client", Cell::from(plan.client_scopes)),
        ("operations", Cell::from(plan.operations.len())),
        ("risk", Cell::from(risk.unwrap_or_default())),
        ("environments", Cell::from(environments.join(", "))),
    ])?;
    if let Some(held) = &plan.held {
        show_held(held, output)?;
    }
    Ok(())
}

fn show_held(held: &Held, output: Output) -> Result<(), Failure> {
    output.line("")?;
    if !held.has_findings() {
        let text = "the key has what it needs and no more";
        return output.line(output.paint(Tone::Good, text));
    }
    if !held.uncovered.is_empty() {
        let what = count(held.uncovered.len(), "operation is", "operations are");
        let label = output.paint(Tone::Bad, "lacks");
        let ids = held.uncovered.join(", ");
        output.line(format_args!(
            "{label} {}: {what} not covered ({ids})",
            held.lacks
        ))?;
    }
    if !held.excess.is_empty() {
        let label = output.paint(Tone::Careful, "excessive");
        output.line(format_args!("{label} {}: make a key without", held.excess))?;
    }
    Ok(())
}
