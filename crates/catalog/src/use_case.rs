//! Use cases: named bundles of operations, from which scopes are derived.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::operation::{Basis, Op, OpSet};
use crate::risk::Risk;
use crate::scope_set::ScopeSet;

/// What a client is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UseCase {
    /// Figures of campaigns.
    AnalyticsDashboard,
    /// Brings leads in.
    LeadImport,
    /// Makes campaigns and starts them.
    CampaignLauncher,
    /// Everything but keys. For sandboxes, or for a few hours.
    FullAutomation,
    /// Looks events up that a webhook announced.
    WebhookHandler,
    /// Reads all but secrets and what spends credits.
    Reader,
    /// Writes that of themselves neither send, spend, destroy nor change access. What they change
    /// of a campaign that is running (a lead added to it, its text) goes out with it.
    Writer,
    /// Keeps leads in step with a CRM.
    CrmSync,
    /// Answers e-mails in the unibox.
    UniboxReplyAgent,
}

impl UseCase {
    /// Every use case.
    pub const ALL: [UseCase; 9] = [
        UseCase::AnalyticsDashboard,
        UseCase::LeadImport,
        UseCase::CampaignLauncher,
        UseCase::FullAutomation,
        UseCase::WebhookHandler,
        UseCase::Reader,
        UseCase::Writer,
        UseCase::CrmSync,
        UseCase::UniboxReplyAgent,
    ];

    /// The name used in commands and configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            UseCase::AnalyticsDashboard => "analytics-dashboard",
            UseCase::LeadImport => "lead-import",
            UseCase::CampaignLauncher => "campaign-launcher",
            UseCase::FullAutomation => "full-automation",
            UseCase::WebhookHandler => "webhook-handler",
            UseCase::Reader => "reader",
            UseCase::Writer => "writer",
            UseCase::CrmSync => "crm-sync",
            UseCase::UniboxReplyAgent => "unibox-reply-agent",
        }
    }

    /// What it is for, in one line.
    pub const fn purpose(self) -> &'static str {
        match self {
            UseCase::AnalyticsDashboard => "shows figures of campaigns",
            UseCase::LeadImport => "brings leads into lists and campaigns",
            UseCase::CampaignLauncher => "makes campaigns, fills them and starts them",
            UseCase::FullAutomation => "does everything but keys; sandboxes and break-glass only",
            UseCase::WebhookHandler => "looks up events and leads that a webhook announced",
            UseCase::Reader => "reads everything but secrets and what spends credits",
            UseCase::Writer => "writes without sending, spending, destroying or changing access",
            UseCase::CrmSync => "keeps leads, labels and their status in step with a CRM",
            UseCase::UniboxReplyAgent => "reads and answers e-mails",
        }
    }

    /// How much harm it can do in the wrong hands.
    pub const fn risk(self) -> Risk {
        match self {
            UseCase::AnalyticsDashboard | UseCase::WebhookHandler => Risk::Low,
            UseCase::LeadImport | UseCase::Reader | UseCase::Writer | UseCase::CrmSync => {
                Risk::Medium
            }
            UseCase::CampaignLauncher | UseCase::UniboxReplyAgent => Risk::High,
            UseCase::FullAutomation => Risk::Critical,
        }
    }

    /// Whether it is granted only against a sandbox workspace, or for a limited time as
    /// break-glass.
    pub const fn is_break_glass(self) -> bool {
        matches!(self, UseCase::FullAutomation)
    }

    /// The operations it needs.
    pub fn operations(self) -> OpSet {
        match self {
            UseCase::AnalyticsDashboard => of(&ANALYTICS_DASHBOARD),
            UseCase::LeadImport => of(&LEAD_IMPORT),
            UseCase::CampaignLauncher => of(&CAMPAIGN_LAUNCHER),
            UseCase::WebhookHandler => of(&WEBHOOK_HANDLER),
            UseCase::CrmSync => of(&CRM_SYNC),
            UseCase::UniboxReplyAgent => of(&UNIBOX_REPLY_AGENT),
            UseCase::FullAutomation => {
                OpSet::all().difference(of(&crate::environment::NEVER_GRANTED))
            }
            UseCase::Reader => where_(|op| {
                let facts = op.facts();
                // Where no narrow scope can be given, the key behind would have to read everything.
                let narrow = facts.scope.is_assignable();
                narrow && !facts.writes() && !facts.returns_secrets() && facts.hazards.is_empty()
            }),
            UseCase::Writer => where_(|op| {
                let facts = op.facts();
                facts.writes() && !facts.returns_secrets() && facts.hazards.is_empty()
            }),
        }
    }

    /// The scopes its operations ask for. Derived, never typed in.
    pub fn scopes(self) -> ScopeSet {
        self.operations().narrow_scopes()
    }

    /// Its operations whose scope is only assumed.
    pub fn assumed(self) -> OpSet {
        self.operations()
            .iter()
            .filter(|op| op.facts().basis == Basis::Assumed)
            .collect()
    }
}

const ANALYTICS_DASHBOARD: [Op; 13] = [
    Op::ListCampaign,
    Op::GetCampaign,
    Op::CountLaunched,
    Op::GetCampaignAnalytics,
    Op::GetCampaignAnalyticsOverview,
    Op::GetDailyCampaignAnalytics,
    Op::GetCampaignStepsAnalytics,
    Op::GetCampaignSendingStatus,
    Op::GetDailyAccountAnalytics,
    Op::ListCampaignSubsequence,
    Op::GetSubsequenceAnalytics,
    Op::GetSubsequenceStepsAnalytics,
    Op::GetSubsequenceSendingStatus,
];

const LEAD_IMPORT: [Op; 10] = [
    Op::CreateLead,
    Op::BulkAddLeads,
    Op::ListLeads,
    Op::GetLead,
    Op::CreateLeadList,
    Op::ListLeadList,
    Op::GetLeadList,
    Op::GetVerificationStats,
    Op::ListCampaign,
    Op::GetCampaign,
];

const CAMPAIGN_LAUNCHER: [Op; 16] = [
    Op::CreateCampaign,
    Op::ListCampaign,
    Op::GetCampaign,
    Op::PatchCampaign,
    Op::AddVariables,
    Op::Duplicate,
    Op::ActivateCampaign,
    Op::PauseCampaign,
    Op::GetCampaignSendingStatus,
    Op::ListAccount,
    Op::GetAccountCampaignMapping,
    Op::CreateLead,
    Op::BulkAddLeads,
    Op::ListLeads,
    Op::GetLead,
    Op::ListLeadList,
];

const WEBHOOK_HANDLER: [Op; 6] = [
    Op::ListWebhookEvent,
    Op::GetWebhookEvent,
    Op::GetWebhookEventsSummary,
    Op::GetWebhookEventsSummaryByDate,
    Op::GetLead,
    // An event names its lead by address, and only a listing finds a lead by that.
    Op::ListLeads,
];

const CRM_SYNC: [Op; 14] = [
    Op::CreateLead,
    Op::BulkAddLeads,
    Op::ListLeads,
    Op::GetLead,
    Op::PatchLead,
    Op::UpdateLeadInterestStatus,
    Op::ListLeadList,
    Op::GetLeadList,
    Op::CreateLeadList,
    Op::ListLeadLabel,
    Op::GetLeadLabel,
    Op::ListCampaign,
    Op::GetCampaign,
    Op::SearchByContact,
];

const UNIBOX_REPLY_AGENT: [Op; 9] = [
    Op::ListEmail,
    Op::GetEmail,
    Op::CountUnreadEmails,
    Op::MarkThreadAsRead,
    Op::ReplyToEmail,
    Op::GetLead,
    Op::ListLeads,
    Op::UpdateLeadInterestStatus,
    Op::ListLeadLabel,
];

fn of(ops: &[Op]) -> OpSet {
    ops.iter().copied().collect()
}

fn where_(wanted: impl Fn(Op) -> bool) -> OpSet {
    Op::ALL.into_iter().filter(|op| wanted(*op)).collect()
}

impl fmt::Display for UseCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that is no use case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no such use case; there are {}", names())]
pub struct ParseUseCaseError;

fn names() -> String {
    UseCase::ALL.map(UseCase::as_str).join(", ")
}

impl FromStr for UseCase {
    type Err = ParseUseCaseError;

    fn from_str(text: &str) -> Result<UseCase, ParseUseCaseError> {
        UseCase::ALL
            .into_iter()
            .find(|case| case.as_str() == text)
            .ok_or(ParseUseCaseError)
    }
}

impl Serialize for UseCase {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for UseCase {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<UseCase, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
