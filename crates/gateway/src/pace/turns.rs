//! Before a call goes out: its turn, and whether it may still go when that has come.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use doorward_catalog::Op;
use doorward_keys::KeyId;
use doorward_pace::{Ask, RateLimits, Refused, Why, WorkspaceId};
use doorward_policy::{Decision, RequestFacts, Timestamp, decide};
use doorward_store::Known;
use http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, StatusCode};

use crate::clients::client_limits::check_source;
use crate::clock::Clock;
use crate::decision::conditions::asker;
use crate::decision::refusal::Refusal;
use crate::idempotency::About;
use crate::pace::pacing::{Asking, Pacing};
use crate::records::record::CallFacts;
use crate::sending::way::Way;
use crate::snapshot::{Snapshot, SnapshotHandle};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// A `Retry-After` of the API's is read up to this.
const RETRY_AFTER_MAX: u64 = 86_400;
/// How long what policies said of a call holds once it is on its way, in milliseconds.
const LATE_MS: i64 = 10_000;

/// A call on its way out, as far as its turn goes.
#[derive(Debug, Clone)]
pub(crate) struct Going {
    pub(crate) ask: Ask,
    /// What the client must have a right to.
    op: Op,
    weight: u32,
    number: WorkspaceId,
    workspace: Arc<str>,
    as_workspace: Option<Arc<str>>,
    key: KeyId,
    source: IpAddr,
    had: Had,
    /// By what it was decided that it may go, and when.
    stands_on: Arc<Snapshot>,
    decided_at: Timestamp,
}

/// When a call had its turn last, in nanoseconds of the pacer's time.
#[derive(Debug, Default)]
struct Had(AtomicU64);

impl Clone for Had {
    fn clone(&self) -> Self {
        Self(AtomicU64::new(self.0.load(Ordering::Relaxed)))
    }
}

/// Gives calls their turn.
#[derive(Debug)]
pub(crate) struct Turns {
    pub(crate) pacing: Pacing,
    pub(crate) snapshot: SnapshotHandle,
    pub(crate) clock: Clock,
    pub(crate) policy: LastPolicy,
}

/// The `RateLimit-Policy` that was told last. Nearly all calls are counted in the same windows.
#[derive(Debug, Default)]
pub(crate) struct LastPolicy(ArcSwapOption<Policy>);

#[derive(Debug)]
struct Policy {
    /// Names, quotas and lengths of the windows, which are all that it is made of.
    windows: Vec<(&'static str, usize, Duration)>,
    line: HeaderValue,
}

impl LastPolicy {
    fn of(&self, limits: &RateLimits) -> Option<HeaderValue> {
        let windows = || {
            let windows = limits.windows.iter();
            windows.map(|state| (state.name, state.quota, state.window))
        };
        if let Some(last) = &*self.0.load()
            && last.windows.iter().copied().eq(windows())
        {
            return Some(last.line.clone());
        }
        let line = HeaderValue::try_from(limits.policy_header()).ok()?;
        self.0.store(Some(Arc::new(Policy {
            windows: windows().collect(),
            line: line.clone(),
        })));
        Some(line)
    }
}

impl Going {
    fn asking(&self) -> Asking<'_> {
        Asking {
            ask: self.ask,
            weight: self.weight,
            workspace: &self.workspace,
            number: self.number,
        }
    }
}

impl Going {
    /// For a read of Doorward's own that looks for what the call would have made.
    pub(crate) fn looking_by(mut self: Box<Self>, op: Op) -> Box<Self> {
        self.ask.op = op;
        self
    }

    /// Whether policies say the same of it in that snapshot.
    fn is_judged_alike(&self, snapshot: &Arc<Snapshot>, known: &Known<'_>) -> bool {
        if Arc::ptr_eq(snapshot, &self.stands_on) {
            return true;
        }
        let before = self.stands_on.known(self.key);
        snapshot.judges_as(&self.stands_on)
            && before.is_some_and(|before| asker(&before) == asker(known))
    }

    /// When it was decided that it may go.
    pub(crate) fn decided_at(&self) -> Timestamp {
        self.decided_at
    }

    /// It was decided anew, on that way.
    pub(crate) fn stands_on(&mut self, way: &Way, at: Timestamp) {
        self.stands_on = Arc::clone(&way.snapshot);
        self.decided_at = at;
    }
}

impl Turns {
    /// What a call asks for.
    pub(crate) fn going(&self, about: About<'_>, facts: &CallFacts) -> Box<Going> {
        let About {
            op, way, caller, ..
        } = about;
        let upstream = &way.upstream;
        let as_workspace = facts.as_workspace.as_deref();
        Box::new(Going {
            ask: Ask {
                client: caller.number,
                class: caller.class,
                op,
                spends: self.pacing.spends(&upstream.pace, as_workspace),
            },
            op,
            weight: caller.weight,
            number: upstream.pace.number(),
            workspace: Arc::clone(&upstream.workspace),
            as_workspace: facts.as_workspace.clone(),
            key: caller.key,
            source: facts.source,
            had: Had::default(),
            stands_on: Arc::clone(&way.snapshot),
            decided_at: about.decided_at,
        })
    }

    /// Refuses a call that would get no turn, before anything is recorded of it.
    pub(crate) fn foresee(&self, going: &Going) -> Result<(), Refusal> {
        let refused = self.pacing.would_refuse(&going.asking());
        refused.map_or(Ok(()), |refused| Err(paced(refused)))
    }

    /// Waits for a call's turn. Whether it may go when that has come is for the caller to ask.
    pub(crate) async fn turn(&self, going: &Going) -> Result<(), Refusal> {
        let had = self.pacing.turn(&going.asking()).await.map_err(paced)?;
        let at = u64::try_from(had.at.as_nanos()).unwrap_or(u64::MAX);
        going.had.0.store(at, Ordering::Relaxed);
        Ok(())
    }

    /// Waits for one more turn of a call that is on its way, in which it may go if nothing of what
    /// it was decided by has changed.
    pub(crate) async fn take(&self, going: &Going) -> Result<(), Refusal> {
        self.turn(going).await?;
        self.still_holds(going)
    }

    /// Sees to it, at the last moment, that a call goes in its turn: one that was held up on its way
    /// may have to wait for another.
    pub(crate) async fn on_time(&self, going: &Going) -> Result<(), Refusal> {
        loop {
            let at = Duration::from_nanos(going.had.0.load(Ordering::Relaxed));
            if self.pacing.may_still_go(&going.asking(), at) {
                return Ok(());
            }
            self.take(going).await?;
        }
    }

    /// The same when to connect took its time: what was decided is asked again, too.
    pub(crate) async fn on_time_still(&self, going: &Going) -> Result<(), Refusal> {
        self.on_time(going).await?;
        self.still_holds(going)
    }

    /// Whether what was decided on a call holds. It is judged by policies before it leaves; here it is
    /// enough that they have changed to refuse it.
    fn still_holds(&self, going: &Going) -> Result<(), Refusal> {
        let snapshot = self.snapshot.load();
        let known = snapshot.known(going.key);
        let known = known.ok_or_else(Refusal::unauthorized)?;
        let client = known.view();
        let now = self.clock.now();
        let asked = RequestFacts {
            op: Some(going.op),
            workspace: client.workspace,
            as_workspace: going.as_workspace.as_deref(),
            now,
        };
        match decide(&client, &asked) {
            Decision::Allow if *client.workspace == going.workspace => {
                check_source(&known.client.record.controls, going.source)?;
                if !snapshot.policies().bear_on(client.name, going.op) {
                    return Ok(());
                }
                // A policy may ask for the time.
                let age = now.millis_since(going.decided_at);
                let same = going.is_judged_alike(&snapshot, &known);
                if same && (0..LATE_MS).contains(&age) {
                    Ok(())
                } else {
                    Err(changed())
                }
            }
            Decision::Deny(denial) => Err(Refusal::denial(&denial)),
            _ => Err(Refusal::unauthorized()),
        }
    }

    /// Told how the API answered a call.
    pub(crate) fn answered(&self, going: &Going, status: StatusCode, headers: &HeaderMap) {
        let Ask { spends, op, .. } = going.ask;
        self.pacing
            .answered(spends, op, status.as_u16(), retry_after(headers));
    }

    /// Says in an answer how the workspace's windows stand, which the API does not
    /// (draft-ietf-httpapi-ratelimit-headers).
    pub(crate) fn tell(&self, ask: Ask, headers: &mut HeaderMap) {
        let limits = self.pacing.rate_limits(ask.spends, ask.op);
        if let Some(policy) = self.policy.of(&limits) {
            headers.insert(RATE_LIMIT_POLICY, policy);
        }
        if let Ok(line) = HeaderValue::from_str(&limits.header()) {
            headers.insert(RATE_LIMIT, line);
        }
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    let seconds: u64 = text.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(RETRY_AFTER_MAX)))
}

fn changed() -> Refusal {
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "changed_meanwhile",
        "what the call was decided by changed while it was on its way; try again",
    )
    .after_allowed()
}

fn paced(refused: Refused) -> Refusal {
    let why = match refused.why {
        Why::Window => "the workspace's rate limit is used up for longer than a call may wait",
        Why::ClientQueue => "as many of the client's calls wait for their turn as may",
        Why::Queue => "as many calls wait for their turn in the workspace as may",
        Why::Waited => "the call waited for its turn as long as it may, and it did not come",
    };
    Refusal::new(
        StatusCode::TOO_MANY_REQUESTS,
        "paced",
        format!("{why}; nothing was sent; try again after the time in Retry-After"),
    )
    .limited(refused.why.as_str(), refused.retry_after)
    .after_allowed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_api_asks_for_is_read_with_care() {
        let read = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(text));
            retry_after(&headers).map(|wait| wait.as_secs())
        };
        assert_eq!(read("7"), Some(7));
        assert_eq!(read("18446744073709551615"), Some(86_400));
        for text in [
            "",
            "-1",
            "1.5",
            "Fri, 31 Dec 1999 23:59:59 GMT",
            "99999999999999999999999",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
