//! Requests about the checklist, and their answers.

use std::path::PathBuf;
use std::time::Duration;

use doorward_audit::Person;
use doorward_policy::Timestamp;
use doorward_posture::checks::{Fix, Selection};
use doorward_posture::report::{Checked, Muting, Trend};
use serde::{Deserialize, Serialize};

use crate::admin::types::{Call, Scopeful};

routed_calls! {
    CheckProgress, "check/progress" => Option<Counted>;
    CheckHistory, "check/history" => Vec<PastRun>;
    CheckMute, "check/mute" => MuteView;
    CheckUnmute, "check/unmute" => MuteView;
    CheckMutes, "check/mutes" => Vec<MuteView>;
}

impl Call for CheckAsk {
    const NAME: &'static str = "check/ask";
    /// A large workspace is read at Instantly's pace.
    const PATIENCE: Duration = Duration::from_secs(3_600);
    type Answer = CheckAnswer;
}

/// Runs checks.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CheckAsk {
    /// Of which workspaces.
    pub(crate) of: Scopeful,
    /// Which checks.
    pub(crate) selection: Selection,
    /// Compares with this time; none with the run before.
    pub(crate) since: Option<Timestamp>,
    /// The folder of the team's project; none takes that of the configuration.
    pub(crate) folder: Option<PathBuf>,
    /// Names this run while it is under way.
    pub(crate) ticket: String,
    /// Who asks; found out here, never taken from outside.
    #[serde(skip)]
    pub(crate) by: Option<Person>,
}

/// What came of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CheckAnswer {
    /// The run.
    pub(crate) checked: Checked,
    /// The findings that count and can be mended without harm.
    pub(crate) fixes: Vec<Fix>,
}

/// How far a run is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CheckProgress {
    /// The run's ticket.
    pub(crate) ticket: String,
}

/// What was read so far.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Counted {
    /// Items by part of the workspace that is being read.
    pub(crate) parts: Vec<(String, usize)>,
}

/// The last runs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CheckHistory {
    /// How many.
    pub(crate) last: usize,
}

/// A run that is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PastRun {
    /// Names of the workspaces that it was of.
    pub(crate) workspaces: Vec<String>,
    /// Whether all checks were looked at.
    pub(crate) whole: bool,
    /// Whether the server ran it by its schedule.
    #[serde(default)]
    pub(crate) scheduled: bool,
    /// How it stood.
    #[serde(flatten)]
    pub(crate) trend: Trend,
}

/// Mutes a check or a finding.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CheckMute {
    /// The mute.
    #[serde(flatten)]
    pub(crate) muting: Muting,
}

/// Removes a mute; answers what it was.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CheckUnmute {
    /// The check's id or the finding's fingerprint, or its beginning.
    pub(crate) what: String,
}

/// Every mute.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CheckMutes {}

/// A mute, as it is shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MuteView {
    /// The mute.
    #[serde(flatten)]
    pub(crate) muting: Muting,
    /// When it was made.
    pub(crate) made_at: Timestamp,
    /// Whether it is over.
    pub(crate) over: bool,
    /// What it mutes, where that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding: Option<String>,
}
