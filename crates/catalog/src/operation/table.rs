//! The 173 operations, one line each, in the order of the vendor's document.
//!
//! A line reads: variant, `operationId`, method, path template, tags, narrowest scope, how that
//! scope is known, hazards, what the answer may hold, limits of its own.

use super::{Basis, Hazard, HazardSet, Method, Operation, Returns, Tag};
use crate::limits::{
    AI_REPLY_LABEL, DOMAIN_CHECK_HOUR, DOMAIN_CHECK_MINUTE, LIST_EMAIL, OAUTH_ADDRESS,
    OAUTH_WORKSPACE, TEST_EMAIL,
};
use crate::scope::{Action, Resource, Scope};

macro_rules! operations {
    ($(
        $op:ident $id:literal $method:ident $path:literal [$($tag:ident)+] $resource:ident:$action:ident
        $basis:ident {$($hazard:ident)*} {$($returns:ident)*} [$($limit:ident)*];
    )*) => {
        /// One operation of the Instantly API v2, by its `operationId`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Op { $(#[doc = concat!("`", $id, "`: ", $path)] $op,)* }

        impl Op {
            /// How many operations there are.
            pub const COUNT: usize = [$($id),*].len();

            /// Every operation, in the vendor's order.
            pub const ALL: [Op; Op::COUNT] = [$(Op::$op),*];
        }

        /// The facts of every operation; `OPERATIONS[op as usize]` is the row of `op`.
        pub(super) static OPERATIONS: [Operation; Op::COUNT] = [$(Operation {
            op: Op::$op,
            id: $id,
            method: Method::$method,
            path: $path,
            tags: &[$(Tag::$tag),+],
            scope: Scope::new(Resource::$resource, Action::$action),
            basis: Basis::$basis,
            hazards: HazardSet::of(&[$(Hazard::$hazard),*]),
            returns: &[$(Returns::$returns),*],
            limits: &[$(&$limit),*],
        },)*];
    };
}

operations! {
    // AccountCampaignMapping
    GetAccountCampaignMapping "getAccountCampaignMapping" Get "/api/v2/account-campaign-mappings/{email}" [AccountCampaignMapping] AccountCampaignMappings:Read Documented {} {} [];
    // Account
    CreateAccount "createAccount" Post "/api/v2/accounts" [Account] Accounts:Create Documented {Access} {People} [];
    ListAccount "listAccount" Get "/api/v2/accounts" [Account] Accounts:Read Documented {} {People} [];
    GetAccount "getAccount" Get "/api/v2/accounts/{email}" [Account] Accounts:Read Documented {} {People} [];
    PatchAccount "patchAccount" Patch "/api/v2/accounts/{email}" [Account] Accounts:Update Documented {Access} {People} [];
    DeleteAccount "deleteAccount" Delete "/api/v2/accounts/{email}" [Account] Accounts:Delete Documented {Destructive} {People} [];
    EnableWarmupForAccounts "enableWarmupForAccounts" Post "/api/v2/accounts/warmup/enable" [Account] Accounts:Update Assumed {StartsSending} {People} [];
    DisableWarmupForAccounts "disableWarmupForAccounts" Post "/api/v2/accounts/warmup/disable" [Account] Accounts:Update Assumed {} {People} [];
    GetWarmupAnalytics "getWarmupAnalytics" Post "/api/v2/accounts/warmup-analytics" [Account Analytics] Accounts:Read Documented {} {People} [];
    GetDailyAccountAnalytics "getDailyAccountAnalytics" Get "/api/v2/accounts/analytics/daily" [Account Analytics] Accounts:Read Assumed {} {People} [];
    PauseAccounts "pauseAccounts" Post "/api/v2/accounts/pause" [Account] Accounts:Update Documented {} {People} [];
    PauseAccount "pauseAccount" Post "/api/v2/accounts/{email}/pause" [Account] Accounts:Update Documented {} {People} [];
    ResumeAccount "resumeAccount" Post "/api/v2/accounts/{email}/resume" [Account] Accounts:Update Documented {StartsSending} {People} [];
    MarkAccountFixed "markAccountFixed" Post "/api/v2/accounts/{email}/mark-fixed" [Account] Accounts:Update Documented {StartsSending} {People} [];
    GetCtdStatus "getCtdStatus" Get "/api/v2/accounts/ctd/status" [Account] Accounts:Read Documented {} {} [];
    TestAccountVitals "testAccountVitals" Post "/api/v2/accounts/test/vitals" [Account Analytics] Accounts:Read Documented {} {People} [];
    MoveAccounts "moveAccounts" Post "/api/v2/accounts/move" [Account] Accounts:Update Assumed {Destructive Access} {People} [];
    // APIKey
    CreateAPIKey "createAPIKey" Post "/api/v2/api-keys" [APIKey] ApiKeys:Create Documented {Access} {Secrets} [];
    ListAPIKey "listAPIKey" Get "/api/v2/api-keys" [APIKey] ApiKeys:Read Documented {} {Secrets} [];
    DeleteAPIKey "deleteAPIKey" Delete "/api/v2/api-keys/{id}" [APIKey] ApiKeys:Delete Documented {Destructive Access} {Secrets} [];
    // AuditLog
    ListAuditLog "listAuditLog" Get "/api/v2/audit-logs" [AuditLog] AuditLogs:Read Documented {} {People} [];
    // BackgroundJob
    ListBackgroundJob "listBackgroundJob" Get "/api/v2/background-jobs" [BackgroundJob] BackgroundJobs:Read Documented {} {People} [];
    GetBackgroundJob "getBackgroundJob" Get "/api/v2/background-jobs/{id}" [BackgroundJob] BackgroundJobs:Read Documented {} {People} [];
    // BlockListEntry
    CreateBlockListEntry "createBlockListEntry" Post "/api/v2/block-lists-entries" [BlockListEntry] BlockListEntries:Create Documented {} {People} [];
    ListBlockListEntry "listBlockListEntry" Get "/api/v2/block-lists-entries" [BlockListEntry] BlockListEntries:Read Documented {} {People} [];
    DeleteallBlockListEntry "deleteallBlockListEntry" Delete "/api/v2/block-lists-entries" [BlockListEntry] BlockListEntries:Delete Documented {Destructive} {People} [];
    GetBlockListEntry "getBlockListEntry" Get "/api/v2/block-lists-entries/{id}" [BlockListEntry] BlockListEntries:Read Documented {} {People} [];
    PatchBlockListEntry "patchBlockListEntry" Patch "/api/v2/block-lists-entries/{id}" [BlockListEntry] BlockListEntries:Update Documented {Destructive} {People} [];
    DeleteBlockListEntry "deleteBlockListEntry" Delete "/api/v2/block-lists-entries/{id}" [BlockListEntry] BlockListEntries:Delete Documented {Destructive} {People} [];
    CreateblukBlockListEntry "createblukBlockListEntry" Post "/api/v2/block-lists-entries/bulk-create" [BlockListEntry] BlockListEntries:Create Documented {} {People} [];
    DeletebulkBlockListEntry "deletebulkBlockListEntry" Post "/api/v2/block-lists-entries/bulk-delete" [BlockListEntry] BlockListEntries:Delete Documented {Destructive} {People} [];
    DownloadBlockListEntry "downloadBlockListEntry" Get "/api/v2/block-lists-entries/download" [BlockListEntry] BlockListEntries:Read Documented {} {People} [];
    // Campaign
    CreateCampaign "createCampaign" Post "/api/v2/campaigns" [Campaign] Campaigns:Create Documented {} {People} [];
    ListCampaign "listCampaign" Get "/api/v2/campaigns" [Campaign] Campaigns:Read Documented {} {People} [];
    ActivateCampaign "activateCampaign" Post "/api/v2/campaigns/{id}/activate" [Campaign] Campaigns:Update Documented {StartsSending} {People} [];
    PauseCampaign "pauseCampaign" Post "/api/v2/campaigns/{id}/pause" [Campaign] Campaigns:Update Documented {} {People} [];
    GetCampaign "getCampaign" Get "/api/v2/campaigns/{id}" [Campaign] Campaigns:Read Documented {} {People} [];
    PatchCampaign "patchCampaign" Patch "/api/v2/campaigns/{id}" [Campaign] Campaigns:Update Documented {} {People} [];
    DeleteCampaign "deleteCampaign" Delete "/api/v2/campaigns/{id}" [Campaign] Campaigns:Delete Documented {Destructive} {People} [];
    SearchByContact "searchByContact" Get "/api/v2/campaigns/search-by-contact" [Campaign] Campaigns:Read Documented {} {People} [];
    GetCampaignAnalytics "getCampaignAnalytics" Get "/api/v2/campaigns/analytics" [Campaign Analytics] Campaigns:Read Assumed {} {} [];
    GetCampaignAnalyticsOverview "getCampaignAnalyticsOverview" Get "/api/v2/campaigns/analytics/overview" [Campaign Analytics] Campaigns:Read Assumed {} {} [];
    GetDailyCampaignAnalytics "getDailyCampaignAnalytics" Get "/api/v2/campaigns/analytics/daily" [Campaign Analytics] Campaigns:Read Assumed {} {} [];
    GetCampaignStepsAnalytics "getCampaignStepsAnalytics" Get "/api/v2/campaigns/analytics/steps" [Campaign Analytics] Campaigns:Read Assumed {} {} [];
    ShareCampaign "shareCampaign" Post "/api/v2/campaigns/{id}/share" [Campaign] Campaigns:Update Assumed {Access} {} [];
    CreateFromExport "createFromExport" Post "/api/v2/campaigns/{id}/from-export" [Campaign] Campaigns:Create Documented {} {People} [];
    ExportCampaign "exportCampaign" Post "/api/v2/campaigns/{id}/export" [Campaign] Campaigns:Read Documented {} {People} [];
    Duplicate "duplicate" Post "/api/v2/campaigns/{id}/duplicate" [Campaign] Campaigns:Create Documented {} {People} [];
    CountLaunched "countLaunched" Get "/api/v2/campaigns/count-launched" [Campaign] Campaigns:Read Documented {} {} [];
    AddVariables "addVariables" Post "/api/v2/campaigns/{id}/variables" [Campaign] Campaigns:Update Documented {} {People} [];
    GetCampaignSendingStatus "getCampaignSendingStatus" Get "/api/v2/campaigns/{id}/sending-status" [Campaign] Campaigns:Read Documented {} {} [];
    // CRMActions
    ListPhoneNumbers "listPhoneNumbers" Get "/api/v2/crm-actions/phone-numbers" [CRMActions] CrmActions:Read Documented {} {People} [];
    DeletePhoneNumber "deletePhoneNumber" Delete "/api/v2/crm-actions/phone-numbers/{id}" [CRMActions] CrmActions:Delete Documented {Destructive} {People} [];
    // CustomTagMapping
    ListCustomTagMapping "listCustomTagMapping" Get "/api/v2/custom-tag-mappings" [CustomTagMapping] CustomTagMappings:Read Documented {} {} [];
    // CustomTag
    CreateCustomTag "createCustomTag" Post "/api/v2/custom-tags" [CustomTag] CustomTags:Create Documented {} {} [];
    ListCustomTag "listCustomTag" Get "/api/v2/custom-tags" [CustomTag] CustomTags:Read Documented {} {} [];
    GetCustomTag "getCustomTag" Get "/api/v2/custom-tags/{id}" [CustomTag] CustomTags:Read Documented {} {} [];
    PatchCustomTag "patchCustomTag" Patch "/api/v2/custom-tags/{id}" [CustomTag] CustomTags:Update Documented {} {} [];
    DeleteCustomTag "deleteCustomTag" Delete "/api/v2/custom-tags/{id}" [CustomTag] CustomTags:Delete Documented {Destructive} {} [];
    ToggleTagResource "toggleTagResource" Post "/api/v2/custom-tags/toggle-resource" [CustomTag] CustomTags:Update Assumed {} {} [];
    // DFYEmailAccountOrder
    CreateDFYEmailAccountOrder "createDFYEmailAccountOrder" Post "/api/v2/dfy-email-account-orders" [DFYEmailAccountOrder] DfyEmailAccountOrders:Create Documented {Spends} {People} [];
    ListDFYEmailAccountOrder "listDFYEmailAccountOrder" Get "/api/v2/dfy-email-account-orders" [DFYEmailAccountOrder] DfyEmailAccountOrders:Read Documented {} {} [];
    GenerateSimilarDomains "generateSimilarDomains" Post "/api/v2/dfy-email-account-orders/domains/similar" [DFYEmailAccountOrder] DfyEmailAccountOrders:Create Documented {} {} [];
    CheckDomainsAvailability "checkDomainsAvailability" Post "/api/v2/dfy-email-account-orders/domains/check" [DFYEmailAccountOrder] DfyEmailAccountOrders:Create Documented {} {} [DOMAIN_CHECK_MINUTE DOMAIN_CHECK_HOUR];
    PreWarmedUpDomainsList "preWarmedUpDomainsList" Post "/api/v2/dfy-email-account-orders/domains/pre-warmed-up-list" [DFYEmailAccountOrder] DfyEmailAccountOrders:Read Documented {} {} [];
    ListDFYEmailAccountOrdersAccounts "listDFYEmailAccountOrdersAccounts" Get "/api/v2/dfy-email-account-orders/accounts" [DFYEmailAccountOrder] DfyEmailAccountOrders:Read Documented {} {People Secrets} [];
    CancelDFYEmailAccounts "cancelDFYEmailAccounts" Post "/api/v2/dfy-email-account-orders/accounts/cancel" [DFYEmailAccountOrder] DfyEmailAccountOrders:Delete Documented {Destructive} {People} [];
    // Email
    SendTestEmail "sendTestEmail" Post "/api/v2/emails/test" [Email] Emails:Create Documented {StartsSending} {} [TEST_EMAIL];
    ReplyToEmail "replyToEmail" Post "/api/v2/emails/reply" [Email] Emails:Create Documented {StartsSending} {People} [];
    ForwardEmail "forwardEmail" Post "/api/v2/emails/forward" [Email] Emails:Create Documented {StartsSending} {People} [];
    ListEmail "listEmail" Get "/api/v2/emails" [Email] Emails:Read Documented {} {People} [LIST_EMAIL];
    GetEmail "getEmail" Get "/api/v2/emails/{id}" [Email] Emails:Read Documented {} {People} [];
    PatchEmail "patchEmail" Patch "/api/v2/emails/{id}" [Email] Emails:Update Documented {} {People} [];
    DeleteEmail "deleteEmail" Delete "/api/v2/emails/{id}" [Email] Emails:Delete Documented {Destructive} {People} [];
    CountUnreadEmails "countUnreadEmails" Get "/api/v2/emails/unread/count" [Email] Emails:Read Documented {} {} [];
    MarkThreadAsRead "markThreadAsRead" Post "/api/v2/emails/threads/{thread_id}/mark-as-read" [Email] Emails:Update Documented {} {} [];
    // InboxPlacementAnalytics
    ListInboxPlacementAnalytics "listInboxPlacementAnalytics" Get "/api/v2/inbox-placement-analytics" [InboxPlacementAnalytics] InboxPlacementAnalytics:Read Documented {} {People} [];
    GetInboxPlacementAnalytics "getInboxPlacementAnalytics" Get "/api/v2/inbox-placement-analytics/{id}" [InboxPlacementAnalytics] InboxPlacementAnalytics:Read Documented {} {People} [];
    GetInboxPlacementAnalyticsStatsByTestId "getInboxPlacementAnalyticsStatsByTestId" Post "/api/v2/inbox-placement-analytics/stats-by-test-id" [InboxPlacementAnalytics] InboxPlacementAnalytics:Read Documented {} {} [];
    GetInboxPlacementAnalyticsDeliverabilityInsights "getInboxPlacementAnalyticsDeliverabilityInsights" Post "/api/v2/inbox-placement-analytics/deliverability-insights" [InboxPlacementAnalytics] InboxPlacementAnalytics:Read Documented {} {} [];
    GetInboxPlacementAnalyticsStatsByDate "getInboxPlacementAnalyticsStatsByDate" Post "/api/v2/inbox-placement-analytics/stats-by-date" [InboxPlacementAnalytics] InboxPlacementAnalytics:Read Documented {} {} [];
    // InboxPlacementBlacklistAndSpamAssassinReport
    ListInboxPlacementBlacklistAndSpamAssassinReport "listInboxPlacementBlacklistAndSpamAssassinReport" Get "/api/v2/inbox-placement-reports" [InboxPlacementBlacklistAndSpamAssassinReport] InboxPlacementReports:Read Documented {} {} [];
    GetInboxPlacementBlacklistAndSpamAssassinReport "getInboxPlacementBlacklistAndSpamAssassinReport" Get "/api/v2/inbox-placement-reports/{id}" [InboxPlacementBlacklistAndSpamAssassinReport] InboxPlacementReports:Read Documented {} {} [];
    // InboxPlacementTest
    CreateInboxPlacementTest "createInboxPlacementTest" Post "/api/v2/inbox-placement-tests" [InboxPlacementTest] InboxPlacementTests:Create Documented {Access StartsSending Spends} {People} [];
    ListInboxPlacementTest "listInboxPlacementTest" Get "/api/v2/inbox-placement-tests" [InboxPlacementTest] InboxPlacementTests:Read Documented {} {People} [];
    GetInboxPlacementTest "getInboxPlacementTest" Get "/api/v2/inbox-placement-tests/{id}" [InboxPlacementTest] InboxPlacementTests:Read Documented {} {People} [];
    DeleteInboxPlacementTest "deleteInboxPlacementTest" Delete "/api/v2/inbox-placement-tests/{id}" [InboxPlacementTest] InboxPlacementTests:Delete Documented {Destructive} {People} [];
    PatchInboxPlacementTest "patchInboxPlacementTest" Patch "/api/v2/inbox-placement-tests/{id}" [InboxPlacementTest] InboxPlacementTests:Update Documented {Access StartsSending Spends} {People} [];
    GetInboxPlacementTestESPOptions "getInboxPlacementTestESPOptions" Get "/api/v2/inbox-placement-tests/email-service-provider-options" [InboxPlacementTest] InboxPlacementTests:Read Assumed {} {} [];
    // LeadLabel
    CreateLeadLabel "createLeadLabel" Post "/api/v2/lead-labels" [LeadLabel] LeadLabels:Create Documented {} {} [];
    ListLeadLabel "listLeadLabel" Get "/api/v2/lead-labels" [LeadLabel] LeadLabels:Read Documented {} {} [];
    GetLeadLabel "getLeadLabel" Get "/api/v2/lead-labels/{id}" [LeadLabel] LeadLabels:Read Documented {} {} [];
    PatchLeadLabel "patchLeadLabel" Patch "/api/v2/lead-labels/{id}" [LeadLabel] LeadLabels:Update Documented {} {} [];
    DeleteLeadLabel "deleteLeadLabel" Delete "/api/v2/lead-labels/{id}" [LeadLabel] LeadLabels:Delete Documented {Destructive} {} [];
    TestAiReplyLabelLeadLabels "testAiReplyLabelLeadLabels" Post "/api/v2/lead-labels/ai-reply-label" [LeadLabel] LeadLabels:Read Documented {Spends} {} [AI_REPLY_LABEL];
    // LeadList
    CreateLeadList "createLeadList" Post "/api/v2/lead-lists" [LeadList] LeadLists:Create Documented {} {} [];
    ListLeadList "listLeadList" Get "/api/v2/lead-lists" [LeadList] LeadLists:Read Documented {} {} [];
    GetLeadList "getLeadList" Get "/api/v2/lead-lists/{id}" [LeadList] LeadLists:Read Documented {} {} [];
    PatchLeadList "patchLeadList" Patch "/api/v2/lead-lists/{id}" [LeadList] LeadLists:Update Documented {} {} [];
    DeleteLeadList "deleteLeadList" Delete "/api/v2/lead-lists/{id}" [LeadList] LeadLists:Delete Documented {Destructive} {} [];
    GetVerificationStats "getVerificationStats" Get "/api/v2/lead-lists/{id}/verification-stats" [LeadList] LeadLists:Read Assumed {} {} [];
    // Lead
    CreateLead "createLead" Post "/api/v2/leads" [Lead] Leads:Create Documented {} {People} [];
    BulkDeleteLeads "bulkDeleteLeads" Delete "/api/v2/leads" [Lead] Leads:Delete Documented {Destructive} {} [];
    ListLeads "listLeads" Post "/api/v2/leads/list" [Lead] Leads:Read Documented {} {People} [];
    GetLead "getLead" Get "/api/v2/leads/{id}" [Lead] Leads:Read Documented {} {People} [];
    PatchLead "patchLead" Patch "/api/v2/leads/{id}" [Lead] Leads:Update Documented {} {People} [];
    DeleteLead "deleteLead" Delete "/api/v2/leads/{id}" [Lead] Leads:Delete Documented {Destructive} {People} [];
    MergeLeads "mergeLeads" Post "/api/v2/leads/merge" [Lead] Leads:Update Documented {Destructive} {People} [];
    UpdateLeadInterestStatus "updateLeadInterestStatus" Post "/api/v2/leads/update-interest-status" [Lead] Leads:Update Assumed {} {} [];
    RemoveLeadFromSubsequence "removeLeadFromSubsequence" Post "/api/v2/leads/subsequence/remove" [Lead] Leads:Update Documented {} {People} [];
    BulkAssignLeads "bulkAssignLeads" Post "/api/v2/leads/bulk-assign" [Lead] Leads:Update Assumed {} {} [];
    MoveLeads "moveLeads" Post "/api/v2/leads/move" [Lead] Leads:Update Documented {Destructive StartsSending} {People} [];
    MoveLeadToSubsequence "moveLeadToSubsequence" Post "/api/v2/leads/subsequence/move" [Lead] Leads:Update Documented {StartsSending} {People} [];
    BulkAddLeads "bulkAddLeads" Post "/api/v2/leads/add" [Lead] Leads:Create Documented {} {People} [];
    // OAuth
    InitGoogleOAuth "initGoogleOAuth" Post "/api/v2/oauth/google/init" [OAuth] Accounts:Create Guide {Access} {} [OAUTH_WORKSPACE OAUTH_ADDRESS];
    InitMicrosoftOAuth "initMicrosoftOAuth" Post "/api/v2/oauth/microsoft/init" [OAuth] Accounts:Create Guide {Access} {} [OAUTH_WORKSPACE OAUTH_ADDRESS];
    GetOAuthSessionStatus "getOAuthSessionStatus" Get "/api/v2/oauth/session/status/{sessionId}" [OAuth] Accounts:Read Guide {} {People} [];
    // SuperSearchEnrichment
    SignalKeywordsFacet "signalKeywordsFacet" Post "/api/v2/supersearch-enrichment/signal-keywords-facet" [SuperSearchEnrichment] SupersearchEnrichments:Read Documented {} {} [];
    CreateAIEnrichment "createAIEnrichment" Post "/api/v2/supersearch-enrichment/ai" [SuperSearchEnrichment] SupersearchEnrichments:Create Documented {Spends} {} [];
    GetAiEnrichmentForResource "getAiEnrichmentForResource" Get "/api/v2/supersearch-enrichment/ai/{resource_id}/in-progress" [SuperSearchEnrichment] SupersearchEnrichments:Read Documented {} {} [];
    GetEnrichmentForResource "getEnrichmentForResource" Get "/api/v2/supersearch-enrichment/{resource_id}" [SuperSearchEnrichment] SupersearchEnrichments:Read Assumed {} {} [];
    CreateSuperSearchEnrichment "createSuperSearchEnrichment" Post "/api/v2/supersearch-enrichment/" [SuperSearchEnrichment] SupersearchEnrichments:Create Assumed {Spends} {} [];
    UpdateEnrichmentSettingsForResource "updateEnrichmentSettingsForResource" Patch "/api/v2/supersearch-enrichment/{resource_id}/settings" [SuperSearchEnrichment] SupersearchEnrichments:Create Documented {Spends} {} [];
    EnrichLeadsFromSupersearch "enrichLeadsFromSupersearch" Post "/api/v2/supersearch-enrichment/enrich-leads-from-supersearch" [SuperSearchEnrichment] SupersearchEnrichments:Create Assumed {Spends} {} [];
    RunEnrichment "runEnrichment" Post "/api/v2/supersearch-enrichment/run" [SuperSearchEnrichment] SupersearchEnrichments:Create Assumed {Spends} {} [];
    CountLeadsFromSupersearch "countLeadsFromSupersearch" Post "/api/v2/supersearch-enrichment/count-leads-from-supersearch" [SuperSearchEnrichment] SupersearchEnrichments:Read Documented {} {} [];
    PreviewLeadsFromSupersearch "previewLeadsFromSupersearch" Post "/api/v2/supersearch-enrichment/preview-leads-from-supersearch" [SuperSearchEnrichment] SupersearchEnrichments:Read Documented {} {People} [];
    GetEnrichmentHistory "getEnrichmentHistory" Get "/api/v2/supersearch-enrichment/history/{resource_id}" [SuperSearchEnrichment] SupersearchEnrichments:Read Documented {} {People} [];
    // CampaignSubsequence
    CreateCampaignSubsequence "createCampaignSubsequence" Post "/api/v2/subsequences" [CampaignSubsequence] Subsequences:Create Documented {} {} [];
    ListCampaignSubsequence "listCampaignSubsequence" Get "/api/v2/subsequences" [CampaignSubsequence] Subsequences:Read Documented {} {} [];
    DuplicateSubsequence "duplicateSubsequence" Post "/api/v2/subsequences/{id}/duplicate" [CampaignSubsequence] Subsequences:Create Documented {} {} [];
    PauseSubsequence "pauseSubsequence" Post "/api/v2/subsequences/{id}/pause" [CampaignSubsequence] Subsequences:Update Documented {} {} [];
    ResumeSubsequence "resumeSubsequence" Post "/api/v2/subsequences/{id}/resume" [CampaignSubsequence] Subsequences:Update Documented {StartsSending} {} [];
    GetSubsequenceAnalytics "getSubsequenceAnalytics" Get "/api/v2/subsequences/analytics" [CampaignSubsequence] Subsequences:Read Documented {} {} [];
    GetCampaignSubsequence "getCampaignSubsequence" Get "/api/v2/subsequences/{id}" [CampaignSubsequence] Subsequences:Read Documented {} {} [];
    PatchCampaignSubsequence "patchCampaignSubsequence" Patch "/api/v2/subsequences/{id}" [CampaignSubsequence] Subsequences:Update Documented {} {} [];
    DeleteCampaignSubsequence "deleteCampaignSubsequence" Delete "/api/v2/subsequences/{id}" [CampaignSubsequence] Subsequences:Delete Documented {Destructive} {} [];
    GetSubsequenceStepsAnalytics "getSubsequenceStepsAnalytics" Get "/api/v2/subsequences/{id}/analytics/steps" [CampaignSubsequence Analytics] Subsequences:Read Documented {} {} [];
    GetSubsequenceSendingStatus "getSubsequenceSendingStatus" Get "/api/v2/subsequences/{id}/sending-status" [CampaignSubsequence] Subsequences:Read Documented {} {} [];
    // EmailVerification
    CreateEmailVerification "createEmailVerification" Post "/api/v2/email-verification" [EmailVerification] EmailVerifications:Create Documented {Spends} {People} [];
    CheckVerificationStatus "checkVerificationStatus" Get "/api/v2/email-verification/{email}" [EmailVerification] EmailVerifications:Read Documented {} {People} [];
    // WebhookEvent
    ListWebhookEvent "listWebhookEvent" Get "/api/v2/webhook-events" [WebhookEvent] WebhookEvents:Read Documented {} {People} [];
    GetWebhookEvent "getWebhookEvent" Get "/api/v2/webhook-events/{id}" [WebhookEvent] WebhookEvents:Read Documented {} {People} [];
    GetWebhookEventsSummary "getWebhookEventsSummary" Get "/api/v2/webhook-events/summary" [WebhookEvent] WebhookEvents:Read Assumed {} {} [];
    GetWebhookEventsSummaryByDate "getWebhookEventsSummaryByDate" Get "/api/v2/webhook-events/summary-by-date" [WebhookEvent] WebhookEvents:Read Assumed {} {} [];
    // Webhook
    ListWebhook "listWebhook" Get "/api/v2/webhooks" [Webhook] Webhooks:Read Assumed {} {Secrets} [];
    CreateWebhook "createWebhook" Post "/api/v2/webhooks" [Webhook] Webhooks:Create Documented {Access} {Secrets} [];
    GetWebhook "getWebhook" Get "/api/v2/webhooks/{id}" [Webhook] Webhooks:Read Documented {} {Secrets} [];
    PatchWebhook "patchWebhook" Patch "/api/v2/webhooks/{id}" [Webhook] Webhooks:Update Documented {Access} {Secrets} [];
    DeleteWebhook "deleteWebhook" Delete "/api/v2/webhooks/{id}" [Webhook] Webhooks:Delete Documented {Destructive Access} {Secrets} [];
    ListWebhookEventTypes "listWebhookEventTypes" Get "/api/v2/webhooks/event-types" [Webhook] Webhooks:Read Assumed {} {} [];
    TestWebhook "testWebhook" Post "/api/v2/webhooks/{id}/test" [Webhook] Webhooks:Update Assumed {} {} [];
    ResumeWebhook "resumeWebhook" Post "/api/v2/webhooks/{id}/resume" [Webhook] Webhooks:Update Documented {Access} {Secrets} [];
    // WorkspaceBilling
    GetWorkspacePlanDetails "getWorkspacePlanDetails" Get "/api/v2/workspace-billing/plan-details" [WorkspaceBilling] WorkspaceBilling:Read Documented {} {} [];
    GetWorkspaceSubscriptionDetails "getWorkspaceSubscriptionDetails" Get "/api/v2/workspace-billing/subscription-details" [WorkspaceBilling] WorkspaceBilling:Read Documented {} {People} [];
    // WorkspaceGroupMember
    CreateWorkspaceGroupMember "createWorkspaceGroupMember" Post "/api/v2/workspace-group-members" [WorkspaceGroupMember] WorkspaceGroupMembers:Create Documented {Access} {} [];
    ListWorkspaceGroupMember "listWorkspaceGroupMember" Get "/api/v2/workspace-group-members" [WorkspaceGroupMember] WorkspaceGroupMembers:Read Documented {} {} [];
    GetWorkspaceGroupMember "getWorkspaceGroupMember" Get "/api/v2/workspace-group-members/{id}" [WorkspaceGroupMember] WorkspaceGroupMembers:Read Documented {} {} [];
    DeleteWorkspaceGroupMember "deleteWorkspaceGroupMember" Delete "/api/v2/workspace-group-members/{id}" [WorkspaceGroupMember] WorkspaceGroupMembers:Delete Documented {Destructive Access} {} [];
    GetAdminWorkspaceGroupMember "getAdminWorkspaceGroupMember" Get "/api/v2/workspace-group-members/admin" [WorkspaceGroupMember] WorkspaceGroupMembers:Read Assumed {} {} [];
    // WorkspaceMember
    CreateWorkspaceMember "createWorkspaceMember" Post "/api/v2/workspace-members" [WorkspaceMember] WorkspaceMembers:Create Documented {Access} {People} [];
    ListWorkspaceMember "listWorkspaceMember" Get "/api/v2/workspace-members" [WorkspaceMember] WorkspaceMembers:Read Documented {} {People} [];
    GetWorkspaceMember "getWorkspaceMember" Get "/api/v2/workspace-members/{id}" [WorkspaceMember] WorkspaceMembers:Read Documented {} {People} [];
    PatchWorkspaceMember "patchWorkspaceMember" Patch "/api/v2/workspace-members/{id}" [WorkspaceMember] WorkspaceMembers:Update Documented {Access} {People} [];
    DeleteWorkspaceMember "deleteWorkspaceMember" Delete "/api/v2/workspace-members/{id}" [WorkspaceMember] WorkspaceMembers:Delete Documented {Destructive Access} {People} [];
    // Workspace
    GetWorkspace "getWorkspace" Get "/api/v2/workspaces/current" [Workspace] Workspaces:Read Documented {} {People} [];
    PatchWorkspace "patchWorkspace" Patch "/api/v2/workspaces/current" [Workspace] Workspaces:Update Documented {Access} {People} [];
    ScheduleCurrentWorkspaceRemoval "scheduleCurrentWorkspaceRemoval" Post "/api/v2/workspaces/current/schedule-for-removal" [Workspace] Workspaces:Delete Documented {Destructive} {People} [];
    CancelCurrentWorkspaceRemoval "cancelCurrentWorkspaceRemoval" Delete "/api/v2/workspaces/current/schedule-for-removal" [Workspace] Workspaces:Delete Documented {Access} {People} [];
    AddWorkspaceAgencyDomain "addWorkspaceAgencyDomain" Post "/api/v2/workspaces/current/whitelabel-domain" [Workspace] Workspaces:Update Documented {Access} {People} [];
    GetWorkspaceDomainInfo "getWorkspaceDomainInfo" Get "/api/v2/workspaces/current/whitelabel-domain" [Workspace] Workspaces:Read Documented {} {} [];
    DeleteWorkspaceDomain "deleteWorkspaceDomain" Delete "/api/v2/workspaces/current/whitelabel-domain" [Workspace] Workspaces:Update Documented {Destructive Access} {People} [];
    ChangeWorkspaceOwner "changeWorkspaceOwner" Post "/api/v2/workspaces/current/change-owner" [Workspace] Workspaces:Update Documented {Destructive Access} {People} [];
}
