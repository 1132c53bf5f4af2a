//! Settings of the watch over Instantly's own audit log.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use super::reader::TableReader;

/// How Instantly's own record is read and held against the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InstantlyConfig {
    /// Whether it is.
    pub(crate) watch: bool,
    /// How often the audit log is read.
    pub(crate) pull_every: Duration,
    /// How often keys and members are listed.
    pub(crate) poll_every: Duration,
    /// Days that its records are kept.
    pub(crate) keep_days: usize,
    /// Addresses that Doorward's own calls come from.
    pub(crate) egress: BTreeSet<IpAddr>,
}

impl Default for InstantlyConfig {
    fn default() -> Self {
        Self {
            watch: true,
            pull_every: Duration::from_secs(60),
            poll_every: Duration::from_secs(900),
            keep_days: 90,
            egress: BTreeSet::new(),
        }
    }
}

impl InstantlyConfig {
    /// Reads the table.
    pub(super) fn read(&mut self, table: &mut TableReader<'_, '_>) {
        table.flag("watch", &mut self.watch);
        for (name, value) in [
            ("pull_seconds", &mut self.pull_every),
            ("poll_seconds", &mut self.poll_every),
        ] {
            let mut seconds = usize::try_from(value.as_secs()).unwrap_or(usize::MAX);
            table.number(name, &mut seconds, 1..=86_400);
            *value = Duration::from_secs(seconds as u64);
        }
        table.number("keep_days", &mut self.keep_days, 1..=3_650);
        let mut egress = Vec::new();
        table.texts("egress", &mut egress, |text| {
            text.parse::<IpAddr>()
                .map(|address| address.to_canonical())
                .map_err(|_| "write addresses like \"203.0.113.7\"".to_owned())
        });
        self.egress.extend(egress);
    }
}
