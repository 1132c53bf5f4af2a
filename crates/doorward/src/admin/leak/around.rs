//! Gathering what a leaked key did around Doorward, by Instantly's audit logs.

use std::collections::HashSet;

use doorward_audit::Audit;
use doorward_audit::instantly::read_to;
use doorward_audit::reconcile::{ObjectKind, TheirRecord};
use doorward_catalog::activity::Activity;
use doorward_policy::Timestamp;

use super::deeds::{Counted, LISTED_MAX};
use crate::admin::error::AdminError;
use crate::admin::service::Admin;
use crate::inventory::NamedCalls;
use crate::leak::{Around, AroundRecord, LeakedUpstream};

/// Most records of a workspace that are looked at.
const RECORDS_MAX: usize = 200_000;
/// Instantly's clock may be ahead, ms.
const AHEAD: i64 = 86_400_000;

impl Admin {
    pub(super) fn around(
        &self,
        audit: &Audit,
        key: &LeakedUpstream,
        since: Timestamp,
        now: Timestamp,
        unknown: &mut Vec<String>,
    ) -> Result<Around, AdminError> {
        let mut around = Around::default();
        let Some(api_key_id) = &key.api_key_id else {
            unknown.push(
                "what was done with it around Doorward: its id at Instantly is not known, and the audit \
                 log names keys by that alone"
                    .to_owned(),
            );
            return Ok(around);
        };
        around.read_to = read_to(self.store(), &key.workspace_id)?;
        unknown.push(match around.read_to {
            Some(_) => "what was read with it: Instantly's audit log has writes alone".to_owned(),
            None => "what was done with it around Doorward: Instantly's audit log was never read (a key \
                     with audit_logs:read reads it)"
                .to_owned(),
        });
        if reaches_beyond(key) {
            unknown.push(
                "what was done with it in sub-workspaces whose audit logs Doorward does not read"
                    .to_owned(),
            );
        }
        let records = self.records_of(api_key_id, since, now, unknown)?;
        let all = records.iter().map(|(_, record)| record);
        let (named, whole) = NamedCalls::read(&audit.reader(), all)?;
        if !whole {
            unknown.push(
                "whether all acts with Doorward's mark are its own: the ledger has more leaves than are \
                 looked at"
                    .to_owned(),
            );
        }
        let is_it = |held: &str| key.key_id.as_deref() == Some(held);
        let mut addresses = Counted::default();
        for (workspace, record) in records {
            if named.has(&record, is_it) {
                around.ours += 1;
                continue;
            }
            around.others += 1;
            addresses.add(&record.address, record.at);
            let forged = record.mark.is_some();
            around.forged += u64::from(forged);
            if record.activity == Activity::ApiKeyCreated {
                let made = record.objects.get(&ObjectKind::ApiKey);
                around.keys_made.extend(made.into_iter().flatten().cloned());
            }
            if around.records.len() < LISTED_MAX {
                let own = record.ip();
                let touched = record.objects.values().flatten().cloned().collect();
                around.records.push(AroundRecord {
                    id: record.id.clone(),
                    at: record.at,
                    activity: record.activity.describe().to_owned(),
                    address: record.address.clone(),
                    own_address: own.is_some_and(|ip| self.parts.instantly.egress.contains(&ip)),
                    forged_mark: forged,
                    workspace: Some(workspace),
                    touched,
                });
            }
        }
        around.keys_made.sort();
        around.keys_made.dedup();
        around.keys_made.truncate(LISTED_MAX);
        around.addresses = addresses.listed();
        Ok(around)
    }

    /// What all workspaces' logs have of the key, oldest first, each with its workspace's name: one that
    /// is of a workspace may act in others.
    fn records_of(
        &self,
        api_key_id: &str,
        since: Timestamp,
        now: Timestamp,
        unknown: &mut Vec<String>,
    ) -> Result<Vec<(String, TheirRecord)>, AdminError> {
        let mut found = Vec::new();
        let mut known = HashSet::new();
        let to = now.plus_millis(AHEAD);
        for workspace in self.store().workspaces()? {
            let rows = self
                .store()
                .log_records(&workspace.id, since, to, RECORDS_MAX)?;
            if rows.len() >= RECORDS_MAX {
                unknown.push(format!(
                    "Instantly's audit log of {} has more records than are looked at",
                    workspace.name
                ));
            }
            for row in rows {
                let Ok(record) = serde_json::from_str::<TheirRecord>(&row.record) else {
                    continue;
                };
                let of_it = record.api_key.as_deref() == Some(api_key_id);
                // One record may be in two logs.
                if of_it && known.insert(record.id.clone()) {
                    found.push((workspace.name.clone(), record));
                }
            }
        }
        found.sort_by_key(|(_, record)| record.at);
        Ok(found)
    }
}

/// Whether a key may act in other workspaces than its own, or nobody knows.
fn reaches_beyond(key: &LeakedUpstream) -> bool {
    let beyond =
        |scope: &String| scope.starts_with("workspace_group_members:") || scope.starts_with("all:");
    key.scopes
        .as_ref()
        .is_none_or(|scopes| scopes.iter().any(beyond))
}
