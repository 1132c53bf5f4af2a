//! Limits: rates, page sizes, field lengths.

/// Whom an operation's own limit counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitPer {
    /// All calls of one workspace.
    Workspace,
    /// All calls from one IP address.
    Address,
    /// The vendor does not say; counted for the workspace.
    Unstated,
}

/// So many calls in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OpLimit {
    /// Calls.
    pub calls: u32,
    /// Window, in seconds.
    pub window_seconds: u32,
    /// Whom it counts together.
    pub per: LimitPer,
}

const fn limit(calls: u32, window_seconds: u32, per: LimitPer) -> OpLimit {
    OpLimit {
        calls,
        window_seconds,
        per,
    }
}

const MINUTE: u32 = 60;
const HOUR: u32 = 60 * MINUTE;
const DAY: u32 = 24 * HOUR;

/// All requests of a workspace, all its keys and both API versions together: each second.
pub static WORKSPACE_SECOND: OpLimit = limit(100, 1, LimitPer::Workspace);
/// The same: each minute.
pub static WORKSPACE_MINUTE: OpLimit = limit(6_000, MINUTE, LimitPer::Workspace);
/// `listEmail`
pub static LIST_EMAIL: OpLimit = limit(20, MINUTE, LimitPer::Workspace);
/// `sendTestEmail`
pub static TEST_EMAIL: OpLimit = limit(10, MINUTE, LimitPer::Workspace);
/// `testAiReplyLabelLeadLabels`
pub static AI_REPLY_LABEL: OpLimit = limit(500, 30 * DAY, LimitPer::Workspace);
/// `initGoogleOAuth` and `initMicrosoftOAuth`, of a workspace
pub static OAUTH_WORKSPACE: OpLimit = limit(75, MINUTE, LimitPer::Workspace);
/// `initGoogleOAuth` and `initMicrosoftOAuth`, from an address
pub static OAUTH_ADDRESS: OpLimit = limit(150, MINUTE, LimitPer::Address);
/// `checkDomainsAvailability`, each minute
pub static DOMAIN_CHECK_MINUTE: OpLimit = limit(30, MINUTE, LimitPer::Unstated);
/// `checkDomainsAvailability`, each hour
pub static DOMAIN_CHECK_HOUR: OpLimit = limit(900, HOUR, LimitPer::Unstated);

/// Seconds an OAuth session lives.
pub const OAUTH_SESSION_SECONDS: u32 = 10 * MINUTE;
/// Items on a page when no `limit` is asked for.
pub const PAGE_DEFAULT: u32 = 10;
/// Most items on a page, `audit-logs` apart.
pub const PAGE_MAX: u32 = 100;
/// Most items on a page of `audit-logs`.
pub const AUDIT_LOG_PAGE_MAX: u32 = 1_000;
/// Most values in one `createblukBlockListEntry`.
pub const BLOCK_LIST_BULK_MAX: usize = 1_000;
/// Most characters in a member's nickname.
pub const NICKNAME_MAX: usize = 80;
/// Hours from `scheduleCurrentWorkspaceRemoval` to the removal.
pub const REMOVAL_DELAY_HOURS: u32 = 24;
