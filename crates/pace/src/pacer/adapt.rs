//! What the upstream says of the pace, and what clients are told of it.

use std::time::Duration;

use doorward_catalog::Op;

use super::places::limit_key;
use super::{LogKey, Pacer};
use crate::ask::{Spends, WorkspaceId};
use crate::config::{duration, nanos};
use crate::header::{RateLimits, Standing, WindowState};
use crate::window::Log;

/// Names of windows: of the workspace a call is queued for, and of the sub-workspace beside it.
const NAMES: [[&str; 4]; 2] = [
    ["second", "minute", "op-1", "op-2"],
    ["sub-second", "sub-minute", "sub-op-1", "sub-op-2"],
];

impl Pacer {
    /// The upstream answered such a call with 429: its budgets are halved (once a second at most, an
    /// eighth at least) and shut for the `Retry-After`, or a second without one, ten minutes at most.
    ///
    /// An operation with a limit of its own is taken to have met that one, which is far the
    /// narrower; the workspace's budgets are left as they are.
    pub fn saw_429(
        &mut self,
        now: Duration,
        spends: Spends,
        op: Op,
        retry_after: Option<Duration>,
    ) {
        let now = self.clock(now);
        for log in self.blamed(spends, op) {
            if let Some(log) = self.logs.get_mut(log) {
                log.complained(now, retry_after);
            }
        }
    }

    /// The upstream took such a call: a second after the last change, a halved budget gets a
    /// twentieth of the whole back.
    pub fn saw_ok(&mut self, now: Duration, spends: Spends, op: Op) {
        let now = self.clock(now);
        if self.logs.iter().all(Log::is_whole) {
            return;
        }
        for id in self.blamed(spends, op) {
            if self.logs.get_mut(id).is_some_and(|log| log.went_well(now)) {
                self.wake(id, None, now);
            }
        }
    }

    /// Whether no budget is cut for a complaint of the upstream's: then there is nothing that
    /// [`saw_ok`](Self::saw_ok) could give back.
    pub fn is_whole(&self) -> bool {
        self.logs.iter().all(Log::is_whole)
    }

    fn blamed(&mut self, spends: Spends, op: Op) -> Vec<usize> {
        let limits = op.facts().limits;
        let mut logs: Vec<usize> = Vec::new();
        for workspace in spends.workspaces() {
            if limits.is_empty() {
                logs.push(self.log(LogKey {
                    workspace: Some(workspace),
                    limit: None,
                }));
            }
            for limit in limits {
                let log = self.log(limit_key(workspace, limit));
                if !logs.contains(&log) {
                    logs.push(log);
                }
            }
        }
        logs
    }

    /// How the windows stand that such a call is counted in, for the answer's headers.
    pub fn rate_limits(&mut self, now: Duration, spends: Spends, op: Op) -> RateLimits {
        let now = self.clock(now);
        let guard = nanos(self.config.guard);
        let mut windows: Vec<WindowState> = Vec::new();
        for (workspace, names) in spends.workspaces().zip(NAMES) {
            let mut names = names.into_iter();
            let own = LogKey {
                workspace: Some(workspace),
                limit: None,
            };
            let limits = op.facts().limits.iter();
            for key in std::iter::once(own).chain(limits.map(|limit| limit_key(workspace, limit))) {
                let id = self.log(key);
                let Some(log) = self.logs.get(id) else {
                    continue;
                };
                // The spread is nobody's quota.
                for window in log.windows().iter().take(self.config.workspace.len()) {
                    let Some(name) = names.next() else {
                        continue;
                    };
                    let quota = log.allowed(*window);
                    let (used, frees) = log.used(*window, now);
                    let shut = log.blocked_until > now;
                    let frees = frees.unwrap_or(now).max(log.blocked_until);
                    windows.push(WindowState {
                        name,
                        quota,
                        used,
                        window: duration(window.length.saturating_sub(guard)),
                        remaining: if shut { 0 } else { quota.saturating_sub(used) },
                        frees_in: duration(frees.saturating_sub(now)),
                    });
                }
            }
        }
        RateLimits { windows }
    }

    /// How the budget of a workspace stands.
    pub fn standing(&mut self, now: Duration, workspace: WorkspaceId) -> Standing {
        let now = self.clock(now);
        // An operation that has no limit of its own.
        let limits = self.rate_limits(duration(now), Spends::one(workspace), Op::ListCampaign);
        let id = self.log(LogKey {
            workspace: Some(workspace),
            limit: None,
        });
        let queue = self
            .roots
            .get(&workspace)
            .and_then(|id| self.queues.get(*id));
        let waiting = queue.map_or(0, |queue| queue.waiting);
        let log = self.logs.get(id);
        let mut windows = log.map_or(&[][..], Log::windows).iter();
        Standing {
            budget: std::array::from_fn(|_| windows.next().map_or(0, |window| window.calls)),
            limits,
            waiting,
            pace: log.map_or(1_000, |log| log.pace),
            shut_for: duration(log.map_or(0, |log| log.blocked_until.saturating_sub(now))),
        }
    }
}
