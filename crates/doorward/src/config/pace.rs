//! Settings of the pace.

use std::time::Duration;

use doorward_gateway::{AsWorkspace, PaceSettings};

use super::reader::TableReader;

/// How much of the API's limits is spent, and how long and how many calls wait.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct PaceConfig {
    /// As the gateway takes them.
    pub(crate) settings: PaceSettings,
}

impl PaceConfig {
    /// Reads the table.
    pub(super) fn read(&mut self, table: &mut TableReader<'_, '_>) {
        let PaceSettings { pace, as_workspace } = &mut self.settings;
        for (name, rate) in ["per_second", "per_minute"]
            .into_iter()
            .zip(&mut pace.workspace)
        {
            let mut calls = usize::try_from(rate.calls).unwrap_or(usize::MAX);
            table.number(name, &mut calls, 1..=1_000_000);
            rate.calls = u32::try_from(calls).unwrap_or(rate.calls);
        }
        let mut percent = usize::try_from(pace.share_percent).unwrap_or(usize::MAX);
        table.number("budget_percent", &mut percent, 1..=100);
        pace.share_percent = u32::try_from(percent).unwrap_or(pace.share_percent);
        let mut seconds = usize::try_from(pace.max_wait.as_secs()).unwrap_or(usize::MAX);
        table.number("max_wait_seconds", &mut seconds, 0..=300);
        pace.max_wait = Duration::from_secs(seconds as u64);
        table.number("client_queue", &mut pace.client_queue, 1..=1_000_000);
        table.number("queue", &mut pace.queue, 1..=1_000_000);
        table.text("as_workspace", as_workspace, |text| match text {
            "both" => Ok(AsWorkspace::Both),
            "sub" => Ok(AsWorkspace::Sub),
            "admin" => Ok(AsWorkspace::Admin),
            _ => Err("choose \"both\", \"sub\" or \"admin\"".to_owned()),
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn the_limits_of_a_workspace_are_settings() {
        let config = Config::parse("[pace]\nper_second = 7\nper_minute = 300").unwrap();
        let [second, minute] = config.pace.settings.pace.workspace;
        assert_eq!((second.calls, second.window.as_secs()), (7, 1));
        assert_eq!((minute.calls, minute.window.as_secs()), (300, 60));
        assert_eq!(config.pace.settings.pace.share_percent, 90);
        for line in ["per_second = 0", "per_minute = 1000001", "per_second = 1.5"] {
            let told = Config::parse(&format!("[pace]\n{line}")).unwrap_err();
            let told = told.told("x");
            assert!(told.contains("from 1 to 1000000"), "{told}");
        }
    }
}
