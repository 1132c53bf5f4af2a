//! Policies from a few patterns, each with what it means in plain code beside its Cedar text.

use doorward_catalog::{Environment, Op};

use crate::requests::Asked;
use crate::world::{HOUR, Used};

/// A pattern with its parts filled in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rule {
    /// A client never does this.
    Never(&'static str, Op),
    /// A client changes nothing.
    NoWrites(&'static str),
    /// A client has to do with the first campaign alone.
    OwnCampaign(&'static str),
    /// No more leads than that in a call.
    FewLeads(u64),
    /// From 127.0.0.0 to 127.0.0.3 alone.
    OwnNetwork,
    /// Changes from 7 to 18 o'clock alone.
    OfficeHours,
    /// Changes in production alone.
    ProductionWrites,
    /// Leads are added with the check for duplicates.
    SkipDuplicates,
    /// So many calls a day.
    FewCalls(u64),
    /// Can't be evaluated but in the hour after midnight.
    Broken(&'static str),
    /// What deletes waits for a person.
    ApproveDeletes,
    /// What makes e-mail leave waits for a person.
    ApproveSending,
}

/// What rules say to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    Nothing,
    Forbids,
    Fails,
    Waits,
}

/// Campaigns that are named in paths and bodies.
pub(crate) const CAMPAIGNS: [&str; 3] = [
    "0195c1a0-0000-7000-8000-000000000001",
    "0195c1a0-0000-7000-8000-000000000002",
    "0195c1a0-0000-7000-8000-000000000003",
];
/// The names of clients: each workspace may have one of each.
pub(crate) const NAMES: [&str; 3] = ["importer", "robot", "sync"];

/// Operations with the campaign in the path, and `createLead` with it in the body.
const ON_CAMPAIGNS: [Op; 6] = [
    Op::GetCampaign,
    Op::PatchCampaign,
    Op::DeleteCampaign,
    Op::ActivateCampaign,
    Op::PauseCampaign,
    Op::CreateLead,
];

pub(crate) fn pick(pick: u8, which: u8) -> Rule {
    let name = NAMES[usize::from(which) % NAMES.len()];
    match pick % 16 {
        0 => Rule::Never(name, Op::ListCampaign),
        1 => Rule::NoWrites(name),
        2 => Rule::OwnCampaign(name),
        3 => Rule::FewLeads(u64::from(which % 3)),
        4 => Rule::OwnNetwork,
        5 => Rule::OfficeHours,
        6 => Rule::ProductionWrites,
        7 => Rule::SkipDuplicates,
        8 => Rule::FewCalls(u64::from(which % 8)),
        9 => Rule::Broken(name),
        10..14 => Rule::ApproveDeletes,
        _ => Rule::ApproveSending,
    }
}

/// One of each at the least.
pub(crate) fn every() -> Vec<Rule> {
    (0..16).map(|n| pick(n, 2)).collect()
}

impl Rule {
    /// The policy in Cedar.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Never(name, op) => format!(
                "forbid (principal == Client::\"{name}\", action == Action::\"{op}\", resource);"
            ),
            Self::NoWrites(name) => format!(
                "forbid (principal == Client::\"{name}\", action in Action::\"writes\", resource);"
            ),
            Self::OwnCampaign(name) => {
                let ops = ON_CAMPAIGNS
                    .map(|op| format!("Action::\"{op}\""))
                    .join(", ");
                let own = CAMPAIGNS[0];
                format!(
                    "forbid (principal == Client::\"{name}\", action in [{ops}], resource) \
                     unless {{ [\"{own}\"].containsAll(context.campaigns) }};"
                )
            }
            Self::FewLeads(most) => format!(
                "forbid (principal, action in Action::\"writes\", resource) \
                 when {{ context.leads_in_call > {most} }};"
            ),
            Self::OwnNetwork => "forbid (principal, action, resource) \
                 unless { context.source_ip.isInRange(ip(\"127.0.0.0/30\")) };"
                .to_owned(),
            Self::OfficeHours => "forbid (principal, action in Action::\"writes\", resource) \
                 unless { context.hour >= 7 && context.hour < 18 };"
                .to_owned(),
            Self::ProductionWrites => "forbid (principal, action in Action::\"writes\", resource) \
                 when { principal.environment != \"production\" };"
                .to_owned(),
            Self::SkipDuplicates => {
                "forbid (principal, action == Action::\"bulkAddLeads\", resource) unless \
                 { context.body has skip_if_in_workspace && context.body.skip_if_in_workspace };"
                    .to_owned()
            }
            Self::FewCalls(most) => format!(
                "forbid (principal, action, resource) when {{ context.calls_today >= {most} }};"
            ),
            Self::Broken(name) => format!(
                "forbid (principal == Client::\"{name}\", action, resource) \
                 when {{ context.hour + 9223372036854775807 < 0 }};"
            ),
            Self::ApproveDeletes => "@approval(\"required\") \
                 forbid (principal, action in Action::\"deletes\", resource);"
                .to_owned(),
            Self::ApproveSending => "@approval(\"required\") \
                 forbid (principal, action in Action::\"starts_sending\", resource);"
                .to_owned(),
        }
    }

    /// Whether it asks what a client did today.
    pub(crate) fn asks_for_today(self) -> bool {
        matches!(self, Self::FewCalls(_))
    }

    /// What it says to a call of a client of that name and environment, then.
    pub(crate) fn says(
        self,
        (name, environment): (&str, Environment),
        asked: &Asked,
        now: i64,
        used: Used,
    ) -> Says {
        let op = asked.op;
        let facts = op.facts();
        let action = facts.scope.action.as_str();
        let writes = action != "read";
        let hour = now.div_euclid(HOUR).rem_euclid(24);
        let forbids = |yes: bool| if yes { Says::Forbids } else { Says::Nothing };
        let waits = |yes: bool| if yes { Says::Waits } else { Says::Nothing };
        match self {
            Self::Never(who, what) => forbids(who == name && what == op),
            Self::NoWrites(who) => forbids(who == name && writes),
            Self::OwnCampaign(who) => forbids(
                who == name && ON_CAMPAIGNS.contains(&op) && asked.campaign != Some(CAMPAIGNS[0]),
            ),
            Self::FewLeads(most) => forbids(writes && asked.leads > most),
            Self::OwnNetwork => forbids(asked.source > 3),
            Self::OfficeHours => forbids(writes && !(7..18).contains(&hour)),
            Self::ProductionWrites => forbids(writes && environment != Environment::Production),
            Self::SkipDuplicates => forbids(op == Op::BulkAddLeads && !asked.skips),
            Self::FewCalls(most) => forbids(used.calls >= most),
            Self::Broken(who) if who == name && hour > 0 => Says::Fails,
            Self::Broken(_) => Says::Nothing,
            Self::ApproveDeletes => waits(action == "delete"),
            Self::ApproveSending => waits(
                facts
                    .hazards
                    .contains(doorward_catalog::Hazard::StartsSending),
            ),
        }
    }
}
