//! One request to the API and its answer: on the line, in its turn, and once more where that does no
//! harm.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use doorward_catalog::Op;
use doorward_policy::Authorized;
use http::{Response, StatusCode};
use tokio::time::timeout;

use crate::decision::refusal::Refusal;
use crate::pace::breaker::Went;
use crate::pace::breakers::Shut;
use crate::pace::turns::Going;
use crate::request::canonical::ForwardRequest;
use crate::sending::connection::Arriving;
use crate::sending::forward::{Failure, Forwarder, Named, outgoing};
use crate::sending::key_use::KeyInUse;
use crate::sending::keychoice;
use crate::sending::upstream::Upstream;

impl Forwarder {
    /// One request, and for a read a second try if the connection failed under the first or the API
    /// had too much, when there is a turn for it. A write is sent once.
    pub(crate) async fn exchange(
        &self,
        authorized: &Authorized<Box<ForwardRequest>>,
        upstream: &Upstream,
        key: &mut KeyInUse,
        name: &Named,
        going: &Going,
    ) -> Result<Response<Arriving>, Failure> {
        let request = authorized.request();
        let first = self.send(request, upstream, key, name, going).await;
        let failed = match &first {
            Ok(response) => response.status() == StatusCode::TOO_MANY_REQUESTS,
            Err(failure) => matches!(failure, Failure::Unreachable | Failure::Broken),
        };
        if !failed || !repeatable(authorized.op()) || !upstream.line.may_repeat() {
            return first;
        }
        if first.is_err() {
            tokio::time::sleep(jitter()).await;
        }
        // No turn, or no right to it any more: what came of the first stands.
        if self.turns.take(going).await.is_err() {
            return first;
        }
        // It goes by what is in force by now.
        let Some(next) = self.key_in_force(upstream, key, going) else {
            return first;
        };
        *key = next;
        let second = Box::pin(self.send(request, upstream, key, name, going)).await;
        match &second {
            // Nor was anything sent then.
            Err(failure) if failure.sent_nothing() => first,
            _ => second,
        }
    }

    /// The key that a call to that upstream goes under by what is in force: the same as long as it is
    /// used. `None` where there is none, or the workspace is elsewhere by now.
    fn key_in_force(&self, upstream: &Upstream, key: &KeyInUse, going: &Going) -> Option<KeyInUse> {
        loop {
            let snapshot = self.turns.snapshot.load();
            let now = snapshot.upstream(&upstream.workspace)?;
            if now.base != upstream.base {
                return None;
            }
            let stands = now.keys.iter().any(|one| one.is_still(key));
            if stands && !self.health.is_suspect(key, Instant::now()) {
                return Some(key.clone());
            }
            let chosen = keychoice::choose(now, going.ask.op, &self.health)?;
            let chosen = KeyInUse::of(chosen);
            // Whoever puts another snapshot in force sees the call count, or it sees that snapshot.
            if self.turns.snapshot.is(&snapshot) {
                return Some(chosen);
            }
        }
    }

    /// Sends a request over an idle connection or a new one. What an idle one did not bear, so that
    /// nothing of it was written, goes out on another.
    async fn over(
        &self,
        request: &ForwardRequest,
        upstream: &Upstream,
        key: &mut KeyInUse,
        name: &Named,
        going: &Going,
    ) -> Result<Response<Arriving>, Failure> {
        let (pool, patience) = (&upstream.pool, self.limits.load().response_head);
        while let Some(idle) = pool.take() {
            let request = outgoing(request, key, name).ok_or(Failure::Unsendable)?;
            match timeout(patience, pool.exchange(idle, request)).await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(lost)) if lost.unsent => {}
                Ok(Err(_)) => return Err(Failure::Broken),
                Err(_) => return Err(Failure::Late),
            }
        }
        // Apart: what is seldom needed makes no call's future larger.
        let connected = Box::pin(pool.connect()).await;
        let connection = connected.map_err(|_| Failure::Unreachable)?;
        // That took its time: whose turn it is, and what may go and how, is asked again.
        let asked = self.turns.on_time_still(going).await;
        let asked = asked.map_err(|refusal| Failure::Overdue(refusal.is_allowed()));
        let next = asked.and_then(|()| {
            let next = self.key_in_force(upstream, key, going);
            next.ok_or(Failure::Unsendable)
        });
        match next {
            Ok(next) => *key = next,
            Err(failure) => {
                Arc::clone(pool).give_back(connection);
                return Err(failure);
            }
        }
        let request = outgoing(request, key, name).ok_or(Failure::Unsendable)?;
        match timeout(patience, pool.exchange(connection, request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(lost)) if lost.unsent => Err(Failure::Unreachable),
            Ok(Err(_)) => Err(Failure::Broken),
            Err(_) => Err(Failure::Late),
        }
    }

    /// Sends a request on the line, in its turn. `key` becomes the one that it went under.
    pub(crate) async fn send(
        &self,
        request: &ForwardRequest,
        upstream: &Upstream,
        key: &mut KeyInUse,
        name: &Named,
        going: &Going,
    ) -> Result<Response<Arriving>, Failure> {
        let reads = !going.ask.op.facts().writes();
        if let Err(refusal) = self.turns.on_time(going).await {
            return Err(Failure::Overdue(refusal.is_allowed()));
        }
        let on_line = upstream
            .line
            .begin(reads, going.ask.client)
            .map_err(Failure::Shut)?;
        let answer = self.over(request, upstream, key, name, going).await;
        let went = match &answer {
            Ok(response) if response.status().is_server_error() => Went::Badly,
            Ok(_) => Went::Well,
            // That was not the API's doing.
            Err(Failure::Overdue(_) | Failure::Unsendable) => Went::Unknown,
            Err(_) => Went::Nowhere,
        };
        if let Some(shut) = on_line.done(went) {
            let everybodys = shut == Shut::All;
            tracing::warn!(
                workspace = &*upstream.workspace,
                everybodys,
                "the API does not answer; calls to the workspace stop until it does"
            );
            self.observer
                .workspace_shut(&upstream.workspace, everybodys);
        }
        if let Ok(response) = &answer {
            let headers = response.headers();
            self.turns.answered(going, response.status(), headers);
        }
        answer
    }
}

/// The refusal of a call to an API that is left alone.
pub(crate) fn shut(wait: Duration) -> Refusal {
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "upstream_unavailable",
        "the API has not answered lately, this client's calls or everybody's, and is left alone for \
         a while; nothing was sent; try again after the time in Retry-After",
    )
    .limited("breaker", wait)
    .after_allowed()
}

/// Whether sending it twice does no harm: it changes nothing, and spends or sends nothing.
fn repeatable(op: Op) -> bool {
    let facts = op.facts();
    !facts.writes() && facts.hazards.is_empty()
}

/// Up to 50 ms, by chance: calls that failed together do not come back together.
fn jitter() -> Duration {
    // The standard library's hash keys are the chance that is at hand.
    let chance = RandomState::new().hash_one(());
    Duration::from_micros(chance % 50_000)
}
