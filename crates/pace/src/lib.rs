//! Shares a workspace's rate limits between clients: who goes now, who waits, who is refused.
//!
//! Instantly counts every call of a workspace in two sliding windows (a second, a minute), and some
//! operations in windows of their own. A [`Pacer`] keeps an exact log of what was sent. It lets a call
//! go only if no stretch of time as long as a window then holds more than the budget: the vendor's
//! limit times [`Config::share_percent`].
//!
//! - **Both budgets at once.** A call with `x-as-workspace` names two workspaces; it goes when both
//!   have room, and spends both, or waits and spends none.
//! - **Work-conserving.** Nobody waits while every budget they need has room (one slot that is held
//!   for somebody who needs two budgets and could not get them together is the one exception).
//! - **Fair.** Slots are shared by class (interactive 16, default 4, batch 1 while all three wait),
//!   inside a class by the clients' weights, and no waiting client gets less than a tenth of an equal
//!   share of its class, whatever its weight.
//! - **Bounded.** A wait ends after [`Config::max_wait`]; queues have room for so many, for each
//!   client and each workspace. Past that a call is refused and told when to come again.
//! - **Adapting.** A 429 halves the budget it speaks of and honours its `Retry-After`; each second of
//!   successes gives a twentieth back.
//!
//! Nothing here sleeps, locks, or looks at a clock: `now` is the time since any fixed moment of a
//! monotonic clock, the same for all calls of one pacer. The caller locks, and runs one timer:
//!
//! ```
//! use std::time::Duration;
//! use doorward_catalog::Op;
//! use doorward_pace::{Ask, Class, ClientId, Config, Pacer, Spends, Start, Turn, Verdict, WorkspaceId};
//!
//! let mut pacer = Pacer::new(Config::default(), Start::Idle, Duration::ZERO).unwrap();
//! let ask = Ask {
//!     client: ClientId(7),
//!     class: Class::Default,
//!     op: Op::ListCampaign,
//!     spends: Spends::one(WorkspaceId(1)),
//! };
//! let mut waiting = Vec::new();
//! for _ in 0..91 {
//!     match pacer.ask(Duration::ZERO, &ask) {
//!         Verdict::Go => {}
//!         Verdict::Wait { ticket, .. } => waiting.push(ticket),
//!         Verdict::Refuse(refused) => panic!("{refused:?}"),
//!     }
//! }
//! assert_eq!(waiting.len(), 1, "90 of 100 go at once");
//! let wake = pacer.next_due().unwrap();
//! let mut turns = Vec::new();
//! pacer.due(wake, &mut turns);
//! assert_eq!(turns, [Turn::Go(waiting[0])]);
//! ```

mod ask;
mod config;
mod header;
mod pacer;
mod queue;
mod saved;
mod window;

pub use ask::{Ask, Class, ClientId, Refused, Spends, Ticket, Turn, Verdict, Why, WorkspaceId};
pub use config::{Config, Error, Rate};
pub use header::{RateLimits, Standing, WindowState};
pub use pacer::Pacer;
pub use saved::{Saved, SavedWindow, Start};
