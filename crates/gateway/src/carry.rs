//! Carrying out what was allowed: recorded, sent, and counted while it is under way.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::{Response, StatusCode};

use crate::admit::Admitted;
use crate::answer::Answer;
use crate::forward::respond;
use crate::gateway::Inner;
use crate::record::Call;
use crate::refusal::Refusal;

impl Inner {
    pub(crate) async fn carry_out(
        self: &Arc<Self>,
        admitted: Admitted,
        call: Call,
    ) -> Response<Answer> {
        let Admitted {
            authorized,
            upstream,
            key,
        } = admitted;
        let op = authorized.op();
        let id = call.facts().request_id;
        let recorded = match call.intend(authorized).await {
            Ok(recorded) => recorded,
            Err(mut call) => {
                let why = "the call can't be recorded, and so is not carried out";
                return respond(&mut call, &Refusal::ledger(why).of(op));
            }
        };
        if !op.facts().writes() {
            return self.forwarder.forward(recorded, &upstream, &key).await;
        }
        // A write goes on when its caller goes away: cut off, its outcome would be unknown.
        let write = Write::begin(self);
        let task =
            tokio::spawn(async move { write.0.forwarder.forward(recorded, &upstream, &key).await });
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
