//! Carrying out what was allowed: recorded, sent, and counted while it is under way.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use doorward_condition::leads_written;
use http::{Response, StatusCode};

use crate::admit::Admitted;
use crate::answer::Answer;
use crate::forward::{respond, turn_away};
use crate::gateway::Inner;
use crate::record::Call;
use crate::refusal::Refusal;

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
        if let Err(refusal) = self.limit(&admitted, &mut call) {
            let fault = self.bounded(refusal.into(), call.facts());
            return turn_away(&mut call, fault);
        }
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
        let recorded = match call.intend(authorized).await {
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
        if !op.facts().writes() {
            let forwarder = &self.forwarder;
            return forwarder
                .forward(recorded, &upstream, &key, &veil, None)
                .await;
        }
        // A write goes on when its caller goes away: cut off, its outcome would be unknown.
        let write = Write::begin(self);
        let task = tokio::spawn(async move {
            let sent = write.0.send_write(recorded, &upstream, &key, &veil, guard);
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
    /// The client's own limits. From here on the call counts.
    fn limit(&self, admitted: &Admitted, call: &mut Call) -> Result<(), Refusal> {
        let op = admitted.authorized.op();
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
