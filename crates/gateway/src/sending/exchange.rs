//! One request to the API and its answer: on the line, in its turn, and once more where that does no
//! harm.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use doorward_catalog::Op;
use doorward_policy::Authorized;
use http::{Response, StatusCode};

use crate::decision::refusal::Refusal;
use crate::pace::breaker::Went;
use crate::pace::breakers::Shut;
use crate::pace::turns::Going;
use crate::request::canonical::ForwardRequest;
use crate::sending::connection::Arriving;
use crate::sending::forward::{Failure, Forwarder, Named, outgoing};
use crate::sending::pool::NoAnswer;
use crate::sending::upstream::{Upstream, UpstreamKey};

impl Forwarder {
    /// One request, and for a read a second try if the connection failed under the first or the API
    /// had too much, when there is a turn for it. A write is sent once.
    pub(crate) async fn exchange(
        &self,
        authorized: &Authorized<ForwardRequest>,
        upstream: &Upstream,
        key: &UpstreamKey,
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
        let second = self.send(request, upstream, key, name, going).await;
        match &second {
            // Nor was anything sent then.
            Err(failure) if failure.sent_nothing() => first,
            _ => second,
        }
    }

    pub(crate) async fn send(
        &self,
        request: &ForwardRequest,
        upstream: &Upstream,
        key: &UpstreamKey,
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
        let request = outgoing(request, key, name).ok_or(Failure::Unsendable)?;
        let answer = upstream.pool.send(request);
        let answer = match tokio::time::timeout(self.limits.load().response_head, answer).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(NoAnswer::Unreachable)) => Err(Failure::Unreachable),
            Ok(Err(NoAnswer::Broken)) => Err(Failure::Broken),
            Err(_) => Err(Failure::Late),
        };
        let went = match &answer {
            Ok(response) if response.status().is_server_error() => Went::Badly,
            Ok(_) => Went::Well,
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
