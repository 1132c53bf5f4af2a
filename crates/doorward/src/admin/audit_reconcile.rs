//! Holding Instantly's own audit log against the ledger, when somebody asks.

use std::sync::Arc;

use doorward_audit::Audit;
use doorward_audit::instantly::{Source, poll_once, pull_once};
use doorward_audit::reconcile::reconcile_since;
use tokio::runtime::Handle as Runtime;

use super::audit_types::{AuditReconcile, Reconciled};
use super::error::AdminError;
use super::service::{Admin, Handle};
use crate::server::{Sources, watch_options};

/// Most readings of one log: each goes on where the one before stopped.
const READINGS_MAX: usize = 20;

impl Handle<AuditReconcile> for Admin {
    fn handle(&self, call: AuditReconcile) -> Result<Reconciled, AdminError> {
        let audit = self.parts.audit.get()?;
        let mut told = Vec::new();
        let mut new_records = 0;
        if call.fetch {
            let sources = Sources::new(
                Arc::clone(&self.parts.store),
                self.secrets()?,
                self.parts.plain_http,
            );
            let sources = match &self.parts.pacing {
                Some(pacing) => sources.paced(pacing.clone()),
                None => sources,
            };
            let sources = sources.now();
            if sources.is_empty() {
                told.push(
                    "no upstream key may read an audit log (audit_logs:read), so that nobody who \
                     goes around Doorward is seen"
                        .to_owned(),
                );
            }
            for source in sources {
                new_records +=
                    Runtime::current().block_on(self.read(&audit, &source, &mut told))?;
            }
        }
        let options = watch_options(&self.parts.instantly).reconcile;
        let report = reconcile_since(&audit, call.since, audit.now(), &options)?;
        Ok(Reconciled {
            report,
            new_records,
            told,
        })
    }
}

impl Admin {
    /// Reads what is new of one source; how many records.
    async fn read(
        &self,
        audit: &Arc<Audit>,
        source: &Source,
        told: &mut Vec<String>,
    ) -> Result<u64, AdminError> {
        let options = watch_options(&self.parts.instantly).pull;
        let name = match self.store().workspace(&source.workspace) {
            Ok(workspace) => workspace.name,
            Err(_) => source.workspace.clone(),
        };
        let name = match &source.sub_workspace {
            Some(sub) => format!("{name}/{sub}"),
            None => name,
        };
        let mut new = 0;
        for _ in 0..READINGS_MAX {
            let pulled = pull_once(audit, source, &options, audit.now()).await?;
            new += pulled.new;
            let stuck = pulled.told.is_some();
            told.extend(pulled.told.map(|why| format!("{name}: {why}")));
            if pulled.complete || stuck {
                break;
            }
        }
        let polled = poll_once(audit, source, audit.now()).await?;
        told.extend(polled.told.into_iter().map(|why| format!("{name}: {why}")));
        Ok(new)
    }
}
