//! Runs of the checklist, what they found, and what is muted.

use doorward_policy::Timestamp;

use crate::check::check_text;
use crate::error::{Result, StoreError};

/// Most bytes of what is kept of a run.
const RUN_MAX: usize = 64 * 1024;
/// Most bytes of what is kept of a finding.
const FINDING_MAX: usize = 16 * 1024;
/// Most findings of one run.
pub(crate) const FINDINGS_MAX: usize = 100_000;
/// Runs that are kept.
pub(crate) const RUNS_KEPT: i64 = 1_000;
/// Most mutes.
pub(crate) const MUTES_MAX: i64 = 1_000;
/// How long a finding that is gone is remembered, ms: half a year.
pub(crate) const GONE_KEPT_MS: i64 = 183 * 86_400_000;
/// Most characters of a fingerprint, and of a check's id.
const NAME_MAX: usize = 128;

/// A run that is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCheckRun {
    /// Its id.
    pub id: String,
    /// When it began.
    pub at: Timestamp,
    /// What is kept of it, as JSON; the store does not look into it. At most 64 KiB.
    pub record: String,
}

/// A run that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRun {
    /// Its id.
    pub id: String,
    /// When it began.
    pub at: Timestamp,
    /// What is kept of it, as JSON.
    pub record: String,
}

/// A finding that a run saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenFinding {
    /// The same for the same finding in every run.
    pub fingerprint: String,
    /// Whether it is muted.
    pub muted: bool,
    /// What is kept of it, as JSON; the store does not look into it. At most 16 KiB.
    pub record: String,
}

/// A finding, from when it was there until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptFinding {
    /// The same for the same finding in every run.
    pub fingerprint: String,
    /// When it was seen first.
    pub began_at: Timestamp,
    /// When it was gone; `None` while it is there.
    pub gone_at: Option<Timestamp>,
    /// Whether it was muted when it was seen last.
    pub muted: bool,
    /// What is kept of it, as JSON.
    pub record: String,
}

/// A check or a finding that does not count until a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptMute {
    /// The check's id or the finding's fingerprint.
    pub what: String,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it holds, `YYYY-MM-DD`.
    pub until: String,
    /// When it was made, or made anew.
    pub made_at: Timestamp,
}

/// Runs of the checklist. The last 1,000 are kept; findings as long as they are there and half a year
/// longer.
///
/// None of these calls moves [`Store::generation`](crate::Store::generation).
///
/// # Errors
/// As for [`Store`](crate::Store).
pub trait CheckStore: Send + Sync {
    /// Keeps a run: what it saw is there from then on, unless it was already; what is in `gone`, by
    /// fingerprint, is there no more. What is in neither stays as it was.
    ///
    /// # Errors
    /// [`Field`](StoreError::Field) when something does not fit, or there are more than 100,000
    /// findings.
    fn keep_check_run(
        &self,
        run: &NewCheckRun,
        seen: &[SeenFinding],
        gone: &[String],
    ) -> Result<()>;

    /// The last runs, the newest first, `limit` at most.
    fn check_runs(&self, limit: usize) -> Result<Vec<CheckRun>>;

    /// The findings that are there, and those that are remembered, by fingerprint and time.
    fn check_findings(&self) -> Result<Vec<KeptFinding>>;

    /// Keeps a mute, in the place of the one of the same.
    ///
    /// # Errors
    /// [`Field`](StoreError::Field) when it does not fit, or there are 1,000 already.
    fn keep_check_mute(&self, mute: &KeptMute) -> Result<()>;

    /// Every mute, also those that are over, by what they mute.
    fn check_mutes(&self) -> Result<Vec<KeptMute>>;

    /// Removes a mute; gives what it was.
    fn delete_check_mute(&self, what: &str) -> Result<KeptMute>;
}

fn fault(field: &str, fault: &'static str) -> StoreError {
    StoreError::Field {
        field: field.to_owned(),
        fault,
    }
}

fn check_name(field: &str, name: &str) -> Result<()> {
    let fits = (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic());
    if fits {
        return Ok(());
    }
    Err(fault(field, "is not 1 to 128 visible characters"))
}

/// Checks a run that is to be kept.
pub(crate) fn check_run(run: &NewCheckRun, seen: &[SeenFinding]) -> Result<()> {
    check_name("the id of the run", &run.id)?;
    if run.record.len() > RUN_MAX {
        return Err(fault("the run", "is longer than 64 KiB"));
    }
    if seen.len() > FINDINGS_MAX {
        return Err(fault("the run", "has more than 100,000 findings"));
    }
    for finding in seen {
        check_name("the fingerprint", &finding.fingerprint)?;
        if finding.record.len() > FINDING_MAX {
            return Err(fault("the finding", "is longer than 16 KiB"));
        }
    }
    Ok(())
}

/// Checks a mute that is to be kept.
pub(crate) fn check_mute(mute: &KeptMute) -> Result<()> {
    check_name("what is muted", &mute.what)?;
    check_text("the reason", &mute.reason)?;
    check_text("the owner", &mute.owner)?;
    check_name("the day", &mute.until)
}
