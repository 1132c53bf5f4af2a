//! The names of what events and deliveries know by number or by Instantly's id.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use doorward_policy::Timestamp;
use doorward_relay::events::{Body, Event};
use doorward_store::{EndKind, RelayEnd, Store, StoreError};

use super::types::{BodyView, EventView};
use crate::admin::error::AdminError;
use crate::admin::service::Admin;

/// Names, as they are at one moment.
pub(in crate::admin) struct Names {
    sources: HashMap<i64, RelayEnd>,
    destinations: HashMap<i64, RelayEnd>,
    /// By Instantly's id.
    workspaces: HashMap<String, String>,
}

impl Names {
    /// All there are.
    ///
    /// # Errors
    /// When the store fails.
    pub(in crate::admin) fn of(store: &dyn Store) -> Result<Self, AdminError> {
        let ends = |kind| -> Result<HashMap<i64, RelayEnd>, AdminError> {
            let ends = store.relay_ends(kind)?;
            Ok(ends.into_iter().map(|end| (end.number, end)).collect())
        };
        let workspaces = store.workspaces()?.into_iter();
        let workspaces = workspaces.filter_map(|one| Some((one.instantly_id?, one.name)));
        Ok(Self {
            sources: ends(EndKind::Source)?,
            destinations: ends(EndKind::Destination)?,
            workspaces: workspaces.collect(),
        })
    }

    /// The destinations that there are, by number.
    pub(in crate::admin) fn destinations(&self) -> Vec<&RelayEnd> {
        let mut all: Vec<_> = self.destinations.values().collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    /// A destination's name; of one that is gone its number.
    pub(in crate::admin) fn destination(&self, number: i64) -> String {
        match self.destinations.get(&number) {
            Some(end) => end.name.clone(),
            None => format!("number {number}, removed"),
        }
    }

    /// An event as it is shown.
    pub(in crate::admin) fn event(&self, event: &Event) -> EventView {
        let source = match self.sources.get(&event.source) {
            Some(end) => Some(end.name.clone()),
            None if event.source == 0 => None,
            None => Some(format!("number {}, removed", event.source)),
        };
        EventView {
            id: event.id.to_string(),
            seq: event.seq,
            kind: event.event_type.clone(),
            workspace_id: event.workspace.clone(),
            workspace: self.workspaces.get(&event.workspace).cloned(),
            campaign: event.campaign.clone(),
            source,
            person: event.subject,
            event_at: event.event_ms.map(Timestamp::from_millis),
            received_at: Timestamp::from_millis(event.received_ms),
            origin: event.origin.as_str().to_owned(),
            quarantined: event.quarantined.map(|why| why.as_str().to_owned()),
            size: event.size,
            body: body(&event.body),
        }
    }
}

fn body(body: &Body) -> Option<BodyView> {
    let gone = |why: &str| Some(BodyView::Gone(why.to_owned()));
    match body {
        Body::NotRead => None,
        Body::Whole(bytes) => Some(match std::str::from_utf8(bytes) {
            Ok(text) => BodyView::Text(text.to_owned()),
            Err(_) => BodyView::Base64(STANDARD.encode(bytes)),
        }),
        Body::Erased => gone("the person that it was about was erased"),
        Body::Removed => gone("there was no room to keep it any longer"),
        Body::Unreadable => gone("it does not open: the file was changed by somebody else"),
    }
}

impl Admin {
    /// Instantly's id of a workspace: of one that is known here, or as it was said.
    pub(in crate::admin) fn instantly_id(&self, name: &str) -> Result<String, AdminError> {
        match self.store().workspace(name) {
            Ok(workspace) => workspace.instantly_id.ok_or_else(|| {
                AdminError::usage(format_args!(
                    "Instantly's id of workspace '{name}' is not known yet; `doorward workspace show \
                     {name}` asks for it"
                ))
            }),
            Err(StoreError::NotFound { .. }) if name.len() == 36 => Ok(name.to_ascii_lowercase()),
            Err(error) => Err(error.into()),
        }
    }
}
