//! Carrying out what was allowed: counted, recorded, and sent in its turn.
//!
//! ```text
//! read   counted ─► may be read ───────────────────────────────────► turn ─► asked again ─► sent
//! write  counted ─► intent durable ─► key noted ─► approval spent ─► turn ─► asked again ─► sent
//! ```
//!
//! Nothing that takes its time is between the turn and the socket, so that what is in force when a
//! call leaves is what it was asked by, and the pace is kept where the API counts.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use doorward_condition::{Day, leads_written};
use http::{Response, StatusCode};
use tokio::sync::oneshot;

use crate::answers::answer::Answer;
use crate::clients::caller::Caller;
use crate::clients::client_limits::Met;
use crate::decision::admit::Admitted;
use crate::decision::refusal::Refusal;
use crate::gateway::Inner;
use crate::idempotency::Guard;
use crate::pace::turns::Going;
use crate::records::record::{Call, Recorded};
use crate::request::canonical::ForwardRequest;
use crate::sending::exchange::shut;
use crate::sending::forward::{respond, turn_away};
use crate::sending::held::Held;
use crate::sending::way::Way;

/// A call on its way out. In a place of its own, as what it is made of: it passes through many hands.
struct Leaving {
    recorded: Recorded<Box<ForwardRequest>>,
    way: Way,
    going: Box<Going>,
    caller: Caller,
    /// What the client had used of the day before it.
    today: Day,
}

impl Inner {
    pub(crate) async fn carry_out(
        self: &Arc<Self>,
        admitted: Box<Admitted>,
        mut call: Call,
    ) -> Response<Answer> {
        // What names a write is let in first: to find out what became of it costs something, too.
        if admitted.named.is_some()
            && let Err(met) = self.let_in(&admitted.caller, &mut call)
        {
            let refusal = met.refusal(admitted.authorized.op());
            let fault = self.bounded(refusal.into(), call.facts());
            return turn_away(&mut call, fault);
        }
        // Apart: what is seldom needed makes no call's future larger.
        let guarded = match admitted.named {
            Some(_) => Box::pin(self.guarded(&admitted, call)).await,
            None => Ok((None, call)),
        };
        let (guard, mut call) = match guarded {
            Ok(both) => both,
            Err(answer) => return *answer,
        };
        let going = self.forwarder.turns.going(admitted.about(), call.facts());
        let ask = going.ask;
        let mut response = match self.limit(admitted, going, &mut call) {
            Ok(counted) => self.let_go(counted, guard, call).await,
            Err(refusal) => {
                let fault = self.bounded(refusal.into(), call.facts());
                turn_away(&mut call, fault)
            }
        };
        self.forwarder.turns.tell(ask, response.headers_mut());
        response
    }

    /// Lets a call in by its client's limits of calls in a second and at once.
    fn let_in(&self, caller: &Caller, call: &mut Call) -> Result<(), Met> {
        let under_way = self.client_limits.let_in(caller, Instant::now())?;
        call.counts(None, under_way);
        Ok(())
    }

    /// Whether the call can be sent before long, and the client's own limits. From here on it counts.
    fn limit(
        &self,
        mut admitted: Box<Admitted>,
        mut going: Box<Going>,
        call: &mut Call,
    ) -> Result<(Box<Admitted>, Box<Going>), Refusal> {
        let op = admitted.authorized.op();
        let line = &admitted.way.upstream.line;
        line.check(!op.facts().writes(), going.ask.client)
            .map_err(|wait| shut(wait).of(op))?;
        let turns = &self.forwarder.turns;
        turns.foresee(&going).map_err(|refusal| refusal.of(op))?;
        let refused = |met: Met| met.refusal(op);
        if admitted.named.is_none() {
            self.let_in(&admitted.caller, call).map_err(refused)?;
        }
        let (leads, now) = (leads(&admitted), self.clock.now());
        let taken = self.client_limits.take(&admitted.caller, leads, now);
        let taken = taken.map_err(refused)?;
        let before = taken.before().into();
        call.takes(taken);
        // Calls that were judged side by side are judged once more by what was counted before each.
        if admitted.today.is_some_and(|judged_by| judged_by != before) {
            let Admitted {
                authorized, caller, ..
            } = &*admitted;
            let (way, at) = self.ask_again(authorized, caller, before, call.facts_mut())?;
            going.stands_on(&way, at);
            admitted.way = way;
        }
        admitted.today = Some(before);
        Ok((admitted, going))
    }

    /// Lets a call go that counts by now.
    async fn let_go(
        self: &Arc<Self>,
        (admitted, going): (Box<Admitted>, Box<Going>),
        guard: Option<Box<Guard>>,
        call: Call,
    ) -> Response<Answer> {
        let Admitted {
            authorized,
            way,
            caller,
            today,
            ..
        } = *admitted;
        let op = authorized.op();
        let id = call.facts().request_id;
        let recorded = match call.intend(authorized).await {
            Ok(recorded) => recorded,
            Err(mut call) => {
                let why = "the call can't be recorded, and so is not carried out";
                return respond(&mut call, &Refusal::ledger(why).of(op));
            }
        };
        let mut leaving = Box::new(Leaving {
            recorded,
            way,
            going,
            caller,
            today: today.unwrap_or_default(),
        });
        if !op.facts().writes() && !leaving.is_approved() {
            return match self.turn(&mut leaving).await {
                Ok(()) => self.forward(leaving, Held::default()).await,
                Err(refusal) => leaving.refuse(&refusal),
            };
        }
        // A write goes on when its caller goes away: cut off, its outcome would be unknown. Until it
        // has its turn it does not: nobody waits for it.
        let write = Write::begin(self);
        let (_here, gone) = oneshot::channel();
        let task = tokio::spawn(async move { write.0.send_write(leaving, guard, gone).await });
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

    /// Sends a write: what it names is noted and what it needs is spent, on disk, before it waits for
    /// its turn. `gone` ends when its caller has gone.
    async fn send_write(
        &self,
        mut leaving: Box<Leaving>,
        guard: Option<Box<Guard>>,
        gone: oneshot::Receiver<()>,
    ) -> Response<Answer> {
        let held = match self.hold_on(&leaving, guard).await {
            Ok(held) => held,
            Err(refusal) => return leaving.refuse(&refusal),
        };
        let turn = tokio::select! {
            biased;
            turn = self.turn(&mut leaving) => Some(turn),
            _ = gone => None,
        };
        match turn {
            Some(Ok(())) => self.forward(leaving, held).await,
            Some(Err(refusal)) => {
                held.returned().await;
                leaving.refuse(&refusal)
            }
            None => {
                held.returned().await;
                leaving.left_alone()
            }
        }
    }

    /// Notes the write that a call names as sent, and spends its approval.
    async fn hold_on(&self, leaving: &Leaving, guard: Option<Box<Guard>>) -> Result<Held, Refusal> {
        let (authorized, call) = leaving.recorded.parts();
        let (op, id) = (authorized.op(), call.facts().request_id);
        let mut held = Held { guard, spent: None };
        if let Some(guard) = &mut held.guard {
            let late = self.forwarder.turns.pacing.max_wait();
            let left = guard.leave(&id.to_string(), self.clock.now(), late).await;
            left.map_err(|refusal| refusal.of(op).after_allowed())?;
        }
        if let Some(approval) = authorized.approval() {
            match self.spend(approval, op, id).await {
                Ok(spent) => held.spent = Some(Box::new(spent)),
                Err(refusal) => {
                    held.returned().await;
                    return Err(refusal);
                }
            }
        }
        Ok(held)
    }

    /// Waits for a call's turn, and asks what is in force by then whether it may go, and how.
    async fn turn(&self, leaving: &mut Leaving) -> Result<(), Refusal> {
        let op = leaving.going.ask.op;
        let asked = leaving.recorded.call().elapsed();
        let turn = self.forwarder.turns.turn(&leaving.going).await;
        let waited = leaving.recorded.call().elapsed().saturating_sub(asked);
        leaving.recorded.waited(waited);
        turn.map_err(|refusal| refusal.of(op))?;
        // Once more where that was overtaken: a key that is on its way out is counted on from here.
        while !self.stands(&leaving.way, leaving.going.decided_at()) {
            let (authorized, call) = leaving.recorded.parts_mut();
            let (caller, today) = (&leaving.caller, leaving.today);
            let (way, at) = self.ask_again(authorized, caller, today, call.facts_mut())?;
            leaving.going.stands_on(&way, at);
            let overtaken = !self.snapshot.is(&way.snapshot);
            leaving.way = way;
            if !overtaken {
                break;
            }
        }
        Ok(())
    }

    /// Sends what has its turn.
    async fn forward(&self, leaving: Box<Leaving>, held: Held) -> Response<Answer> {
        let Leaving {
            recorded,
            way,
            going,
            ..
        } = *leaving;
        let Way {
            upstream,
            key,
            veil,
            ..
        } = way;
        let forwarder = &self.forwarder;
        forwarder
            .forward(recorded, &upstream, key, &veil, held, &going)
            .await
    }
}

impl Leaving {
    /// Whether it has an approval, which is spent on it.
    fn is_approved(&self) -> bool {
        self.recorded.parts().0.approval().is_some()
    }

    /// Nothing was sent.
    fn refuse(self, refusal: &Refusal) -> Response<Answer> {
        let (_, mut call) = self.recorded.into_parts();
        respond(&mut call, refusal)
    }

    /// Nothing was sent, and nobody is told.
    fn left_alone(self) -> Response<Answer> {
        let (_, call) = self.recorded.into_parts();
        let refusal = Refusal::bad_request("caller_gone", "the caller went away");
        let response = refusal.after_allowed().response(call.facts().request_id);
        response.map(Answer::whole)
    }
}

/// The leads that a call writes, where a limit or a policy asks how many there were in a day. To
/// count them takes as long as the body is large.
fn leads(admitted: &Admitted) -> u32 {
    let asked =
        admitted.caller.day.leads.is_some() || admitted.way.snapshot.policies().ask_for_today();
    let body = admitted.authorized.request().body.as_ref();
    if !asked {
        return 0;
    }
    // One without a body writes leads all the same: that of its path, or all there are.
    let body = body.map_or(&[][..], |body| body.bytes());
    leads_written(admitted.authorized.op(), body)
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
