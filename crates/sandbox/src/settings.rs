//! What of the emulated API can be switched.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Switches and measures of the sandbox. The defaults are the behaviour the real API is believed to
/// have; the `Qxx` are the numbers of its known quirks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Q01: the status of a refusal for want of scope.
    pub scope_error: ScopeError,
    /// Q03: whether the edge blocks some default user agents.
    pub edge_user_agent_block: bool,
    /// Q07: what a `limit` above the maximum brings.
    pub oversized_limit: OversizedLimit,
    /// Q17: failed events in a row that switch a subscription off.
    pub webhook_failures: u32,
    /// Q18: retries of a failed delivery.
    pub webhook_retries: u32,
    /// Q18: the time within which they are made, ms of the sandbox's clock.
    pub webhook_retry_window_ms: u32,
    /// Q18: what that time is multiplied by; 0 makes every retry at once.
    pub webhook_clock_factor: f64,
    /// How long a receiver may take to answer, ms of real time.
    pub webhook_timeout_ms: u32,
    /// Q19: how keys are listed.
    pub list_keys: ListKeys,
    /// Q24: whether requests are counted against limits.
    pub rate_limits: bool,
    /// Q24: requests of a workspace each second.
    pub requests_per_second: u32,
    /// Q24: requests of a workspace each minute.
    pub requests_per_minute: u32,
    /// Q31: ids of workspaces that have not paid.
    pub unpaid: BTreeSet<String>,
    /// Q32: whether events are recorded for a subscription that is switched off.
    pub record_events_while_disabled: bool,
    /// Q33: how long a deleted key still works, ms.
    pub revocation_delay_ms: u32,
    /// How far the times the API writes, its `Date` header among them, are from the clock, ms.
    pub clock_skew_ms: i64,
}

impl Default for Settings {
    fn default() -> Settings {
        use doorward_catalog::limits::{WORKSPACE_MINUTE, WORKSPACE_SECOND};
        Settings {
            scope_error: ScopeError::Unauthorized,
            edge_user_agent_block: false,
            oversized_limit: OversizedLimit::Refuse,
            webhook_failures: 10,
            webhook_retries: 3,
            webhook_retry_window_ms: 30_000,
            webhook_clock_factor: 1.0,
            webhook_timeout_ms: 10_000,
            list_keys: ListKeys::Masked,
            rate_limits: true,
            requests_per_second: WORKSPACE_SECOND.calls,
            requests_per_minute: WORKSPACE_MINUTE.calls,
            unpaid: BTreeSet::new(),
            record_events_while_disabled: false,
            revocation_delay_ms: 0,
            clock_skew_ms: 0,
        }
    }
}

/// Q01: how a missing scope is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub enum ScopeError {
    /// 401 with `Invalid scope. Required: …. Found: …`, as users see it.
    Unauthorized,
    /// 403, as the quickstart page has it.
    Forbidden,
}

impl From<ScopeError> for u16 {
    fn from(status: ScopeError) -> u16 {
        match status {
            ScopeError::Unauthorized => 401,
            ScopeError::Forbidden => 403,
        }
    }
}

impl TryFrom<u16> for ScopeError {
    type Error = &'static str;

    fn try_from(status: u16) -> Result<ScopeError, &'static str> {
        match status {
            401 => Ok(ScopeError::Unauthorized),
            403 => Ok(ScopeError::Forbidden),
            _ => Err("scope_error is 401 or 403"),
        }
    }
}

/// Q07: what a `limit` above the maximum brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OversizedLimit {
    /// 400.
    Refuse,
    /// 200 with no items.
    Empty,
}

/// Q19: how keys are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListKeys {
    /// The first characters only.
    Masked,
    /// Whole.
    Clear,
}
