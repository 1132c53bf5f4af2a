//! Sources and destinations as they are kept, read and written whole.

use doorward_policy::Timestamp;
use doorward_store::{EndChange, EndKind, EndState, NewEnd, RelayEnd, Store, StoreError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::settings::{DestinationSettings, SourceSettings};
use crate::admin::AdminError;

/// An end with its settings.
#[derive(Debug, Clone)]
pub(crate) struct End<S> {
    /// As it is kept.
    pub(crate) end: RelayEnd,
    /// What it is set to.
    pub(crate) settings: S,
}

/// Settings of one kind of end.
pub(crate) trait Settings: Serialize + DeserializeOwned {
    /// Of which.
    const KIND: EndKind;
}

impl Settings for SourceSettings {
    const KIND: EndKind = EndKind::Source;
}

impl Settings for DestinationSettings {
    const KIND: EndKind = EndKind::Destination;
}

/// Where deliveries come in.
pub(crate) type Source = End<SourceSettings>;

/// Where events go.
pub(crate) type Destination = End<DestinationSettings>;

impl<S: Settings> End<S> {
    fn of(end: RelayEnd) -> Result<Self, AdminError> {
        let settings = serde_json::from_str(&end.settings).map_err(|error| {
            AdminError::failed(format_args!(
                "the settings of {} '{}' can't be read ({error}): was it made by a newer Doorward?",
                S::KIND.as_str(),
                end.name
            ))
        })?;
        Ok(Self { end, settings })
    }

    /// Every one, by name.
    ///
    /// # Errors
    /// When the store fails, or has what can't be read.
    pub(crate) fn all(store: &dyn Store) -> Result<Vec<Self>, AdminError> {
        let ends = store.relay_ends(S::KIND)?;
        ends.into_iter().map(Self::of).collect()
    }

    /// One, by its id or its name.
    ///
    /// # Errors
    /// As [`all`](Self::all), and when there is none.
    pub(crate) fn find(store: &dyn Store, id_or_name: &str) -> Result<Self, AdminError> {
        Self::of(store.relay_end(S::KIND, id_or_name)?)
    }

    /// Refuses a name that is taken.
    ///
    /// # Errors
    /// When it is.
    pub(crate) fn refuse_taken(store: &dyn Store, name: &str) -> Result<(), AdminError> {
        match store.relay_end(S::KIND, name) {
            Err(StoreError::NotFound { .. }) => Ok(()),
            Ok(_) => Err(AdminError::usage(format_args!(
                "there is a {} '{name}' already; choose another name",
                S::KIND.as_str()
            ))),
            Err(error) => Err(error.into()),
        }
    }

    /// Adds one.
    ///
    /// # Errors
    /// When the name is taken, or the store fails.
    pub(crate) fn add(
        store: &dyn Store,
        name: &str,
        workspace_id: Option<String>,
        settings: &S,
        now: Timestamp,
    ) -> Result<Self, AdminError> {
        let new = NewEnd {
            kind: S::KIND,
            workspace_id,
            name: name.to_owned(),
            settings: serde_json::to_string(settings).map_err(AdminError::failed)?,
        };
        Self::of(store.add_relay_end(&new, now)?)
    }

    /// Saves the settings as they are here, and the state when it is said.
    ///
    /// # Errors
    /// When somebody else changed it since it was read.
    pub(crate) fn save(
        &self,
        store: &dyn Store,
        state: Option<(EndState, String)>,
        now: Timestamp,
    ) -> Result<Self, AdminError> {
        let change = EndChange {
            settings: Some(serde_json::to_string(&self.settings).map_err(AdminError::failed)?),
            state,
            ..EndChange::default()
        };
        let (kind, name) = (S::KIND.as_str(), &self.end.name);
        match store.change_relay_end(&self.end.id, self.end.version, &change, now) {
            Ok(Some(end)) => Self::of(end),
            Ok(None) => Err(AdminError::failed(format_args!(
                "{kind} '{name}' was changed by somebody else in this moment; look at it, and try again"
            ))),
            Err(StoreError::NotFound { .. }) => Err(AdminError::failed(format_args!(
                "{kind} '{name}' was deleted in this moment"
            ))),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether it is used.
    pub(crate) fn is_active(&self) -> bool {
        self.end.state == EndState::Active
    }
}

impl Source {
    /// Doorward's id of its workspace.
    pub(crate) fn workspace_id(&self) -> &str {
        self.end.workspace_id.as_deref().unwrap_or_default()
    }

    /// Where deliveries come in.
    pub(crate) fn url(&self) -> String {
        format!("{}/in/{}", self.settings.public_url, self.end.id)
    }
}
