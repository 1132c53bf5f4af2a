//! The ledger's settings.

use super::reader::TableReader;
use super::reference;

/// The ledger's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LedgerConfig {
    /// Reference of the keys that sign it.
    pub(crate) key: String,
    /// Whether a read is answered before its record is on disk.
    pub(crate) reads: Reads,
    /// What happens to reads when nothing can be recorded.
    pub(crate) reads_without: ReadsWithout,
}

/// When a read's record is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    /// Soon after the answer.
    Async,
    /// Before the answer ends.
    Durable,
}

/// What happens to reads when nothing can be recorded. Writes are refused in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadsWithout {
    /// They are refused.
    Refuse,
    /// They go on.
    Allow,
    /// Those of production clients are refused.
    RefuseInProduction,
}

impl Default for LedgerConfig {
    fn default() -> Self {
        Self {
            key: "file:secrets/ledger-key".to_owned(),
            reads: Reads::Async,
            reads_without: ReadsWithout::RefuseInProduction,
        }
    }
}

impl LedgerConfig {
    /// Reads the table.
    pub(super) fn read(&mut self, table: &mut TableReader<'_, '_>) {
        table.text("key", &mut self.key, reference);
        table.text("reads", &mut self.reads, |text| match text {
            "async" => Ok(Reads::Async),
            "durable" => Ok(Reads::Durable),
            _ => Err("choose \"async\" or \"durable\"".to_owned()),
        });
        table.text(
            "reads_without",
            &mut self.reads_without,
            |text| match text {
                "refuse" => Ok(ReadsWithout::Refuse),
                "allow" => Ok(ReadsWithout::Allow),
                "refuse_in_production" => Ok(ReadsWithout::RefuseInProduction),
                _ => Err("choose \"refuse\", \"refuse_in_production\" or \"allow\"".to_owned()),
            },
        );
    }
}
