//! The two places where a call on its way meets the write that it names.

use std::sync::Arc;

use http::Response;

use super::guard::Guard;
use super::settle::Guarded;
use crate::answers::answer::Answer;
use crate::answers::veil::Veil;
use crate::decision::admit::Admitted;
use crate::gateway::Inner;
use crate::pace::turns::Going;
use crate::records::record::{Call, Recorded};
use crate::request::canonical::ForwardRequest;
use crate::sending::forward::respond;
use crate::sending::upstream::{Upstream, UpstreamKey};

impl Inner {
    /// Takes the write in hand that a call names, if it names one. Gives the answer when the call
    /// is not to be carried out.
    pub(crate) async fn guarded(
        &self,
        admitted: &Admitted,
        mut call: Call,
    ) -> Result<(Option<Guard>, Call), Box<Response<Answer>>> {
        let Some(named) = admitted.named.clone() else {
            return Ok((None, call));
        };
        match self.guard(admitted, named, &call).await {
            Ok(Guarded::Go(guard)) => Ok((Some(guard), call)),
            Ok(Guarded::Answer(kept, told)) => {
                let given = self.forwarder.give_again(kept, told, call, admitted);
                Err(Box::new(given.await))
            }
            Err(refusal) => {
                let refusal = refusal.of(admitted.authorized.op());
                Err(Box::new(respond(&mut call, &refusal)))
            }
        }
    }

    /// Sends a write. One that has a name is noted on disk first.
    pub(crate) async fn send_write(
        &self,
        recorded: Recorded<ForwardRequest>,
        upstream: &Upstream,
        key: &Arc<UpstreamKey>,
        veil: &Veil,
        mut guard: Option<Guard>,
        going: &Going,
    ) -> Response<Answer> {
        if let Some(guard) = &mut guard {
            let id = recorded.call().facts().request_id.to_string();
            if let Err(refusal) = guard.leave(&id, self.clock.now()).await {
                let (authorized, mut call) = recorded.into_parts();
                return respond(&mut call, &refusal.of(authorized.op()).after_allowed());
            }
        }
        let forwarder = &self.forwarder;
        forwarder
            .forward(recorded, upstream, key, veil, guard, going)
            .await
    }
}
