//! Requests about rotations of upstream keys.

use doorward_catalog::ScopeSet;
use doorward_keys::rotation::{Event as Wish, Why};
use doorward_ledger::{Change, Event};
use doorward_secrets::SecretRef;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle as Runtime;

use super::carry::Who;
use super::deeds::{Acts, Deed};
use super::error::AdminError;
use super::service::{Admin, Handle};
use crate::rotation::{Asked, PlanView, RotationView};

/// Most characters of why a rotation is taken back.
const WHY_MAX: usize = 100;

/// Which key is to be rotated, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RotationAsked {
    /// Name or id of the workspace; the only one there is when none is said.
    pub(crate) workspace: Option<String>,
    /// Name or id of the upstream key.
    pub(crate) key: String,
    /// Instantly's id of it, where that can't be told for certain.
    pub(crate) api_key_id: Option<String>,
    /// The new key's scopes, if others than the old one's.
    pub(crate) scopes: Option<ScopeSet>,
    /// Where the new key is to be kept, if elsewhere than beside the old one.
    pub(crate) to: Option<String>,
    /// No longer overlap of both keys than calls need.
    pub(crate) at_once: bool,
}

/// What would a rotation do?
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RotationPlan(pub(crate) RotationAsked);

/// Begins a rotation.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RotationBegin(pub(crate) RotationAsked);

/// One rotation.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RotationShow {
    /// Its id.
    pub(crate) id: String,
}

/// Rotations, the newest first.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RotationList {
    /// Name or id of the workspace; all when none is said.
    pub(crate) workspace: Option<String>,
    /// Name of the key; all when none is said.
    pub(crate) key: Option<String>,
    /// Those under way alone.
    pub(crate) open_only: bool,
}

/// Has a rotation go on that waits.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RotationResume {
    /// Its id.
    pub(crate) id: String,
    /// Name of the key that manages from now on, if another.
    pub(crate) manager: Option<String>,
    /// A consumer that need not be told any more.
    pub(crate) skip: Option<String>,
}

/// Takes a rotation back.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RotationBack {
    /// Its id.
    pub(crate) id: String,
    /// Leaves one that is stuck as it is.
    pub(crate) abandon: bool,
    /// Who asks; set where the request arrives.
    #[serde(skip)]
    by: Option<String>,
}

impl RotationBack {
    /// Of that id.
    pub(crate) fn new(id: String, abandon: bool) -> Self {
        Self {
            id,
            abandon,
            by: None,
        }
    }
}

routed_calls! {
    RotationPlan, "rotation/plan" => PlanView;
    RotationBegin, "rotation/begin" => RotationView;
    RotationShow, "rotation/show" => RotationView;
    RotationList, "rotation/list" => Vec<RotationView>;
    RotationResume, "rotation/resume" => RotationView;
    RotationBack, "rotation/back" => RotationView;
}

impl Acts for RotationPlan {}
impl Acts for RotationShow {}
impl Acts for RotationList {}

impl Acts for RotationBegin {
    fn deed(&self) -> Option<Deed> {
        let asked = &self.0;
        let event = Event::UpstreamKey {
            change: Change::Requested,
        };
        Some(
            Deed::new("upstream_key.rotate.ask", "upstream_key", event)
                .id("name", &asked.key)
                .with("workspace", &asked.workspace)
                .with("scopes", &asked.scopes)
                .with("at_once", &asked.at_once),
        )
    }

    fn complete(deed: &mut Deed, answer: &RotationView) {
        of_rotation(deed, answer);
    }
}

impl Acts for RotationResume {
    fn deed(&self) -> Option<Deed> {
        Some(
            Deed::new("rotation.resume", "rotation", Event::Admin)
                .id("rotation", &self.id)
                .with("manager", &self.manager)
                .with("skip", &self.skip),
        )
    }

    fn complete(deed: &mut Deed, answer: &RotationView) {
        of_rotation(deed, answer);
    }
}

impl Acts for RotationBack {
    fn deed(&self) -> Option<Deed> {
        let action = match self.abandon {
            true => "rotation.abandon",
            false => "rotation.rollback",
        };
        Some(Deed::new(action, "rotation", Event::Admin).id("rotation", &self.id))
    }

    fn done_by(&mut self, who: &Who) {
        self.by = who.names().into_iter().next();
    }

    fn complete(deed: &mut Deed, answer: &RotationView) {
        of_rotation(deed, answer);
    }
}

fn of_rotation(deed: &mut Deed, answer: &RotationView) {
    deed.act.workspace = Some(answer.workspace_id.clone());
    deed.set_id("rotation", &answer.id);
    deed.act
        .metadata
        .insert("key".to_owned(), answer.key.clone().into());
}

impl Admin {
    fn asked(&self, asked: &RotationAsked) -> Result<Asked, AdminError> {
        let workspace = self.workspace(asked.workspace.as_deref())?;
        let to = asked.to.as_deref();
        let reference: Option<SecretRef> = to
            .map(|text| self.parts.secret_setup.reference(text))
            .transpose()
            .map_err(|error| AdminError::usage(format_args!("--to: {error}")))?;
        Ok(Asked {
            workspace: workspace.id,
            key: asked.key.clone(),
            why: Why::Asked,
            scopes: asked.scopes,
            api_key_id: asked.api_key_id.clone(),
            reference,
            consumers: Vec::new(),
            timing: (self.parts.rotations)()?.timing(asked.at_once),
        })
    }
}

impl Handle<RotationPlan> for Admin {
    fn handle(&self, call: RotationPlan) -> Result<PlanView, AdminError> {
        let rotations = (self.parts.rotations)()?;
        let asked = self.asked(&call.0)?;
        let prepared = Runtime::current().block_on(rotations.prepare(&asked))?;
        Ok(prepared.view)
    }
}

impl Handle<RotationBegin> for Admin {
    fn handle(&self, call: RotationBegin) -> Result<RotationView, AdminError> {
        let rotations = (self.parts.rotations)()?;
        Runtime::current().block_on(rotations.begin(&self.asked(&call.0)?))
    }
}

impl Handle<RotationShow> for Admin {
    fn handle(&self, call: RotationShow) -> Result<RotationView, AdminError> {
        let rotations = (self.parts.rotations)()?;
        Runtime::current().block_on(rotations.view(&call.id))
    }
}

impl Handle<RotationList> for Admin {
    fn handle(&self, call: RotationList) -> Result<Vec<RotationView>, AdminError> {
        let workspace = call.workspace.as_deref();
        let workspace = workspace.map(|name| self.store().workspace(name));
        let id = workspace.transpose()?.map(|workspace| workspace.id);
        let rotations = (self.parts.rotations)()?;
        Runtime::current().block_on(rotations.list(id, call.key, call.open_only))
    }
}

impl Handle<RotationResume> for Admin {
    fn handle(&self, call: RotationResume) -> Result<RotationView, AdminError> {
        let rotations = (self.parts.rotations)()?;
        let RotationResume { id, manager, skip } = call;
        Runtime::current().block_on(async {
            // Without a server nobody goes on with those that are open.
            if !rotations.is_driven(&id) && rotations.view(&id).await?.open {
                rotations.resume_open()?;
            }
            if let Some(consumer) = skip {
                rotations.tell(&id, Wish::Skip { consumer }).await?;
            }
            rotations.resume(&id, manager.as_deref()).await
        })
    }
}

impl Handle<RotationBack> for Admin {
    fn handle(&self, call: RotationBack) -> Result<RotationView, AdminError> {
        let rotations = (self.parts.rotations)()?;
        let RotationBack { id, abandon, by } = call;
        let by = by.unwrap_or_else(|| "an operator".to_owned());
        let why: String = format!("{by} asked for it").chars().take(WHY_MAX).collect();
        Runtime::current().block_on(async {
            if !rotations.is_driven(&id) && rotations.view(&id).await?.open {
                rotations.resume_open()?;
            }
            let wish = match abandon {
                true => Wish::Abandon { why },
                false => Wish::Abort { why },
            };
            rotations.tell(&id, wish).await
        })
    }
}
