//! Requests about revocations of upstream keys that are owed.

use doorward_ledger::Event;
use serde::{Deserialize, Serialize};

use super::carry::Who;
use super::deeds::{Acts, Deed};
use super::error::AdminError;
use super::service::{Admin, Handle};
use crate::rotation::RevocationView;

/// One revocation.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RevocationShow {
    /// Its id.
    pub(crate) id: String,
}

/// Revocations, the newest first.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RevocationList {
    /// Name or id of the workspace; all when none is said.
    pub(crate) workspace: Option<String>,
    /// Those that are owed alone.
    pub(crate) open_only: bool,
}

/// Has a revocation tried now that waits for its next try.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RevocationResume {
    /// Its id.
    pub(crate) id: String,
}

/// Leaves a revocation as it is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RevocationAbandon {
    /// Its id.
    id: String,
    /// Who asks; set where the request arrives.
    #[serde(skip)]
    by: Option<String>,
}

impl RevocationAbandon {
    /// Of that id.
    pub(crate) fn new(id: String) -> Self {
        Self { id, by: None }
    }
}

routed_calls! {
    RevocationShow, "revocation/show" => RevocationView;
    RevocationList, "revocation/list" => Vec<RevocationView>;
    RevocationResume, "revocation/resume" => RevocationView;
    RevocationAbandon, "revocation/abandon" => RevocationView;
}

impl Acts for RevocationShow {}
impl Acts for RevocationList {}

fn deed(action: &str, id: &str) -> Deed {
    Deed::new(action, "revocation", Event::Admin).id("revocation", id)
}

fn complete(deed: &mut Deed, answer: &RevocationView) {
    deed.act.workspace = Some(answer.workspace_id.clone());
    deed.act.upstream_key.clone_from(&answer.key_id);
    deed.set_id("api_key_id", &answer.api_key_id);
}

impl Acts for RevocationResume {
    fn deed(&self) -> Option<Deed> {
        Some(deed("revocation.resume", &self.id))
    }

    fn complete(deed: &mut Deed, answer: &RevocationView) {
        complete(deed, answer);
    }
}

impl Acts for RevocationAbandon {
    fn deed(&self) -> Option<Deed> {
        Some(deed("revocation.abandon", &self.id))
    }

    fn done_by(&mut self, who: &Who) {
        self.by = who.names().into_iter().next();
    }

    fn complete(deed: &mut Deed, answer: &RevocationView) {
        complete(deed, answer);
    }
}

impl Handle<RevocationShow> for Admin {
    fn handle(&self, call: RevocationShow) -> Result<RevocationView, AdminError> {
        (self.parts.rotations)()?.revocations().view(&call.id)
    }
}

impl Handle<RevocationList> for Admin {
    fn handle(&self, call: RevocationList) -> Result<Vec<RevocationView>, AdminError> {
        let workspace = call.workspace.as_deref();
        let workspace = workspace.map(|name| self.store().workspace(name));
        let id = workspace.transpose()?.map(|workspace| workspace.id);
        let rotations = (self.parts.rotations)()?;
        rotations.revocations().list(id.as_deref(), call.open_only)
    }
}

impl Handle<RevocationResume> for Admin {
    fn handle(&self, call: RevocationResume) -> Result<RevocationView, AdminError> {
        (self.parts.rotations)()?.revocations().resume(&call.id)
    }
}

impl Handle<RevocationAbandon> for Admin {
    fn handle(&self, call: RevocationAbandon) -> Result<RevocationView, AdminError> {
        let by = call.by.unwrap_or_else(|| "an operator".to_owned());
        let why = format!("{by} left it as it is").chars().take(100).collect();
        let rotations = (self.parts.rotations)()?;
        rotations.revocations().abandon(&call.id, why)
    }
}
