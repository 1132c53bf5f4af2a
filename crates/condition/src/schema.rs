//! The schema that policies are held against, made from the catalog.

use std::fmt::Write;
use std::sync::LazyLock;

use cedar_policy::Schema;
use doorward_catalog::{Hazard, Op, OpSet, Tag};

use crate::digest::text_digest;
use crate::fields::{taken, write_record};
use crate::kind::Kind;

/// What every operation's context has.
const COMMON: &str = "\
  // The time of the call, and what the clock shows in UTC: the hour, and the day from 1 (Monday)
  // to 7 (Sunday).
  now: datetime,
  hour: Long,
  weekday: Long,
  // Where the call comes from.
  source_ip: ipaddr,
  // The sub-workspace that is acted on.
  as_workspace?: String,
  // Leads that this call writes: the length of its list, the limit of its filter, or 4294967295
  // where there is none.
  leads_in_call: Long,
  // What the client did since midnight in UTC, without this call.
  leads_today: Long,
  calls_today: Long,
";

const HEAD: &str = "\
// What a policy may ask for. Made from Doorward's catalog of the Instantly API v2.
//
// principal  the client that calls
// action     the operation, or a group of operations
// resource   the workspace that is called
//
// The sets of ids hold what the call names, in lower case, wherever in path, query or body it does,
// and \"*\" where it may reach things without naming them.

entity Client = {
  name: String,
  // \"development\", \"staging\" or \"production\"
  environment: String,
  owner: String,
  purpose: String,
  // The workspace's name.
  workspace: String,
};

entity Workspace = {
  name: String,
  // \"sandbox\" or \"live\"
  kind: String,
};

";

static TEXT: LazyLock<String> = LazyLock::new(write);
static DIGEST: LazyLock<String> = LazyLock::new(|| text_digest(&TEXT));
static SCHEMA: LazyLock<Option<Schema>> =
    LazyLock::new(|| Some(Schema::from_cedarschema_str(&TEXT).ok()?.0));

/// The schema in Cedar's own syntax.
pub fn schema_text() -> &'static str {
    &TEXT
}

/// Tells this schema from others: SHA-256 in hex, its first half.
pub fn schema_digest() -> &'static str {
    &DIGEST
}

/// The schema; `None` if the catalog makes none, which a test holds never to be.
pub(crate) fn schema() -> Option<&'static Schema> {
    SCHEMA.as_ref()
}

/// A group of operations: its name, what they do, and whether one is in it.
type Group = (&'static str, &'static str, fn(Op) -> bool);

const GROUPS: [Group; 8] = [
    ("reads", "changes nothing at Instantly", |op| {
        !op.facts().writes()
    }),
    ("writes", "may change something", |op| op.facts().writes()),
    ("deletes", "takes the scope's action delete", |op| {
        op.facts().scope.action == doorward_catalog::Action::Delete
    }),
    ("dangerous", "has any of the hazards below", |op| {
        !op.facts().hazards.is_empty()
    }),
    ("destructive", "removes what no call brings back", |op| {
        op.facts().hazards.contains(Hazard::Destructive)
    }),
    ("access", "changes who or what has access", |op| {
        op.facts().hazards.contains(Hazard::Access)
    }),
    ("starts_sending", "makes e-mail leave", |op| {
        op.facts().hazards.contains(Hazard::StartsSending)
    }),
    ("spends", "uses up credits or money", |op| {
        op.facts().hazards.contains(Hazard::Spends)
    }),
];

/// The name of the group of a tag's operations.
fn tag_group(tag: Tag) -> String {
    format!("tag:{tag:?}")
}

/// The names of the groups that an operation is in.
pub(crate) fn groups_of(op: Op) -> Vec<String> {
    let groups = GROUPS.iter().filter(|(_, _, holds)| holds(op));
    let named = groups.map(|(name, _, _)| (*name).to_owned());
    named
        .chain(op.facts().tags.iter().map(|tag| tag_group(*tag)))
        .collect()
}

/// The operations that an action stands for: one, or those of a group.
pub(crate) fn ops_of(action: &str) -> OpSet {
    if let Some(op) = Op::from_id(action) {
        return OpSet::from_iter([op]);
    }
    let among = |op: &Op| groups_of(*op).iter().any(|group| group == action);
    Op::ALL.into_iter().filter(among).collect()
}

fn write() -> String {
    let mut out = HEAD.to_owned();
    for (name, what, _) in GROUPS {
        let _ = writeln!(out, "// {what}\naction \"{name}\";");
    }
    out.push_str("// by the vendor's grouping\n");
    let mut tags: Vec<Tag> = Op::ALL
        .into_iter()
        .flat_map(|op| op.facts().tags.iter().copied())
        .collect();
    tags.sort_unstable();
    tags.dedup();
    for tag in tags {
        let _ = writeln!(out, "action \"{}\";", tag_group(tag));
    }
    for op in Op::ALL {
        operation(op, &mut out);
    }
    out
}

fn operation(op: Op, out: &mut String) {
    let facts = op.facts();
    let groups: Vec<String> = groups_of(op)
        .into_iter()
        .map(|group| format!("\"{group}\""))
        .collect();
    let _ = write!(
        out,
        "\n// {} {}\naction \"{}\" in [{}] appliesTo {{ principal: Client, resource: Workspace, \
         context: {{\n{COMMON}",
        facts.method,
        facts.path,
        facts.id,
        groups.join(", ")
    );
    for kind in Kind::ALL {
        let _ = writeln!(out, "  {}: Set<String>,", kind.field());
    }
    let taken = taken(op);
    if taken.has_parameter {
        out.push_str("  parameter: String,\n");
    }
    for (name, fields) in [("query", &taken.query), ("body", &taken.body)] {
        let _ = write!(out, "  {name}: ");
        write_record(fields, out);
        out.push_str(",\n");
    }
    out.push_str("} };\n");
}
