//! The way of one call: authenticate, read, decide, record, forward.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;
use doorward_policy::{Authorized, Decision, DenyReason, RequestFacts, authorize, decide};
use doorward_store::Known;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;

use crate::answer::Answer;
use crate::beside::{self, Beside};
use crate::body::{Bodies, BoxError, HeldBody};
use crate::canonical::{ForwardRequest, Head, check_body_head};
use crate::claims::{self, CLAIMS_A_SECOND};
use crate::clock::Clock;
use crate::decide::{client_is_out, identify, inputs, note, request_facts};
use crate::error::Error;
use crate::forward::{Forwarder, respond, turn_away};
use crate::headers;
use crate::keychoice;
use crate::limits::Limits;
use crate::observe::Observer;
use crate::rate::{Asked, Rates};
use crate::raw_head::HeadFault;
use crate::record::{Actor, Call, CallFacts, Recorder};
use crate::refusal::{Fault, Refusal};
use crate::request_id::RequestIds;
use crate::snapshot::{Snapshot, SnapshotHandle};
use crate::upstream::{Upstream, UpstreamKey};

/// The path that tells whether the gateway runs. It takes no key and says nothing else.
const HEALTH: &str = "/healthz";

/// What a gateway is made with, beside its collaborators.
#[derive(Clone, Default)]
pub struct GatewayConfig {
    /// Bounds on what comes from outside.
    pub limits: Limits,
    /// The time by which keys expire.
    pub clock: Clock,
    /// What is served beside the API, each on paths of its own.
    pub beside: Vec<Arc<dyn Beside>>,
}

impl std::fmt::Debug for GatewayConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GatewayConfig")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// People whom one client may bring up in a second that were not heard of lately: for each a key is
/// kept for good. Instantly takes no more calls than that of a whole workspace.
const NEW_PEOPLE_A_SECOND: u32 = 100;

/// Guards calls to the Instantly API. Shared by all connections; cloning gives the same gateway.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

pub(crate) struct Inner {
    limits: Limits,
    pub(crate) clock: Clock,
    pub(crate) snapshot: SnapshotHandle,
    recorder: Arc<dyn Recorder>,
    pub(crate) observer: Arc<dyn Observer>,
    beside: Vec<Arc<dyn Beside>>,
    pub(crate) claims: Rates,
    new_people: Rates,
    pub(crate) bodies: Bodies,
    forwarder: Forwarder,
    ids: RequestIds,
    writes: AtomicUsize,
}

/// A call that may be carried out, with the connection and the key it goes out by.
struct Admitted {
    authorized: Authorized<ForwardRequest>,
    upstream: Arc<Upstream>,
    key: Arc<UpstreamKey>,
}

impl Gateway {
    /// A gateway that decides by the snapshot in force, tells `recorder` of each call and
    /// `observer` of what it learns.
    ///
    /// # Errors
    /// [`Error::Random`] when the system gives no random numbers.
    pub fn new(
        config: GatewayConfig,
        snapshot: SnapshotHandle,
        recorder: Arc<dyn Recorder>,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, Error> {
        let GatewayConfig {
            limits,
            clock,
            beside,
        } = config;
        Ok(Self(Arc::new(Inner {
            bodies: Bodies::new(&limits),
            forwarder: Forwarder {
                limits: limits.clone(),
                observer: Arc::clone(&observer),
            },
            ids: RequestIds::new().map_err(|_| Error::Random)?,
            writes: AtomicUsize::new(0),
            claims: Rates::new(CLAIMS_A_SECOND),
            new_people: Rates::new(NEW_PEOPLE_A_SECOND),
            limits,
            clock,
            beside,
            snapshot,
            recorder,
            observer,
        })))
    }

    /// Writes that have been sent and not been answered.
    pub(crate) fn writes_under_way(&self) -> usize {
        self.0.writes.load(Ordering::SeqCst)
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Answers one request from `peer`. Every request is decided by the snapshot in force then.
    ///
    /// For requests that did not come through [`serve`](crate::serve) the caller sees to it that
    /// the head is bounded and its framing unambiguous.
    pub async fn handle<B>(&self, request: Request<B>, peer: SocketAddr) -> Response<Answer>
    where
        B: Body<Data = Bytes> + Unpin + Send,
        B::Error: Into<BoxError>,
    {
        self.0.handle(request, peer).await
    }

    /// Answers a request whose head is faulty.
    pub(crate) fn refuse_head(&self, fault: HeadFault, peer: SocketAddr) -> Response<Answer> {
        let mut call = self.0.call(peer);
        let refusal = match fault {
            HeadFault::TooLong => Refusal::new(
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "head_too_large",
                fault.why(),
            ),
            _ => Refusal::bad_request("head_malformed", fault.why()),
        };
        closing(respond(&mut call, &refusal))
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Gateway({:?})", self.0.snapshot)
    }
}

impl Inner {
    fn call(&self, peer: SocketAddr) -> Call {
        let facts = CallFacts::new(self.ids.next(), self.clock.now(), peer.ip());
        Call::new(Arc::clone(&self.recorder), facts, Instant::now())
    }

    async fn handle<B>(self: &Arc<Self>, request: Request<B>, peer: SocketAddr) -> Response<Answer>
    where
        B: Body<Data = Bytes> + Unpin + Send,
        B::Error: Into<BoxError>,
    {
        let (parts, body) = request.into_parts();
        let ours = parts.uri.authority().is_none();
        if parts.uri.path() == HEALTH && ours {
            return health(&parts.method);
        }
        let path = parts.uri.path();
        let beside = self
            .beside
            .iter()
            .find(|beside| ours && beside.serves(path));
        let response = if let Some(beside) = beside {
            beside::answer(beside.as_ref(), &parts, peer).await
        } else if ours && parts.uri == claims::TARGET {
            self.claim(&parts, body, self.call(peer)).await
        } else {
            let mut call = self.call(peer);
            match self.admit(&parts, body, call.facts_mut()).await {
                Ok(admitted) => self.carry_out(admitted, call).await,
                Err(fault) => turn_away(&mut call, fault),
            }
        };
        // A chunked request is this connection's last: what follows it was not looked at.
        if parts.headers.contains_key(TRANSFER_ENCODING) {
            closing(response)
        } else {
            response
        }
    }

    /// Whether the call may be carried out, and what is sent if so.
    async fn admit<B>(
        &self,
        parts: &Parts,
        body: B,
        facts: &mut CallFacts,
    ) -> Result<Admitted, Fault>
    where
        B: Body<Data = Bytes> + Unpin + Send,
        B::Error: Into<BoxError>,
    {
        facts.method = doorward_catalog::Method::parse(parts.method.as_str());
        let snapshot = self.snapshot.load();
        let head = self.read_head(&snapshot, parts, facts)?;
        let op = head.op.map_err(Refusal::route)?;
        check_body_head(op, &parts.headers, body.is_end_stream())?;
        let sender = sender(facts);
        let body = self
            .bodies
            .read(&sender, body)
            .await
            .map_err(|refusal| refusal.of(op))?;
        facts.bytes_in = body.as_ref().map_or(0, |body| body.bytes().len() as u64);
        facts.body_sha256 = body.as_ref().map(HeldBody::sha256);

        // The body may have taken its time: what is in force now decides.
        let now = self.snapshot.load();
        let known = identify(&now, parts, facts)?;
        Ok(self.authorize(&now, &known, head, body, facts)?)
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
        snapshot: &Snapshot,
        parts: &Parts,
        facts: &mut CallFacts,
    ) -> Result<Head, Fault> {
        let known = identify(snapshot, parts, facts)?;
        let client = known.view();
        if client_is_out(&client, facts) {
            return Err(Refusal::unauthorized().into());
        }
        self.observer.client_key_used(known.key_id, facts.at);
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
        snapshot: &Snapshot,
        known: &Known<'_>,
        head: Head,
        body: Option<HeldBody>,
        facts: &mut CallFacts,
    ) -> Result<Admitted, Refusal> {
        let op = head.op.map_err(Refusal::route)?;
        let client = known.view();
        let as_workspace = facts.as_workspace.clone();
        let asked = RequestFacts {
            op: Some(op),
            workspace: client.workspace,
            as_workspace: as_workspace.as_deref(),
            now: self.clock.now(),
        };
        let request = head.into_request(op, body);
        let allowed = authorize(&client, &asked, request);
        if facts.writes() || allowed.is_err() {
            facts.inputs = Some(Arc::new(inputs(known, &asked, snapshot.taken_at())));
        }
        let authorized =
            allowed.map_err(|denial| note(facts, denial.reason(), Refusal::denial(&denial)))?;
        let unavailable = |reason, message: &'static str| {
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, reason, message).of(op)
        };
        let upstream = snapshot.upstream(client.workspace).ok_or_else(|| {
            unavailable(
                "workspace_unavailable",
                "the client's workspace is not set up rightly",
            )
        })?;
        let key = keychoice::choose(upstream, op).ok_or_else(|| {
            unavailable(
                "no_upstream_key_covers",
                "no upstream key of the workspace covers this operation; ask for one to be added",
            )
        })?;
        facts.upstream_key = Some(Arc::clone(&key.id));
        Ok(Admitted {
            authorized,
            upstream: Arc::clone(upstream),
            key: Arc::clone(key),
        })
    }

    async fn carry_out(self: &Arc<Self>, admitted: Admitted, call: Call) -> Response<Answer> {
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

/// Who a body is of: the client, by its workspace and name.
pub(crate) fn sender(facts: &CallFacts) -> Arc<str> {
    let workspace = facts.workspace.as_deref().unwrap_or_default();
    let client = facts.client.as_deref().unwrap_or_default();
    format!("{workspace}/{client}").into()
}

fn closing(mut response: Response<Answer>) -> Response<Answer> {
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn health(method: &Method) -> Response<Answer> {
    let (status, text) = match *method {
        Method::GET | Method::HEAD => (StatusCode::OK, "ok\n"),
        _ => (StatusCode::METHOD_NOT_ALLOWED, ""),
    };
    let mut response = Response::new(Answer::whole(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
