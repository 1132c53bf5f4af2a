//! Which entries: the options that `tail`, `search` and `export` share.

use clap::Args;
use clap::builder::PossibleValuesParser;
use doorward_ledger::Verdict;

use crate::duration::Moment;

/// Every kind of entry.
const KINDS: [&str; 24] = [
    "admin",
    "approval",
    "claim",
    "client",
    "client_key",
    "configuration",
    "decision",
    "erasure",
    "finding",
    "intent",
    "ledger_key",
    "outcome",
    "policy",
    "refusals",
    "review",
    "rotation",
    "secret_read",
    "state",
    "upstream_key",
    "webhook_delivered",
    "webhook_given_up",
    "webhook_quarantined",
    "webhook_received",
    "webhooks_received",
];

/// Which entries.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Which entries")]
pub(crate) struct Filters {
    /// Name of the client
    #[arg(long, value_name = "NAME")]
    pub(crate) client: Option<String>,

    /// Name or id of the workspace
    #[arg(long, value_name = "NAME")]
    pub(crate) workspace: Option<String>,

    /// Operation of the Instantly API, or action of Doorward's, such as client_key.revoke
    #[arg(long, visible_alias = "operation", value_name = "ID")]
    pub(crate) action: Option<String>,

    /// How it ended: pending, success, failure, refused or unknown
    #[arg(long, value_name = "RESULT", value_parser = verdict)]
    pub(crate) result: Option<Verdict>,

    /// Why it was refused or failed, as the answer's code says it
    #[arg(long, value_name = "CODE")]
    pub(crate) reason: Option<String>,

    /// Kind of entry, such as outcome, decision or client_key
    #[arg(long, value_name = "KIND", hide_possible_values = true)]
    #[arg(value_parser = PossibleValuesParser::new(KINDS))]
    pub(crate) kind: Option<String>,

    /// The call's name, as in the answer's Doorward-Request-Id
    #[arg(long, value_name = "ID")]
    pub(crate) request_id: Option<String>,

    /// From this time on: 24h, 7d, 2026-01-31 or 2026-01-31T12:00:00Z
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<Moment>,

    /// Before this time
    #[arg(long, value_name = "WHEN")]
    pub(crate) until: Option<Moment>,

    /// Somebody who is in it: an e-mail address, an IP address, a name or an id (sub_…)
    #[arg(long, value_name = "WHO")]
    pub(crate) person: Option<Person>,
}

/// Somebody, as typed. Has no `Debug` that shows it.
#[derive(Clone)]
pub(crate) struct Person(pub(crate) String);

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person(…)")
    }
}

impl std::str::FromStr for Person {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() || text.len() > doorward_audit::PERSON_MAX {
            return Err("write an e-mail address, an IP address or a name".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

fn verdict(text: &str) -> Result<Verdict, String> {
    serde_json::from_value(text.into())
        .map_err(|_| "choose pending, success, failure, refused or unknown".to_owned())
}
