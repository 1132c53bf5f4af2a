//! Conditions on events: which of those that come in a destination gets.
//!
//! Written as policies are: every event that the filters let through is delivered, a condition only
//! takes away. It is held against a schema of its own when it is saved.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use cedar_policy::{
    Authorizer, Context, Effect, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet,
    Request, RestrictedExpression, Schema, ValidationMode, Validator,
};
use doorward_policy::Timestamp;
use serde_json::Value;

use crate::fault::PolicyFault;
use crate::rule::{in_order, parse, span};

/// Most bytes of a condition's text.
pub const EVENT_TEXT_MAX: usize = 16 * 1024;
/// Most bytes of the fields that a condition asks for, together.
const FIELDS_MAX: usize = 1024 * 1024;

const SCHEMA: &str = "\
// What the condition of a destination may ask for.
//
// principal  the destination
// action     \"deliver\", there is no other
// resource   the event
//
// What an event does not say is \"\".

entity Destination = {
  name: String,
};

// Its tags are the fields of the payload: texts as they are, numbers as they were written, true and
// false as words. Lists, objects and null are not among them. Ask for one only where it is there:
// resource.hasTag(\"company\") && resource.getTag(\"company\") == \"Acme\"
entity Event = {
  // As it was sent, and by the name of its subscription: a click is sent as \"link_clicked\" and
  // subscribed to as \"email_link_clicked\". Of a custom label, the label.
  event_type: String,
  subscribed_type: String,
  // Instantly's id of the workspace, and the campaign's; in lower case.
  workspace: String,
  campaign: String,
  campaign_name: String,
  // The lead's e-mail address and what comes after its \"@\", in lower case.
  lead: String,
  lead_domain: String,
  // \"webhook\", \"backfill\", \"reconstructed\" or \"test\".
  origin: String,
  // When it happened, as far as it says so, and when it was received; whole seconds.
  happened: datetime,
  received: datetime,
} tags String;

action \"deliver\" appliesTo { principal: Destination, resource: Event, context: {} };
";

const ONLY_FORBID: &str = "every event that the filters let through is delivered, a condition only \
                           takes away: write what is not to be delivered, as in `forbid (principal, \
                           action, resource) unless { … };`";

/// The schema of events in Cedar's own syntax.
pub fn event_schema_text() -> &'static str {
    SCHEMA
}

struct Types {
    schema: Schema,
    destination: EntityTypeName,
    event: EntityTypeName,
    deliver: EntityUid,
}

static TYPES: LazyLock<Option<Types>> = LazyLock::new(|| {
    let action: EntityTypeName = "Action".parse().ok()?;
    Some(Types {
        schema: Schema::from_cedarschema_str(SCHEMA).ok()?.0,
        destination: "Destination".parse().ok()?,
        event: "Event".parse().ok()?,
        deliver: EntityUid::from_type_name_and_id(action, EntityId::new("deliver")),
    })
});

/// An event that is judged.
#[derive(Clone, Copy)]
pub struct EventAsked<'a> {
    /// Name of the destination.
    pub destination: &'a str,
    /// Its type as it was sent.
    pub event_type: &'a str,
    /// The name of its type's subscription.
    pub subscribed_type: &'a str,
    /// Instantly's id of the workspace.
    pub workspace: &'a str,
    /// The campaign's id.
    pub campaign: &'a str,
    /// The campaign's name.
    pub campaign_name: &'a str,
    /// E-mail address of the lead, in lower case.
    pub lead: &'a str,
    /// How it got here.
    pub origin: &'a str,
    /// When it happened.
    pub happened: Timestamp,
    /// When it was received.
    pub received: Timestamp,
}

/// A condition on events, ready to be evaluated.
#[derive(Debug)]
pub struct EventCondition {
    set: PolicySet,
    fields: BTreeSet<String>,
}

impl EventCondition {
    /// Reads the text of a condition and holds it against the schema.
    ///
    /// # Errors
    /// What is wrong with it, in the order of the text.
    pub fn read(text: &str) -> Result<Self, Vec<PolicyFault>> {
        if text.len() > EVENT_TEXT_MAX {
            return Err(vec![PolicyFault::whole(
                "the text is larger than 16 KiB",
                "filter by event type, campaign or workspace first",
            )]);
        }
        let set = parse(text, ONLY_FORBID)?;
        let (mut faults, fields) = look(&set, text);
        let Some(types) = TYPES.as_ref() else {
            return Err(vec![PolicyFault::whole(
                "there is no schema to hold it against",
                "use another version of Doorward",
            )]);
        };
        let result = Validator::new(types.schema.clone()).validate(&set, ValidationMode::Strict);
        faults.extend(result.validation_errors().map(|e| PolicyFault::of(e, text)));
        // One that never applies takes nothing away, whatever its author thinks.
        if faults.is_empty() {
            let warnings = result.validation_warnings();
            faults.extend(warnings.map(|warning| PolicyFault::of(warning, text)));
        }
        match faults.is_empty() {
            true => Ok(Self { set, fields }),
            false => Err(in_order(faults)),
        }
    }

    /// The fields of a payload that it asks for.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(String::as_str)
    }

    /// Whether the destination gets an event, of whose fields those are there that are given. `None`
    /// where that can't be told: a number is too large for Cedar, or there is too much to look at.
    pub fn wants(&self, asked: &EventAsked<'_>, fields: Vec<(String, String)>) -> Option<bool> {
        if fields.iter().map(|(_, text)| text.len()).sum::<usize>() > FIELDS_MAX {
            return None;
        }
        let types = TYPES.as_ref()?;
        let uid = |of: &EntityTypeName, id: &str| {
            EntityUid::from_type_name_and_id(of.clone(), EntityId::new(id))
        };
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        let time = |at: Timestamp| {
            // Cedar knows no fractions of other than three digits.
            let whole = Timestamp::from_seconds(at.millis().div_euclid(1_000));
            RestrictedExpression::new_datetime(whole.to_string())
        };
        let domain = asked.lead.rsplit_once('@').map_or("", |(_, domain)| domain);
        let known = [
            ("event_type", text(asked.event_type)),
            ("subscribed_type", text(asked.subscribed_type)),
            ("workspace", text(&asked.workspace.to_lowercase())),
            ("campaign", text(&asked.campaign.to_lowercase())),
            ("campaign_name", text(asked.campaign_name)),
            ("lead", text(asked.lead)),
            ("lead_domain", text(domain)),
            ("origin", text(asked.origin)),
            ("happened", time(asked.happened)),
            ("received", time(asked.received)),
        ];
        let known = known.map(|(name, value)| (name.to_owned(), value));
        let tags = fields
            .into_iter()
            .map(|(name, value)| (name, RestrictedExpression::new_string(value)));
        let principal = uid(&types.destination, asked.destination);
        let resource = uid(&types.event, "");
        let name = HashMap::from([("name".to_owned(), text(asked.destination))]);
        let none = HashSet::<EntityUid>::new;
        let entities = [
            Entity::new(principal.clone(), name, none()).ok()?,
            Entity::new_with_tags(resource.clone(), known, none(), tags).ok()?,
            Entity::new_no_attrs(types.deliver.clone(), none()),
        ];
        let entities = Entities::from_entities(entities, None).ok()?;
        let action = types.deliver.clone();
        let request = Request::new(principal, action, resource, Context::empty(), None).ok()?;
        let answer = Authorizer::new().is_authorized(&request, &self.set, &entities);
        let found = answer.diagnostics();
        // What one rule takes away is not wanted, whatever became of the others.
        match (found.reason().next(), found.errors().next()) {
            (Some(_), _) => Some(false),
            (None, Some(_)) => None,
            (None, None) => Some(true),
        }
    }
}

/// What Cedar would let pass and Doorward does not, and the fields that are asked for.
fn look(set: &PolicySet, text: &str) -> (Vec<PolicyFault>, BTreeSet<String>) {
    let (mut faults, mut fields) = (Vec::new(), BTreeSet::new());
    for template in set.templates() {
        let (offset, length) = span(template.as_ref().loc().map(|loc| (loc.start(), loc.end())));
        faults.push(PolicyFault::at(
            "a template is no condition: nothing fills its slots",
            "write `principal`, `action` and `resource` alone",
            text,
            offset,
            length,
        ));
    }
    for policy in set.policies() {
        let (offset, length) = span(policy.as_ref().loc().map(|loc| (loc.start(), loc.end())));
        let mut fault = |message: &str, help: &str| {
            faults.push(PolicyFault::at(message, help, text, offset, length));
        };
        if policy.effect() == Effect::Permit {
            fault("a condition can't permit", ONLY_FORBID);
        }
        if policy.annotation("approval").is_some() {
            fault(
                "an event waits for nobody's approval",
                "leave @approval out",
            );
        }
        let Ok(json) = policy.to_json() else {
            fault("it can't be read", "write it in Cedar's plain syntax");
            continue;
        };
        if !named(json.get("conditions").unwrap_or(&Value::Null), &mut fields) {
            fault(
                "it asks for a field whose name is not there to read",
                "write the name itself, as in `resource.hasTag(\"company\")`; one with quotation \
                 marks or backslashes in it can't be asked for",
            );
        }
    }
    (faults, fields)
}

/// Collects the names of the tags that are asked for; false where one is not written out.
fn named(expression: &Value, fields: &mut BTreeSet<String>) -> bool {
    match expression {
        Value::Array(items) => items.iter().all(|item| named(item, fields)),
        Value::Object(members) => members.iter().all(|(name, inner)| {
            if matches!(name.as_str(), "hasTag" | "getTag")
                && let Some(asked) = inner.get("right")
            {
                let plain =
                    |text: &&str| !text.contains(|c: char| c.is_control() || "\"\\".contains(c));
                let Some(text) = asked.get("Value").and_then(Value::as_str).filter(plain) else {
                    return false;
                };
                fields.insert(text.to_owned());
            }
            name == "Value" || named(inner, fields)
        }),
        _ => true,
    }
}
