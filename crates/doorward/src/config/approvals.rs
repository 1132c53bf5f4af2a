//! Settings of approvals.

use std::time::Duration;

use doorward_gateway::ApprovalSettings;

use super::reader::TableReader;

/// How long approvals wait and last, and how many.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ApprovalsConfig(pub(crate) ApprovalSettings);

impl ApprovalsConfig {
    /// Reads the table.
    pub(super) fn read(&mut self, table: &mut TableReader<'_, '_>) {
        let settings = &mut self.0;
        let minutes = [
            ("pending_minutes", &mut settings.pending),
            ("approved_minutes", &mut settings.approved),
        ];
        for (name, value) in minutes {
            read_time(table, name, value, 60, 1..=10_080);
        }
        let seconds = [
            ("hold_seconds", &mut settings.hold),
            ("hold_most_seconds", &mut settings.hold_most),
        ];
        for (name, value) in seconds {
            read_time(table, name, value, 1, 0..=300);
        }
        let mut most = settings.per_client as usize;
        table.number("per_client", &mut most, 1..=10_000);
        settings.per_client = u32::try_from(most).unwrap_or(u32::MAX);
        table.number("body_bytes", &mut settings.body_bytes, 1_024..=16_777_216);
    }
}

fn read_time(
    table: &mut TableReader<'_, '_>,
    name: &'static str,
    value: &mut Duration,
    unit: u64,
    bounds: std::ops::RangeInclusive<usize>,
) {
    let mut units = usize::try_from(value.as_secs() / unit).unwrap_or(usize::MAX);
    table.number(name, &mut units, bounds);
    *value = Duration::from_secs((units as u64).saturating_mul(unit));
}
