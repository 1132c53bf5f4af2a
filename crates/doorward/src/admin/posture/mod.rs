//! The checklist over what is there: what Instantly shows, what Doorward holds and knows, the secrets, the
//! folder. What is judged is in [`doorward_posture::checks`].

mod keys;
mod known;
mod relayed;
mod secrets;
mod server;

use std::path::{Path, PathBuf};

use doorward_catalog::OpSet;
use doorward_condition::{PRESETS, check};
use doorward_policy::Timestamp;
use doorward_posture::checks::{Asked, Ran, Selection, run};
use doorward_posture::here::{Facts, Server, WorkspaceFacts};
use doorward_posture::live::{Cause, Part, Seen};
use doorward_store::Workspace;

use super::error::AdminError;
use super::service::{Admin, now};
use super::upstream::read_log;
use crate::context::Context;
use crate::posture::{Collect, Fingerprints, Progress, look_at};

const DAY_MS: i64 = 86_400_000;
/// Days of Instantly's log that are held against the ledger.
const AROUND_DAYS: i64 = 7;

/// What a check works with.
struct Round<'a> {
    context: &'a Context,
    fingerprints: &'a Fingerprints,
    /// Use is looked back at from then on.
    since: Timestamp,
    now: Timestamp,
}

impl Admin {
    /// Has the checks that are selected judge these workspaces, the server, and a folder: that of the
    /// team's project, or of the configuration. Blocks; to be called where a runtime is.
    ///
    /// # Errors
    /// When the store or the ledger can't be read. What Instantly does not show is told in the report.
    pub(crate) fn run_checks(
        &self,
        workspaces: &[Workspace],
        selection: &Selection,
        folder: Option<&Path>,
        progress: Progress,
    ) -> Result<Ran, AdminError> {
        let context = (self.parts.in_force)();
        let thresholds = &context.config.check.thresholds;
        let fingerprints = Fingerprints::new().map_err(AdminError::failed)?;
        let now = now();
        let days = i64::try_from(thresholds.look_back_days).unwrap_or(i64::MAX);
        let round = Round {
            context: &context,
            fingerprints: &fingerprints,
            since: now.plus_millis(days.saturating_mul(-DAY_MS)),
            now,
        };
        let facts = self.facts(&round, workspaces, selection, folder, progress)?;
        let asked = Asked {
            selection,
            thresholds,
            version: env!("CARGO_PKG_VERSION"),
            now,
        };
        Ok(run(&facts, &asked))
    }

    fn facts(
        &self,
        round: &Round<'_>,
        workspaces: &[Workspace],
        selection: &Selection,
        folder: Option<&Path>,
        progress: Progress,
    ) -> Result<Facts, AdminError> {
        let parts = selection.parts();
        let wants = |id: &str| selection.checks().any(|check| check.id == id);
        let area = |name: &str| selection.checks().any(|check| check.area() == name);
        let around = wants("audit.around");
        if around {
            self.read_logs(workspaces)?;
        }
        let strangers = match around {
            true => self.strangers(round)?,
            false => Default::default(),
        };
        let every = workspaces.iter().map(|workspace| {
            let known = known::Known {
                admin: self,
                round,
                workspace,
                uses: area("keys") || wants("group.admin_key"),
            };
            let live = self.live(round, workspace, &parts, &progress)?;
            let keys = known.keys()?;
            Ok(WorkspaceFacts {
                id: workspace.id.clone(),
                name: workspace.name.clone(),
                live,
                keys,
                owed: known.owed()?,
                clients: known.clients()?,
                sources: known.sources()?,
                sub_workspaces: known.sub_workspaces()?,
                around: match around {
                    true => strangers.of(self.store(), workspace)?,
                    false => Seen::default(),
                },
            })
        });
        let every = every.collect::<Result<Vec<_>, AdminError>>()?;
        let server = match area("audit") {
            true => self.server_facts(round, wants("audit.ledger_unverified"))?,
            false => Server::default(),
        };
        let (secrets, folder) = match area("secrets") {
            true => {
                let folder = match folder {
                    Some(folder) => folder.to_owned(),
                    None => round.folder(),
                };
                let seen = look_at(&folder, round.context.data_dir.path(), round.fingerprints);
                (self.secret_facts(round)?, seen)
            }
            false => (Seen::default(), Seen::default()),
        };
        Ok(Facts {
            workspaces: every,
            server,
            secrets,
            dangerous: dangerous(),
            folder,
        })
    }

    fn live(
        &self,
        round: &Round<'_>,
        workspace: &Workspace,
        parts: &[Part],
        progress: &Progress,
    ) -> Result<doorward_posture::live::Live, AdminError> {
        let reach = self.reach()?;
        let collect = Collect {
            reach: &reach,
            parts,
            // A day more: a day is a day somewhere.
            since: round.since.plus_millis(-DAY_MS),
            fingerprints: round.fingerprints,
            progress: progress.clone(),
        };
        Ok(collect.look(workspace, round.now))
    }

    /// Reads what is new in Instantly's own audit logs; what can't be read is told by what was read.
    fn read_logs(&self, workspaces: &[Workspace]) -> Result<(), AdminError> {
        let audit = self.parts.audit.get()?;
        let logs = self.logs(workspaces)?;
        let mut told = Vec::new();
        for workspace in workspaces {
            read_log(&audit, &logs, workspace, &mut told)?;
        }
        for why in told {
            tracing::debug!(why, "an audit log of Instantly's");
        }
        Ok(())
    }
}

impl Round<'_> {
    /// The folder of the configuration.
    fn folder(&self) -> PathBuf {
        let file = self.context.config_file();
        let folder = file.as_deref().and_then(Path::parent);
        match folder.filter(|folder| !folder.as_os_str().is_empty()) {
            Some(folder) => folder.to_owned(),
            None => PathBuf::from("."),
        }
    }
}

/// The operations that the shipped policy has wait for somebody's approval.
fn dangerous() -> OpSet {
    let preset = PRESETS
        .iter()
        .find(|preset| preset.name == "dangerous-acts");
    let rules = preset.and_then(|preset| check(preset.name, preset.text).ok());
    let rules = rules.into_iter().flatten();
    rules.fold(OpSet::EMPTY, |all, rule| all.union(rule.operations))
}

/// Something that needs a server that runs.
fn needs_server<T>(what: &str) -> Seen<T> {
    Seen::not(
        Cause::NotHere,
        format!("{what} can be asked of a server that runs alone: start it with `doorward serve`"),
    )
}

#[cfg(test)]
mod tests {
    use doorward_catalog::Op;

    #[test]
    fn what_is_dangerous_is_what_the_shipped_policy_holds_back() {
        let all = super::dangerous();
        assert!(all.contains(Op::ActivateCampaign) && all.contains(Op::BulkDeleteLeads));
        assert!(!all.contains(Op::ListCampaign));
    }
}
