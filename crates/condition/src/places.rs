//! Where in a request the ids are, and what a call reaches without naming it.

use doorward_catalog::Op;

use crate::kind::Kind;

/// What stands in a set for all that a call may reach without naming it.
pub const ANY: &str = "*";

/// A place in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The path's parameter.
    Path,
    /// A parameter of the query; several values are separated by commas or given one by one.
    Query(&'static str),
    /// In the body: names joined by `/`, `*` for each item of a list.
    Body(&'static str),
}

/// When a call reaches things that it does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Always.
    Always,
    /// Of each kind, unless one of that kind is named.
    UnlessNamed,
    /// Leads are picked by a filter: they stay in the campaign or the list that is named, if it is
    /// one of the two, named for picking and with nothing that undoes it.
    LeadFilter,
    /// Accounts are named, or picked by a filter.
    AccountFilter,
    /// Things are named in `resource_ids`, or picked by a filter.
    ResourceFilter,
}

/// What is known of the ids in an operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) op: Op,
    /// Each place with the kinds of thing whose ids may be there.
    pub(crate) places: &'static [(Place, &'static [Kind])],
    /// What it reaches without naming it.
    pub(crate) reaches: &'static [Kind],
    pub(crate) reach: Reach,
}

/// The row of an operation; `None` for one that has to do with none of these.
pub(crate) fn row(op: Op) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.op == op)
}

use Kind::{Account as A, Campaign as C, Lead as P, List as L, Subsequence as S, Tag as T};
use Place::{Body as B, Path, Query as Q};
use Reach::{AccountFilter, Always, LeadFilter, ResourceFilter, UnlessNamed};

const W: Kind = Kind::Workspace;

macro_rules! rows {
    ($($op:ident [$($place:expr => $($kind:ident)+),*] $($reach:ident $($reached:ident)+)?;)*) => {
        /// One row an operation. An id that is in no list here is in no set of the context.
        pub(crate) const ROWS: &[Row] = &[$(Row {
            op: Op::$op,
            places: &[$(($place, &[$($kind),+])),*],
            reaches: rows!(@kinds $($($reached)+)?),
            reach: rows!(@reach $($reach)?),
        }),*];
    };
    (@kinds) => { &[] };
    (@kinds $($kind:ident)+) => { &[$($kind),+] };
    (@reach) => { Always };
    (@reach $reach:ident) => { $reach };
}

rows! {
    // Accounts.
    GetAccountCampaignMapping [Path => A] Always C;
    CreateAccount [B("email") => A];
    ListAccount [Q("tag_ids") => T, Q("tag_ids_all") => T] Always A;
    GetAccount [Path => A];
    PatchAccount [Path => A];
    DeleteAccount [Path => A];
    EnableWarmupForAccounts [B("emails/*") => A, B("filter/tag_id") => T] AccountFilter A;
    DisableWarmupForAccounts [B("emails/*") => A, B("filter/tag_id") => T] AccountFilter A;
    GetWarmupAnalytics [B("emails/*") => A] UnlessNamed A;
    GetDailyAccountAnalytics [Q("emails") => A] UnlessNamed A;
    PauseAccounts [B("emails/*") => A] UnlessNamed A;
    PauseAccount [Path => A];
    ResumeAccount [Path => A];
    MarkAccountFixed [Path => A];
    TestAccountVitals [B("accounts/*") => A] UnlessNamed A;
    MoveAccounts [B("emails/*") => A, B("source_workspace_id") => W,
        B("destination_workspace_id") => W] UnlessNamed A;
    // Background jobs are of campaigns, lists and what is in them.
    ListBackgroundJob [Q("entity_id") => C L] UnlessNamed C L;
    GetBackgroundJob [] Always C L;
    // Campaigns.
    CreateCampaign [B("email_list/*") => A, B("email_tag_list/*") => T];
    ListCampaign [Q("tag_ids") => T] Always C;
    ActivateCampaign [Path => C];
    PauseCampaign [Path => C];
    GetCampaign [Path => C];
    PatchCampaign [Path => C, B("email_list/*") => A, B("email_tag_list/*") => T];
    DeleteCampaign [Path => C];
    SearchByContact [Q("search") => P] Always C;
    GetCampaignAnalytics [Q("id") => C, Q("ids") => C] UnlessNamed C;
    GetCampaignAnalyticsOverview [Q("id") => C, Q("ids") => C] UnlessNamed C;
    GetDailyCampaignAnalytics [Q("campaign_id") => C] UnlessNamed C;
    GetCampaignStepsAnalytics [Q("campaign_id") => C] UnlessNamed C;
    ShareCampaign [Path => C];
    CreateFromExport [Path => C];
    ExportCampaign [Path => C];
    Duplicate [Path => C];
    CountLaunched [] Always C;
    AddVariables [Path => C];
    GetCampaignSendingStatus [Path => C];
    // Tags are put on accounts and campaigns.
    ListCustomTagMapping [Q("resource_ids") => A C] UnlessNamed A C;
    ListCustomTag [Q("resource_ids") => A C, Q("tag_ids") => T] UnlessNamed T;
    GetCustomTag [Path => T];
    PatchCustomTag [Path => T];
    DeleteCustomTag [Path => T] Always A C;
    ToggleTagResource [B("tag_ids/*") => T, B("resource_ids/*") => A C, B("filter/tag_id") => T,
        B("filter/tag_ids/*") => T, B("filter/tag_ids_all/*") => T] ResourceFilter A C;
    // Ordered accounts.
    ListDFYEmailAccountOrder [] Always A;
    ListDFYEmailAccountOrdersAccounts [] Always A;
    CancelDFYEmailAccounts [B("accounts/*") => A] UnlessNamed A;
    // Messages are of a lead, in a campaign, from an account.
    SendTestEmail [B("eaccount") => A];
    ReplyToEmail [B("eaccount") => A] Always C L P;
    ForwardEmail [B("eaccount") => A] Always C L P;
    ListEmail [Q("campaign_id") => C, Q("list_id") => L, Q("eaccount") => A, Q("lead") => P]
        UnlessNamed C L A P;
    GetEmail [] Always C L A P;
    PatchEmail [] Always C L A P;
    DeleteEmail [] Always C L A P;
    MarkThreadAsRead [] Always C L A P;
    // Placement tests are sent from accounts.
    ListInboxPlacementAnalytics [Q("sender_email") => A] UnlessNamed A;
    GetInboxPlacementAnalytics [] Always A;
    GetInboxPlacementAnalyticsStatsByTestId [B("sender_email") => A] UnlessNamed A;
    GetInboxPlacementAnalyticsDeliverabilityInsights [] Always A;
    GetInboxPlacementAnalyticsStatsByDate [B("sender_email") => A] UnlessNamed A;
    ListInboxPlacementBlacklistAndSpamAssassinReport [] Always A;
    GetInboxPlacementBlacklistAndSpamAssassinReport [] Always A;
    CreateInboxPlacementTest [B("campaign_id") => C, B("emails/*") => A, B("tags/*") => T,
        B("automations/*/then/add_tags/*") => T, B("automations/*/then/remove_tags/*") => T];
    ListInboxPlacementTest [] Always A C;
    GetInboxPlacementTest [] Always A C;
    DeleteInboxPlacementTest [] Always A C;
    PatchInboxPlacementTest [B("automations/*/then/add_tags/*") => T,
        B("automations/*/then/remove_tags/*") => T] Always A C;
    // Lists of leads.
    ListLeadList [] Always L;
    GetLeadList [Path => L];
    PatchLeadList [Path => L];
    DeleteLeadList [Path => L] Always P;
    GetVerificationStats [Path => L];
    // Leads are in a campaign or in a list, which an id of a lead does not tell.
    CreateLead [B("campaign") => C, B("list_id") => L];
    BulkDeleteLeads [B("campaign_id") => C, B("list_id") => L, B("ids/*") => P] LeadFilter C L P;
    ListLeads [B("campaign") => C, B("list_id") => L, B("ids/*") => P, B("contacts/*") => P]
        LeadFilter C L P;
    GetLead [Path => P] Always C L;
    PatchLead [Path => P] Always C L;
    DeleteLead [Path => P] Always C L;
    MergeLeads [B("lead_id") => P, B("destination_lead_id") => P] Always C L;
    UpdateLeadInterestStatus [B("lead_email") => P, B("campaign_id") => C, B("list_id") => L]
        LeadFilter C L P;
    RemoveLeadFromSubsequence [B("id") => P] Always C S;
    BulkAssignLeads [B("campaign") => C, B("list_id") => L, B("ids/*") => P] LeadFilter C L P;
    MoveLeads [B("campaign") => C, B("list_id") => L, B("ids/*") => P, B("contacts/*") => P,
        B("to_campaign_id") => C, B("to_list_id") => L] LeadFilter C L P;
    MoveLeadToSubsequence [B("id") => P, B("subsequence_id") => S] Always C;
    BulkAddLeads [B("campaign_id") => C, B("list_id") => L];
    // A resource is a campaign or a list.
    CreateAIEnrichment [B("resource_id") => C L];
    GetAiEnrichmentForResource [Path => C L];
    GetEnrichmentForResource [Path => C L];
    CreateSuperSearchEnrichment [B("resource_id") => C L];
    UpdateEnrichmentSettingsForResource [Path => C L];
    EnrichLeadsFromSupersearch [B("resource_id") => C L];
    RunEnrichment [B("resource_id") => C L, B("lead_ids/*") => P] UnlessNamed P;
    GetEnrichmentHistory [Path => C L];
    // A subsequence is of a campaign, which its id does not tell.
    CreateCampaignSubsequence [B("parent_campaign") => C];
    ListCampaignSubsequence [Q("parent_campaign") => C] UnlessNamed C S;
    DuplicateSubsequence [Path => S, B("parent_campaign") => C] Always C;
    PauseSubsequence [Path => S] Always C;
    ResumeSubsequence [Path => S] Always C;
    GetSubsequenceAnalytics [Q("campaign_id") => C] UnlessNamed C S;
    GetCampaignSubsequence [Path => S] Always C;
    PatchCampaignSubsequence [Path => S] Always C;
    DeleteCampaignSubsequence [Path => S] Always C;
    GetSubsequenceStepsAnalytics [Path => S] Always C;
    GetSubsequenceSendingStatus [Path => S] Always C;
    // A webhook with no campaign tells of every campaign.
    ListWebhookEvent [] Always C P;
    GetWebhookEvent [] Always C P;
    ListWebhook [Q("campaign") => C] UnlessNamed C;
    CreateWebhook [B("campaign") => C] UnlessNamed C;
    GetWebhook [] Always C;
    PatchWebhook [B("campaign") => C] Always C;
    DeleteWebhook [] Always C;
    TestWebhook [] Always C;
    ResumeWebhook [] Always C;
    // Other workspaces.
    CreateWorkspaceGroupMember [B("sub_workspace_id") => W];
    ListWorkspaceGroupMember [] Always W;
    GetWorkspaceGroupMember [] Always W;
    DeleteWorkspaceGroupMember [] Always W;
    GetAdminWorkspaceGroupMember [] Always W;
}
