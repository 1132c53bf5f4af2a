//! Carrying out what was allowed and recorded: the one place where an upstream key is used.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use doorward_catalog::Op;
use doorward_catalog::wire::ErrorBody;
use doorward_policy::Authorized;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::response::Parts;
use http::{Response, StatusCode, Uri};
use http_body_util::Full;

use crate::answers::answer::Answer;
use crate::answers::veil::{Coding, Veil};
use crate::answers::whole::{Answers, Unread, is_short};
use crate::decision::refusal::{Fault, Refusal};
use crate::idempotency::Told;
use crate::pace::turns::{Going, Turns};
use crate::records::observe::{Observer, ScopeRequired};
use crate::records::record::{Call, Outcome, Recorded};
use crate::records::trace::{TRACEPARENT, Trace};
use crate::request::canonical::ForwardRequest;
use crate::request::headers::{
    self, DOORWARD_DECISION, DOORWARD_IDEMPOTENCY, DOORWARD_REQUEST_ID, X_AS_WORKSPACE,
};
use crate::request::limits::LimitsInForce;
use crate::request::request_id::RequestId;
use crate::sending::connection::Outgoing;
use crate::sending::exchange::shut;
use crate::sending::held::Held;
use crate::sending::key_use::KeyInUse;
use crate::sending::keyhealth::KeyHealth;
use crate::sending::upstream::{Upstream, UpstreamKey};
use crate::wire::source::Source;

const OUR_NAME: &str = concat!("doorward/", env!("CARGO_PKG_VERSION"));
/// Headers that an answer gets here.
const OURS: usize = 6;
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Forwards requests.
pub(crate) struct Forwarder {
    pub(crate) limits: LimitsInForce,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) answers: Answers,
    pub(crate) health: KeyHealth,
    pub(crate) turns: Turns,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No connection: nothing was sent.
    Unreachable,
    /// The connection broke before the answer's head.
    Broken,
    /// The answer's head did not come in time.
    Late,
    /// The request could not be put together; nothing was sent.
    Unsendable,
    /// The API is left alone for that long; nothing was sent.
    Shut(Duration),
    /// It was held up, and had no other turn; nothing was sent. True when it still was allowed.
    Overdue(bool),
}

impl Forwarder {
    /// Sends the request under the key and gives the answer, the API's or a refusal. The outcome
    /// is recorded when the answer has been passed on.
    pub(crate) async fn forward(
        &self,
        recorded: Recorded<Box<ForwardRequest>>,
        upstream: &Upstream,
        key: KeyInUse,
        veil: &Veil,
        mut held: Held,
        going: &Going,
    ) -> Response<Answer> {
        let (authorized, mut call) = recorded.into_parts();
        // What was allowed on one workspace goes to no other.
        if *authorized.workspace() != upstream.workspace {
            return self.fail(&mut call, &authorized, Failure::Unsendable);
        }
        let before = call.elapsed();
        note(&mut call, |outcome| {
            outcome.sent = true;
            outcome.before = before;
        });
        held.going();
        let (answered, key) = self
            .attempt(&authorized, upstream, key, &mut call, going)
            .await;
        call.facts_mut().upstream_key = Some(Arc::clone(&key.id));
        let took = call.elapsed().saturating_sub(before);
        note(&mut call, |outcome| outcome.upstream = Some(took));
        let response = match answered {
            Ok(response) => response,
            Err(failure) => {
                let nothing_sent = failure.sent_nothing();
                note(&mut call, |outcome| outcome.sent = !nothing_sent);
                if nothing_sent {
                    Box::pin(held.returned()).await;
                } else {
                    Box::pin(held.lost(self.turns.clock.now())).await;
                }
                return self.fail(&mut call, &authorized, failure);
            }
        };
        let status = response.status().as_u16();
        note(&mut call, |outcome| outcome.answered = Some(status));
        // A write's answer is kept as it came, before the caller has any of it.
        let response = match &held.guard {
            Some(_) => {
                let patience = self.limits.load().response_idle;
                let now = self.turns.clock.now();
                Box::pin(held.keep(response, patience, now)).await
            }
            None => response,
        };
        if response.status().is_redirection() || response.status().is_informational() {
            let refusal = Refusal::new(
                StatusCode::BAD_GATEWAY,
                "upstream_redirect",
                "the API answered with a redirect, which is not followed",
            );
            return respond(&mut call, &refusal.of(authorized.op()).after_allowed());
        }
        let under = Some((&authorized, &*key));
        self.pass_on(response, call, authorized.op(), under, veil, None)
            .await
    }

    fn fail(
        &self,
        call: &mut Call,
        authorized: &Authorized<Box<ForwardRequest>>,
        failure: Failure,
    ) -> Response<Answer> {
        let op = authorized.op();
        let (status, reason, message) = match failure {
            Failure::Shut(wait) => return respond(call, &shut(wait).of(op)),
            Failure::Overdue(false) => return respond(call, &Refusal::unauthorized()),
            Failure::Overdue(true) => (
                429,
                "paced",
                "the call was held up, and had no other turn in time; nothing was sent",
            ),
            Failure::Unreachable => (
                502,
                "upstream_unreachable",
                "the API can't be reached; nothing was sent",
            ),
            Failure::Unsendable => (502, "upstream_unreachable", "the request can't be sent"),
            // A lost answer to a write says nothing about the write.
            Failure::Broken if op.facts().writes() => (
                502,
                "outcome_unknown",
                "the connection to the API broke before its answer: the call may have been \
                 carried out; look before you repeat it",
            ),
            Failure::Late if op.facts().writes() => (
                504,
                "outcome_unknown",
                "the API did not answer in time: the call may have been carried out; look before \
                 you repeat it",
            ),
            Failure::Broken => (
                502,
                "upstream_unreachable",
                "the connection to the API broke before its answer",
            ),
            Failure::Late => (504, "upstream_timeout", "the API did not answer in time"),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
        respond(
            call,
            &Refusal::new(status, reason, message).of(op).after_allowed(),
        )
    }

    /// The API's answer, as it is but for what belongs to the connection or to the API's origin,
    /// and for what the client must not see. `under`: what was sent for it, and under which key;
    /// nothing where the answer was kept.
    pub(crate) async fn pass_on(
        &self,
        response: Response<Source>,
        mut call: Call,
        op: Op,
        under: Option<(&Authorized<Box<ForwardRequest>>, &UpstreamKey)>,
        veil: &Veil,
        told: Option<Told>,
    ) -> Response<Answer> {
        let (mut parts, body) = response.into_parts();
        let coding = Coding::take(&mut parts.headers);
        headers::strip_response(&mut parts.headers);
        veil.headers(&mut parts.headers);
        // What is said of the call, its windows and the connection.
        parts.headers.reserve(OURS);
        parts
            .headers
            .insert(DOORWARD_DECISION, HeaderValue::from_static("allowed"));
        if let Ok(id) = HeaderValue::from_bytes(&call.facts().request_id.text()) {
            parts.headers.insert(DOORWARD_REQUEST_ID, id);
        }
        if let Some(told) = told {
            parts.headers.insert(DOORWARD_IDEMPOTENCY, told.header());
        }
        parts.extensions.clear();
        note(&mut call, |outcome| {
            outcome.status = parts.status.as_u16();
            outcome.reason = told.map(Told::reason);
            outcome.success = parts.status.as_u16() < 400;
        });
        let coding = match coding {
            Ok(coding) => coding,
            Err(why) => return unread(&parts, &mut call, op, &why.into()),
        };
        if veil.redacts() || is_short(&body) {
            return match self.answers.read(body, &coding, veil).await {
                Ok(bytes) => {
                    if let Some((authorized, key)) = under.filter(|_| may_teach(&parts)) {
                        self.learn(&bytes, authorized, key);
                    }
                    note(&mut call, |outcome| outcome.bytes_out = bytes.len() as u64);
                    self.pass_on_whole(parts, bytes, call, op).await
                }
                Err(why) => unread(&parts, &mut call, op, &why),
            };
        }
        match veil.passing(&coding) {
            Ok(passing) => {
                let answer = Answer::stream(body, passing, call, self.limits.load().response_idle);
                Response::from_parts(parts, answer)
            }
            Err(why) => unread(&parts, &mut call, op, &why.into()),
        }
    }

    /// An answer that is here whole, passed on when it may be. `call` has its outcome.
    async fn pass_on_whole(
        &self,
        parts: Parts,
        bytes: Bytes,
        mut call: Call,
        op: Op,
    ) -> Response<Answer> {
        if !call.holds_answer() {
            return Response::from_parts(parts, Answer::short(bytes, call));
        }
        if call.settle_held().await.is_err() {
            let id = call.facts().request_id;
            return unrecorded(op).response(id).map(Answer::whole);
        }
        Response::from_parts(parts, Answer::whole(bytes))
    }

    /// The API names the scope that it missed: that is worth more than what is assumed of it.
    fn learn(&self, bytes: &[u8], authorized: &Authorized<Box<ForwardRequest>>, key: &UpstreamKey) {
        let Ok(body) = serde_json::from_slice::<ErrorBody>(bytes) else {
            return;
        };
        let Some((required, _)) = body.invalid_scope() else {
            return;
        };
        self.observer.scope_required(&ScopeRequired {
            workspace: authorized.workspace(),
            op: authorized.op(),
            upstream_key: &key.id,
            required: &required,
            at: authorized.decided_at(),
        });
    }
}

impl Failure {
    /// Whether nothing of the request went out.
    pub(crate) fn sent_nothing(self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::Unsendable | Self::Shut(_) | Self::Overdue(_)
        )
    }
}

/// Whether an answer may be the API's "wrong scope".
pub(crate) fn may_teach(parts: &Parts) -> bool {
    let json = parts
        .headers
        .get(CONTENT_TYPE)
        .is_some_and(|line| line.as_bytes().starts_with(b"application/json"));
    matches!(
        parts.status,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
    ) && json
}

/// Says that an answer is not passed on.
fn unread(parts: &Parts, call: &mut Call, op: Op, why: &Unread) -> Response<Answer> {
    let mut response = respond(call, &why.refusal(op, parts.status));
    // When to ask again holds whatever else was said.
    if let Some(after) = parts.headers.get(RETRY_AFTER) {
        response.headers_mut().insert(RETRY_AFTER, after.clone());
    }
    response
}

/// What a request says of the call that it is sent for.
pub(crate) struct Named {
    /// Our name and the call's. Instantly keeps user agents in its audit log: a record there can be
    /// held against the call that left it.
    user_agent: HeaderValue,
    /// The trace, where the API is told of it.
    traceparent: Option<HeaderValue>,
}

impl Named {
    pub(crate) fn of(call: RequestId, trace: Option<Trace>) -> Self {
        let text = call.text();
        let name = [OUR_NAME.as_bytes(), b" ", &text].concat();
        let name = HeaderValue::from_maybe_shared(Bytes::from(name));
        Self {
            user_agent: name.unwrap_or(HeaderValue::from_static(OUR_NAME)),
            traceparent: trace.and_then(|trace| trace.onward()),
        }
    }
}

/// The request as it is sent: what was decided on, our name, the key, and nothing else.
pub(crate) fn outgoing(
    request: &ForwardRequest,
    key: &UpstreamKey,
    name: &Named,
) -> Option<Outgoing> {
    let bytes = request
        .body
        .as_ref()
        .map(|body| body.bytes().clone())
        .unwrap_or_default();
    let has_body = !bytes.is_empty();
    let mut outgoing = http::Request::new(Full::new(bytes));
    *outgoing.method_mut() = request.method.clone();
    *outgoing.uri_mut() = Uri::from(request.target.clone());
    let headers = outgoing.headers_mut();
    headers.insert(AUTHORIZATION, key.authorization());
    headers.insert(USER_AGENT, name.user_agent.clone());
    if let Some(trace) = &name.traceparent {
        headers.insert(TRACEPARENT, trace.clone());
    }
    headers.insert(ACCEPT, request.accept.clone().unwrap_or(JSON));
    // A DELETE that says what type its missing body has is answered 400.
    if has_body {
        headers.insert(CONTENT_TYPE, JSON);
    }
    if let Some(id) = &request.as_workspace {
        headers.insert(X_AS_WORKSPACE, id.clone());
    }
    Some(outgoing)
}

/// The refusal of a call that was allowed and carried out as far as it is now, and whose record
/// failed.
fn unrecorded(op: Op) -> Refusal {
    let why = "the answer can't be recorded, and so is not passed on";
    Refusal::ledger(why).of(op).after_allowed()
}

/// Notes what is known of the outcome by now.
pub(crate) fn note(call: &mut Call, what: impl FnOnce(&mut Outcome)) {
    if let Some(outcome) = call.outcome_mut() {
        what(outcome);
    }
}

/// Answers with a refusal, and records or counts it.
pub(crate) fn turn_away(call: &mut Call, fault: Fault) -> Response<Answer> {
    match fault {
        Fault::Refused(refusal) => respond(call, &refusal),
        Fault::Again(refusal) => {
            call.count(refusal.reason());
            refusal.response(call.facts().request_id).map(Answer::whole)
        }
    }
}

/// Answers with a refusal and records it.
pub(crate) fn respond(call: &mut Call, refusal: &Refusal) -> Response<Answer> {
    let response = refusal.response(call.facts().request_id);
    let length = response.body().len() as u64;
    let status = refusal.status().as_u16();
    call.finish(refusal.is_allowed(), status, Some(refusal.reason()), length);
    response.map(Answer::whole)
}
