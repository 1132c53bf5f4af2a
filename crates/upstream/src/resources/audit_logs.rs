//! Instantly's audit log.

use doorward_catalog::Op;
use doorward_catalog::activity::Activity;
use doorward_catalog::wire::AuditLog;

use crate::call::Call;
use crate::client::Client;
use crate::pages::Items;

/// Which entries of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditLogFilter {
    /// Only this activity.
    pub activity: Option<Activity>,
    /// Only what has this text.
    pub search: Option<String>,
    /// From this day on, `YYYY-MM-DD`.
    pub start_date: Option<String>,
    /// Up to this day, `YYYY-MM-DD`.
    pub end_date: Option<String>,
}

/// Calls on the workspace's audit log.
#[derive(Debug, Clone, Copy)]
pub struct AuditLogs<'a> {
    client: &'a Client,
}

impl Client {
    /// The workspace's audit log.
    pub fn audit_logs(&self) -> AuditLogs<'_> {
        AuditLogs { client: self }
    }
}

impl AuditLogs<'_> {
    /// Entries, newest first.
    pub fn list(&self, filter: &AuditLogFilter) -> Items<AuditLog> {
        let activity = filter.activity.map(i64::from);
        let call = Call::new(Op::ListAuditLog)
            .maybe_query("activity_type", activity)
            .maybe_query("search", filter.search.as_ref())
            .maybe_query("start_date", filter.start_date.as_ref())
            .maybe_query("end_date", filter.end_date.as_ref());
        self.client.items(call)
    }
}
