//! Where a call on its way meets the write that it names: before it goes, and before its approval is
//! asked for.

use std::time::Instant;

use doorward_catalog::Op;
use doorward_policy::{Judgement, RequestFacts, Terms, Timestamp, authorize};
use http::Response;
use http::header::HeaderValue;
use http::request::Parts;

use super::guard::{Guard, Named};
use super::key::IdempotencyKey;
use super::seal::{Kept, Whose};
use super::settle::{Guarded, Told};
use crate::answers::answer::Answer;
use crate::clients::caller::Caller;
use crate::clients::client_limits::check_source;
use crate::decision::admit::Admitted;
use crate::decision::again::Given;
use crate::decision::conditions::Judgeable;
use crate::decision::decide::identify;
use crate::decision::refusal::Refusal;
use crate::gateway::Inner;
use crate::records::record::{Call, CallFacts};
use crate::request::body::HeldBody;
use crate::request::canonical::Head;
use crate::sending::forward::turn_away;
use crate::sending::way::Way;

/// A call, as far as its turns and looking for what it would make go.
#[derive(Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) op: Op,
    pub(crate) body: Option<&'a HeldBody>,
    pub(crate) as_workspace: Option<&'a HeaderValue>,
    pub(crate) way: &'a Way,
    pub(crate) caller: &'a Caller,
    pub(crate) decided_at: Timestamp,
}

/// The answer to a write that was sent before.
pub(crate) struct Before {
    pub(crate) op: Op,
    pub(crate) way: Way,
    pub(crate) kept: Kept,
    pub(crate) told: Told,
}

impl Admitted {
    /// What it is about.
    pub(crate) fn about(&self) -> About<'_> {
        let request = self.authorized.request();
        About {
            op: self.authorized.op(),
            body: request.body.as_ref(),
            as_workspace: request.as_workspace.as_ref(),
            way: &self.way,
            caller: &self.caller,
            decided_at: self.authorized.decided_at(),
        }
    }
}

impl Inner {
    /// Takes the write in hand that a call names, if it names one. Gives the answer when the call
    /// is not to be carried out.
    pub(crate) async fn guarded(
        &self,
        admitted: &Admitted,
        mut call: Call,
    ) -> Result<(Option<Box<Guard>>, Call), Box<Response<Answer>>> {
        let Some(named) = admitted.named.clone() else {
            return Ok((None, call));
        };
        let about = admitted.about();
        match Box::pin(self.guard(about, named, call.facts())).await {
            Ok(Guarded::Go(guard)) => Ok((Some(Box::new(guard)), call)),
            Ok(Guarded::Answer(kept, told)) => {
                let now = self.way_now(admitted, &mut call);
                let veil = match &now {
                    Ok(way) => &way.as_ref().unwrap_or(about.way).veil,
                    Err(refusal) => {
                        let fault = self.bounded(refusal.clone().into(), call.facts());
                        return Err(Box::new(turn_away(&mut call, fault)));
                    }
                };
                let given = self.forwarder.give_again(kept, told, call, about.op, veil);
                Err(Box::new(Box::pin(given).await))
            }
            Err(refusal) => {
                let fault = self.bounded(refusal.of(about.op).into(), call.facts());
                Err(Box::new(turn_away(&mut call, fault)))
            }
        }
    }

    /// The way of an admitted call by what is in force now, if that is another: to find out what
    /// became of a write may have taken its time.
    fn way_now(&self, admitted: &Admitted, call: &mut Call) -> Result<Option<Way>, Refusal> {
        let Admitted {
            authorized,
            way,
            caller,
            today,
            ..
        } = admitted;
        if self.stands(way, authorized.decided_at()) {
            return Ok(None);
        }
        let today = today.unwrap_or_default();
        let (way, _) = self.ask_again(authorized, caller, today, call.facts_mut())?;
        Ok(Some(way))
    }

    /// What became of a write that was sent before, by a call that needs an approval: it has its
    /// answer, if there is one. Nothing is sent but what looks for it.
    pub(crate) async fn sent_before(
        &self,
        parts: &Parts,
        head: &Head,
        body: Option<&HeldBody>,
        key: Option<&IdempotencyKey>,
        facts: &mut CallFacts,
    ) -> Result<Option<Box<Before>>, Refusal> {
        let Some(key) = key else {
            return Ok(None);
        };
        let Some(waiting) = self.but_for_approval(parts, head, body, key, facts)? else {
            return Ok(None);
        };
        let Waiting {
            op,
            way,
            caller,
            named,
            decided_at,
        } = waiting;
        let about = About {
            op,
            body,
            as_workspace: head.as_workspace_line(),
            way: &way,
            caller: &caller,
            decided_at,
        };
        let let_in = self.client_limits.let_in(&caller, Instant::now());
        let _under_way = let_in.map_err(|met| met.refusal(op))?;
        match Box::pin(self.guard(about, named, facts)).await {
            // It was not sent, or not carried out: it is let go of, and asked about like any other.
            Ok(Guarded::Go(_)) => Ok(None),
            Ok(Guarded::Answer(kept, told)) => {
                let way = match self.stands(&way, decided_at) {
                    true => Some(way),
                    false => self
                        .but_for_approval(parts, head, body, key, facts)?
                        .map(|waiting| waiting.way),
                };
                // Whoever needs more than an approval by now is told so like any other.
                Ok(way.map(|way| {
                    Box::new(Before {
                        op,
                        way,
                        kept,
                        told,
                    })
                }))
            }
            Err(refusal) => Err(refusal.of(op)),
        }
    }

    /// The write that a call names to which nothing but an approval may be missing.
    fn but_for_approval(
        &self,
        parts: &Parts,
        head: &Head,
        body: Option<&HeldBody>,
        key: &IdempotencyKey,
        facts: &mut CallFacts,
    ) -> Result<Option<Waiting>, Refusal> {
        let snapshot = self.snapshot.load();
        let (Some(idempotency), Ok(op)) = (&self.idempotency, head.op) else {
            return Ok(None);
        };
        if snapshot.policies().is_empty() {
            return Ok(None);
        }
        let known = identify(&snapshot, parts, facts)?;
        check_source(&known.client.record.controls, facts.source)?;
        let client = known.view();
        let now = self.clock.now();
        let asked = RequestFacts {
            op: Some(op),
            workspace: client.workspace,
            as_workspace: head.as_workspace(),
            now,
        };
        let call = Judgeable::of(head, body, facts);
        let today = self.today(&snapshot, &known, facts);
        let judged = self.judge(&snapshot, &known, (op, now), &call, (facts.source, today));
        let Judgement::NeedsApproval(policy) = judged.judgement() else {
            return Ok(None);
        };
        // Nothing can be sent by this: there is no request in it.
        let terms = Terms {
            conditions: &judged,
            approvals: &Given::of(Some(&policy.into()), now),
        };
        if authorize(&client, &asked, &terms, ()).is_err() {
            return Ok(None);
        }
        let whose = (&**client.workspace, &*known.client.id);
        let Ok(way) = Way::of(&snapshot, whose, op, &self.forwarder.health) else {
            return Ok(None);
        };
        let whose = Whose {
            workspace: client.workspace,
            client: &known.client.record.id,
            as_workspace: head.as_workspace(),
            op,
        };
        Ok(Some(Waiting {
            op,
            named: idempotency.ask(whose, key, head.target(), body),
            caller: Caller::of(&known),
            decided_at: now,
            way,
        }))
    }
}

/// A call that waits for its approval alone.
struct Waiting {
    op: Op,
    way: Way,
    caller: Caller,
    named: Named,
    decided_at: Timestamp,
}
