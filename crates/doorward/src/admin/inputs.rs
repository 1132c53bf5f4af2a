//! What recorded decisions depended on, opened to make them again.

use doorward_audit::Show;
use doorward_ledger::Event;
use doorward_ledger::log::Record;
use doorward_policy::Inputs;
use serde::{Deserialize, Serialize};

use super::audit_types::SHOWN_MAX;
use super::deeds::{Acts, Deed};
use super::error::AdminError;
use super::service::{Admin, Handle};
use super::types::Call;

/// Opens the sealed inputs of decisions: the ids in them may be people's. It is recorded.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PolicyInputs {
    /// Their places in the ledger, at most [`SHOWN_MAX`].
    pub(crate) sequences: Vec<u64>,
}

impl Call for PolicyInputs {
    const NAME: &'static str = "policy/inputs";
    type Answer = Vec<Option<Inputs>>;
}

impl Acts for PolicyInputs {
    fn deed(&self) -> Option<Deed> {
        let deed = Deed::new("policy.simulate", "entry", Event::Admin);
        Some(
            deed.with("first", &self.sequences.iter().min())
                .with("last", &self.sequences.iter().max())
                .with("entries", &self.sequences.len()),
        )
    }
}

impl Handle<PolicyInputs> for Admin {
    /// In the order that was asked for; none where there are none, or they were erased.
    fn handle(&self, call: PolicyInputs) -> Result<Vec<Option<Inputs>>, AdminError> {
        if call.sequences.len() > SHOWN_MAX {
            return Err(AdminError::usage(format_args!(
                "at most {SHOWN_MAX} entries are opened at once"
            )));
        }
        let audit = self.parts.audit.get()?;
        let reader = audit.reader();
        let mut all = Vec::with_capacity(call.sequences.len());
        for sequence in call.sequences {
            let leaf = reader.leaf(sequence).map_err(AdminError::failed)?;
            let mut entry = audit.entry(&Record { sequence, leaf }, Show::People)?;
            let inputs = entry.metadata.remove("inputs");
            all.push(inputs.and_then(|inputs| serde_json::from_value(inputs).ok()));
        }
        Ok(all)
    }
}
