//! The ledger's settings.

use doorward_audit::Witness;
use doorward_gateway::{LedgerAccess, Reads, ReadsWithout};
use doorward_ledger::KeyName;

use super::reader::TableReader;
use super::{access, non_empty, reference};

/// Most witnesses.
const WITNESSES_MAX: usize = 16;

/// The ledger's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LedgerConfig {
    /// Reference of the keys that sign it.
    pub(crate) key: String,
    /// Whether a read is answered before its record is on disk.
    pub(crate) reads: Reads,
    /// What happens to reads when nothing can be recorded.
    pub(crate) reads_without: ReadsWithout,
    /// Who may read it over HTTP, at the gateway's address.
    pub(crate) pages: LedgerAccess,
    /// Reference of the token that opens the leaves there.
    pub(crate) pages_token: Option<String>,
    /// A service that signs instead of the key.
    pub(crate) transit: Option<TransitConfig>,
    /// Who cosigns checkpoints.
    pub(crate) witnesses: Vec<WitnessConfig>,
}

/// The transit engine of OpenBao or Vault.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct TransitConfig {
    /// Where the service is.
    pub(crate) url: String,
    /// Where the engine is mounted.
    pub(crate) mount: String,
    /// The key's name there.
    pub(crate) key: String,
    /// The key's version; the latest at the start if none is said.
    pub(crate) version: Option<u32>,
    /// Reference of the token.
    pub(crate) token: String,
    /// The namespace, where there are any.
    pub(crate) namespace: Option<String>,
    /// The log's name; that of the first key of `key` if none is said.
    pub(crate) name: Option<String>,
}

/// A witness.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct WitnessConfig {
    /// Where it is: the submission prefix.
    pub(crate) url: String,
    /// Its verifier key.
    pub(crate) key: String,
}

impl Default for LedgerConfig {
    fn default() -> Self {
        Self {
            key: "file:secrets/ledger-key".to_owned(),
            reads: Reads::Noted,
            reads_without: ReadsWithout::RefuseInProduction,
            pages: LedgerAccess::Off,
            pages_token: None,
            transit: None,
            witnesses: Vec::new(),
        }
    }
}

impl LedgerConfig {
    /// Reads the table.
    pub(super) fn read(&mut self, table: &mut TableReader<'_, '_>) {
        table.text("key", &mut self.key, reference);
        table.text("reads", &mut self.reads, |text| match text {
            "async" => Ok(Reads::Noted),
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
        table.text("pages", &mut self.pages, access);
        table.text("pages_token", &mut self.pages_token, |text| {
            reference(text).map(Some)
        });
        if self.pages == LedgerAccess::Token && self.pages_token.is_none() {
            table.missing("pages_token", "say where the token is that opens the pages");
        }
        self.transit = read_transit(table);
        let witnesses = &mut self.witnesses;
        table.tables("witness", WITNESSES_MAX, |table| {
            witnesses.push(read_witness(table));
        });
    }
}

fn read_transit(table: &mut TableReader<'_, '_>) -> Option<TransitConfig> {
    let own = |text: &str| non_empty(text).map(str::to_owned);
    let mut transit = TransitConfig {
        mount: "transit".to_owned(),
        ..TransitConfig::default()
    };
    let mut version = 0;
    let there = table.table("transit", |table| {
        table.text("url", &mut transit.url, own);
        table.text("mount", &mut transit.mount, own);
        table.text("key", &mut transit.key, own);
        table.number("version", &mut version, 1..=1_000_000);
        table.text("token", &mut transit.token, reference);
        table.text("namespace", &mut transit.namespace, |text| {
            own(text).map(Some)
        });
        table.text("name", &mut transit.name, |text| {
            let name = KeyName::new(text).map_err(|error| error.to_string())?;
            Ok(Some(name.as_str().to_owned()))
        });
        for (name, value) in [
            ("url", &transit.url),
            ("key", &transit.key),
            ("token", &transit.token),
        ] {
            if value.is_empty() {
                table.missing(name, "say where the key is that signs");
            }
        }
    });
    transit.version = u32::try_from(version).ok().filter(|version| *version > 0);
    there.then_some(transit)
}

fn read_witness(table: &mut TableReader<'_, '_>) -> WitnessConfig {
    let own = |text: &str| non_empty(text).map(str::to_owned);
    let mut witness = WitnessConfig::default();
    table.text("url", &mut witness.url, own);
    table.text("key", &mut witness.key, own);
    if let Err(error) = Witness::new(&witness.url, &witness.key) {
        table.missing("a usable url or key", &error.to_string());
    }
    witness
}
