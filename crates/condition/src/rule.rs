//! Policies read from text, ready to be evaluated.

use std::collections::BTreeSet;
use std::sync::Arc;

use cedar_policy::{
    ActionConstraint, Effect, EntityUid, Policy, PolicySet, PrincipalConstraint, ValidationMode,
    Validator,
};
use doorward_catalog::OpSet;
use serde_json::Value;

use crate::fault::PolicyFault;
use crate::ids::{is_address, is_uuid};
use crate::kind::Kind;
use crate::needs::{Needs, literals, overlooks_any};
use crate::schema::{ops_of, schema};

/// Most bytes of a policy's text.
pub const TEXT_MAX: usize = 64 * 1024;
/// Most faults that are told of one text.
const FAULTS_MAX: usize = 20;

const ONLY_FORBID: &str = "grants allow, policies only take away: write what must not be, as in \
                           `forbid (principal, action, resource) unless { … };`, and grant with \
                           `doorward client grant`";

const PRESETS_HELP: &str = "`doorward policy presets` shows some to begin with";

/// One `forbid` of a text.
#[derive(Debug)]
pub(crate) struct Rule {
    /// The policy's name; with `/` and the rule's `@id` where it has one.
    pub(crate) name: Arc<str>,
    /// Whether a person's approval lifts it.
    pub(crate) approval: bool,
    /// The one client that it bears on; none for any.
    pub(crate) client: Option<Box<str>>,
    /// The operations that it bears on.
    pub(crate) ops: OpSet,
    pub(crate) needs: Needs,
    /// The policy alone; none if it can't be evaluated any more.
    pub(crate) set: Option<PolicySet>,
}

/// Reads the text of a policy and holds it against the schema.
///
/// # Errors
/// What is wrong with it, in the order of the text.
pub(crate) fn read(name: &str, text: &str) -> Result<Vec<Rule>, Vec<PolicyFault>> {
    let set = parse(text, PRESETS_HELP)?;
    let mut faults = shape_faults(&set, text);
    let Some(schema) = schema() else {
        return Err(vec![PolicyFault::whole(
            "there is no schema to hold it against",
            "use another version of Doorward",
        )]);
    };
    let result = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
    faults.extend(result.validation_errors().map(|e| PolicyFault::of(e, text)));
    // A policy that never applies forbids nothing, whatever its author thinks. What is wrong with it
    // otherwise says more.
    if faults.is_empty() {
        let warnings = result.validation_warnings();
        faults.extend(warnings.map(|warning| PolicyFault::of(warning, text)));
    }
    if faults.is_empty() {
        return Ok(rules(name, &set));
    }
    Err(in_order(faults))
}

/// Faults in the order of the text, each once, and not too many.
pub(crate) fn in_order(mut faults: Vec<PolicyFault>) -> Vec<PolicyFault> {
    let place = |fault: &PolicyFault| fault.at.as_ref().map(|at| (at.line, at.column));
    faults.sort_by_key(place);
    faults.dedup();
    faults.truncate(FAULTS_MAX);
    faults
}

/// Reads a text that was held against this very schema before.
pub(crate) fn read_checked(name: &str, text: &str) -> Result<Vec<Rule>, Vec<PolicyFault>> {
    let set = parse(text, PRESETS_HELP)?;
    // What the schema says was found to be so; that nothing is permitted is looked at each time.
    if set.num_of_templates() == 0 && set.policies().all(|each| each.effect() == Effect::Forbid) {
        return Ok(rules(name, &set));
    }
    Err(shape_faults(&set, text))
}

/// What a text that is faulty now bears on, as far as that can still be told: rules that can't be
/// evaluated.
pub(crate) fn broken(name: &str, text: &str) -> Vec<Rule> {
    let rules = parse(text, PRESETS_HELP).map(|set| rules(name, &set));
    match rules {
        Ok(mut rules) if !rules.is_empty() => {
            rules.iter_mut().for_each(|rule| rule.set = None);
            rules
        }
        _ => vec![Rule {
            name: name.into(),
            approval: false,
            client: None,
            ops: OpSet::all(),
            needs: Needs::default(),
            set: None,
        }],
    }
}

/// Reads a text, which `help` says how to begin.
pub(crate) fn parse(text: &str, help: &str) -> Result<PolicySet, Vec<PolicyFault>> {
    if text.len() > TEXT_MAX {
        return Err(vec![PolicyFault::whole(
            "the text is larger than 64 KiB",
            "split it into several policies",
        )]);
    }
    let set: PolicySet = text.parse().map_err(|errors: cedar_policy::ParseErrors| {
        let faults = errors.iter().take(FAULTS_MAX);
        faults
            .map(|error| PolicyFault::of(error, text))
            .collect::<Vec<_>>()
    })?;
    if set.is_empty() && set.num_of_templates() == 0 {
        return Err(vec![PolicyFault::whole("there is no policy in it", help)]);
    }
    Ok(set)
}

/// What Cedar would let pass and Doorward does not.
fn shape_faults(set: &PolicySet, text: &str) -> Vec<PolicyFault> {
    let mut faults = Vec::new();
    for template in set.templates() {
        let (offset, length) = span(template.as_ref().loc().map(|loc| (loc.start(), loc.end())));
        faults.push(PolicyFault::at(
            "a template is no policy: nothing fills its slots",
            "name the client, as in `principal == Client::\"importer\"`",
            text,
            offset,
            length,
        ));
    }
    let mut ids = BTreeSet::new();
    for policy in set.policies() {
        let (offset, length) = span(policy.as_ref().loc().map(|loc| (loc.start(), loc.end())));
        let mut fault = |message: &str, help: &str| {
            faults.push(PolicyFault::at(message, help, text, offset, length));
        };
        if policy.effect() == Effect::Permit {
            fault("a policy can't permit", ONLY_FORBID);
        }
        match policy.annotation("approval") {
            None | Some("required") => {}
            Some(_) => fault(
                "@approval has another value than \"required\"",
                "write `@approval(\"required\")`, or leave it out to forbid for good",
            ),
        }
        match policy.annotation("id") {
            None => {}
            Some(id) if !is_name(id) => fault(
                "@id is not 1 to 64 of a-z, 0-9, '-', '_' and '.'",
                "write it like `@id(\"no-bulk-deletes\")`",
            ),
            Some(id) if !ids.insert(id.to_owned()) => fault(
                "two rules have the same @id",
                "give each its own, so that a refusal says which it was",
            ),
            Some(_) => {}
        }
        let Ok(json) = policy.to_json() else {
            fault("it can't be read", "write it in Cedar's plain syntax");
            continue;
        };
        if overlooks_any(&json) {
            fault(
                "it asks whether a call names some ids, which one that picks things by a filter \
                 does not",
                "allow by `unless { [\"…\"].containsAll(context.campaigns) }`, or forbid by \
                 `when { context.campaigns.containsAny([\"…\", \"*\"]) }`: \"*\" stands for all that \
                 a call may reach without naming it",
            );
        }
        let needs = Needs::of(&json);
        let of_people = needs.kinds.contains(Kind::Account) || needs.kinds.contains(Kind::Lead);
        for literal in literals(&json) {
            let upper = literal.chars().any(char::is_uppercase);
            if upper && (is_uuid(&literal) || (of_people && is_address(&literal))) {
                let at = text.find(&literal).unwrap_or(offset);
                faults.push(PolicyFault::at(
                    "an id or address with capital letters never matches",
                    format!("write \"{}\"", literal.to_lowercase()),
                    text,
                    at,
                    literal.len(),
                ));
            }
        }
    }
    faults
}

pub(crate) fn span(loc: Option<(usize, usize)>) -> (usize, usize) {
    loc.map_or((0, 1), |(start, end)| (start, end.saturating_sub(start)))
}

fn is_name(id: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    (1..=64).contains(&id.len()) && id.bytes().all(plain)
}

fn rules(name: &str, set: &PolicySet) -> Vec<Rule> {
    set.policies().map(|policy| rule(name, policy)).collect()
}

fn rule(name: &str, policy: &Policy) -> Rule {
    let json = policy.to_json().unwrap_or(Value::Null);
    let full = match policy.annotation("id") {
        Some(id) if is_name(id) => format!("{name}/{id}").into(),
        _ => Arc::from(name),
    };
    let client = match policy.principal_constraint() {
        // A client holds no others, so that to be in one is to be it.
        PrincipalConstraint::Eq(uid)
        | PrincipalConstraint::In(uid)
        | PrincipalConstraint::IsIn(_, uid) => Some(uid.id().unescaped().into()),
        _ => None,
    };
    let among = |uid: &EntityUid| ops_of(uid.id().unescaped());
    let ops = match policy.action_constraint() {
        ActionConstraint::Any => OpSet::all(),
        ActionConstraint::Eq(uid) => among(&uid),
        ActionConstraint::In(uids) => uids.iter().map(among).fold(OpSet::EMPTY, OpSet::union),
    };
    Rule {
        name: full,
        approval: policy.annotation("approval") == Some("required"),
        client,
        ops,
        needs: if json.is_null() {
            Needs::all()
        } else {
            Needs::of(&json)
        },
        set: PolicySet::from_policies([policy.clone()]).ok(),
    }
}
