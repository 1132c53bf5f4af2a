//! The server: its ledger, what hangs on it, its disks.

use doorward_ledger::verify_folder;
use doorward_posture::here::{Disk, LedgerFacts, Review, Server, SinkFacts, WitnessFacts};
use doorward_posture::live::{Cause, Seen};

use super::{Round, needs_server};
use crate::admin::error::AdminError;
use crate::admin::service::Admin;
use crate::commands::review_standing;
use crate::record::read_public_keys;

impl Admin {
    /// The server as it is now.
    ///
    /// # Errors
    /// When the ledger can't be opened.
    pub(super) fn server_facts(
        &self,
        round: &Round<'_>,
        verify: bool,
    ) -> Result<Server, AdminError> {
        let audit = self.parts.audit.get()?;
        let days = round.context.config.audit.review_days;
        let review = match review_standing(&audit.reader(), days) {
            Ok(Some((last, due, waiting))) => Review { last, due, waiting }.into(),
            Ok(None) => Seen::not(Cause::NotHere, "nothing was recorded yet"),
            Err(failure) => Seen::not(Cause::Failed, failure.to_string()),
        };
        let health = self.parts.health.as_ref().map(|health| health());
        let config = &round.context.config;
        let witnesses = match &health {
            Some(health) => {
                let each = health.witnesses.iter().map(|witness| WitnessFacts {
                    name: witness.name.clone(),
                    lag: witness.lag,
                    trouble: witness.refusal.clone().or_else(|| witness.trouble.clone()),
                });
                each.collect::<Vec<_>>().into()
            }
            None if config.ledger.witnesses.is_empty() => Vec::new().into(),
            None => needs_server("how far witnesses are"),
        };
        let sinks = match &health {
            Some(health) => {
                let each = health.sinks.iter().map(|sink| SinkFacts {
                    name: sink.name.clone(),
                    lag: sink.lag,
                    oldest_ms: sink.oldest_ms.unwrap_or(0),
                    trouble: sink.trouble.clone(),
                });
                each.collect::<Vec<_>>().into()
            }
            None if config.audit.sinks.is_empty() => Vec::new().into(),
            None => needs_server("how far sinks are"),
        };
        Ok(Server {
            ledger: match verify {
                true => self.verified(round)?,
                false => Seen::default(),
            },
            review,
            witnesses,
            sinks,
            disks: disks(round),
        })
    }

    /// Verifies the ledger's files.
    fn verified(&self, round: &Round<'_>) -> Result<Seen<LedgerFacts>, AdminError> {
        let audit = self.parts.audit.get()?;
        if let Some(halt) = audit.status().halt {
            return Ok(Seen::Looked(LedgerFacts {
                leaves: audit.reader().size(),
                fault: Some(format!("nothing can be recorded: {halt}")),
            }));
        }
        let data = &round.context.data_dir;
        let keys = match read_public_keys(&data.ledger_public_keys()) {
            Ok(keys) => keys,
            Err(failure) => return Ok(Seen::not(Cause::Failed, failure.to_string())),
        };
        // What was recorded is under a checkpoint first.
        audit.flush();
        let disk = match doorward_ledger::segment::Disk::existing(data.ledger()) {
            Ok(disk) => disk,
            Err(error) => return Ok(Seen::not(Cause::Failed, error.to_string())),
        };
        let report = verify_folder(std::sync::Arc::new(disk), &keys, None, &mut |_| ());
        Ok(match report {
            Err(error) => Seen::not(Cause::Failed, error.to_string()),
            Ok(report) => Seen::Looked(LedgerFacts {
                leaves: report.size(),
                fault: (!report.holds()).then(|| {
                    let first = report
                        .breaks
                        .first()
                        .map(|damage| format!("{}: {}", damage.path, damage.why));
                    first.unwrap_or_else(|| "it does not hold".to_owned())
                }),
            }),
        })
    }
}

/// The disks that are written to.
fn disks(round: &Round<'_>) -> Seen<Vec<Disk>> {
    let path = round.context.data_dir.path();
    match rustix::fs::statvfs(path) {
        Ok(found) => {
            let of = |blocks: u64| blocks.saturating_mul(found.f_frsize);
            vec![Disk {
                what: "the data folder".to_owned(),
                free: of(found.f_bavail),
                total: of(found.f_blocks),
            }]
            .into()
        }
        Err(error) => Seen::not(
            Cause::Failed,
            format!("how full the disk is can't be told: {error}"),
        ),
    }
}
