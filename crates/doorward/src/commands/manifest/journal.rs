//! How far an apply is, on disk before each step: so that whoever runs the next is told of what was cut off.
//! What is to be done is always found out anew; the journal decides nothing.

use std::fs::File;
use std::path::PathBuf;

use doorward_posture::plan::Plan;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::exit::Failure;
use crate::paths::write_private;

/// The journal, held by the one apply that runs.
pub(super) struct Journal {
    path: PathBuf,
    /// What was cut off before.
    pub(super) before: Option<Kept>,
    kept: Kept,
    /// Held until this is dropped, or the process ends in whatever way.
    _lock: File,
}

/// What is on disk.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Kept {
    /// What the plan is known by.
    pub(super) plan: String,
    /// When it was begun.
    pub(super) begun_at: String,
    /// Its steps with how far each is.
    pub(super) steps: Vec<KeptStep>,
}

/// A step and how far it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct KeptStep {
    /// A place in the plan, and what kind of thing; no name, which may be a person's address.
    pub(super) step: String,
    /// How far it is.
    pub(super) state: State,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Waits,
    Begun,
    Done,
    Failed,
}

impl Journal {
    /// Takes the journal.
    ///
    /// # Errors
    /// When another apply runs, or the data folder can't be written.
    pub(super) fn take(context: &Context) -> Result<Self, Failure> {
        let folder = context.data_dir.path();
        let unwritten = |error: std::io::Error| {
            Failure::failed(format_args!(
                "nothing was done, since the journal in {} can't be written: {error}",
                folder.display()
            ))
        };
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join("apply.lock"))
            .map_err(unwritten)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            Failure::usage(
                "another `doorward apply` runs on this data folder; wait until it has ended",
            )
        })?;
        let path = folder.join("apply.json");
        let before = std::fs::read(&path).ok();
        let before = before.and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok());
        Ok(Self {
            path,
            before,
            kept: Kept::default(),
            _lock: lock,
        })
    }

    /// Notes a plan that is about to be carried out.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) fn begin(&mut self, plan: &Plan, known_by: &str) -> Result<(), Failure> {
        let steps = (1..).zip(&plan.steps);
        self.kept = Kept {
            plan: known_by.to_owned(),
            begun_at: jiff::Timestamp::now().to_string(),
            steps: steps
                .map(|(number, step)| KeptStep {
                    step: format!("{number} {} {}", step.sign.as_str(), step.kind),
                    state: State::Waits,
                })
                .collect(),
        };
        self.write()
    }

    /// Notes how far a step is.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) fn note(&mut self, number: usize, state: State) -> Result<(), Failure> {
        if let Some(step) = self.kept.steps.get_mut(number) {
            step.state = state;
        }
        self.write()
    }

    /// Ends it: nothing was cut off.
    pub(super) fn end(self) {
        let _ = std::fs::remove_file(&self.path);
    }

    fn write(&self) -> Result<(), Failure> {
        let bytes = serde_json::to_vec_pretty(&self.kept).map_err(Failure::failed)?;
        write_private(&self.path, &bytes).map_err(|error| {
            Failure::failed(format_args!(
                "the journal {} can't be written: {error}; no further step is taken",
                self.path.display()
            ))
        })
    }
}

impl Kept {
    /// The step that was under way when it was cut off, and how many were done.
    pub(super) fn cut_off_at(&self) -> (Option<&str>, usize) {
        let begun = self.steps.iter().find(|one| one.state == State::Begun);
        let done = self.steps.iter().filter(|one| one.state == State::Done);
        (begun.map(|one| one.step.as_str()), done.count())
    }
}
