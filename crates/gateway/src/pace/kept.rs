//! What of the pace is kept over a restart.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use doorward_pace::{Config, Error, Pacer, Saved, Start, WorkspaceId};
use serde::{Deserialize, Serialize};

/// What is known of the calls sent before.
#[derive(Debug, Clone, Copy)]
pub enum Past<'a> {
    /// None were: nothing has run here before.
    Nothing,
    /// Nothing is known of them.
    Unknown,
    /// A run before saved this.
    Saved {
        /// As [`Pacing::state`](crate::Pacing::state) gave it.
        state: &'a str,
        /// Whether that was the run's last act.
        ended: bool,
        /// How long ago at the least, by a clock that can be trusted. Zero is always safe.
        ago: Duration,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    /// By which number each record was paced.
    known: BTreeMap<String, WorkspaceId>,
    pace: Saved,
}

type Known = HashMap<Arc<str>, WorkspaceId>;

/// A pacer with what is known of the past, and the numbers that workspaces had.
pub(crate) fn begin(config: Config, past: Past<'_>) -> Result<(Pacer, Known), Error> {
    let fresh = |start| {
        Ok((
            Pacer::new(config.clone(), start, Duration::ZERO)?,
            Known::new(),
        ))
    };
    let (state, ended, ago) = match past {
        Past::Nothing => return fresh(Start::Idle),
        Past::Unknown => return fresh(Start::Unknown),
        Past::Saved { state, ended, ago } => (state, ended, ago),
    };
    let Ok(kept) = serde_json::from_str::<Kept>(state) else {
        tracing::warn!("the saved pace can't be read; windows are taken for full");
        return fresh(Start::Unknown);
    };
    let saved = &kept.pace;
    let start = if ended {
        Start::Resumed { saved, ago }
    } else {
        Start::Crashed { saved, ago }
    };
    match Pacer::new(config.clone(), start, Duration::ZERO) {
        Ok(pacer) => {
            let known = kept.known.into_iter();
            Ok((
                pacer,
                known.map(|(id, number)| (id.into(), number)).collect(),
            ))
        }
        Err(Error::Saved(why)) => {
            tracing::warn!(
                why,
                "the saved pace does not fit; windows are taken for full"
            );
            fresh(Start::Unknown)
        }
        Err(error) => Err(error),
    }
}

/// The text that is saved.
pub(crate) fn text(pace: Saved, known: &Known) -> String {
    let known = known
        .iter()
        .map(|(id, number)| (id.as_ref().to_owned(), *number))
        .collect();
    // Numbers and short texts always have a JSON form.
    serde_json::to_string(&Kept { known, pace }).unwrap_or_default()
}
