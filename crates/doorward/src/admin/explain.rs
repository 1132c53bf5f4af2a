//! Why a call would be allowed or denied: each step of the decision, by what is in force.

use std::net::IpAddr;

use doorward_catalog::{Op, Scope, ScopeSet, UseCase, route};
use doorward_condition::{Asked, Asker, Day, Policies, PolicyText};
use doorward_policy::{
    ClientView as PolicyView, DenyReason, EffectiveGrant, Grant, Judgement, NoApprovals,
    RequestFacts, Terms, Timestamp, authorize, decide,
};
use doorward_store::{KeyRole, Snapshot, SnapshotClient, UpstreamKeyState, Workspace};
use serde::{Deserialize, Serialize};

use super::deeds::Acts;
use super::error::AdminError;
use super::service::{Admin, Handle, now};
use super::types::Call;

/// Explains a call. Nothing is called.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PolicyExplain {
    /// Name or id of the workspace; the only one there is when none is said.
    pub(crate) workspace: Option<String>,
    /// Name or id of the client.
    pub(crate) client: String,
    /// The method.
    pub(crate) method: String,
    /// The path, and the query if there is one.
    pub(crate) target: String,
    /// The body.
    pub(crate) body: Option<String>,
    /// The sub-workspace in `x-as-workspace`.
    pub(crate) as_workspace: Option<String>,
    /// Where the call comes from.
    pub(crate) source: Option<IpAddr>,
    /// When; now if nothing is said.
    pub(crate) at: Option<Timestamp>,
}

/// Why.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Explained {
    /// Name of the client.
    pub(crate) client: String,
    /// Name of its workspace.
    pub(crate) workspace: String,
    /// The operation, if it is one.
    pub(crate) operation: Option<String>,
    /// When it would be asked.
    pub(crate) at: Timestamp,
    /// `allow`, `deny` or `needs_approval`.
    pub(crate) decision: String,
    /// The reason's code.
    pub(crate) reason: Option<String>,
    /// The policy that stands against it.
    pub(crate) policy: Option<String>,
    /// The reason in words, as the caller is told.
    pub(crate) message: Option<String>,
    /// Each step.
    pub(crate) steps: Vec<Step>,
}

/// A step of the decision.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Step {
    /// What is looked at.
    pub(crate) step: String,
    /// Whether it lets the call pass; none where it does not decide.
    pub(crate) passes: Option<bool>,
    /// What was found.
    pub(crate) found: String,
}

impl Call for PolicyExplain {
    const NAME: &'static str = "policy/explain";
    type Answer = Explained;
}

impl Acts for PolicyExplain {}

impl Handle<PolicyExplain> for Admin {
    fn handle(&self, call: PolicyExplain) -> Result<Explained, AdminError> {
        let workspace = self.workspace(call.workspace.as_deref())?;
        let record = self.store().client(&workspace.id, &call.client)?;
        let at = call.at.unwrap_or_else(now);
        let state = self.store().load_snapshot(at)?;
        let keys = self.store().client_keys(Some(&record.id))?;
        let client = state.client(&record.id).ok_or_else(|| {
            AdminError::failed("the client was removed meanwhile; `doorward client list` shows all")
        })?;
        let usable = |key: &&doorward_store::ClientKeyRecord| {
            key.revoked_at.is_none() && key.expires_at.is_none_or(|end| end > at)
        };
        let active = keys.iter().filter(usable).count();
        let mut steps = vec![Step {
            step: "key".to_owned(),
            passes: None,
            found: format!("{active} of the client's {} keys can be used", keys.len()),
        }];
        steps.push(of_client(client, at));
        steps.push(of_source(client, call.source));
        Ok(explain(&state, client, &workspace, &call, at, steps))
    }
}

fn step(name: &str, passes: bool, found: impl Into<String>) -> Step {
    Step {
        step: name.to_owned(),
        passes: Some(passes),
        found: found.into(),
    }
}

fn of_client(client: &SnapshotClient, at: Timestamp) -> Step {
    let record = &client.record;
    match (record.disabled_at, record.expires_at, &client.grant) {
        (Some(since), _, _) => step("client", false, format!("disabled since {since}")),
        (_, Some(end), _) if end <= at => step("client", false, format!("expired at {end}")),
        (_, _, Err(fault)) => step("client", false, format!("its grant is not valid: {fault}")),
        _ => step("client", true, format!("active, in {}", record.environment)),
    }
}

fn of_source(client: &SnapshotClient, source: Option<IpAddr>) -> Step {
    let sources = &client.record.controls.sources;
    let named: Vec<String> = sources.iter().map(ToString::to_string).collect();
    let named = named.join(", ");
    match source {
        _ if sources.is_empty() => step("source", true, "it may call from anywhere"),
        None => Step {
            step: "source".to_owned(),
            passes: None,
            found: format!("it may call from {named}; say where from with --source"),
        },
        Some(source) => {
            let source = source.to_canonical();
            let within = sources.iter().any(|net| net.contains(&source));
            let is = if within { "is" } else { "is not" };
            step("source", within, format!("{source} {is} within {named}"))
        }
    }
}

fn explain(
    state: &Snapshot,
    client: &SnapshotClient,
    workspace: &Workspace,
    call: &PolicyExplain,
    at: Timestamp,
    mut steps: Vec<Step>,
) -> Explained {
    let (path, query) = call
        .target
        .split_once('?')
        .unwrap_or((call.target.as_str(), ""));
    let matched = route(&call.method.to_ascii_uppercase(), path);
    steps.push(match &matched {
        Ok(matched) => {
            let scope = matched.op.facts().scope;
            step(
                "operation",
                true,
                format!("{}, which asks for {scope}", matched.op),
            )
        }
        Err(error) => step("operation", false, error.to_string()),
    });
    let op = matched.as_ref().ok().map(|matched| matched.op);
    let view = client.view();
    let facts = RequestFacts {
        op,
        workspace: &client.workspace_id,
        as_workspace: call.as_workspace.as_deref(),
        now: at,
    };
    if let (Some(id), Ok(grant)) = (&call.as_workspace, &client.grant) {
        let reaches = grant.reaches(id);
        let is = if reaches { "is" } else { "is not" };
        steps.push(step("sub-workspace", reaches, format!("{id} {is} granted")));
    }
    let texts = state.policies.iter().map(|policy| PolicyText {
        name: &policy.name,
        text: &policy.text,
        schema: &policy.schema,
    });
    let policies = Policies::read(texts, None);
    let mut explained = Explained {
        client: client.record.name.clone(),
        workspace: workspace.name.clone(),
        operation: op.map(|op| op.id().to_owned()),
        at,
        decision: "deny".to_owned(),
        reason: None,
        policy: None,
        message: None,
        steps,
    };
    let Some(op) = op else {
        if let doorward_policy::Decision::Deny(denial) = decide(&view, &facts) {
            explained.reason = Some(denial.reason().code().to_owned());
            explained.message = Some(denial.to_string());
        }
        return explained;
    };
    if let Ok(grant) = &client.grant {
        explained
            .steps
            .push(of_grant(&client.record.grant, grant, op, at));
    }
    let parameter = matched.ok().and_then(|matched| matched.params.value());
    let asked = Asked {
        op,
        parameter: parameter.as_deref(),
        query,
        body: call.body.as_deref().unwrap_or_default().as_bytes(),
        source: call
            .source
            .unwrap_or(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)),
        as_workspace: call.as_workspace.as_deref(),
        now: at,
        today: Day::default(),
    };
    let asker = Asker {
        name: &client.record.name,
        environment: client.record.environment,
        owner: &client.record.owner,
        purpose: &client.record.purpose,
        workspace: &workspace.name,
        workspace_kind: workspace.kind,
    };
    let judged = policies.judge(&asker, asked);
    explained.steps.push(of_policies(
        judged.judgement(),
        policies.bear_on(&client.record.name, op),
        call.source.is_none(),
    ));
    explained.steps.push(of_upstream(workspace, op));
    let terms = Terms {
        conditions: &judged,
        approvals: &NoApprovals,
    };
    finish(&mut explained, &view, &facts, &terms);
    explained
}

/// The decision itself, as the gateway makes it.
fn finish<'a>(
    explained: &mut Explained,
    view: &PolicyView<'a>,
    facts: &RequestFacts<'_>,
    terms: &Terms<'a>,
) {
    let refused = |step: &Step| step.step == "source" && step.passes == Some(false);
    match authorize(view, facts, terms, ()) {
        Ok(_) if explained.steps.iter().any(refused) => {
            explained.reason = Some("source_not_allowed".to_owned());
            explained.message =
                Some("the call comes from where the client may not call".to_owned());
        }
        Ok(_) => explained.decision = "allow".to_owned(),
        Err(denial) => {
            if denial.reason() == DenyReason::ApprovalRequired {
                explained.decision = "needs_approval".to_owned();
            }
            explained.reason = Some(denial.reason().code().to_owned());
            explained.policy = denial.policy().map(str::to_owned);
            explained.message = Some(denial.to_string());
        }
    }
}

fn of_grant(written: &Grant, grant: &EffectiveGrant, op: Op, at: Timestamp) -> Step {
    if grant.contains(op, at) {
        let ways = ways(written, grant, op, at);
        return step("grant", true, format!("by {}", ways.join(", and by ")));
    }
    let found = if let Err(beyond) = grant.environment().admits(op) {
        beyond.to_string()
    } else if grant.learned().contains(op) {
        "it was learned, and the learning is over".to_owned()
    } else if grant.lifted().contains(op) {
        "it was given by a break-glass that is over".to_owned()
    } else {
        "no use case, operation or scope of the grant gives it".to_owned()
    };
    step("grant", false, found)
}

/// What of a grant gives the operation.
fn ways(written: &Grant, grant: &EffectiveGrant, op: Op, at: Timestamp) -> Vec<String> {
    let mut ways = Vec::new();
    for name in &written.use_cases {
        let gives = |case: UseCase| case.operations().contains(op);
        if name.parse().is_ok_and(gives) {
            ways.push(format!("the use case {name}"));
        }
    }
    if written.operations.contains(op.id()) {
        ways.push("the operation by its name".to_owned());
    }
    for name in &written.scopes {
        let gives = |scope: Scope| ScopeSet::from_iter([scope]).covers(op);
        if !op.facts().basis.is_assumed() && Scope::parse(name).is_ok_and(gives) {
            ways.push(format!("the scope {name}"));
        }
    }
    if grant.lifted().contains(op)
        && let Some(until) = grant.lifted_until()
    {
        ways.push(format!("a break-glass until {until}"));
    }
    if grant.learned().contains(op)
        && grant.is_learning(at)
        && let Some(until) = grant.learning_until()
    {
        ways.push(format!("learning until {until}"));
    }
    ways
}

fn of_policies(judgement: Judgement<'_>, borne_on: bool, no_source: bool) -> Step {
    let from = if no_source {
        ", asked from 127.0.0.1, the day's counts at zero"
    } else {
        ", the day's counts at zero"
    };
    match judgement {
        Judgement::Allow if !borne_on => step("policies", true, "none bears on it"),
        Judgement::Allow => step("policies", true, format!("none stands against it{from}")),
        Judgement::Deny(name) => step("policies", false, format!("'{name}' forbids it{from}")),
        Judgement::NeedsApproval(name) => step(
            "policies",
            false,
            format!("'{name}' has it wait for a person's approval{from}"),
        ),
        Judgement::Failed(name) => step(
            "policies",
            false,
            format!("'{name}' can't be evaluated on it, and so it is refused{from}"),
        ),
        _ => step("policies", false, "they can't be told"),
    }
}

/// Whether a key of the workspace would do; it is no part of the decision.
fn of_upstream(workspace: &Workspace, op: Op) -> Step {
    let keys = workspace.upstream_keys.iter();
    let mut keys =
        keys.filter(|key| key.state != UpstreamKeyState::Retired && key.role == KeyRole::Carries);
    let covers =
        |key: &doorward_store::UpstreamKey| key.scope_set().is_none_or(|scopes| scopes.covers(op));
    match keys.find(|key| covers(key)) {
        Some(key) => step("upstream key", true, format!("'{}' covers it", key.name)),
        None => step("upstream key", false, "no key of the workspace covers it"),
    }
}
