//! What a caller asks, and what it is told.

use std::time::Duration;

use doorward_catalog::Op;
use serde::{Deserialize, Serialize};

/// A client, by a number the caller gives it (its uuid, or any that is never used twice).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u128);

/// A workspace, by its uuid as a number: it must mean the same after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WorkspaceId(pub u128);

/// How urgent a call is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// A person waits for the answer.
    Interactive,
    /// What is not told otherwise.
    #[default]
    Default,
    /// Syncs and exports that may take their time.
    Batch,
}

impl Class {
    pub(crate) const COUNT: usize = 3;
    pub(crate) const ALL: [Class; Self::COUNT] = [Class::Interactive, Class::Default, Class::Batch];

    /// The share of a class while all three wait: 16, 4 and 1 of 21.
    pub(crate) const fn weight(self) -> u64 {
        match self {
            Class::Interactive => 16,
            Class::Default => 4,
            Class::Batch => 1,
        }
    }
}

/// The workspaces whose budgets a call spends: all of them at once, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Spends {
    root: WorkspaceId,
    also: Option<WorkspaceId>,
}

impl Spends {
    /// One workspace's.
    pub fn one(workspace: WorkspaceId) -> Spends {
        Spends {
            root: workspace,
            also: None,
        }
    }

    /// A sub-workspace's and that of the admin workspace it was reached through.
    pub fn both(sub: WorkspaceId, admin: WorkspaceId) -> Spends {
        Spends {
            root: admin,
            also: (sub != admin).then_some(sub),
        }
    }

    /// The workspace in whose queue such a call waits: the admin, where there are two.
    pub(crate) fn root(self) -> WorkspaceId {
        self.root
    }

    /// All of them, the root first.
    pub fn workspaces(self) -> impl Iterator<Item = WorkspaceId> {
        std::iter::once(self.root).chain(self.also)
    }
}

/// A call that wants to go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Whose it is.
    pub client: ClientId,
    /// How urgent it is.
    pub class: Class,
    /// What it does: some operations have limits of their own.
    pub op: Op,
    /// Whose budgets it spends.
    pub spends: Spends,
}

/// A place in a queue. Never used twice by one pacer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(crate) u64);

/// The answer to an [`Ask`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// Send it now: the budgets are spent.
    Go,
    /// Wait for the [`Turn`] of this ticket, which comes from `due` by the deadline at the latest.
    Wait {
        /// The place in the queue.
        ticket: Ticket,
        /// When the wait ends, one way or the other.
        deadline: Duration,
    },
    /// Answer 429.
    Refuse(Refused),
}

/// The end of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Send it now: the budgets are spent.
    Go(Ticket),
    /// It waited as long as it may: answer 429.
    Refuse(Ticket, Refused),
}

/// Why a call was refused and when to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// What was full.
    pub why: Why,
    /// Before the windows open it could not have gone: that long at the least. Where a queue was
    /// full or slow, as long as the queue is likely to take at the present pace, if that is longer.
    pub retry_after: Duration,
}

impl Refused {
    /// For the `Retry-After` header: whole seconds, rounded up, at least 1 (RFC 9110, 10.2.3).
    pub fn retry_after_seconds(&self) -> u64 {
        let whole = self.retry_after.as_secs();
        let part = u64::from(self.retry_after.subsec_nanos() > 0);
        whole.saturating_add(part).max(1)
    }
}

/// What was full when a call was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// A window that opens only after the longest wait allowed.
    Window,
    /// The client's own queue.
    ClientQueue,
    /// The queue of all clients of the workspace together.
    Queue,
    /// It waited and its turn did not come in time.
    Waited,
}

impl Why {
    /// For logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Why::Window => "window",
            Why::ClientQueue => "client_queue",
            Why::Queue => "queue",
            Why::Waited => "waited",
        }
    }
}
