//! What a pacer is told to keep.

use std::time::Duration;

use doorward_catalog::limits::{OpLimit, WORKSPACE_MINUTE, WORKSPACE_SECOND};

use crate::window::Window;

/// So many calls in any stretch of time of that length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    /// Calls the vendor allows.
    pub calls: u32,
    /// In how long.
    pub window: Duration,
}

impl Rate {
    fn of(limit: &OpLimit) -> Rate {
        Rate {
            calls: limit.calls,
            window: Duration::from_secs(u64::from(limit.window_seconds)),
        }
    }
}

/// What a pacer keeps, and how long and how many it lets wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// A workspace's limits, the short window first. The catalog's by default.
    pub workspace: [Rate; 2],
    /// How much of each limit is spent, in percent: others may hold keys of the workspace.
    pub share_percent: u32,
    /// Added to every window: how much later than its turn a call may really leave.
    pub guard: Duration,
    /// The longest wait.
    pub max_wait: Duration,
    /// Most calls of one client that wait at a time.
    pub client_queue: usize,
    /// Most calls that wait for one workspace at a time.
    pub queue: usize,
    /// A call that needs two budgets and has waited so long has a slot of the second held for it.
    pub patience: Duration,
    /// How many pacers share the address that Doorward calls from: each gets that part of the limits
    /// which the vendor counts by address.
    pub address_shared_by: u32,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            workspace: [Rate::of(&WORKSPACE_SECOND), Rate::of(&WORKSPACE_MINUTE)],
            share_percent: 90,
            guard: Duration::from_millis(5),
            max_wait: Duration::from_secs(10),
            client_queue: 256,
            queue: 8_192,
            patience: Duration::from_secs(2),
            address_shared_by: 1,
        }
    }
}

impl Config {
    /// The windows a workspace's calls are counted in: its two, and the spread.
    pub(crate) fn workspace_windows(&self) -> Vec<Window> {
        let own = self.workspace.iter().map(|rate| self.window(*rate, 1));
        own.chain(self.spread()).collect()
    }

    /// The whole of the short limit in so much longer a window that no less goes in the long run.
    ///
    /// Calls are on their way for different times: of two bursts a second apart the first may come
    /// in late, on connections that had to be made, and both within one second. What of the limit is
    /// not spent is room for that: a ninth of a second at 90 percent.
    fn spread(&self) -> Option<Window> {
        let [short, _] = self.workspace;
        let length = short.window.saturating_mul(100) / self.share_percent.max(1);
        (self.share_percent < 100).then(|| Window {
            calls: usize::try_from(short.calls).unwrap_or(usize::MAX).max(1),
            length: nanos(length).saturating_add(nanos(self.guard)),
        })
    }

    /// The window an operation's own limit counts in.
    pub(crate) fn op_window(&self, limit: &OpLimit, shared_by: u32) -> Window {
        self.window(Rate::of(limit), shared_by)
    }

    fn window(&self, rate: Rate, shared_by: u32) -> Window {
        let share = u64::from(rate.calls) * u64::from(self.share_percent) / 100;
        let calls = share / u64::from(shared_by.max(1));
        Window {
            // A limit too small to be shared is used whole slots at a time, never zero.
            calls: usize::try_from(calls).unwrap_or(usize::MAX).max(1),
            length: nanos(rate.window).saturating_add(nanos(self.guard)),
        }
    }

    /// Whether a pacer can keep it.
    ///
    /// # Errors
    /// What of it is out of its bounds.
    pub fn check(&self) -> Result<(), Error> {
        let [short, long] = self.workspace;
        let longest = Duration::from_secs(86_400);
        if !(1..=100).contains(&self.share_percent) {
            return Err(Error::Share(self.share_percent));
        }
        if short.window.is_zero() || short.window > long.window || long.window > longest {
            return Err(Error::Windows);
        }
        if self
            .workspace
            .iter()
            .any(|r| !(1..=1_000_000).contains(&r.calls))
        {
            return Err(Error::Calls);
        }
        if self.guard > short.window || self.max_wait > longest || self.patience > longest {
            return Err(Error::Times);
        }
        if self.queue == 0 || self.client_queue == 0 || self.address_shared_by == 0 {
            return Err(Error::Zero);
        }
        Ok(())
    }
}

/// What a pacer cannot be made from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A share that is not a percentage.
    #[error("a share of {0} % of the limit; it goes from 1 to 100")]
    Share(u32),
    /// Windows without length, out of order or over a day.
    #[error("a workspace's windows go from short to long, up to a day")]
    Windows,
    /// A limit of no calls or of too many to keep.
    #[error("a workspace's limit is from 1 to 1,000,000 calls")]
    Calls,
    /// A guard longer than the short window, or waits over a day.
    #[error("the guard is at most the short window, waits are at most a day")]
    Times,
    /// A queue without room, or no pacer at all to share an address.
    #[error("queues and the sharing of an address start at 1")]
    Zero,
    /// Saved state that no pacer has written.
    #[error("the saved pace does not fit: {0}")]
    Saved(&'static str),
}

/// Nanoseconds of a pacer's clock. Signed: what was sent before a restart lies before its zero.
pub(crate) type Nanos = i64;

pub(crate) fn nanos(duration: Duration) -> Nanos {
    // A quarter of the range: sums of a few stay inside it.
    i64::try_from(duration.as_nanos())
        .unwrap_or(i64::MAX)
        .min(i64::MAX / 4)
}

pub(crate) fn duration(nanos: Nanos) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
}
