//! Calls that take their turn among others.

use std::time::Duration;

use doorward_catalog::Op;
use futures_util::future::BoxFuture;

/// Is asked before each attempt of a call, and told how each was answered: for programs that call a
/// workspace in several ways and keep its rate limit over all of them.
///
/// Where there is none, a client sends at once and leaves it to the API to say 429.
pub trait Pace: Send + Sync {
    /// Resolves when the call may be sent, `as_workspace` naming the sub-workspace it acts on.
    ///
    /// # Errors
    /// How long to wait before it is asked again. The attempt then counts as one that was answered
    /// 429, as [`RetryPolicy`](crate::RetryPolicy) has it.
    fn turn(&self, op: Op, as_workspace: Option<&str>) -> BoxFuture<'static, Result<(), Duration>>;

    /// The API answered with that status, and that `Retry-After`.
    fn answered(
        &self,
        op: Op,
        as_workspace: Option<&str>,
        status: u16,
        retry_after: Option<Duration>,
    );
}
