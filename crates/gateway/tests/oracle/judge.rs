//! The model's word on a call: whether it goes, and if so where to and under which keys.

use crate::grants::covers;
use crate::requests::Asked;
use crate::rules::Says;
use crate::world::{DAY, Exact, Fate, Name, SECOND, State, UpstreamKey, Use};
use doorward_catalog::Op;

/// What must come of a call.
#[derive(Debug, Clone)]
pub(crate) enum Expect {
    /// Nothing comes out. Why, by any of these; whatever it is, if none is named.
    Refused(&'static [&'static str]),
    /// Nothing comes out before a person has approved of it; whose call it is.
    Waits(usize),
    /// Nothing comes out, and the answer is the one that was given before.
    Replayed,
    /// Its answer was lost before: at most reads of Doorward's own come out, and the write itself
    /// only if it can't be on its way any more.
    Unsettled {
        client: usize,
        looks: Vec<String>,
        may_go: Option<Box<Goes>>,
    },
    /// It comes out.
    Goes(Box<Goes>),
}

/// How a call comes out.
#[derive(Debug, Clone)]
pub(crate) struct Goes {
    pub(crate) client: usize,
    pub(crate) workspace: usize,
    pub(crate) host: usize,
    /// Values of the keys that it may go out under.
    pub(crate) keys: Vec<String>,
    /// Those of them that are the first choice.
    pub(crate) best: Vec<String>,
    /// The approval that is spent, and whether one is missing.
    pub(crate) approval: Option<String>,
    waits: bool,
    pub(crate) name: Option<Name>,
}

const GRANT: &[&str] = &[
    "never_granted",
    "break_glass_over",
    "learning_over",
    "environment_ceiling",
    "scope_missing",
    "operation_not_granted",
];

/// Whose key it is, as of the records in force, and whether head and grant let the call pass.
pub(crate) fn head(state: &State, key: Option<&str>, asked: &Asked) -> Result<usize, Expect> {
    let refused = |why: &'static [&'static str]| Err(Expect::Refused(why));
    let (force, now) = (&state.force, state.now);
    if asked.flawed {
        return refused(&[]);
    }
    let over = |end: Option<i64>| end.is_some_and(|end| end <= now);
    let Some(key) = force.keys.iter().find(|known| Some(&*known.text) == key) else {
        return refused(&["unauthorized", "upstream_key_presented"]);
    };
    if key.revoked || over(key.ends) {
        return refused(&["unauthorized"]);
    }
    let client = &force.clients[key.client];
    let networks = &client.controls.networks;
    if !networks.is_empty() && !networks.iter().any(|net| is_in(asked.source, net)) {
        return refused(&["source_not_allowed"]);
    }
    if client.disabled {
        return refused(&["client_disabled"]);
    }
    if over(client.ends) {
        return refused(&["client_expired"]);
    }
    if asked
        .as_workspace
        .is_some_and(|sub| !client.grant.subs.contains(&sub))
    {
        return refused(&["workspace_not_granted"]);
    }
    let live = force.workspaces[client.workspace].live;
    if !client.grant.gives(asked.op, client.environment, live, now) {
        return refused(GRANT);
    }
    Ok(key.client)
}

/// Whether 127.0.0.`last` is in such a network.
fn is_in(last: u8, net: &str) -> bool {
    let (address, bits) = net.split_once('/').unwrap();
    let first: u8 = address.rsplit('.').next().unwrap().parse().unwrap();
    let hosts = 1_u16 << (32 - bits.parse::<u16>().unwrap());
    (u16::from(first)..u16::from(first) + hosts).contains(&u16::from(last))
}

/// The values of a workspace's keys that may do an operation, and of the narrowest.
fn keys(state: &State, workspace: usize, op: Op) -> (Vec<String>, Vec<String>) {
    let keys = &state.force.workspaces[workspace].keys;
    let may = |key: &&UpstreamKey| {
        let covered = |scopes: &Vec<String>| scopes.iter().any(|scope| covers(scope, op));
        key.used != Use::Retired && key.scopes.as_ref().is_none_or(covered)
    };
    let width = |key: &UpstreamKey| {
        let scopes = key.scopes.clone().unwrap_or_default();
        let covered = |op: &&Op| scopes.iter().any(|scope| covers(scope, **op));
        let unsaid = key.scopes.is_none();
        (
            unsaid,
            key.used != Use::Active,
            Op::ALL.iter().filter(covered).count(),
        )
    };
    let fit: Vec<&UpstreamKey> = keys.iter().filter(may).collect();
    let least = fit.iter().map(|key| width(key)).min();
    let value = |key: &&UpstreamKey| key.value.clone();
    let best = fit.iter().filter(|key| Some(width(key)) == least);
    (fit.iter().map(value).collect(), best.map(value).collect())
}

/// What the rules in force say to a call that the grant allows: the approval that lifts a need, and
/// whether one is missing.
fn rules(state: &State, client: usize, asked: &Asked) -> Result<(Option<String>, bool), Expect> {
    let who = &state.force.clients[client];
    let used = state.today(client);
    let rules = state.force.rules.values();
    let says: Vec<Says> = rules
        .map(|rule| rule.says((who.name, who.environment), asked, state.now, used))
        .collect();
    if says.contains(&Says::Forbids) {
        return Err(Expect::Refused(&["denied_by_policy"]));
    }
    if says.contains(&Says::Fails) {
        return Err(Expect::Refused(&["policy_failed"]));
    }
    if !says.contains(&Says::Waits) {
        return Ok((None, false));
    }
    let exact = exact(client, asked);
    let mut given = state.approvals.iter();
    let given = given.find(|(_, approval)| {
        approval.given && approval.exact == exact && state.now < approval.ends
    });
    let given = given.map(|(id, _)| id.clone());
    Ok((given.clone(), given.is_none()))
}

pub(crate) fn exact(client: usize, asked: &Asked) -> Exact {
    Exact {
        client,
        as_workspace: asked.as_workspace,
        op: asked.op,
        target: asked.target.clone(),
        body: asked.body.clone(),
    }
}

/// The model's word.
pub(crate) fn judge(state: &State, key: Option<&str>, asked: &Asked) -> Expect {
    match allowed(state, key, asked) {
        Ok(goes) => after(state, goes, asked),
        Err(refused) => refused,
    }
}

/// Whether the client may, by all that was decided on it.
fn allowed(state: &State, key: Option<&str>, asked: &Asked) -> Result<Goes, Expect> {
    let client = head(state, key, asked)?;
    let (approval, waits) = rules(state, client, asked)?;
    let workspace = state.force.clients[client].workspace;
    let (keys, best) = keys(state, workspace, asked.op);
    if keys.is_empty() && waits {
        return Err(Expect::Waits(client));
    }
    if keys.is_empty() {
        return Err(Expect::Refused(&["no_upstream_key_covers"]));
    }
    let writes = asked.op.facts().scope.action.as_str() != "read";
    let name = asked.named.filter(|_| writes).map(|key| Name {
        client,
        as_workspace: asked.as_workspace,
        op: asked.op,
        key,
    });
    Ok(Goes {
        client,
        workspace,
        host: state.force.workspaces[workspace].host,
        keys,
        best,
        approval,
        waits,
        name,
    })
}

/// What is owed to earlier calls: stored answers, and limits.
fn after(state: &State, goes: Goes, asked: &Asked) -> Expect {
    let exact = exact(goes.client, asked);
    if let Some(name) = &goes.name {
        if let Some(held) = state.in_hand.get(name) {
            return Expect::Refused(if *held == exact {
                &["idempotency_in_flight"]
            } else {
                &["idempotency_key_reused"]
            });
        }
        let kept = state.writes.get(name);
        if let Some(written) = kept.filter(|written| state.now < written.first + DAY) {
            if written.exact != exact {
                return Expect::Refused(&["idempotency_key_reused"]);
            }
            if written.fate == Fate::Answered(true) {
                return Expect::Replayed;
            }
            let settled = state.now - written.sent >= 60 * SECOND;
            let natural = asked.op == Op::CreateLead;
            let looks = keys(state, goes.workspace, Op::ListLeads).0;
            return Expect::Unsettled {
                client: goes.client,
                looks: if natural { looks } else { Vec::new() },
                may_go: (natural && settled && !goes.waits && written.fate == Fate::Lost)
                    .then(|| Box::new(goes)),
            };
        }
    }
    // What was sent before needs no approval to be told how that ended.
    if goes.waits {
        return Expect::Waits(goes.client);
    }
    let controls = &state.force.clients[goes.client].controls;
    let used = state.today(goes.client);
    let at_once = state.under_way.get(&goes.client).copied().unwrap_or(0);
    let full = controls.at_once.is_some_and(|most| at_once >= most)
        || controls.per_day.is_some_and(|most| used.calls + 1 > most)
        || controls
            .leads_per_day
            .is_some_and(|most| asked.leads > 0 && used.leads + asked.leads > most);
    if full {
        return Expect::Refused(&["client_limit"]);
    }
    Expect::Goes(Box::new(goes))
}
