//! How the pace has gone, in figures.

use std::sync::atomic::{AtomicU64, Ordering};

use doorward_pace::{Standing, Why};

use super::Pacing;

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) at_once: AtomicU64,
    pub(super) waited: AtomicU64,
    pub(super) refused: [AtomicU64; 4],
    pub(super) complaints: AtomicU64,
}

/// How the pace has gone since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PaceFigures {
    /// Calls that went at once.
    pub at_once: u64,
    /// Calls that went after a wait.
    pub waited: u64,
    /// Calls that were refused, by what was full: `window`, `client_queue`, `queue`, `waited`.
    pub refused: [(&'static str, u64); 4],
    /// Times that the API said 429.
    pub complaints: u64,
    /// Calls that wait now.
    pub waiting: u64,
    /// How the budget stands of each workspace that was called, by Doorward's id of it.
    pub workspaces: Vec<(String, Standing)>,
}

impl Pacing {
    /// How the pace has gone since the start, and how it stands.
    pub fn figures(&self) -> PaceFigures {
        let counts = &self.0.counts;
        let mut refused =
            [Why::Window, Why::ClientQueue, Why::Queue, Why::Waited].map(|why| (why.as_str(), 0));
        for ((_, to), from) in refused.iter_mut().zip(&counts.refused) {
            *to = from.load(Ordering::Relaxed);
        }
        let mut state = self.0.lock();
        let now = self.0.now();
        let known: Vec<_> = state.known.clone().into_iter().collect();
        let mut workspaces: Vec<(String, Standing)> = known
            .into_iter()
            .map(|(record, number)| {
                let number = state.number(number);
                (
                    record.as_ref().to_owned(),
                    state.pacer.standing(now, number),
                )
            })
            .collect();
        workspaces.sort_by(|one, other| one.0.cmp(&other.0));
        PaceFigures {
            at_once: counts.at_once.load(Ordering::Relaxed),
            waited: counts.waited.load(Ordering::Relaxed),
            refused,
            complaints: counts.complaints.load(Ordering::Relaxed),
            waiting: state.waiting.len() as u64,
            workspaces,
        }
    }
}

impl Counts {
    pub(super) fn refuse(&self, why: Why) {
        let [window, client_queue, queue, waited] = &self.refused;
        let count = match why {
            Why::Window => window,
            Why::ClientQueue => client_queue,
            Why::Queue => queue,
            Why::Waited => waited,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}
