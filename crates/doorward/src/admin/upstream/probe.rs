//! The health check of a key.

use doorward_catalog::ScopeSet;
use doorward_store::{Probe, ProbeOutcome, UpstreamKey, Workspace};
use doorward_upstream::{Extent, Liveness};
use tokio::runtime::Handle as Runtime;

use super::types::{UpstreamProbe, UpstreamProbed};
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle};
use crate::admin::views::known_scopes;
use crate::output::clean;
use crate::rotation::{Pulse, read_of, sure_pulse};
use crate::scrubbed::scrub;

/// Most characters of a detail, as the store takes it.
const DETAIL_MAX: usize = 200;

impl Handle<UpstreamProbe> for Admin {
    fn handle(&self, call: UpstreamProbe) -> Result<UpstreamProbed, AdminError> {
        let audit = self.parts.audit.get()?;
        let reach = self.reach()?;
        let workspace = self.workspace(call.workspace.as_deref())?;
        let key = held_key(&workspace, &call.name)?;
        let client = reach.under(&workspace, key)?;
        let probe = Runtime::current().block_on(client.probe());
        let exact = probe.extent == Extent::Exact && !probe.raw_scopes.is_empty();
        let found: Option<Vec<String>> =
            exact.then(|| probe.raw_scopes.into_iter().map(scrub).collect());
        let scopes = found.as_ref().or(key.scopes.as_ref());
        let scopes: ScopeSet = scopes.map(|all| known_scopes(all)).unwrap_or_default();
        let (alive, read, detail) = match probe.alive {
            Liveness::Dead => (ProbeOutcome::Dead, None, "not accepted".to_owned()),
            Liveness::Unknown { why } => (ProbeOutcome::Unclear, None, scrub(clean(&why))),
            Liveness::Alive => {
                let (op, covered) = read_of(scopes);
                match Runtime::current().block_on(sure_pulse(&client, scopes)) {
                    Pulse::Dead => (ProbeOutcome::Dead, None, "not accepted".to_owned()),
                    Pulse::Works if covered => (
                        ProbeOutcome::Alive,
                        Some(op),
                        format!("alive; {op} was answered"),
                    ),
                    Pulse::Works => (
                        ProbeOutcome::Alive,
                        None,
                        "alive; it covers no read that could be made".to_owned(),
                    ),
                    Pulse::NotCovered => (
                        ProbeOutcome::Alive,
                        None,
                        format!("alive; its scopes do not cover {op}, as they should"),
                    ),
                    // It was heard to live a moment ago.
                    Pulse::Unclear(why) => (
                        ProbeOutcome::Alive,
                        None,
                        format!("alive; {}", scrub(clean(&why))),
                    ),
                }
            }
        };
        let as_known = match (&found, &key.scopes) {
            (Some(found), Some(known)) => Some(same(found, known)),
            _ => None,
        };
        let record = Probe {
            at: audit.now(),
            outcome: alive,
            detail: detail.chars().take(DETAIL_MAX).collect(),
        };
        self.store()
            .record_probe(&key.id, &record, found.as_deref())?;
        self.changed()?;
        Ok(UpstreamProbed {
            name: key.name.clone(),
            key_id: key.id.clone(),
            alive,
            scopes: found,
            as_known,
            read: read.map(|op| op.id().to_owned()),
            detail,
        })
    }
}

fn same(a: &[String], b: &[String]) -> bool {
    let sorted = |scopes: &[String]| {
        let mut sorted = scopes.to_vec();
        sorted.sort();
        sorted.dedup();
        sorted
    };
    sorted(a) == sorted(b)
}

/// A key that is held, by its name or Doorward's id.
///
/// # Errors
/// When there is none.
pub(super) fn held_key<'w>(
    workspace: &'w Workspace,
    named: &str,
) -> Result<&'w UpstreamKey, AdminError> {
    let mut keys = workspace.upstream_keys.iter();
    keys.find(|key| key.name == named || key.id == named)
        .ok_or_else(|| {
            AdminError::failed(format_args!(
                "workspace '{}' has no upstream key '{}'; `doorward upstream list` shows what there is",
                workspace.name,
                clean(named)
            ))
        })
}
