//! Whether a request may be carried out: who calls, what is asked, by what it is decided.

use std::sync::{Arc, Weak};
use std::time::Instant;

use bytes::Bytes;
use doorward_catalog::Op;
use doorward_condition::Day;
use doorward_policy::{
    Authorized, Decision, DenyReason, Judgement, RequestFacts, Terms, authorize, decide,
};
use doorward_store::Known;
use http::StatusCode;
use http::request::Parts;
use http_body::Body;

use crate::approvals::Stopped;
use crate::clients::caller::Caller;
use crate::clients::client_limits::check_source;
use crate::clients::rate::Asked;
use crate::clients::remembered::Remembered;
use crate::clients::shares::Place;
use crate::decision::conditions::{Judgeable, with_conditions};
use crate::decision::decide::{
    client_is_out, identify, identify_again, inputs, note, request_facts,
};
use crate::decision::refusal::{Fault, Refusal};
use crate::gateway::Inner;
use crate::idempotency::{Before, Idempotency, IdempotencyKey, Named, Whose};
use crate::records::record::{Actor, CallFacts};
use crate::request::body::{BoxError, HeldBody};
use crate::request::canonical::{ForwardRequest, Head, check_body_head};
use crate::request::headers;
use crate::sending::way::Way;
use crate::snapshot::Snapshot;

/// A call that may be carried out, with the way that it goes.
pub(crate) struct Admitted {
    pub(crate) authorized: Authorized<Box<ForwardRequest>>,
    pub(crate) way: Way,
    pub(crate) caller: Caller,
    /// What its client had used of the day, where a policy that bears on it asks for that.
    pub(crate) today: Option<Day>,
    /// The write that it names, if it does.
    pub(crate) named: Option<Named>,
}

/// Why a call is not carried out.
pub(crate) enum Stop {
    /// It may not, or not now.
    Refused(Fault),
    /// It was carried out before, and has its answer.
    Answered(Box<Before>),
}

impl<F: Into<Fault>> From<F> for Stop {
    fn from(fault: F) -> Self {
        Self::Refused(fault.into())
    }
}

impl Inner {
    /// Whether the call may be carried out, and what is sent if so.
    pub(crate) async fn admit<B>(
        &self,
        parts: &Parts,
        body: B,
        facts: &mut CallFacts,
        (place, remembered): (&mut Place, &Remembered),
    ) -> Result<Box<Admitted>, Stop>
    where
        B: Body<Data = Bytes> + Unpin + Send,
        B::Error: Into<BoxError>,
    {
        facts.method = doorward_catalog::Method::parse(parts.method.as_str());
        let snapshot = self.snapshot.load();
        let head = self.read_head((&snapshot, remembered), parts, facts, place)?;
        let op = head.op.map_err(Refusal::route)?;
        check_body_head(op, &parts.headers, body.is_end_stream())?;
        let key = self.idempotency_key(op, parts)?;
        let decided_by = Arc::downgrade(&snapshot);
        // The body may take its time: it holds no state that is no longer in force.
        drop(snapshot);
        let body = match body.is_end_stream() {
            true => None,
            false => {
                let read = Box::pin(self.bodies.read(&sender(facts), body)).await;
                read.map_err(|refusal| refusal.of(op))?
            }
        };
        facts.bytes_in = body.as_ref().map_or(0, |body| body.bytes().len() as u64);
        facts.body_sha256 = body.as_ref().map(HeldBody::sha256);

        // Sent before it needed an approval, or by one that is spent, it needs none to be told how
        // that ended.
        let sent = self.sent_before(parts, &head, body.as_ref(), key.as_ref(), facts);
        if let Some(before) = sent.await? {
            return Err(Stop::Answered(before));
        }
        // The body may have taken its time: what is in force now decides.
        self.hold(parts, &head, body.as_ref(), facts).await?;
        match self.decide_now(parts, &decided_by, head, body, facts, key) {
            Ok(admitted) => Ok(admitted),
            Err(stopped) => Err(Box::pin(self.ask(stopped)).await.into()),
        }
    }

    /// What is in force now decides. `before` is what was in force when the head was read.
    fn decide_now(
        &self,
        parts: &Parts,
        before: &Weak<Snapshot>,
        head: Head,
        body: Option<HeldBody>,
        facts: &mut CallFacts,
        key: Option<IdempotencyKey>,
    ) -> Result<Box<Admitted>, Stopped> {
        let now = self.snapshot.load();
        // The key was compared already, if nothing has changed since.
        let same = std::ptr::eq(before.as_ptr(), Arc::as_ptr(&now));
        let known = match facts.client_key_id.filter(|_| same) {
            Some(key) => now.known(key).ok_or_else(Refusal::unauthorized)?,
            None => identify(&now, parts, facts)?,
        };
        check_source(&known.client.record.controls, facts.source)?;
        let mut admitted = self.authorize(&now, &known, head, body, facts)?;
        if let (Some(key), Some(idempotency)) = (key, &self.idempotency) {
            let whose = Whose {
                workspace: known.view().workspace,
                client: &known.client.record.id,
                as_workspace: facts.as_workspace.as_deref(),
                op: admitted.authorized.op(),
            };
            let request = admitted.authorized.request();
            let body = request.body.as_ref();
            admitted.named = Some(idempotency.ask(whose, &key, &request.target, body));
        }
        Ok(admitted)
    }

    /// The idempotency key of a write. Repeating a read does no harm, so its key is passed over.
    fn idempotency_key(&self, op: Op, parts: &Parts) -> Result<Option<IdempotencyKey>, Refusal> {
        let heeded = self.idempotency.as_ref().is_some_and(Idempotency::is_on);
        if !heeded || !op.facts().writes() {
            return Ok(None);
        }
        IdempotencyKey::of(&parts.headers)
    }

    /// Whether the people in a call may be recorded. Those who may not be are forgotten at once.
    pub(crate) fn welcome(&self, facts: &mut CallFacts) -> Result<(), Fault> {
        if !self.recorder.brings_new_people(facts) {
            return Ok(());
        }
        let Asked::TooMuch { news } = self.new_people.ask(&sender(facts), Instant::now()) else {
            // A burst of one person's calls brings up one.
            self.recorder.welcome(facts);
            return Ok(());
        };
        facts.actor = None;
        facts.parameter = None;
        let refusal = Refusal::new(
            StatusCode::TOO_MANY_REQUESTS,
            "people_too_fast",
            "more than 100 people or addresses a second that were not heard of lately; send fewer \
             and try again",
        );
        Err(if news {
            Fault::Refused(refusal)
        } else {
            Fault::Again(refusal)
        })
    }

    /// Who is calling and for what; refuses what no body could make allowed, so that none is
    /// waited for.
    fn read_head(
        &self,
        (snapshot, remembered): (&Arc<Snapshot>, &Remembered),
        parts: &Parts,
        facts: &mut CallFacts,
        place: &mut Place,
    ) -> Result<Head, Fault> {
        let known = identify_again(snapshot, remembered, parts, facts);
        let known = known.inspect_err(|_| self.tell_of_upstream_key(parts, facts))?;
        let client = known.view();
        if client_is_out(&client, facts) {
            return Err(Refusal::unauthorized().into());
        }
        let controls = &known.client.record.controls;
        check_source(controls, facts.source)?;
        self.load.check(place, &known.client.id, controls.class)?;
        if remembered.is_news(known.key_id, facts.at) {
            self.observer.client_key_used(known.key_id, facts.at);
        }
        let actor = headers::actor(&parts.headers);
        if let Ok(Some(name)) = &actor {
            facts.actor = Some(Actor((*name).to_owned()));
        }
        let mut head = Head::read(parts);
        if let Ok(head) = &mut head {
            facts.op = head.op.ok();
            facts.parameter = head.parameter.take();
        }
        self.welcome(facts)?;
        actor?;
        let head = head?;
        facts.as_workspace = head.as_workspace().map(Arc::from);
        let asked = request_facts(&client, &head, facts);
        let denial = match decide(&client, &asked) {
            Decision::Allow => return Ok(head),
            Decision::Deny(denial) => denial,
            _ => return Err(Refusal::unauthorized().into()),
        };
        facts.inputs = Some(Arc::new(inputs(&known, &asked, snapshot.taken_at())));
        let refusal = match head.op {
            // A wrong method says which there are.
            Err(error) if denial.reason() == DenyReason::UnknownOperation => Refusal::route(error),
            _ => Refusal::denial(&denial),
        };
        Err(refusal.into())
    }

    /// The decision that counts, on the very request that is sent.
    fn authorize(
        &self,
        snapshot: &Arc<Snapshot>,
        known: &Known<'_>,
        head: Head,
        body: Option<HeldBody>,
        facts: &mut CallFacts,
    ) -> Result<Box<Admitted>, Stopped> {
        let op = head.op.map_err(Refusal::route)?;
        let client = known.view();
        let as_workspace = facts.as_workspace.clone();
        let asked = RequestFacts {
            op: Some(op),
            workspace: client.workspace,
            as_workspace: as_workspace.as_deref(),
            now: self.clock.now(),
        };
        let call = Judgeable::of(&head, body.as_ref(), facts);
        let request = head.into_request(op, body);
        let today = self.today(snapshot, known, facts);
        let judged = self.judge(
            snapshot,
            known,
            (op, asked.now),
            &call,
            (facts.source, today),
        );
        let waiting = call.waiting(self.approvals.as_deref(), known, op);
        let terms = Terms {
            conditions: &judged,
            approvals: &waiting,
        };
        let allowed = authorize(&client, &asked, &terms, request);
        if facts.writes() || allowed.is_err() {
            let inputs = inputs(known, &asked, snapshot.taken_at());
            facts.inputs = Some(Arc::new(with_conditions(inputs, &judged, &call)));
        }
        let authorized = allowed.map_err(|denial| {
            facts.policy = denial.policy().map(Arc::from);
            let refusal = note(facts, denial.reason(), Refusal::denial(&denial));
            let ask = match (denial.reason(), denial.policy()) {
                (DenyReason::ApprovalRequired, Some(policy)) => waiting.ask(policy, facts),
                _ => None,
            };
            Stopped { refusal, ask }
        })?;
        if let (Some(_), Judgement::NeedsApproval(policy)) =
            (authorized.approval(), judged.judgement())
        {
            facts.policy = Some(policy.into());
        }
        let whose = (&**client.workspace, &*known.client.id);
        let way = Way::of(snapshot, whose, op, &self.forwarder.health)?;
        facts.upstream_key = Some(Arc::clone(&way.key.id));
        Ok(Box::new(Admitted {
            authorized,
            way,
            caller: Caller::of(known),
            today: judged.today(),
            named: None,
        }))
    }
}

/// Who a body is of: the client, by its workspace and name.
pub(crate) fn sender(facts: &CallFacts) -> Arc<str> {
    let workspace = facts.workspace.as_deref().unwrap_or_default();
    let client = facts.client.as_deref().unwrap_or_default();
    format!("{workspace}/{client}").into()
}
