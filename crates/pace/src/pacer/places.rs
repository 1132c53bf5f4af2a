//! Which windows a call is counted in, and which queue it waits in.

use std::time::Duration;

use doorward_catalog::Op;
use doorward_catalog::limits::{LimitPer, OpLimit};

use super::{LogKey, Pacer, Place};
use crate::ask::{Spends, WorkspaceId};
use crate::config::{Nanos, nanos};
use crate::queue::Queue;
use crate::window::{Log, Window};

impl Pacer {
    /// The queue and lane of such a call.
    pub(super) fn place(&mut self, spends: Spends, op: Op) -> Place {
        let limits = op.facts().limits;
        let key = (spends, (!limits.is_empty()).then_some(op));
        if let Some(place) = self.places.get(&key) {
            return *place;
        }
        let mut needs: Vec<usize> = Vec::new();
        for workspace in spends.workspaces() {
            needs.push(self.log(LogKey {
                workspace: Some(workspace),
                limit: None,
            }));
        }
        for workspace in spends.workspaces() {
            for limit in limits {
                let log = self.log(limit_key(workspace, limit));
                if !needs.contains(&log) {
                    needs.push(log);
                }
            }
        }
        let root = needs.first().copied().unwrap_or(0);
        let queues = &mut self.queues;
        let queue = *self.roots.entry(spends.root()).or_insert_with(|| {
            queues.push(Queue::new(root));
            queues.len() - 1
        });
        for log in &needs {
            if let Some(users) = self.users.get_mut(*log)
                && !users.contains(&queue)
            {
                users.push(queue);
            }
        }
        let lane = self
            .queues
            .get_mut(queue)
            .map_or(0, |queue| queue.add_lane(needs));
        let place = Place { queue, lane };
        self.places.insert(key, place);
        place
    }

    pub(super) fn log(&mut self, key: LogKey) -> usize {
        if let Some(log) = self.keys.get(&key) {
            return *log;
        }
        let windows = self.windows(key);
        let mut log = Log::new(windows);
        if let Some(at) = self.full_at {
            let [_, long] = self.config.workspace;
            let longest = long.window.max(Duration::from_secs(60));
            log.assume_full(at, nanos(longest).saturating_add(nanos(self.config.guard)));
        }
        self.logs.push(log);
        self.users.push(Vec::new());
        self.keys.insert(key, self.logs.len() - 1);
        self.logs.len() - 1
    }

    /// The windows that are counted together under that key.
    pub(super) fn windows(&self, key: LogKey) -> Vec<Window> {
        let Some((calls, window_seconds)) = key.limit else {
            return self.config.workspace_windows();
        };
        let (per, shared_by) = match key.workspace {
            Some(_) => (LimitPer::Workspace, 1),
            None => (LimitPer::Address, self.config.address_shared_by),
        };
        let limit = OpLimit {
            calls,
            window_seconds,
            per,
        };
        vec![self.config.op_window(&limit, shared_by)]
    }

    pub(super) fn needs(&self, place: Place) -> &[usize] {
        self.queues
            .get(place.queue)
            .map_or(&[], |queue| queue.needs(place.lane))
    }

    /// When a call at that place could go if nobody else did.
    pub(super) fn ready_at(&self, place: Place) -> Nanos {
        self.needs(place)
            .iter()
            .filter_map(|log| self.logs.get(*log))
            .map(|log| log.ready_at(place.queue))
            .max()
            .unwrap_or(Nanos::MAX)
    }

    pub(super) fn spend(&mut self, place: Place, now: Nanos) {
        let Some(queue) = self.queues.get(place.queue) else {
            return;
        };
        for log in queue.needs(place.lane) {
            if let Some(log) = self.logs.get_mut(*log) {
                log.send(now);
            }
        }
    }
}

pub(super) fn limit_key(workspace: WorkspaceId, limit: &OpLimit) -> LogKey {
    LogKey {
        workspace: match limit.per {
            LimitPer::Workspace | LimitPer::Unstated => Some(workspace),
            LimitPer::Address => None,
        },
        limit: Some((limit.calls, limit.window_seconds)),
    }
}
