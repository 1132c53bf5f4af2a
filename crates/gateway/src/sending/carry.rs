//! Carrying out what was allowed: recorded, sent, and counted while it is under way.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use doorward_condition::leads_written;
use http::{Response, StatusCode};

use crate::answers::answer::Answer;
use crate::decision::admit::Admitted;
use crate::decision::refusal::Refusal;
use crate::gateway::Inner;
use crate::idempotency::Guard;
use crate::pace::turns::Going;
use crate::records::record::Call;
use crate::sending::exchange::shut;
use crate::sending::forward::{respond, turn_away};
use crate::sending::keychoice;
use crate::sending::upstream::{Upstream, UpstreamKey};

impl Inner {
    pub(crate) async fn carry_out(
        self: &Arc<Self>,
        admitted: Admitted,
        call: Call,
    ) -> Response<Answer> {
        let (guard, mut call) = match self.guarded(&admitted, call).await {
            Ok(both) => both,
            Err(answer) => return *answer,
        };
        let turns = &self.forwarder.turns;
        let going = turns.going(&admitted, call.facts());
        let mut response = match self.limit(&admitted, &going, &mut call) {
            Ok(()) => self.let_go(admitted, &going, guard, call).await,
            Err(refusal) => {
                let fault = self.bounded(refusal.into(), call.facts());
                turn_away(&mut call, fault)
            }
        };
        turns.tell(&going, response.headers_mut());
        response
    }

    async fn let_go(
        self: &Arc<Self>,
        admitted: Admitted,
        going: &Going,
        guard: Option<Guard>,
        call: Call,
    ) -> Response<Answer> {
        let Admitted {
            authorized,
            upstream,
            key,
            veil,
            ..
        } = admitted;
        let op = authorized.op();
        let id = call.facts().request_id;
        let approval = authorized.approval().cloned();
        let mut recorded = match call.intend(authorized).await {
            Ok(recorded) => recorded,
            Err(mut call) => {
                let why = "the call can't be recorded, and so is not carried out";
                return respond(&mut call, &Refusal::ledger(why).of(op));
            }
        };
        if let Some(approval) = approval
            && let Err(refusal) = self.spend(&approval, op, id).await
        {
            let (_, mut call) = recorded.into_parts();
            return respond(&mut call, &refusal);
        }
        let asked = recorded.call().elapsed();
        let turn = self.turn(going, upstream, key).await;
        let waited = recorded.call().elapsed().saturating_sub(asked);
        recorded.waited(waited);
        let (upstream, key) = match turn {
            Ok(way) => way,
            Err(refusal) => {
                let (_, mut call) = recorded.into_parts();
                return respond(&mut call, &refusal.of(op));
            }
        };
        if !op.facts().writes() {
            let forwarder = &self.forwarder;
            return forwarder
                .forward(recorded, &upstream, &key, &veil, None, going)
                .await;
        }
        // A write goes on when its caller goes away: cut off, its outcome would be unknown.
        let write = Write::begin(self);
        let going = going.clone();
        let task = tokio::spawn(async move {
            let sent = write
                .0
                .send_write(recorded, &upstream, &key, &veil, guard, &going);
            sent.await
        });
        task.await.unwrap_or_else(|_| {
            let why = "the call may have been carried out; look before you repeat it";
            let refusal = Refusal::new(StatusCode::BAD_GATEWAY, "outcome_unknown", why);
            refusal
                .of(op)
                .after_allowed()
                .response(id)
                .map(Answer::whole)
        })
    }
}

impl Inner {
    /// Whether the call can be sent before long, and the client's own limits. From here on it counts.
    fn limit(&self, admitted: &Admitted, going: &Going, call: &mut Call) -> Result<(), Refusal> {
        let op = admitted.authorized.op();
        let line = &admitted.upstream.line;
        line.check(!op.facts().writes())
            .map_err(|wait| shut(wait).of(op))?;
        let turns = &self.forwarder.turns;
        turns.foresee(going).map_err(|refusal| refusal.of(op))?;
        let body = admitted.authorized.request().body.as_ref();
        let leads = body.map_or(0, |body| leads_written(op, body.bytes()));
        let now = self.clock.now();
        let entered = self
            .client_limits
            .enter(&admitted.caller, leads, now, Instant::now())
            .map_err(|met| met.refusal(op))?;
        call.counts(None, entered);
        Ok(())
    }
}

impl Inner {
    /// Waits for the call's turn, and gives the way it goes by then: meanwhile keys may have changed.
    async fn turn(
        &self,
        going: &Going,
        upstream: Arc<Upstream>,
        key: Arc<UpstreamKey>,
    ) -> Result<(Arc<Upstream>, Arc<UpstreamKey>), Refusal> {
        if !self.forwarder.turns.take(going).await? {
            return Ok((upstream, key));
        }
        let (snapshot, health) = (self.snapshot.load(), &self.forwarder.health);
        let now = snapshot.upstream(&upstream.workspace);
        let way = now.and_then(|now| Some((now, keychoice::choose(now, going.ask.op, health)?)));
        way.map(|(upstream, key)| (Arc::clone(upstream), Arc::clone(key)))
            .ok_or_else(|| {
                Refusal::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "no_upstream_key_covers",
                    "while the call waited, the upstream key that covers it went; nothing was sent",
                )
                .after_allowed()
            })
    }
}

/// A write under way, counted as long as it lives.
pub(crate) struct Write(Arc<Inner>);

impl Write {
    pub(crate) fn begin(inner: &Arc<Inner>) -> Self {
        inner.writes.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(inner))
    }
}

impl Drop for Write {
    fn drop(&mut self) {
        self.0.writes.fetch_sub(1, Ordering::SeqCst);
    }
}
