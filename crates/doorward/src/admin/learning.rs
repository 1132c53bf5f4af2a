//! Letting a client learn what it needs.

use doorward_ledger::{Change, Event};
use doorward_policy::{BreakGlass, Grant, Learning, Timestamp, WorkspaceKind};
use doorward_store::ClientChange;
use serde::{Deserialize, Serialize};

use super::deeds::{Acts, Deed};
use super::error::AdminError;
use super::makers::Gives;
use super::service::{Admin, Handle, now};
use super::types::Call;
use super::views::ClientView;

/// Has a client learn, or ends it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ClientLearn {
    /// Name or id of the workspace; the only one there is when none is said.
    pub(crate) workspace: Option<String>,
    /// Name or id of the client.
    pub(crate) name: String,
    /// Until when; none ends it now.
    pub(crate) until: Option<Timestamp>,
    /// Why the ceiling of production is lifted for it.
    pub(crate) break_glass: Option<String>,
}

impl Call for ClientLearn {
    const NAME: &'static str = "client/learn";
    type Answer = ClientView;
}

impl ClientLearn {
    fn glass(&self) -> Option<BreakGlass> {
        let (reason, expires_at) = self.break_glass.clone().zip(self.until)?;
        Some(BreakGlass { reason, expires_at })
    }
}

impl Acts for ClientLearn {
    fn deed(&self) -> Option<Deed> {
        let event = Event::Client {
            change: Change::Updated,
        };
        let action = match self.until {
            Some(_) => "client.learn",
            None => "client.learn.end",
        };
        let learning = self.until.map(|until| Grant {
            learning: Some(Learning { until }),
            break_glass: self.glass(),
            ..Grant::default()
        });
        Some(
            Deed::new(action, "client", event)
                .of_client_named(&self.name)
                .with("grant", &learning),
        )
    }

    fn gives_to(&self) -> Option<Gives<'_>> {
        self.gives_to()
    }

    fn complete(deed: &mut Deed, answer: &ClientView) {
        Deed::of_client(deed, answer);
    }
}

impl Handle<ClientLearn> for Admin {
    fn handle(&self, call: ClientLearn) -> Result<ClientView, AdminError> {
        let workspace = self.workspace(call.workspace.as_deref())?;
        let client = self.store().client(&workspace.id, &call.name)?;
        let now = now();
        let glass = call.glass();
        let lifts = glass.is_some();
        let mut grant = client.grant.clone();
        match call.until {
            Some(until) => grant.learning = Some(Learning { until }),
            None => end(&mut grant, now)?,
        }
        if let Some(glass) = glass {
            // A break-glass is for what it was given for: a new one would lift the old's again.
            let before = Grant {
                learning: None,
                ..grant.clone()
            };
            let before = before.resolve_stored(client.environment, workspace.kind, now);
            if before.is_ok_and(|before| !before.lifted().is_empty()) {
                return Err(AdminError::usage(
                    "the client's grant has a break-glass of its own, which would begin anew; \
                     grant it without with `doorward client grant` first",
                ));
            }
            grant.break_glass = Some(glass);
        }
        tidy(&mut grant, client.environment, workspace.kind, now);
        let change = ClientChange {
            grant: Some(grant),
            ..ClientChange::default()
        };
        if lifts {
            let beyond = (client.name.as_str(), client.environment);
            self.alert_break_glass(beyond, &workspace, change.grant.as_ref(), now)?;
        }
        let client = self.store().change_client(&client.id, &change, now)?;
        self.changed()?;
        Ok(ClientView::of(&client, &workspace, now))
    }
}

/// Ends the learning. That it was is kept, so that what is denied from then on says so.
fn end(grant: &mut Grant, now: Timestamp) -> Result<(), AdminError> {
    let Some(learning) = &mut grant.learning else {
        return Err(AdminError::usage(
            "the client does not learn; `doorward client learn NAME --for 1h` has it learn",
        ));
    };
    learning.until = learning.until.min(now);
    Ok(())
}

/// Takes a break-glass off that lifts nothing any more: such a grant is not accepted again.
fn tidy(
    grant: &mut Grant,
    environment: doorward_catalog::Environment,
    kind: WorkspaceKind,
    now: Timestamp,
) {
    let over = grant
        .break_glass
        .as_ref()
        .is_some_and(|glass| glass.expires_at <= now);
    let resolved = grant.resolve_stored(environment, kind, now);
    let lifts = resolved.is_ok_and(|effective| !effective.lifted().is_empty());
    let learns = grant
        .learning
        .as_ref()
        .is_some_and(|learning| now < learning.until);
    if !lifts && (over || !learns) {
        grant.break_glass = None;
    }
}
