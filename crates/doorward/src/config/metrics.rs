//! Settings of the metrics page.

use doorward_gateway::LedgerAccess;

use super::reader::TableReader;
use super::reference;

/// Who may read the metrics, at the gateway's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MetricsConfig {
    /// Who.
    pub(crate) access: LedgerAccess,
    /// Reference of the token.
    pub(crate) token: Option<String>,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self {
            access: LedgerAccess::Off,
            token: None,
        }
    }
}

impl MetricsConfig {
    /// Reads the table.
    pub(super) fn read(&mut self, table: &mut TableReader<'_, '_>) {
        table.text("access", &mut self.access, super::access);
        table.text("token", &mut self.token, |text| reference(text).map(Some));
        if self.access == LedgerAccess::Token && self.token.is_none() {
            table.missing("token", "say where the token is that opens the page");
        }
    }
}
