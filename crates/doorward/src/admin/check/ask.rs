//! A run: the checks look, what is muted is marked, what changed is recorded, and all of it is kept.

use doorward_finding::Report;
use doorward_policy::Timestamp;
use doorward_posture::checks::{Fix, Ran};
use doorward_posture::report::{
    Changes, Checked, Remembered, Score, Since, Trend, apply, changes, since, tidy,
};
use doorward_store::{NewCheckRun, Workspace};

use super::kept::{remembered, runs, seen};
use super::leaves::Run as Recorded;
use super::mutes::{day, mutings};
use super::types::{CheckAnswer, CheckAsk, PastRun};
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle, now};
use crate::admin::types::Scopeful;
use crate::secret;

/// Runs that the trend has.
const TREND: usize = 30;
/// Runs that are looked through for it.
const RUNS_LOOKED_AT: usize = 1_000;

/// A run that the server made by its schedule.
pub(crate) struct Scheduled {
    /// The run.
    pub(crate) checked: Checked,
    /// What changed with it.
    pub(crate) changes: Changes,
}

impl Handle<CheckAsk> for Admin {
    fn handle(&self, call: CheckAsk) -> Result<CheckAnswer, AdminError> {
        if let [unknown, ..] = call.selection.unknown().as_slice() {
            return Err(AdminError::usage(format_args!(
                "there is no check and no area '{}'; `doorward check list` has them",
                doorward_catalog::shown(unknown)
            )));
        }
        let (checked, _, fixes) = self.checked(&call)?;
        Ok(CheckAnswer { checked, fixes })
    }
}

impl Admin {
    /// Runs every check of every workspace, by the server's schedule. `None` when there is no
    /// workspace.
    ///
    /// # Errors
    /// When the store fails, or nothing can be read at all.
    pub(crate) fn check_by_schedule(&self) -> Result<Option<Scheduled>, AdminError> {
        if self.store().workspaces()?.is_empty() {
            return Ok(None);
        }
        let (checked, changes, _) = self.checked(&CheckAsk {
            of: Scopeful {
                workspace: None,
                all: true,
            },
            selection: Default::default(),
            since: None,
            folder: None,
            ticket: ticket()?,
            by: None,
        })?;
        Ok(Some(Scheduled { checked, changes }))
    }

    fn checked(&self, call: &CheckAsk) -> Result<(Checked, Changes, Vec<Fix>), AdminError> {
        let run = self.checks.begin(&call.ticket)?;
        let (at, began) = (now(), std::time::Instant::now());
        let workspaces = self.workspaces(&call.of)?;
        let Ran { mut report, fixes } = self.run_checks(
            &workspaces,
            &call.selection,
            call.folder.as_deref(),
            run.progress(),
        )?;
        report.milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tidy(&mut report);
        apply(&mut report, &mutings(&self.store().check_mutes()?), day(at));
        report.sort();
        let whole = call.selection.only.is_empty() && call.selection.skip.is_empty();
        let (checked, changes) = self.keep(report, &workspaces, at, whole, call)?;
        let open = |fix: &Fix| {
            let mut open = checked.report.open();
            open.any(|finding| finding.fingerprint == fix.fingerprint)
        };
        let fixes = fixes.into_iter().filter(open).collect();
        Ok((checked, changes, fixes))
    }

    /// Compares a run with what was before, records what changed, and keeps it.
    fn keep(
        &self,
        mut report: Report,
        workspaces: &[Workspace],
        at: Timestamp,
        whole: bool,
        call: &CheckAsk,
    ) -> Result<(Checked, Changes), AdminError> {
        let score = Score::of(&report);
        let names: Vec<String> = workspaces.iter().map(|one| one.name.clone()).collect();
        let id = format!("cr_{}", ticket()?);
        let _one = self.checks.keeping();
        let past = runs(self.store(), RUNS_LOOKED_AT)?;
        let changes = changes(&remembered(self.store())?, &report, &names);
        let recorded = Recorded {
            id: &id,
            at,
            workspaces,
            report: &report,
            score: &score,
            changes: &changes,
            by: call.by.as_ref(),
        };
        let recorded = self
            .parts
            .audit
            .get()
            .and_then(|audit| Ok(recorded.record(&audit)?));
        if let Err(error) = recorded {
            // What was found is worth knowing all the same, and is told again once it can be recorded.
            let told = format!("the ledger did not take this run, and so it is not kept: {error}");
            report.not_looked_at.push(told);
        } else {
            let record = PastRun {
                workspaces: names.clone(),
                whole,
                scheduled: call.by.is_none(),
                trend: Trend::of(&id, at, &report, &score),
            };
            let gone: Vec<String> = changes
                .mended
                .iter()
                .map(|brief| brief.fingerprint.clone())
                .collect();
            let run = NewCheckRun {
                id: id.clone(),
                at,
                record: serde_json::to_string(&record).map_err(AdminError::failed)?,
            };
            self.store().keep_check_run(&run, &seen(&report)?, &gone)?;
        }
        let same = |run: &&PastRun| run.whole && run.workspaces == names;
        let before = past.iter().find(same).or(past.first());
        let compared = call.since.or(before.map(|run| run.trend.at));
        let compared = match compared {
            Some(from) if !past.is_empty() => {
                Some(compare(remembered(self.store())?, &report, &names, from))
            }
            _ => None,
        };
        let mut trend: Vec<Trend> = past
            .iter()
            .filter(same)
            .map(|run| run.trend.clone())
            .collect();
        trend.truncate(TREND - 1);
        trend.reverse();
        if whole {
            trend.push(Trend::of(&id, at, &report, &score));
        }
        let checked = Checked {
            run: id,
            at,
            workspaces: names,
            whole,
            report,
            score,
            since: compared,
            trend,
        };
        Ok((checked, changes))
    }
}

/// What changed since a time, of what this run looked at.
fn compare(all: Vec<Remembered>, report: &Report, names: &[String], from: Timestamp) -> Since {
    let of_run = |one: &Remembered| {
        let brief = &one.brief;
        let here = brief
            .workspace
            .as_ref()
            .is_none_or(|name| names.contains(name));
        here && report.rule(&brief.rule).is_some()
    };
    let all: Vec<Remembered> = all.into_iter().filter(of_run).collect();
    let (new, mended, still) = since(&all, from);
    Since {
        at: from,
        new,
        mended,
        still: still.len(),
    }
}

/// Names a run: 16 hexadecimal digits.
pub(crate) fn ticket() -> Result<String, AdminError> {
    let bytes = secret::random::<8>()?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
