//! Settings of safe writes.

use std::time::Duration;

use doorward_gateway::IdempotencySettings;

use super::reader::TableReader;

/// Seconds of an hour.
const HOUR: u64 = 3_600;

/// How writes under idempotency keys are remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdempotencyConfig {
    /// Whether they are.
    pub(crate) enabled: bool,
    /// How.
    pub(crate) settings: IdempotencySettings,
}

impl Default for IdempotencyConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            settings: IdempotencySettings::default(),
        }
    }
}

impl IdempotencyConfig {
    /// Reads the table.
    pub(super) fn read(&mut self, table: &mut TableReader<'_, '_>) {
        let IdempotencySettings {
            keep,
            records,
            answer_bytes,
            client_bytes,
            settle,
        } = &mut self.settings;
        let small = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        table.flag("enabled", &mut self.enabled);
        let mut hours = small(keep.as_secs() / HOUR);
        table.number("hours", &mut hours, 1..=720);
        *keep = Duration::from_secs((hours as u64).saturating_mul(HOUR));
        let mut most = small((*records).into());
        table.number("records", &mut most, 1..=1_000_000);
        *records = u32::try_from(most).unwrap_or(u32::MAX);
        table.number("answer_bytes", answer_bytes, 0..=16_777_216);
        let mut bytes = small(*client_bytes);
        table.number("client_bytes", &mut bytes, 0..=1_099_511_627_776);
        *client_bytes = bytes as u64;
        let mut seconds = small(settle.as_secs());
        table.number("settle_seconds", &mut seconds, 1..=86_400);
        *settle = Duration::from_secs(seconds as u64);
    }
}
