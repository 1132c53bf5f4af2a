//! Approvals: which request waits for a person's yes, who said it, and whether it was used.

use doorward_catalog::Op;
use doorward_policy::Timestamp;

use crate::check::check_text;
use crate::error::{Result, StoreError};

/// Most bytes of a sealed request that are taken.
const REQUEST_MAX: usize = 24 * 1024 * 1024;

/// How far an approval is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApprovalState {
    /// Nobody decided yet.
    Pending,
    /// Somebody said yes, and it was not used yet.
    Approved,
    /// Somebody said no.
    Denied,
    /// It was used.
    Spent,
    /// Its time was over before it was decided or used.
    Expired,
}

impl ApprovalState {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Approved,
        Self::Denied,
        Self::Spent,
        Self::Expired,
    ];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Spent => "spent",
            Self::Expired => "expired",
        }
    }

    /// The state of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether it is pending or approved.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Approved)
    }
}

/// A request that waits for approval, or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalRecord {
    /// Its id: `ap_` and 16 hexadecimal digits.
    pub id: String,
    /// A keyed hash of the whole request.
    pub digest: [u8; 32],
    /// Doorward's id of the client that asked.
    pub client_id: String,
    /// The client's name then.
    pub client: String,
    /// Who answered for the client then; may be empty.
    pub owner: String,
    /// Doorward's id of the client's workspace.
    pub workspace_id: String,
    /// The operation.
    pub operation: Op,
    /// The policy that asked for it.
    pub policy: String,
    /// How far it is.
    pub state: ApprovalState,
    /// How often the request came while it was pending.
    pub asked: u64,
    /// When it was asked for first.
    pub asked_at: Timestamp,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
    /// The name of the admin token by which it was decided.
    pub decided_by: Option<String>,
    /// When it was.
    pub decided_at: Option<Timestamp>,
    /// Why, as its approver said.
    pub reason: Option<String>,
    /// When it was used.
    pub spent_at: Option<Timestamp>,
    /// The request, sealed; empty once it was used, denied or is over.
    pub request: Vec<u8>,
}

/// What became of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskedFor {
    /// It is new.
    New(ApprovalRecord),
    /// The same request waits already, or is approved by now.
    There(ApprovalRecord),
    /// The client has too many that wait.
    Full,
}

/// Approvals. None of these calls moves [`Store::generation`](crate::Store::generation).
///
/// # Errors
/// As for [`Store`](crate::Store).
pub trait ApprovalStore: Send + Sync {
    /// Asks for an approval as in `new`: joins one for the same digest that is open, else adds it,
    /// unless the client has `most` that are pending.
    ///
    /// # Errors
    /// [`NotFound`](StoreError::NotFound) when there is no such client, and
    /// [`Field`](StoreError::Field) when the request is too large.
    fn ask_approval(&self, new: &ApprovalRecord, most: u32, now: Timestamp) -> Result<AskedFor>;

    /// Counts how often some were asked for again: ids, and how often. Those that are not there are
    /// passed over.
    fn count_asks(&self, asks: &[(String, u64)]) -> Result<()>;

    /// One approval.
    ///
    /// # Errors
    /// [`NotFound`](StoreError::NotFound) when there is none.
    fn approval(&self, id: &str) -> Result<ApprovalRecord>;

    /// Approvals without their requests, the newest first: the open ones, or all.
    fn approvals(&self, all: bool, limit: usize) -> Result<Vec<ApprovalRecord>>;

    /// Decides a pending one: yes, good until then, or no. `None` when it is not pending (any
    /// more).
    ///
    /// # Errors
    /// [`NotFound`](StoreError::NotFound) when there is none.
    fn decide_approval(
        &self,
        id: &str,
        until: Option<Timestamp>,
        by: &str,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<ApprovalRecord>>;

    /// Uses one up. Whether it was approved, not used before, and not over.
    fn spend_approval(&self, id: &str, now: Timestamp) -> Result<bool>;

    /// Takes back that one was used at `spent_at`: nothing came of it. With the request that it is
    /// for, as it was sealed. Whether it is good again: not when its request was asked for anew.
    fn return_approval(&self, id: &str, spent_at: Timestamp, request: &[u8]) -> Result<bool>;

    /// Ends those whose time is over, and forgets those that ended before `forget`. The ones that
    /// ended now.
    fn expire_approvals(&self, now: Timestamp, forget: Timestamp) -> Result<Vec<ApprovalRecord>>;
}

/// Checks what is to be added.
pub(crate) fn check_request(new: &ApprovalRecord) -> Result<()> {
    if new.request.len() <= REQUEST_MAX {
        return Ok(());
    }
    Err(StoreError::Field {
        field: "the request to be approved".to_owned(),
        fault: "is too large to be kept",
    })
}

/// Checks what an approver said.
pub(crate) fn check_reason(reason: Option<&str>) -> Result<()> {
    reason.map_or(Ok(()), |reason| check_text("the reason", reason))
}
