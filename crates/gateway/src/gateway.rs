//! The way of one call: authenticate, read, decide, record, forward.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use http::{Method, Request, Response, StatusCode};
use http_body::Body;

use crate::answers::answer::Answer;
use crate::answers::whole::Answers;
use crate::approvals::ApprovalDesk;
use crate::clients::client_limits::ClientLimits;
use crate::clients::rate::{Asked, Rates};
use crate::clients::remembered::Remembered;
use crate::clients::shed::Load;
use crate::clients::uses::Uses;
use crate::clock::Clock;
use crate::decision::admit::{Stop, sender};
use crate::decision::refusal::{Fault, Refusal};
use crate::error::Error;
use crate::idempotency::Idempotency;
use crate::pace::kept::Past;
use crate::pace::pacing::{PaceSettings, Pacing};
use crate::pace::turns::{LastPolicy, Turns};
use crate::pages::beside::{self, Beside};
use crate::pages::claims::{self, CLAIMS_A_SECOND};
use crate::records::observe::Observer;
use crate::records::record::{Call, CallFacts, Recorder};
use crate::records::telemetry::{Counted, Figures, Telemetry, Watch};
use crate::request::body::{Bodies, BoxError};
use crate::request::limits::{Limits, LimitsInForce};
use crate::request::request_id::RequestIds;
use crate::sending::forward::{Forwarder, respond, turn_away};
use crate::sending::key_use::KeyFigures;
use crate::sending::keyhealth::KeyHealth;
use crate::snapshot::SnapshotHandle;
use crate::wire::raw_head::HeadFault;

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
    /// Where approvals are asked for; without it, what needs one is refused.
    pub approvals: Option<Arc<ApprovalDesk>>,
    /// What clients used of their day, counted here.
    pub uses: Arc<Uses>,
    /// Where writes under idempotency keys are remembered; without it the keys are passed over.
    pub idempotency: Option<Idempotency>,
    /// Told of how calls end.
    pub telemetry: Option<Arc<dyn Telemetry>>,
    /// Gives calls their turn; by the default settings, with nothing before, if there is none.
    pub pacing: Option<Pacing>,
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

/// Refusals of one client's calls that are recorded in a second, each in full. More are counted, as
/// strangers' are: a client that only collects refusals must not fill the ledger.
const REFUSALS_A_SECOND: u32 = 120;

/// Guards calls to the Instantly API. Shared by all connections; cloning gives the same gateway.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

pub(crate) struct Inner {
    limits: LimitsInForce,
    pub(crate) clock: Clock,
    pub(crate) snapshot: SnapshotHandle,
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) observer: Arc<dyn Observer>,
    beside: ArcSwap<Vec<Arc<dyn Beside>>>,
    pub(crate) claims: Rates,
    pub(crate) new_people: Rates,
    refusals: Rates,
    pub(crate) client_limits: ClientLimits,
    pub(crate) load: Load,
    pub(crate) approvals: Option<Arc<ApprovalDesk>>,
    pub(crate) bodies: Bodies,
    pub(crate) forwarder: Forwarder,
    pub(crate) idempotency: Option<Idempotency>,
    ids: RequestIds,
    watch: Arc<Watch>,
    pub(crate) writes: AtomicUsize,
    leaving: AtomicBool,
}

impl Gateway {
    /// A gateway that decides by the snapshot in force, tells `recorder` of each call and
    /// `observer` of what it learns.
    ///
    /// # Errors
    /// [`Error::Random`] when the system gives no random numbers, [`Error::Pace`] never but by a
    /// fault in the default settings.
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
            approvals,
            uses,
            idempotency,
            telemetry,
            pacing,
        } = config;
        let pacing = match pacing {
            Some(pacing) => pacing,
            None => Pacing::new(PaceSettings::default(), Past::Nothing).map_err(Error::Pace)?,
        };
        let limits: LimitsInForce = Arc::new(ArcSwap::from_pointee(limits));
        Ok(Self(Arc::new(Inner {
            bodies: Bodies::new(Arc::clone(&limits)),
            forwarder: Forwarder {
                limits: Arc::clone(&limits),
                observer: Arc::clone(&observer),
                answers: Answers::new(Arc::clone(&limits)),
                health: KeyHealth::default(),
                turns: Turns {
                    pacing,
                    snapshot: snapshot.clone(),
                    clock: clock.clone(),
                    policy: LastPolicy::default(),
                },
            },
            idempotency,
            ids: RequestIds::new().map_err(|_| Error::Random)?,
            watch: Arc::new(Watch::new(telemetry)),
            writes: AtomicUsize::new(0),
            leaving: AtomicBool::new(false),
            approvals,
            claims: Rates::new(CLAIMS_A_SECOND),
            new_people: Rates::new(NEW_PEOPLE_A_SECOND),
            refusals: Rates::new(REFUSALS_A_SECOND),
            client_limits: ClientLimits::new(uses),
            load: Load::new(limits.load().calls),
            limits,
            clock,
            beside: ArcSwap::from_pointee(beside),
            snapshot,
            recorder,
            observer,
        })))
    }

    /// Writes that have been sent and not been answered.
    pub(crate) fn writes_under_way(&self) -> usize {
        self.0.writes.load(Ordering::SeqCst)
    }

    pub(crate) fn limits(&self) -> Arc<Limits> {
        self.0.limits.load_full()
    }

    /// Puts other limits in force, for connections and requests that come from now on. Of
    /// `connections`, `calls`, `memory_bytes` and `connect` those stay that the gateway began with.
    pub fn set_limits(&self, limits: Limits) {
        self.0.limits.store(Arc::new(limits));
    }

    /// Serves other pages beside the API from now on.
    pub fn set_beside(&self, beside: Vec<Arc<dyn Beside>>) {
        self.0.beside.store(Arc::new(beside));
    }

    /// How calls under the upstream key with that id of Doorward's went since this process began.
    pub fn key_figures(&self, id: &str) -> KeyFigures {
        self.0.snapshot.load().key_figures(id)
    }

    /// Tells how much is going on, for as long as the gateway is there.
    pub fn figures(&self) -> FiguresOf {
        FiguresOf(Arc::downgrade(&self.0))
    }

    /// From now on every answer is its connection's last: whoever calls again finds another
    /// gateway, or this one once more.
    pub fn leave(&self) {
        self.0.leaving.store(true, Ordering::Relaxed);
    }

    /// A connection is open as long as what is returned lives.
    pub(crate) fn connection(&self) -> Counted {
        self.0.watch.connection()
    }

    /// Answers one request from `peer`. Every request is decided by the snapshot in force then.
    ///
    /// For requests that did not come through [`serve`](crate::serve()) the caller sees to it that
    /// the head is bounded and its framing unambiguous.
    pub async fn handle<B>(&self, request: Request<B>, peer: SocketAddr) -> Response<Answer>
    where
        B: Body<Data = Bytes> + Unpin + Send,
        B::Error: Into<BoxError>,
    {
        self.handle_on(request, peer, &Remembered::default()).await
    }

    /// The same on a connection, which remembers what its requests have in common.
    pub(crate) fn handle_on<B>(
        &self,
        request: Request<B>,
        peer: SocketAddr,
        remembered: &Remembered,
    ) -> impl Future<Output = Response<Answer>> + Send
    where
        B: Body<Data = Bytes> + Unpin + Send,
        B::Error: Into<BoxError>,
    {
        self.0.handle(request, peer, remembered)
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
        respond(&mut call, &refusal)
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Gateway({:?})", self.0.snapshot)
    }
}

impl Inner {
    pub(crate) fn limits(&self) -> Arc<Limits> {
        self.limits.load_full()
    }

    pub(crate) fn call(&self, peer: SocketAddr) -> Call {
        let facts = CallFacts::new(self.ids.next(), self.clock.now(), peer.ip());
        let counted = self.watch.call();
        Call::new(Arc::clone(&self.recorder), facts, Instant::now(), counted)
    }

    async fn handle<B>(
        self: &Arc<Self>,
        request: Request<B>,
        peer: SocketAddr,
        remembered: &Remembered,
    ) -> Response<Answer>
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
        let beside = self.beside.load();
        let page = beside
            .iter()
            .find(|page| ours && page.serves(path))
            .cloned();
        // Not held while the request is answered.
        drop(beside);
        let response = if let Some(page) = page {
            Box::pin(beside::answer(page.as_ref(), &parts, peer)).await
        } else if ours && parts.uri == claims::TARGET {
            Box::pin(self.claim(&parts, body, self.call(peer))).await
        } else {
            let mut call = self.call(peer);
            if let Some(tracing) = self.watch.tracing() {
                let id = call.facts().request_id;
                call.facts_mut().trace = Some(tracing.of(&parts.headers, id));
            }
            let mut place = self.load.enter();
            let with = (&mut place, remembered);
            let admitted = self.admit(&parts, body, call.facts_mut(), with).await;
            call.counts(Some(place), None);
            match admitted {
                Ok(admitted) => self.carry_out(admitted, call).await,
                Err(Stop::Answered(before)) => {
                    Box::pin(self.forwarder.tell_of(*before, call)).await
                }
                Err(Stop::Refused(fault)) => {
                    let fault = self.bounded(fault, call.facts());
                    turn_away(&mut call, fault)
                }
            }
        };
        // A chunked request is this connection's last: what follows it was not looked at.
        let leaving = self.leaving.load(Ordering::Relaxed);
        if leaving || parts.headers.contains_key(TRANSFER_ENCODING) {
            closing(response)
        } else {
            response
        }
    }
}

impl Inner {
    /// The same, to be counted in the place of being recorded if the client has had many of late.
    pub(crate) fn bounded(&self, fault: Fault, facts: &CallFacts) -> Fault {
        let Fault::Refused(refusal) = fault else {
            return fault;
        };
        // Strangers are bounded where they are recorded.
        if facts.client.is_none() || facts.stranger.is_some() {
            return Fault::Refused(refusal);
        }
        match self.refusals.ask(&sender(facts), Instant::now()) {
            Asked::TooMuch { news: false } => Fault::Again(refusal),
            Asked::Fits | Asked::TooMuch { news: true } => Fault::Refused(refusal),
        }
    }
}

/// Tells how much is going on in a gateway, without keeping it.
#[derive(Clone)]
pub struct FiguresOf(Weak<Inner>);

impl FiguresOf {
    /// How much is going on now; nothing when the gateway is gone.
    pub fn now(&self) -> Figures {
        let Some(inner) = self.0.upgrade() else {
            return Figures::default();
        };
        Figures {
            connections: inner.watch.connections(),
            calls: inner.watch.calls(),
            writes: inner.writes.load(Ordering::Relaxed),
            body_bytes: inner.bodies.held_bytes(),
        }
    }
}

impl std::fmt::Debug for FiguresOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FiguresOf({:?})", self.now())
    }
}

/// The connection's last answer.
pub(crate) fn closing(mut response: Response<Answer>) -> Response<Answer> {
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
