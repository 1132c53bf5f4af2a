//! How far runs are that are under way.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use doorward_posture::live::Part;

use super::types::{CheckProgress, Counted};
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle};
use crate::posture::Progress;

/// Most characters of a ticket.
const TICKET_MAX: usize = 64;
/// Most runs at once.
const RUNS_MAX: usize = 8;

/// How many items of each part were read.
type Items = Arc<Mutex<BTreeMap<Part, usize>>>;

/// Runs that are under way.
#[derive(Default)]
pub(crate) struct Underway {
    runs: Mutex<BTreeMap<String, Items>>,
    /// Held while a run is compared with the one before, and kept.
    keeping: Mutex<()>,
}

/// A run that is under way, until it is dropped.
pub(super) struct Run<'a> {
    underway: &'a Underway,
    ticket: String,
    counted: Items,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Underway {
    /// Begins a run.
    ///
    /// # Errors
    /// When too many are under way, or the ticket does not fit.
    pub(super) fn begin(&self, ticket: &str) -> Result<Run<'_>, AdminError> {
        let fits = ticket.len() <= TICKET_MAX && ticket.bytes().all(|b| b.is_ascii_alphanumeric());
        if !fits {
            return Err(AdminError::usage("the run's ticket is none"));
        }
        let mut runs = lock(&self.runs);
        if runs.len() >= RUNS_MAX || runs.contains_key(ticket) {
            return Err(AdminError::failed(
                "several runs of the checks are under way; wait until one has ended",
            ));
        }
        let counted = Items::default();
        runs.insert(ticket.to_owned(), Arc::clone(&counted));
        Ok(Run {
            underway: self,
            ticket: ticket.to_owned(),
            counted,
        })
    }

    /// Held while a run is compared and kept, so that two don't tell the same change.
    pub(super) fn keeping(&self) -> MutexGuard<'_, ()> {
        lock(&self.keeping)
    }
}

impl Run<'_> {
    /// Told how many items of a part were read.
    pub(super) fn progress(&self) -> Progress {
        let counted = Arc::clone(&self.counted);
        Arc::new(move |part, count| {
            lock(&counted).insert(part, count);
        })
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        lock(&self.underway.runs).remove(&self.ticket);
    }
}

impl Handle<CheckProgress> for Admin {
    fn handle(&self, call: CheckProgress) -> Result<Option<Counted>, AdminError> {
        let run = lock(&self.checks.runs).get(&call.ticket).map(Arc::clone);
        Ok(run.map(|counted| Counted {
            parts: lock(&counted)
                .iter()
                .map(|(part, count)| (part.name().to_owned(), *count))
                .collect(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_known_as_long_as_it_is_under_way_and_they_are_few() {
        let underway = Underway::default();
        let run = underway.begin("a1").unwrap();
        run.progress()(Part::Members, 7);
        assert_eq!(lock(&lock(&underway.runs)["a1"])[&Part::Members], 7);
        assert!(underway.begin("a1").is_err(), "one of a name");
        assert!(underway.begin("a/1").is_err());
        let more: Vec<_> = (1..RUNS_MAX)
            .map(|n| underway.begin(&format!("b{n}")).unwrap())
            .collect();
        assert!(underway.begin("c").is_err());
        drop((run, more));
        assert!(lock(&underway.runs).is_empty());
    }
}
