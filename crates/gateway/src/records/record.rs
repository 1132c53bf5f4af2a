//! What is recorded of a call, and the proof that it was.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use doorward_audit::{Draft, Recorded as RecordedAct};
use doorward_catalog::{Environment, Method, Op};
use doorward_keys::KeyId;
use doorward_ledger::LeafId;
use doorward_policy::{Authorized, Inputs, Timestamp};

use crate::clients::shares::Place;
use crate::clients::uses::Taken;
use crate::records::telemetry::Counted;
use crate::records::trace::Trace;
use crate::request::request_id::RequestId;
use crate::sending::under_way::UnderWay;

/// All that is known of a call before it is carried out. No secret of Doorward's; of the body there
/// is the digest. What is about people (`source`, `parameter`, `actor`, `inputs`) is sealed or left
/// out by whoever records it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CallFacts {
    /// The call's name.
    pub request_id: RequestId,
    /// When it was received.
    pub at: Timestamp,
    /// Where from: the other end of the connection.
    pub source: IpAddr,
    /// The method, if it is one that the API uses.
    pub method: Option<Method>,
    /// The operation, if it is one.
    pub op: Option<Op>,
    /// What is asked of Doorward itself, where it is no operation, such as `audit.claim`.
    pub action: Option<&'static str>,
    /// The path's parameter, decoded: its name and its value.
    pub parameter: Option<Parameter>,
    /// The person that the client says it acts for, by its header `Doorward-Actor`.
    pub actor: Option<Actor>,
    /// The presented key's public id, if it was well formed.
    pub client_key_id: Option<KeyId>,
    /// Name of the client.
    pub client: Option<Arc<str>>,
    /// Where the client runs.
    pub environment: Option<Environment>,
    /// Doorward's id of the workspace.
    pub workspace: Option<Arc<str>>,
    /// The sub-workspace to be acted on.
    pub as_workspace: Option<Arc<str>>,
    /// Doorward's id of the upstream key chosen.
    pub upstream_key: Option<Arc<str>>,
    /// Bytes of the body.
    pub bytes_in: u64,
    /// SHA-256 of the body. A recorder commits to it under a key and never writes it out: short
    /// bodies could be guessed from it.
    pub body_sha256: Option<[u8; 32]>,
    /// Why there is no such caller, for the record alone.
    pub stranger: Option<&'static str>,
    /// Name of the policy that stands against it, or that its approval lifted.
    pub policy: Option<Arc<str>>,
    /// What the decision depended on, so that it can be made again later: of writes and refusals.
    pub inputs: Option<Arc<Inputs>>,
    /// Where it stands in a trace, when calls are traced.
    pub trace: Option<Trace>,
}

/// A parameter of a path.
#[derive(Clone)]
pub struct Parameter {
    /// As the API names it: `id`, `email`.
    pub name: &'static str,
    /// Decoded.
    pub value: String,
}

/// A person that a client says it acts for.
#[derive(Clone)]
pub struct Actor(pub String);

/// Shows nothing of who it is.
impl std::fmt::Debug for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Actor(…)")
    }
}

/// Shows the name alone: the value may be somebody's address.
impl std::fmt::Debug for Parameter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Parameter({})", self.name)
    }
}

impl CallFacts {
    pub(crate) fn new(request_id: RequestId, at: Timestamp, source: IpAddr) -> Self {
        Self {
            request_id,
            at,
            source,
            method: None,
            op: None,
            action: None,
            parameter: None,
            actor: None,
            client_key_id: None,
            client: None,
            environment: None,
            workspace: None,
            as_workspace: None,
            upstream_key: None,
            bytes_in: 0,
            body_sha256: None,
            stranger: None,
            policy: None,
            inputs: None,
            trace: None,
        }
    }

    /// Whether the call can change anything at Instantly.
    pub fn writes(&self) -> bool {
        self.op.is_some_and(|op| op.facts().writes())
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// Whether it was allowed.
    pub allowed: bool,
    /// The status that the caller got; 0 if it got none.
    pub status: u16,
    /// Why it was refused or failed; `None` for an answer of the API's own.
    pub reason: Option<&'static str>,
    /// Bytes of the answer's body.
    pub bytes_out: u64,
    /// Whether anything was sent to the API.
    pub sent: bool,
    /// The status that the API answered; `None` when it did not.
    pub answered: Option<u16>,
    /// Whether the caller got a whole answer with a status below 400.
    pub success: bool,
    /// From the request's head to the answer's end.
    pub latency: Duration,
    /// From the request's head to its first sending.
    pub before: Duration,
    /// What of that it waited for its turn.
    pub waited: Duration,
    /// From the first sending to the head of the API's answer, or to giving up on it.
    pub upstream: Option<Duration>,
}

/// The call can't be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the call can't be recorded")]
pub struct NotRecorded;

/// What a recorder gives that is awaited: done when what was recorded is durable.
pub type Recording<'a, T> = Pin<Box<dyn Future<Output = Result<T, NotRecorded>> + Send + 'a>>;

/// Keeps the record of calls.
pub trait Recorder: Send + Sync {
    /// Records that a call is about to be carried out. When this is done, so is the record. Gives
    /// the intent's leaf, if there is one, for the outcome to refer to.
    ///
    /// A write whose intent can't be recorded is not carried out. For a read the recorder decides:
    /// with `Ok` it goes on. An intent that comes to be recorded when nobody waits for it any more
    /// is the recorder's to end: it records that nothing was sent.
    fn intent<'a>(&'a self, call: &'a CallFacts) -> Recording<'a, Option<LeafId>>;

    /// Records how a call ended, or that it was refused. Returns at once.
    fn outcome(&self, call: &Arc<CallFacts>, intent: Option<LeafId>, outcome: &Outcome);

    /// Whether the end of a read's answer waits until its outcome is recorded.
    fn holds_reads(&self) -> bool {
        false
    }

    /// Records how a read ended. Done when the answer's end may be passed on.
    fn outcome_of_read(&self, call: &Arc<CallFacts>, outcome: &Outcome) -> Recording<'static, ()> {
        self.outcome(call, None, outcome);
        Box::pin(std::future::ready(Ok(())))
    }

    /// Records an act that is no call. When this is done, so is the record.
    fn act(&self, draft: Draft) -> Recording<'_, RecordedAct> {
        drop(draft);
        Box::pin(std::future::ready(Err(NotRecorded)))
    }

    /// Whether recording the call would keep something for good about somebody who was not heard of
    /// lately.
    fn brings_new_people(&self, call: &CallFacts) -> bool {
        let _ = call;
        false
    }

    /// Told that the people in the call may be recorded, and are new no longer.
    fn welcome(&self, call: &CallFacts) {
        let _ = call;
    }

    /// Counts a refusal that is not worth a record of its own.
    fn count(&self, at: Timestamp, reason: &'static str) {
        let _ = (at, reason);
    }
}

/// An allowed request whose intent is recorded. [`Call::intend`] is the only way to one.
pub(crate) struct Recorded<T> {
    authorized: Authorized<T>,
    call: Call,
}

impl<T> Recorded<T> {
    /// Notes how long it waited for its turn.
    pub(crate) fn waited(&mut self, waited: Duration) {
        if let Some(outcome) = self.call.outcome_mut() {
            outcome.waited = waited;
        }
    }

    /// What was allowed, and the record that its outcome must go to.
    pub(crate) fn parts_mut(&mut self) -> (&Authorized<T>, &mut Call) {
        (&self.authorized, &mut self.call)
    }

    /// The request to be carried out, and the record that its outcome must go to.
    pub(crate) fn into_parts(self) -> (Authorized<T>, Call) {
        (self.authorized, self.call)
    }

    /// What was allowed, and its record.
    pub(crate) fn parts(&self) -> (&Authorized<T>, &Call) {
        (&self.authorized, &self.call)
    }

    /// The record that its outcome must go to.
    pub(crate) fn call(&self) -> &Call {
        &self.call
    }
}

/// A call under way. Its outcome is recorded exactly once: when it is finished, or when it is
/// dropped because the caller went away.
pub(crate) struct Call(Box<UnderWayCall>);

/// What is known of it, in a place of its own: it is handed on from one to the next.
struct UnderWayCall {
    recorder: Arc<dyn Recorder>,
    /// Shared once it has ended, with whoever records that.
    facts: Arc<CallFacts>,
    started: Instant,
    intent: Option<LeafId>,
    /// What is recorded if it is dropped now; `None` once recorded.
    outcome: Option<Outcome>,
    /// Counts it among what is under way.
    counted: (Option<Place>, Option<UnderWay>),
    /// What it took of its client's day.
    taken: Option<Taken>,
    watched: Counted,
}

impl Call {
    pub(crate) fn new(
        recorder: Arc<dyn Recorder>,
        facts: CallFacts,
        started: Instant,
        counted: Counted,
    ) -> Self {
        let outcome = Outcome {
            allowed: false,
            status: 0,
            reason: Some("caller_gone"),
            bytes_out: 0,
            sent: false,
            answered: None,
            success: false,
            latency: Duration::ZERO,
            before: Duration::ZERO,
            waited: Duration::ZERO,
            upstream: None,
        };
        Self(Box::new(UnderWayCall {
            recorder,
            facts: Arc::new(facts),
            started,
            intent: None,
            outcome: Some(outcome),
            counted: (None, None),
            taken: None,
            watched: counted,
        }))
    }

    /// Counts the call among all calls and its client's as long as it is under way: until its
    /// answer has been passed on.
    pub(crate) fn counts(&mut self, among_all: Option<Place>, of_client: Option<UnderWay>) {
        let (all, client) = &mut self.0.counted;
        *all = among_all.or(all.take());
        *client = of_client.or(client.take());
    }

    /// Counts the call in its client's day, unless it ends and nothing was sent.
    pub(crate) fn takes(&mut self, taken: Taken) {
        self.0.taken = Some(taken);
    }

    pub(crate) fn facts(&self) -> &CallFacts {
        &self.0.facts
    }

    pub(crate) fn facts_mut(&mut self) -> &mut CallFacts {
        Arc::make_mut(&mut self.0.facts)
    }

    /// Since the request's head arrived.
    pub(crate) fn elapsed(&self) -> Duration {
        self.0.started.elapsed()
    }

    /// What is recorded if the call ends now. Nothing once it has been recorded.
    pub(crate) fn outcome_mut(&mut self) -> Option<&mut Outcome> {
        self.0.outcome.as_mut()
    }

    /// Records the intent. The call comes back when that fails.
    pub(crate) async fn intend<T>(
        mut self,
        authorized: Authorized<T>,
    ) -> Result<Recorded<T>, Self> {
        if let Some(outcome) = &mut self.0.outcome {
            outcome.allowed = true;
        }
        match self.0.recorder.intent(&self.0.facts).await {
            Ok(intent) => {
                self.0.intent = intent;
                Ok(Recorded {
                    authorized,
                    call: self,
                })
            }
            Err(NotRecorded) => Err(self),
        }
    }

    /// Records an outcome.
    pub(crate) fn finish(
        &mut self,
        allowed: bool,
        status: u16,
        reason: Option<&'static str>,
        bytes_out: u64,
    ) {
        if let Some(outcome) = &mut self.0.outcome {
            outcome.allowed = allowed;
            outcome.status = status;
            outcome.reason = reason;
            outcome.bytes_out = bytes_out;
            outcome.success = reason.is_none() && status < 400;
        }
        self.settle();
    }

    /// Records what there is to record, once.
    pub(crate) fn settle(&mut self) {
        if let Some(outcome) = self.take_outcome() {
            self.0.watched.watch.ended(&self.0.facts, &outcome);
            self.0
                .recorder
                .outcome(&self.0.facts, self.0.intent, &outcome);
        }
    }

    /// Whether the end of the answer waits for the record.
    pub(crate) fn holds_answer(&self) -> bool {
        !self.0.facts.writes() && self.0.outcome.is_some() && self.0.recorder.holds_reads()
    }

    /// Records what there is to record, once, where the end of the answer waits for it. Done when
    /// that may be passed on.
    pub(crate) fn settle_held(&mut self) -> Recording<'static, ()> {
        match self.take_outcome() {
            Some(outcome) => {
                self.0.watched.watch.ended(&self.0.facts, &outcome);
                self.0.recorder.outcome_of_read(&self.0.facts, &outcome)
            }
            None => Box::pin(std::future::ready(Ok(()))),
        }
    }

    /// Records another act in the place of an outcome. The call is still to be finished when that
    /// fails.
    pub(crate) async fn act(&mut self, draft: Draft) -> Result<RecordedAct, NotRecorded> {
        let recorded = self.0.recorder.act(draft).await?;
        if let Some(mut outcome) = self.take_outcome() {
            outcome.allowed = true;
            outcome.success = true;
            outcome.reason = None;
            self.0.watched.watch.ended(&self.0.facts, &outcome);
        }
        Ok(recorded)
    }

    /// Counts a refusal in the place of recording an outcome.
    pub(crate) fn count(&mut self, reason: &'static str) {
        if self.take_outcome().is_some() {
            self.0.watched.watch.counted(&self.0.facts, reason);
            self.0.recorder.count(self.0.facts.at, reason);
        }
    }

    fn take_outcome(&mut self) -> Option<Outcome> {
        let mut outcome = self.0.outcome.take()?;
        outcome.latency = self.0.started.elapsed();
        if let Some(taken) = self.0.taken.take()
            && !outcome.sent
        {
            taken.give_back();
        }
        Some(outcome)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.settle();
    }
}
