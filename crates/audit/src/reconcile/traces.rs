//! Which operations leave which records in Instantly's audit log.
//!
//! The vendor publishes the activity types and not which operation leaves which, so this is read
//! from their names. It is held against the log: a call is told as missing only when an operation
//! of its kind was seen to leave a trace in that workspace before.

use doorward_catalog::activity::Activity;
use doorward_catalog::{Op, OpSet};

use super::facts::ObjectKind;

/// One record that a call leaves, or may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    /// Any one of these.
    pub activities: &'static [Activity],
    /// Whether a call that was done always leaves it.
    pub due: bool,
    /// Whether it may come long after the call, from a job or from somebody's browser, with
    /// another user agent.
    pub late: bool,
    /// Whether it is in the log of another workspace than the call's.
    pub elsewhere: bool,
}

const fn always(activities: &'static [Activity]) -> Trace {
    Trace {
        activities,
        due: true,
        late: false,
        elsewhere: false,
    }
}

/// Not when nothing was there to be changed.
const fn perhaps(activities: &'static [Activity]) -> Trace {
    Trace {
        due: false,
        ..always(activities)
    }
}

const fn late(activities: &'static [Activity]) -> Trace {
    Trace {
        late: true,
        ..perhaps(activities)
    }
}

/// The records that a call of this operation leaves when it is done; none for most.
pub fn traces(op: Op) -> &'static [Trace] {
    use Activity as A;
    match op {
        Op::CreateAccount => const { &[always(&[A::AccountAddition, A::AccountUpdate])] },
        Op::PatchAccount | Op::PauseAccount | Op::ResumeAccount => {
            const { &[always(&[A::AccountUpdate])] }
        }
        Op::MarkAccountFixed
        | Op::PauseAccounts
        | Op::EnableWarmupForAccounts
        | Op::DisableWarmupForAccounts => const { &[perhaps(&[A::AccountUpdate])] },
        Op::DeleteAccount => const { &[always(&[A::AccountDeletion])] },
        Op::MoveAccounts => {
            const {
                &[
                    perhaps(&[A::AccountDeletion]),
                    Trace {
                        elsewhere: true,
                        ..perhaps(&[A::AccountAddition])
                    },
                ]
            }
        }
        Op::InitGoogleOAuth | Op::InitMicrosoftOAuth => {
            const { &[late(&[A::AccountAddition, A::AccountUpdate])] }
        }
        Op::CreateDFYEmailAccountOrder => const { &[late(&[A::AccountAddition])] },
        Op::CancelDFYEmailAccounts => const { &[perhaps(&[A::AccountDeletion])] },
        Op::CreateAPIKey => const { &[always(&[A::ApiKeyCreated])] },
        Op::DeleteAPIKey => const { &[always(&[A::ApiKeyDeleted])] },
        Op::ActivateCampaign => const { &[always(&[A::CampaignLaunch])] },
        Op::PauseCampaign => const { &[always(&[A::CampaignPause])] },
        Op::PatchCampaign | Op::AddVariables => const { &[always(&[A::CampaignUpdate])] },
        Op::DeleteCampaign => const { &[always(&[A::CampaignDeletion])] },
        Op::PatchCampaignSubsequence | Op::PauseSubsequence | Op::ResumeSubsequence => {
            const { &[always(&[A::SubsequenceUpdate])] }
        }
        Op::CreateWebhook => const { &[always(&[A::WebhookCreated])] },
        Op::PatchWebhook => const { &[always(&[A::WebhookUpdated])] },
        Op::ResumeWebhook => const { &[perhaps(&[A::WebhookResumed])] },
        Op::DeleteLead => const { &[always(&[A::LeadDeletion])] },
        Op::BulkDeleteLeads => const { &[perhaps(&[A::LeadDeletion])] },
        Op::CreateLead => const { &[perhaps(&[A::LeadAdded])] },
        Op::BulkAddLeads => const { &[perhaps(&[A::LeadAdded, A::SubscriberImportStarted])] },
        Op::MergeLeads => const { &[always(&[A::LeadMerged])] },
        Op::MoveLeads | Op::MoveLeadToSubsequence | Op::RemoveLeadFromSubsequence => {
            const { &[perhaps(&[A::LeadMoved])] }
        }
        Op::CreateSuperSearchEnrichment | Op::CreateAIEnrichment | Op::RunEnrichment => {
            const { &[perhaps(&[A::SupersearchEnrichmentCreated])] }
        }
        Op::EnrichLeadsFromSupersearch => {
            const {
                &[
                    perhaps(&[A::SupersearchEnrichmentCreated]),
                    perhaps(&[A::LeadAdded, A::SubscriberImportStarted]),
                ]
            }
        }
        _ => &[],
    }
}

/// The operations a call of which may have left a record of this activity.
pub fn could_leave(activity: Activity) -> OpSet {
    let leaves = |op: &Op| {
        let mut left = traces(*op).iter().flat_map(|trace| trace.activities);
        left.any(|one| *one == activity)
    };
    Op::ALL.into_iter().filter(leaves).collect()
}

/// Whether an activity is never a key's own act but Instantly's, whatever the record says.
pub(super) fn is_instantlys_own(activity: Activity) -> bool {
    activity == Activity::WebhookMarkedAsError
}

/// What a parameter of an operation's path or body names, as far as records name it too.
pub fn object_of(op: Op, parameter: &str) -> Option<ObjectKind> {
    match parameter {
        "id" => match op {
            Op::ActivateCampaign
            | Op::PauseCampaign
            | Op::PatchCampaign
            | Op::AddVariables
            | Op::DeleteCampaign => Some(ObjectKind::Campaign),
            Op::PatchCampaignSubsequence | Op::PauseSubsequence | Op::ResumeSubsequence => {
                Some(ObjectKind::Subsequence)
            }
            Op::PatchWebhook | Op::ResumeWebhook => Some(ObjectKind::Webhook),
            Op::DeleteAPIKey => Some(ObjectKind::ApiKey),
            // A record names the lead's campaign or list, not the lead.
            _ => None,
        },
        "email" => match op {
            Op::CreateAccount
            | Op::PatchAccount
            | Op::PauseAccount
            | Op::ResumeAccount
            | Op::MarkAccountFixed
            | Op::DeleteAccount => Some(ObjectKind::Account),
            _ => None,
        },
        "campaign_id" | "campaign" if adds_or_deletes_leads(op) => Some(ObjectKind::Campaign),
        "list_id" if adds_or_deletes_leads(op) => Some(ObjectKind::List),
        _ => None,
    }
}

const fn adds_or_deletes_leads(op: Op) -> bool {
    matches!(op, Op::CreateLead | Op::BulkAddLeads | Op::BulkDeleteLeads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_something_leaves_a_trace() {
        for op in Op::ALL {
            assert!(
                traces(op).is_empty() || op.facts().writes(),
                "{op} leaves a trace"
            );
            for trace in traces(op) {
                assert!(!trace.activities.is_empty(), "{op}");
                assert!(!trace.activities.iter().any(|a| is_instantlys_own(*a)));
                assert!(!(trace.due && (trace.late || trace.elsewhere)), "{op}");
            }
        }
    }
}
