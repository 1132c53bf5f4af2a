//! What must outlive the process of how much was asked of the API: uses by client, and the pace.

use doorward_policy::Timestamp;

use crate::error::{Result, StoreError};

/// Most bytes of a saved pace: some tens of kilobytes for each busy workspace.
const PACE_MAX: usize = 64 * 1_024 * 1_024;

/// How much one client used on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientUse {
    /// Doorward's id of the client.
    pub client_id: String,
    /// The day, UTC, in days since 1970.
    pub day: i64,
    /// Calls that were carried out.
    pub calls: u64,
    /// Leads that they wrote.
    pub leads: u64,
}

/// The pace as it was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedPace {
    /// As JSON; the store does not look into it.
    pub state: String,
    /// Whether it was the last act of a run that ended in order.
    pub ended: bool,
    /// When it was saved.
    pub at: Timestamp,
}

/// What must outlive the process of how much was asked of the API.
///
/// None of these calls moves [`Store::generation`](crate::Store::generation).
///
/// # Errors
/// As for [`Store`](crate::Store).
pub trait PaceStore: Send + Sync {
    /// What clients used on a day, by client.
    fn client_uses(&self, day: i64) -> Result<Vec<ClientUse>>;

    /// Notes what clients used, in the place of what was noted. Clients that are gone are passed
    /// over; of each client the latest day is kept.
    fn save_client_uses(&self, uses: &[ClientUse]) -> Result<()>;

    /// The pace saved last, if ever.
    fn saved_pace(&self) -> Result<Option<SavedPace>>;

    /// Saves the pace in the place of what was saved.
    ///
    /// # Errors
    /// [`Field`](StoreError::Field) when it is longer than 64 MiB.
    fn save_pace(&self, pace: &SavedPace) -> Result<()>;
}

/// Checks a pace that is to be saved.
pub(crate) fn check_pace(pace: &SavedPace) -> Result<()> {
    if pace.state.len() <= PACE_MAX {
        return Ok(());
    }
    Err(StoreError::Field {
        field: "the pace".to_owned(),
        fault: "is longer than 64 MiB",
    })
}
