//! From an operation to the code that answers it. The match has every operation, so that one the
//! catalog gains does not compile until the sandbox answers it.

use doorward_catalog::Op;

use crate::call::Call;
use crate::cx::Cx;
use crate::ops;
use crate::reply::Answer;

/// Answers a validated call.
pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    ops::due::settle(cx);
    match call.op {
        Op::GetAccountCampaignMapping
        | Op::CreateAccount
        | Op::ListAccount
        | Op::GetAccount
        | Op::PatchAccount
        | Op::DeleteAccount
        | Op::PauseAccounts
        | Op::PauseAccount
        | Op::ResumeAccount
        | Op::MarkAccountFixed
        | Op::MoveAccounts => ops::accounts::answer(cx, call),
        Op::CreateAPIKey | Op::ListAPIKey | Op::DeleteAPIKey => ops::api_keys::answer(cx, call),
        Op::ListAuditLog => ops::audit_logs::answer(cx, call),
        Op::GetWorkspacePlanDetails | Op::GetWorkspaceSubscriptionDetails => {
            ops::billing::answer(cx, call)
        }
        Op::CreateBlockListEntry
        | Op::ListBlockListEntry
        | Op::DeleteallBlockListEntry
        | Op::GetBlockListEntry
        | Op::PatchBlockListEntry
        | Op::DeleteBlockListEntry
        | Op::CreateblukBlockListEntry
        | Op::DeletebulkBlockListEntry
        | Op::DownloadBlockListEntry => ops::block_list::answer(cx, call),
        Op::GetCampaignAnalytics
        | Op::GetCampaignAnalyticsOverview
        | Op::GetDailyCampaignAnalytics
        | Op::GetCampaignStepsAnalytics
        | Op::CountLaunched
        | Op::GetCampaignSendingStatus
        | Op::GetSubsequenceAnalytics
        | Op::GetSubsequenceStepsAnalytics
        | Op::GetSubsequenceSendingStatus => ops::campaign_analytics::answer(cx, call),
        Op::CreateCampaign
        | Op::ListCampaign
        | Op::ActivateCampaign
        | Op::PauseCampaign
        | Op::GetCampaign
        | Op::PatchCampaign
        | Op::DeleteCampaign
        | Op::SearchByContact
        | Op::ShareCampaign
        | Op::CreateFromExport
        | Op::ExportCampaign
        | Op::Duplicate
        | Op::AddVariables => ops::campaigns::answer(cx, call),
        Op::ListPhoneNumbers | Op::DeletePhoneNumber => ops::crm::answer(cx, call),
        Op::SendTestEmail
        | Op::ReplyToEmail
        | Op::ForwardEmail
        | Op::ListEmail
        | Op::GetEmail
        | Op::PatchEmail
        | Op::DeleteEmail
        | Op::CountUnreadEmails
        | Op::MarkThreadAsRead => ops::emails::answer(cx, call),
        Op::CreateWorkspaceGroupMember
        | Op::ListWorkspaceGroupMember
        | Op::GetWorkspaceGroupMember
        | Op::DeleteWorkspaceGroupMember
        | Op::GetAdminWorkspaceGroupMember => ops::group::answer(cx, call),
        Op::ListBackgroundJob | Op::GetBackgroundJob => ops::jobs::answer(cx, call),
        Op::CreateLeadLabel
        | Op::ListLeadLabel
        | Op::GetLeadLabel
        | Op::PatchLeadLabel
        | Op::DeleteLeadLabel
        | Op::TestAiReplyLabelLeadLabels => ops::lead_labels::answer(cx, call),
        Op::CreateLeadList
        | Op::ListLeadList
        | Op::GetLeadList
        | Op::PatchLeadList
        | Op::DeleteLeadList
        | Op::GetVerificationStats => ops::lead_lists::answer(cx, call),
        Op::CreateLead | Op::ListLeads | Op::GetLead | Op::PatchLead | Op::DeleteLead => {
            ops::leads::answer(cx, call)
        }
        Op::BulkDeleteLeads
        | Op::MergeLeads
        | Op::UpdateLeadInterestStatus
        | Op::RemoveLeadFromSubsequence
        | Op::BulkAssignLeads
        | Op::MoveLeads
        | Op::MoveLeadToSubsequence
        | Op::BulkAddLeads => ops::leads_bulk::answer(cx, call),
        Op::CreateWorkspaceMember
        | Op::ListWorkspaceMember
        | Op::GetWorkspaceMember
        | Op::PatchWorkspaceMember
        | Op::DeleteWorkspaceMember => ops::members::answer(cx, call),
        Op::InitGoogleOAuth | Op::InitMicrosoftOAuth | Op::GetOAuthSessionStatus => {
            ops::oauth::answer(cx, call)
        }
        Op::CreateDFYEmailAccountOrder
        | Op::ListDFYEmailAccountOrder
        | Op::GenerateSimilarDomains
        | Op::CheckDomainsAvailability
        | Op::PreWarmedUpDomainsList
        | Op::ListDFYEmailAccountOrdersAccounts
        | Op::CancelDFYEmailAccounts => ops::orders::answer(cx, call),
        Op::ListInboxPlacementAnalytics
        | Op::GetInboxPlacementAnalytics
        | Op::GetInboxPlacementAnalyticsStatsByTestId
        | Op::GetInboxPlacementAnalyticsDeliverabilityInsights
        | Op::GetInboxPlacementAnalyticsStatsByDate => ops::placement_analytics::answer(cx, call),
        Op::ListInboxPlacementBlacklistAndSpamAssassinReport
        | Op::GetInboxPlacementBlacklistAndSpamAssassinReport => {
            ops::placement_reports::answer(cx, call)
        }
        Op::CreateInboxPlacementTest
        | Op::ListInboxPlacementTest
        | Op::GetInboxPlacementTest
        | Op::DeleteInboxPlacementTest
        | Op::PatchInboxPlacementTest
        | Op::GetInboxPlacementTestESPOptions => ops::placement_tests::answer(cx, call),
        Op::CreateCampaignSubsequence
        | Op::ListCampaignSubsequence
        | Op::DuplicateSubsequence
        | Op::PauseSubsequence
        | Op::ResumeSubsequence
        | Op::GetCampaignSubsequence
        | Op::PatchCampaignSubsequence
        | Op::DeleteCampaignSubsequence => ops::subsequences::answer(cx, call),
        Op::SignalKeywordsFacet
        | Op::CreateAIEnrichment
        | Op::GetAiEnrichmentForResource
        | Op::GetEnrichmentForResource
        | Op::CreateSuperSearchEnrichment
        | Op::UpdateEnrichmentSettingsForResource
        | Op::EnrichLeadsFromSupersearch
        | Op::RunEnrichment
        | Op::CountLeadsFromSupersearch
        | Op::PreviewLeadsFromSupersearch
        | Op::GetEnrichmentHistory => ops::supersearch::answer(cx, call),
        Op::ListCustomTagMapping
        | Op::CreateCustomTag
        | Op::ListCustomTag
        | Op::GetCustomTag
        | Op::PatchCustomTag
        | Op::DeleteCustomTag
        | Op::ToggleTagResource => ops::tags::answer(cx, call),
        Op::CreateEmailVerification | Op::CheckVerificationStatus => {
            ops::verification::answer(cx, call)
        }
        Op::EnableWarmupForAccounts
        | Op::DisableWarmupForAccounts
        | Op::GetWarmupAnalytics
        | Op::GetDailyAccountAnalytics
        | Op::GetCtdStatus
        | Op::TestAccountVitals => ops::warmup::answer(cx, call),
        Op::ListWebhookEvent
        | Op::GetWebhookEvent
        | Op::GetWebhookEventsSummary
        | Op::GetWebhookEventsSummaryByDate => ops::webhook_events::answer(cx, call),
        Op::ListWebhook
        | Op::CreateWebhook
        | Op::GetWebhook
        | Op::PatchWebhook
        | Op::DeleteWebhook
        | Op::ListWebhookEventTypes
        | Op::TestWebhook
        | Op::ResumeWebhook => ops::webhooks::answer(cx, call),
        Op::GetWorkspace
        | Op::PatchWorkspace
        | Op::ScheduleCurrentWorkspaceRemoval
        | Op::CancelCurrentWorkspaceRemoval
        | Op::AddWorkspaceAgencyDomain
        | Op::GetWorkspaceDomainInfo
        | Op::DeleteWorkspaceDomain
        | Op::ChangeWorkspaceOwner => ops::workspaces::answer(cx, call),
    }
}
