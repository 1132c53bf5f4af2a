//! `POST /audit`: a client writes down what it did itself, as its word.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use doorward_audit::{AuditError, CLAIM_MAX, Claim, Claimant, Draft, Recorded};
use doorward_policy::{AUDIT_ACTION, Decision, RequestFacts, Timestamp, decide_audit};
use doorward_store::Known;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use http_body::Body;
use serde_json::json;

use crate::answers::answer::Answer;
use crate::clients::rate::Asked;
use crate::decision::admit::sender;
use crate::decision::decide::{client_is_out, identify, inputs, note};
use crate::decision::refusal::{Fault, Refusal};
use crate::gateway::Inner;
use crate::records::record::{Actor, Call, CallFacts};
use crate::request::body::{BoxError, HeldBody};
use crate::request::canonical::check_json;
use crate::request::headers::{self, DOORWARD_DECISION, DOORWARD_REQUEST_ID};
use crate::sending::carry::Write;
use crate::sending::forward::{respond, turn_away};
use crate::snapshot::Snapshot;

/// Where claims are made.
pub(crate) const TARGET: &str = "/audit";
/// Claims of one client that are taken in a second, so that none fills the ledger.
pub(crate) const CLAIMS_A_SECOND: u32 = 100;

impl Inner {
    /// Takes a claim. It is durable when it is answered 201.
    pub(crate) async fn claim<B>(
        self: &Arc<Self>,
        parts: &Parts,
        body: B,
        mut call: Call,
    ) -> Response<Answer>
    where
        B: Body<Data = Bytes> + Unpin + Send,
        B::Error: Into<BoxError>,
    {
        call.facts_mut().action = Some(AUDIT_ACTION);
        let draft = match self.read_claim(parts, body, call.facts_mut()).await {
            Ok(draft) => draft,
            Err(fault) => return turn_away(&mut call, fault),
        };
        let id = call.facts().request_id;
        let write = Write::begin(self);
        // Whether its caller stays or not, it has one end.
        let task = tokio::spawn(async move {
            let _under_way = write;
            match call.act(draft).await {
                Ok(recorded) => taken(&call, recorded),
                Err(_) => respond(&mut call, &unrecorded()),
            }
        });
        let answer = task.await;
        answer.unwrap_or_else(|_| unrecorded().response(id).map(Answer::whole))
    }

    async fn read_claim<B>(
        &self,
        parts: &Parts,
        body: B,
        facts: &mut CallFacts,
    ) -> Result<Draft, Fault>
    where
        B: Body<Data = Bytes> + Unpin + Send,
        B::Error: Into<BoxError>,
    {
        facts.method = doorward_catalog::Method::parse(parts.method.as_str());
        let sender = {
            let snapshot = self.snapshot.load();
            let known = identify(&snapshot, parts, facts);
            let known = known.inspect_err(|_| self.tell_of_upstream_key(parts, facts))?;
            if client_is_out(&known.view(), facts) {
                return Err(Refusal::unauthorized().into());
            }
            self.observer.client_key_used(known.key_id, facts.at);
            self.welcome(facts)?;
            self.may_claim(&snapshot, &known, facts.at, facts)?;
            sender(facts)
        };
        if let Asked::TooMuch { news } = self.claims.ask(&sender, Instant::now()) {
            let refusal = Refusal::new(
                StatusCode::TOO_MANY_REQUESTS,
                "claims_too_fast",
                "more than 100 entries a second; send fewer and try again",
            );
            return Err(if news {
                Fault::Refused(refusal)
            } else {
                Fault::Again(refusal)
            });
        }
        facts.actor = headers::actor(&parts.headers)?.map(|name| Actor(name.to_owned()));
        if parts.method != Method::POST {
            return Err(Refusal::wrong_method("POST").into());
        }
        check_json(&parts.headers)?;
        let body = self.bodies.read_up_to(CLAIM_MAX, &sender, body).await?;
        facts.bytes_in = body.as_ref().map_or(0, |body| body.bytes().len() as u64);
        facts.body_sha256 = body.as_ref().map(HeldBody::sha256);

        // The body may have taken its time: what is in force now decides.
        let snapshot = self.snapshot.load();
        let known = identify(&snapshot, parts, facts)?;
        let now = self.clock.now();
        self.may_claim(&snapshot, &known, now, facts)?;
        let bytes = body.as_ref().map(|body| body.bytes().as_ref());
        Ok(draft(bytes.unwrap_or_default(), facts, now)?)
    }

    /// Whether the client may make claims. Why not is kept with the call.
    fn may_claim(
        &self,
        snapshot: &Snapshot,
        known: &Known<'_>,
        now: Timestamp,
        facts: &mut CallFacts,
    ) -> Result<(), Refusal> {
        let client = known.view();
        let Decision::Deny(denial) = decide_audit(&client, now) else {
            return Ok(());
        };
        let asked = RequestFacts {
            op: None,
            workspace: client.workspace,
            as_workspace: None,
            now,
        };
        let inputs = inputs(known, &asked, snapshot.taken_at()).of_claim();
        facts.inputs = Some(Arc::new(inputs));
        Err(note(facts, denial.reason(), Refusal::denial(&denial)))
    }
}

/// The claim, as it will be recorded.
fn draft(bytes: &[u8], facts: &CallFacts, now: Timestamp) -> Result<Draft, Refusal> {
    let fault = |error| match error {
        AuditError::Claim { member, why } => Refusal::claim(member, why),
        _ => Refusal::claim("body", "it can't be recorded"),
    };
    let mut claim = Claim::parse(bytes).map_err(fault)?;
    if let (None, Some(actor)) = (&claim.user, &facts.actor) {
        claim.user = Some(actor.0.clone());
    }
    let by = Claimant {
        workspace: facts.workspace.as_deref().map(str::to_owned),
        client: facts.client.as_deref().map(str::to_owned),
        client_key: facts.client_key_id.map(|id| id.to_string()),
        environment: facts.environment.map(|e| e.as_str().to_owned()),
        request_id: Some(facts.request_id.to_string()),
        source: Some(facts.source),
    };
    claim.into_draft(&by, now).map_err(fault)
}

fn unrecorded() -> Refusal {
    Refusal::ledger("the entry is not known to be recorded; try again")
}

fn taken(call: &Call, recorded: Recorded) -> Response<Answer> {
    let body = json!({ "sequence": recorded.sequence, "leaf": recorded.leaf });
    let mut response = Response::new(Answer::whole(Bytes::from(body.to_string())));
    *response.status_mut() = StatusCode::CREATED;
    let headers = response.headers_mut();
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    headers.insert(CONTENT_TYPE, json);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(DOORWARD_DECISION, HeaderValue::from_static("allowed"));
    if let Ok(id) = HeaderValue::try_from(call.facts().request_id.to_string()) {
        headers.insert(DOORWARD_REQUEST_ID, id);
    }
    response
}
