//! Requests about approvals: what waits for a person, and what that person says.

use std::sync::Arc;

use axum::Router;
use doorward_gateway::{Ended, KeptRequest};
use doorward_ledger::{Change, Event};
use doorward_policy::Timestamp;
use doorward_store::{ApprovalRecord, ApprovalState};
use serde::{Deserialize, Serialize};

use super::carry::Who;
use super::deeds::{Acts, Deed};
use super::error::AdminError;
use super::server::on;
use super::service::{Admin, Handle, now};
use super::types::Call;

/// Most approvals that are listed.
const LISTED_MAX: usize = 1_000;

/// Approvals, the newest first.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ApprovalList {
    /// Those that ended, too.
    pub(crate) all: bool,
}

/// One approval with its request.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ApprovalShow {
    /// Its id.
    pub(crate) id: String,
}

/// Says yes or no.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ApprovalDecide {
    /// Its id.
    pub(crate) id: String,
    /// Yes or no.
    pub(crate) approve: bool,
    /// Why.
    pub(crate) reason: Option<String>,
    /// Whose admin token was presented; found out here, never taken from outside.
    #[serde(skip)]
    pub(crate) by: Option<String>,
}

/// An approval.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ApprovalView {
    pub(crate) id: String,
    /// `pending`, `approved`, `denied`, `spent` or `expired`.
    pub(crate) state: String,
    pub(crate) client: String,
    pub(crate) owner: String,
    pub(crate) workspace: String,
    pub(crate) operation: String,
    pub(crate) policy: String,
    /// How often the request came while it was pending.
    pub(crate) asked: u64,
    pub(crate) asked_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) decided_by: Option<String>,
    pub(crate) decided_at: Option<Timestamp>,
    pub(crate) reason: Option<String>,
    pub(crate) spent_at: Option<Timestamp>,
    /// The very request, while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<KeptRequest>,
}

impl Call for ApprovalList {
    const NAME: &'static str = "approval/list";
    type Answer = Vec<ApprovalView>;
}

impl Call for ApprovalShow {
    const NAME: &'static str = "approval/show";
    type Answer = ApprovalView;
}

impl Call for ApprovalDecide {
    const NAME: &'static str = "approval/decide";
    type Answer = ApprovalView;
}

impl Acts for ApprovalList {}

/// Looking at a request is looking at people's data.
impl Acts for ApprovalShow {
    fn deed(&self) -> Option<Deed> {
        Some(Deed::new("approval.show", "approval", Event::Admin).id("approval", &self.id))
    }
}

impl Acts for ApprovalDecide {
    fn deed(&self) -> Option<Deed> {
        let (action, change) = match self.approve {
            true => ("approval.approve", Change::Granted),
            false => ("approval.deny", Change::Denied),
        };
        let event = Event::Approval {
            approval: known_id(&self.id).unwrap_or_default().to_owned(),
            change,
        };
        let deed = Deed::new(action, "approval", event).id("approval", &self.id);
        Some(deed.with("reason", &self.reason))
    }

    fn done_by(&mut self, who: &Who) {
        self.by = who.holder().map(str::to_owned);
    }

    fn complete(deed: &mut Deed, answer: &ApprovalView) {
        deed.act.client = Some(answer.client.clone());
        let metadata = &mut deed.act.metadata;
        metadata.insert("operation".to_owned(), answer.operation.clone().into());
        metadata.insert("policy".to_owned(), answer.policy.clone().into());
        let by = answer.decided_by.clone();
        metadata.insert("token".to_owned(), by.into());
    }
}

/// What can be an approval's id; people paste other things.
fn known_id(id: &str) -> Option<&str> {
    let digits = id.strip_prefix("ap_")?;
    let fits = digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then_some(id)
}

/// Takes the requests in.
pub(super) fn routes(router: Router<Arc<Admin>>) -> Router<Arc<Admin>> {
    on::<ApprovalDecide>(on::<ApprovalShow>(on::<ApprovalList>(router)))
}

impl Admin {
    fn approval_view(&self, record: ApprovalRecord, request: Option<KeptRequest>) -> ApprovalView {
        let workspace = self.store().workspace(&record.workspace_id);
        let over = record.state.is_open() && record.expires_at <= now();
        let state = if over {
            ApprovalState::Expired
        } else {
            record.state
        };
        ApprovalView {
            id: record.id,
            state: state.as_str().to_owned(),
            client: record.client,
            owner: record.owner,
            workspace: workspace.map_or(record.workspace_id, |workspace| workspace.name),
            operation: record.operation.id().to_owned(),
            policy: record.policy,
            asked: record.asked,
            asked_at: record.asked_at,
            expires_at: record.expires_at,
            decided_by: record.decided_by,
            decided_at: record.decided_at,
            reason: record.reason,
            spent_at: record.spent_at,
            request,
        }
    }
}

impl Handle<ApprovalList> for Admin {
    fn handle(&self, call: ApprovalList) -> Result<Vec<ApprovalView>, AdminError> {
        let records = (self.parts.approvals)()?.list(call.all, LISTED_MAX)?;
        let views = records
            .into_iter()
            .map(|record| self.approval_view(record, None));
        Ok(views
            .filter(|view| call.all || view.state != ApprovalState::Expired.as_str())
            .collect())
    }
}

impl Handle<ApprovalShow> for Admin {
    fn handle(&self, call: ApprovalShow) -> Result<ApprovalView, AdminError> {
        let (record, request) = (self.parts.approvals)()?.show(&call.id)?;
        Ok(self.approval_view(record, request))
    }
}

impl Handle<ApprovalDecide> for Admin {
    fn handle(&self, call: ApprovalDecide) -> Result<ApprovalView, AdminError> {
        let Some(by) = call.by else {
            return Err(AdminError::usage(
                "deciding takes an admin token of your own: have one made with `doorward admin \
                 token create NAME`, and set DOORWARD_ADMIN_TOKEN or DOORWARD_ADMIN_TOKEN_FILE",
            ));
        };
        let desk = (self.parts.approvals)()?;
        let (record, _) = desk.show(&call.id)?;
        // Anybody may say no.
        if call.approve {
            self.check_approver(&record, &by)?;
        }
        match desk.decide(&call.id, call.approve, &by, call.reason.as_deref(), now())? {
            Ended::Decided(record) => Ok(self.approval_view(record, None)),
            Ended::Before(record) => {
                let view = self.approval_view(record, None);
                Err(AdminError::failed(format_args!(
                    "{} is {} already; the same request, sent again, asks for a new one if it \
                     needs one",
                    view.id, view.state
                )))
            }
        }
    }
}
