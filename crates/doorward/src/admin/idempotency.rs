//! Requests about writes under idempotency keys.

use std::sync::Arc;

use axum::Router;
use doorward_ledger::Event;
use doorward_policy::Timestamp;
use doorward_store::{IdempotencyId, IdempotencyRecord, IdempotencyState};
use serde::{Deserialize, Serialize};

use super::deeds::{Acts, Deed};
use super::error::AdminError;
use super::server::on;
use super::service::{Admin, Handle, now};
use super::types::Call;

/// Most records that are listed.
const LISTED_MAX: usize = 1_000;
/// How long a write may be under way: it is not let go of before.
const UNDER_WAY_MS: i64 = 10 * 60 * 1_000;

/// The writes under idempotency keys, newest first.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct IdempotencyList {
    /// Name or id of the workspace.
    pub(crate) workspace: Option<String>,
    /// Name or id of the client; every client when none is said.
    pub(crate) client: Option<String>,
    /// Only those whose outcome is not known.
    pub(crate) unknown: bool,
}

/// One write.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct IdempotencyShow {
    /// Its id.
    pub(crate) id: String,
}

/// Lets go of a write, so that a call with its key is sent again; answers what it was.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct IdempotencyRelease {
    /// Its id.
    pub(crate) id: String,
}

/// A write under an idempotency key. The key itself is not kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct IdempotencyView {
    /// Its id.
    pub(crate) id: String,
    /// Doorward's id of the workspace.
    pub(crate) workspace_id: String,
    /// Name of the client.
    pub(crate) client: String,
    /// The operation.
    pub(crate) operation: String,
    /// The sub-workspace acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) as_workspace: Option<String>,
    /// `sent`, `answered` or `unknown`.
    pub(crate) state: String,
    /// The status that it was answered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// The name in the record of the call that sent it.
    pub(crate) request_id: String,
    /// When that was.
    pub(crate) sent_at: Timestamp,
    /// When it is forgotten.
    pub(crate) expires_at: Timestamp,
}

impl Call for IdempotencyList {
    const NAME: &'static str = "idempotency/list";
    type Answer = Vec<IdempotencyView>;
}

impl Call for IdempotencyShow {
    const NAME: &'static str = "idempotency/show";
    type Answer = IdempotencyView;
}

impl Call for IdempotencyRelease {
    const NAME: &'static str = "idempotency/release";
    type Answer = IdempotencyView;
}

impl Acts for IdempotencyList {}
impl Acts for IdempotencyShow {}

impl Acts for IdempotencyRelease {
    fn deed(&self) -> Option<Deed> {
        let deed = Deed::new("idempotency.release", "idempotency_record", Event::Admin);
        Some(deed.id("record", &self.id))
    }

    fn complete(deed: &mut Deed, answer: &IdempotencyView) {
        deed.act.client = Some(answer.client.clone());
        deed.act.workspace = Some(answer.workspace_id.clone());
        deed.act.sub_workspace.clone_from(&answer.as_workspace);
        let metadata = &mut deed.act.metadata;
        for (name, value) in [
            ("operation", &answer.operation),
            ("state", &answer.state),
            ("sent_by", &answer.request_id),
        ] {
            metadata.insert(name.to_owned(), value.clone().into());
        }
    }
}

/// Takes the requests in.
pub(super) fn routes(router: Router<Arc<Admin>>) -> Router<Arc<Admin>> {
    let router = on::<IdempotencyList>(router);
    let router = on::<IdempotencyShow>(router);
    on::<IdempotencyRelease>(router)
}

impl Admin {
    /// The one record of an id that was typed.
    fn idempotency_record(&self, typed: &str) -> Result<IdempotencyRecord, AdminError> {
        let head = IdempotencyId::parse_short(typed).ok_or_else(|| {
            AdminError::usage("write an id as `doorward idempotency list` shows it: idem_…")
        })?;
        let mut found = self.store().idempotency_records_named(head)?;
        match (found.pop(), found.is_empty()) {
            (Some(record), true) => Ok(record),
            (None, _) => Err(AdminError::usage(
                "there is no such record; it may have been forgotten, and its key is free then",
            )),
            (Some(_), false) => Err(AdminError::failed(
                "two records have this id; wait until one is forgotten",
            )),
        }
    }

    fn idempotency_view(&self, record: IdempotencyRecord) -> Result<IdempotencyView, AdminError> {
        let clients = self.store().clients(None)?;
        let client = clients.into_iter().find(|one| one.id == record.client_id);
        let client = client.ok_or_else(|| AdminError::failed("its client was deleted just now"))?;
        Ok(IdempotencyView {
            id: record.id.to_string(),
            workspace_id: client.workspace_id,
            client: client.name,
            operation: record.operation.id().to_owned(),
            as_workspace: record.as_workspace,
            state: record.state.as_str().to_owned(),
            status: record.status,
            request_id: record.request_id,
            sent_at: record.sent_at,
            expires_at: record.expires_at,
        })
    }
}

impl Handle<IdempotencyList> for Admin {
    fn handle(&self, call: IdempotencyList) -> Result<Vec<IdempotencyView>, AdminError> {
        let client = match &call.client {
            Some(name) => {
                let workspace = self.workspace(call.workspace.as_deref())?;
                Some(self.store().client(&workspace.id, name)?.id)
            }
            None => None,
        };
        let records = self
            .store()
            .idempotency_records(client.as_deref(), LISTED_MAX)?;
        let wanted =
            |record: &IdempotencyRecord| !call.unknown || record.state == IdempotencyState::Unknown;
        let records = records.into_iter().filter(wanted);
        records
            .map(|record| self.idempotency_view(record))
            .collect()
    }
}

impl Handle<IdempotencyShow> for Admin {
    fn handle(&self, call: IdempotencyShow) -> Result<IdempotencyView, AdminError> {
        self.idempotency_view(self.idempotency_record(&call.id)?)
    }
}

impl Handle<IdempotencyRelease> for Admin {
    fn handle(&self, call: IdempotencyRelease) -> Result<IdempotencyView, AdminError> {
        let record = self.idempotency_record(&call.id)?;
        let runs = self.parts.gateway_url.is_some();
        let lately = now().millis_since(record.sent_at) < UNDER_WAY_MS;
        if runs && lately && record.state == IdempotencyState::Sent {
            return Err(AdminError::usage(
                "the call is under way; wait for its outcome",
            ));
        }
        let (id, request) = (record.id, record.request_id.clone());
        let view = self.idempotency_view(record)?;
        if !self.store().forget_idempotency(&id, &request)? {
            return Err(AdminError::failed(
                "it changed just now; look at it again before you let go of it",
            ));
        }
        Ok(view)
    }
}
