//! Keeping what was sent over a restart.

use std::time::Duration;

use doorward_catalog::Op;

use super::{LogKey, Pacer};
use crate::ask::WorkspaceId;
use crate::config::{Error, duration, nanos};
use crate::saved::{MOST_CALLS, Saved, SavedWindow, Start, VERSION, pack};

/// More logs than a family of workspaces has.
const MOST_WINDOWS: usize = 100_000;

impl Pacer {
    /// What counts at `now`. Saved as the last act of a run it makes the next one [`Start::Resumed`];
    /// saved now and then it makes one after a crash [`Start::Crashed`].
    pub fn save(&self, now: Duration) -> Saved {
        let now = nanos(now).max(self.now);
        let mut windows: Vec<SavedWindow> = Vec::new();
        for (key, id) in &self.keys {
            let Some(log) = self.logs.get(*id) else {
                continue;
            };
            let sent = pack(log.ages(now));
            let blocked = duration(log.blocked_until.saturating_sub(now));
            if sent.is_empty() && blocked.is_zero() && log.is_whole() {
                continue;
            }
            // Rounded up: silence is never cut short.
            let blocked = blocked.as_nanos().div_ceil(1_000_000);
            windows.push(SavedWindow {
                workspace: key.workspace,
                limit: key.limit,
                sent,
                pace: log.pace,
                blocked_ms: u64::try_from(blocked).unwrap_or(u64::MAX),
            });
        }
        windows.sort_by_key(|w| (w.workspace, w.limit));
        let unknown = self.full_at.map(|at| duration(now.saturating_sub(at)));
        Saved {
            version: VERSION,
            unknown_ms: unknown.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX)),
            windows,
        }
    }

    /// The workspace that was known by one number turned out to be that of another: what was sent
    /// under the first counts for the second, and for the first no more. Calls that wait under the
    /// first are to be asked for anew when their turn comes.
    pub fn adopt(&mut self, now: Duration, from: WorkspaceId, to: WorkspaceId) {
        let now = self.clock(now);
        let old: Vec<(LogKey, usize)> = self
            .keys
            .iter()
            .filter(|(key, _)| key.workspace == Some(from))
            .map(|(key, id)| (*key, *id))
            .collect();
        for (key, id) in old {
            let heir = self.log(LogKey {
                workspace: Some(to),
                ..key
            });
            let Some(log) = self.logs.get_mut(id).filter(|_| id != heir) else {
                continue;
            };
            let sent = log.drain();
            let (pace, blocked_until) = (log.pace, log.blocked_until);
            if let Some(log) = self.logs.get_mut(heir) {
                log.merge(sent);
                log.pace = log.pace.min(pace);
                log.blocked_until = log.blocked_until.max(blocked_until);
            }
            // Who waits there is to ask anew.
            self.wake(id, None, now);
        }
    }

    pub(super) fn begin(&mut self, start: Start<'_>) -> Result<(), Error> {
        match start {
            Start::Idle => Ok(()),
            Start::Unknown => {
                self.full_at = Some(self.now);
                Ok(())
            }
            Start::Resumed { saved, ago } => {
                self.restore(saved, ago)?;
                // For the windows that the run before had not met yet.
                self.full_at = saved.unknown_ms.map(|age| {
                    self.now
                        .saturating_sub(nanos(ago))
                        .saturating_sub(nanos(Duration::from_millis(age)))
                });
                Ok(())
            }
            Start::Crashed { saved, ago } => {
                self.full_at = Some(self.now);
                self.restore(saved, ago)
            }
        }
    }

    fn restore(&mut self, saved: &Saved, ago: Duration) -> Result<(), Error> {
        if saved.version != VERSION {
            return Err(Error::Saved("another version"));
        }
        if saved.windows.len() > MOST_WINDOWS {
            return Err(Error::Saved("too many windows"));
        }
        let ago = nanos(ago);
        for window in &saved.windows {
            let calls: u64 = window.sent.iter().map(|(_, calls)| u64::from(*calls)).sum();
            if calls > MOST_CALLS {
                return Err(Error::Saved("more calls than any window holds"));
            }
            if window.pace == 0 || window.pace > 1_000 {
                return Err(Error::Saved("a pace out of its range"));
            }
            // A limit the catalog no longer states has nothing to count for.
            if !window.limit.is_none_or(stated) || (window.workspace, window.limit) == (None, None)
            {
                continue;
            }
            let id = self.log(LogKey {
                workspace: window.workspace,
                limit: window.limit,
            });
            let now = self.now;
            let Some(log) = self.logs.get_mut(id) else {
                continue;
            };
            log.merge(window.sent.iter().flat_map(|(age, calls)| {
                let sent = now
                    .saturating_sub(ago)
                    .saturating_sub(nanos(Duration::from_millis(*age)));
                std::iter::repeat_n(sent, usize::try_from(*calls).unwrap_or(0))
            }));
            log.pace = window.pace;
            let blocked = nanos(Duration::from_millis(window.blocked_ms.min(600_000)));
            log.blocked_until = now.saturating_sub(ago).saturating_add(blocked);
        }
        Ok(())
    }
}

fn stated(limit: (u32, u32)) -> bool {
    Op::ALL
        .iter()
        .flat_map(|op| op.facts().limits)
        .any(|known| (known.calls, known.window_seconds) == limit)
}
