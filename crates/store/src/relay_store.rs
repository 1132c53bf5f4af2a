//! The ends of the relay: sources, where webhooks come in, and destinations, where events go.

use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

use crate::check::{check_name, check_text, holds_key};
use crate::error::{Result, StoreError};

/// Most sources, and most destinations.
pub(crate) const ENDS_MAX: i64 = 1_000;
/// Most bytes of an end's settings.
const SETTINGS_MAX: usize = 64 * 1024;

/// Which end of the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndKind {
    /// Where a subscription's deliveries come in.
    Source,
    /// Where events are delivered.
    Destination,
}

impl EndKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Source, Self::Destination];

    /// The kind of that name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// `source` or `destination`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Destination => "destination",
        }
    }
}

/// Whether an end is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndState {
    /// It is used.
    Active,
    /// A person switched it off.
    Paused,
    /// Doorward switched it off: a destination that answered that it is gone.
    Disabled,
}

impl EndState {
    /// Each.
    pub const ALL: [Self; 3] = [Self::Active, Self::Paused, Self::Disabled];

    /// The state of that name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// `active`, `paused` or `disabled`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }
}

/// An end to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEnd {
    /// Which end.
    pub kind: EndKind,
    /// Doorward's id of the workspace: of a source always, of a destination where it takes the
    /// events of one alone.
    pub workspace_id: Option<String>,
    /// Name, unique among those of its kind.
    pub name: String,
    /// Its settings as JSON, secrets by reference; the store does not look into them. At most 64 KiB.
    pub settings: String,
}

/// An end of the relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayEnd {
    /// Doorward's id: `src_` or `dst_` and 16 hexadecimal digits.
    pub id: String,
    /// What events and deliveries know it by; never given again.
    pub number: i64,
    /// Which end.
    pub kind: EndKind,
    /// Doorward's id of the workspace.
    pub workspace_id: Option<String>,
    /// Its name.
    pub name: String,
    /// Its settings as JSON.
    pub settings: String,
    /// Whether it is used.
    pub state: EndState,
    /// Why it is not, in a line; may be empty.
    pub why: String,
    /// Counts the changes.
    pub version: u64,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub changed_at: Timestamp,
}

/// What to change of an end; `None` leaves as is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EndChange {
    /// Its name.
    pub name: Option<String>,
    /// Its settings, all of them.
    pub settings: Option<String>,
    /// Whether it is used, and why not.
    pub state: Option<(EndState, String)>,
}

/// The ends of the relay. None of these calls moves [`Store::generation`](crate::Store::generation).
///
/// # Errors
/// As for [`Store`](crate::Store).
pub trait RelayStore: Send + Sync {
    /// Adds an end, active, version 1.
    ///
    /// # Errors
    /// [`Duplicate`](StoreError::Duplicate) when the name is taken, [`Field`](StoreError::Field) when
    /// there are 1,000 of its kind already.
    fn add_relay_end(&self, new: &NewEnd, now: Timestamp) -> Result<RelayEnd>;

    /// All of a kind, by name.
    fn relay_ends(&self, kind: EndKind) -> Result<Vec<RelayEnd>>;

    /// One.
    fn relay_end(&self, kind: EndKind, id_or_name: &str) -> Result<RelayEnd>;

    /// Changes an end if it still has this version. `None`, and nothing is changed, when it has
    /// another.
    fn change_relay_end(
        &self,
        id: &str,
        version: u64,
        change: &EndChange,
        now: Timestamp,
    ) -> Result<Option<RelayEnd>>;

    /// Deletes an end; gives what it was.
    fn delete_relay_end(&self, id: &str) -> Result<RelayEnd>;
}

pub(crate) fn check_end(new: &NewEnd) -> Result<()> {
    if new.kind == EndKind::Source && new.workspace_id.is_none() {
        return Err(StoreError::Field {
            field: "the source".to_owned(),
            fault: "has no workspace",
        });
    }
    check_end_name(new.kind, &new.name)?;
    check_settings(&new.settings)
}

pub(crate) fn check_end_name(kind: EndKind, name: &str) -> Result<()> {
    check_name(&format!("the {}", kind.as_str()), name)
}

pub(crate) fn check_why(why: &str) -> Result<()> {
    check_text("the reason", why)
}

pub(crate) fn check_settings(settings: &str) -> Result<()> {
    let fault = if settings.len() > SETTINGS_MAX {
        "are larger than 64 KiB"
    } else if holds_key(settings) {
        "hold a key; give a reference to it"
    } else {
        return Ok(());
    };
    Err(StoreError::Field {
        field: "the settings".to_owned(),
        fault,
    })
}
