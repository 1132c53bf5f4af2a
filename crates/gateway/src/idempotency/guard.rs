//! One write in hand: noted on disk before it leaves, its answer kept, or its loss.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::{Bytes, BytesMut};
use doorward_catalog::Op;
use doorward_policy::Timestamp;
use doorward_store::{
    IdempotencyId, IdempotencyRecord, IdempotencyState, IdempotencyStore, Noted, StoreError,
};
use http::uri::PathAndQuery;
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use secrecy::SecretString;

use super::figures::{Counts, count};
use super::key::IdempotencyKey;
use super::looking::Looking;
use super::seal::{Kept, Sealer, Whose};
use super::settings::IdempotencySettings;
use super::state::{Event, Repeat, State, event_of};
use crate::decision::refusal::Refusal;
use crate::error::Error;
use crate::request::body::HeldBody;
use crate::wire::source::Source;

/// Remembers writes under idempotency keys. Cloning gives another handle to the same.
#[derive(Debug, Clone)]
pub struct Idempotency(Arc<Memory>);

/// What is remembered, and where.
pub(crate) struct Memory {
    store: Arc<dyn IdempotencyStore>,
    pub(super) sealer: Sealer,
    /// Those in force, and whether keys are heeded at all.
    settings: ArcSwap<IdempotencySettings>,
    on: AtomicBool,
    counts: Counts,
    /// The writes that a call has in hand, with their fingerprints. There are none at a start: what
    /// the store has as sent and is not here has nobody waiting for it.
    in_hand: Mutex<HashMap<IdempotencyId, [u8; 32]>>,
    /// Clients for which is looked whether a write was carried out.
    pub(super) looking: Looking,
}

/// A write that a call names.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) id: IdempotencyId,
    fingerprint: [u8; 32],
    client_id: String,
    op: Op,
    as_workspace: Option<String>,
}

/// What a call that names a write comes upon.
pub(crate) enum Begun {
    /// Nothing: it is in hand now.
    Go(Guard),
    /// Its answer.
    Replay(Kept),
    /// A write whose answer was lost, or not kept.
    Settle(Guard, IdempotencyRecord),
}

impl Idempotency {
    /// Remembers in `store`, under keys derived from `secret`, which must stay the same.
    ///
    /// # Errors
    /// [`Error::Derive`] when no keys can be derived.
    pub fn new(
        store: Arc<dyn IdempotencyStore>,
        secret: &SecretString,
        settings: IdempotencySettings,
    ) -> Result<Self, Error> {
        Ok(Self(Arc::new(Memory {
            store,
            sealer: Sealer::new(secret)?,
            settings: ArcSwap::from_pointee(settings),
            on: AtomicBool::new(true),
            counts: Counts::default(),
            in_hand: Mutex::default(),
            looking: Looking::default(),
        })))
    }

    /// Takes other bounds for the writes and answers that come from now on. How long writes are
    /// remembered, and how long they may be on their way, stays as it was made: when those that are
    /// remembered were sent is told by that.
    pub fn set_bounds(&self, next: &IdempotencySettings) {
        let IdempotencySettings { keep, settle, .. } = *self.0.settings();
        self.0.settings.store(Arc::new(IdempotencySettings {
            keep,
            settle,
            ..next.clone()
        }));
    }

    /// Heeds keys from now on, or passes them over. What is remembered stays so.
    pub fn switch(&self, on: bool) {
        self.0.on.store(on, Ordering::Relaxed);
    }

    /// Whether keys are heeded.
    pub(crate) fn is_on(&self) -> bool {
        self.0.on.load(Ordering::Relaxed)
    }

    pub(super) fn counted(&self) -> (usize, &Counts) {
        (self.0.in_hand().len(), &self.0.counts)
    }

    /// The write that a key of a client's stands for.
    pub(crate) fn ask(
        &self,
        whose: Whose<'_>,
        key: &IdempotencyKey,
        target: &PathAndQuery,
        body: Option<&HeldBody>,
    ) -> Named {
        Named {
            id: self.0.sealer.name(whose, key),
            fingerprint: self.0.sealer.fingerprint(whose.op, target, body),
            client_id: whose.client.to_owned(),
            op: whose.op,
            as_workspace: whose.as_workspace.map(str::to_owned),
        }
    }

    /// Takes a write in hand, or tells what became of it.
    pub(crate) async fn begin(&self, named: Named, now: Timestamp) -> Result<Begun, Refusal> {
        let mut guard = self.take(named)?;
        let id = guard.named.id;
        let found = guard
            .on_store(move |store| store.idempotency_record(&id, now))
            .await;
        let found = found.ok_or_else(unavailable)?;
        let state = State::at_rest(found.as_ref().map(|record| record.state));
        let same = found
            .as_ref()
            .is_none_or(|record| record.fingerprint == guard.named.fingerprint);
        guard.state = state;
        match (Repeat::of(state, same), found) {
            (Repeat::Other, _) => Err(reused()),
            (Repeat::InFlight, _) => Err(in_flight()),
            (Repeat::Replay, Some(record)) => {
                let kept = record.answer.as_deref();
                match kept.and_then(|sealed| self.0.sealer.open(&id, sealed)) {
                    Some(kept) => {
                        count(&self.0.counts.replayed);
                        Ok(Begun::Replay(kept))
                    }
                    None => Ok(Begun::Settle(guard, record)),
                }
            }
            (Repeat::Settle, Some(record)) => Ok(Begun::Settle(guard, record)),
            (Repeat::Go | Repeat::Replay | Repeat::Settle, _) => {
                guard.advance(Event::Reserve);
                Ok(Begun::Go(guard))
            }
        }
    }

    /// One call at a time has a write in hand.
    fn take(&self, named: Named) -> Result<Guard, Refusal> {
        let mut in_hand = self.0.in_hand();
        match in_hand.get(&named.id) {
            Some(fingerprint) if *fingerprint == named.fingerprint => Err(in_flight()),
            Some(_) => Err(reused()),
            None => {
                in_hand.insert(named.id, named.fingerprint);
                Ok(Guard {
                    memory: Arc::clone(&self.0),
                    named,
                    state: State::Free,
                    request_id: String::new(),
                    first_end: None,
                    gone: false,
                })
            }
        }
    }
}

impl Memory {
    pub(super) fn settings(&self) -> Arc<IdempotencySettings> {
        self.settings.load_full()
    }

    fn in_hand(&self) -> MutexGuard<'_, HashMap<IdempotencyId, [u8; 32]>> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory")
            .field("settings", &self.settings())
            .finish_non_exhaustive()
    }
}

/// A write that this call has in hand. Whoever drops it lets go of it.
pub(crate) struct Guard {
    pub(super) memory: Arc<Memory>,
    pub(super) named: Named,
    state: State,
    request_id: String,
    /// When a write that is sent again is forgotten.
    first_end: Option<Timestamp>,
    /// Whether it may be on its way.
    gone: bool,
}

impl Guard {
    fn advance(&mut self, event: Event) {
        match self.state.next(event) {
            Some(state) => self.state = state,
            // Nothing is freed by a fault.
            None => tracing::error!(?event, state = ?self.state, "a write went astray"),
        }
    }

    /// Notes on disk that the write is about to leave, so much later at the most.
    pub(crate) async fn leave(
        &mut self,
        request_id: &str,
        now: Timestamp,
        late: Duration,
    ) -> Result<(), Refusal> {
        let settings = self.memory.settings();
        let keep = settings.keep_ms();
        let record = IdempotencyRecord {
            id: self.named.id,
            client_id: self.named.client_id.clone(),
            operation: self.named.op,
            as_workspace: self.named.as_workspace.clone(),
            fingerprint: self.named.fingerprint,
            state: IdempotencyState::Sent,
            request_id: request_id.to_owned(),
            sent_at: now,
            // One that is sent again is remembered as long as it may be on its way.
            expires_at: self.first_end.map_or(now.plus_millis(keep), |end| {
                end.max(now.plus_millis(settings.under_way_ms(late)))
            }),
            status: None,
            answer: None,
        };
        let most = settings.records;
        let noted = self
            .on_store(move |store| store.note_sent(&record, most, now))
            .await;
        match noted {
            Some(Noted::Done) => {
                request_id.clone_into(&mut self.request_id);
                self.advance(Event::Leave);
                Ok(())
            }
            Some(Noted::Answered) => Err(in_flight()),
            Some(Noted::Full(until)) => Err(full(until, now)),
            None => Err(unavailable()),
        }
    }

    /// Told right before the write leaves.
    pub(crate) fn going(&mut self) {
        self.gone = true;
    }

    /// It was certainly not carried out: the key is free again.
    pub(crate) async fn returned(mut self) {
        self.advance(Event::Returned);
        let (id, request) = (self.named.id, self.request_id.clone());
        self.on_store(move |store| store.forget_idempotency(&id, &request))
            .await;
    }

    /// Its answer was lost by now: until then it may have left.
    pub(crate) async fn lost(mut self, now: Timestamp) {
        self.advance(Event::Lost);
        count(&self.memory.counts.unknown);
        let (id, request) = (self.named.id, self.request_id.clone());
        self.on_store(move |store| store.note_unknown(&id, &request, now))
            .await;
    }

    /// Reads the API's answer and keeps it, and gives it as it came.
    pub(crate) async fn keep(
        mut self,
        response: Response<Source>,
        patience: Duration,
        now: Timestamp,
    ) -> Response<Source> {
        let (parts, body) = response.into_parts();
        let event = event_of(parts.status.as_u16());
        let most = self.memory.settings().answer_bytes;
        let (source, whole) = read(body, most, patience).await;
        match event {
            Event::Answer => {
                self.advance(event);
                let kept = whole.map(|body| Kept::of(parts.status, &parts.headers, &body));
                self.note(parts.status, kept).await;
            }
            Event::Returned => self.returned().await,
            _ => self.lost(now).await,
        }
        Response::from_parts(parts, source)
    }

    /// Keeps an answer, or that there was one.
    async fn note(&self, status: StatusCode, kept: Option<Kept>) {
        let (id, request) = (self.named.id, self.request_id.clone());
        let (memory, most) = (
            Arc::clone(&self.memory),
            self.memory.settings().client_bytes,
        );
        let status = status.as_u16();
        let counts = Arc::clone(&self.memory);
        let kept = self
            .on_store(move |store| {
                let sealed = kept.and_then(|kept| memory.sealer.seal(&id, &kept));
                let fits = sealed
                    .as_ref()
                    .is_some_and(|sealed| sealed.len() as u64 <= most);
                store.note_answer(&id, &request, status, sealed.as_deref(), most)?;
                Ok(fits)
            })
            .await;
        let Counts {
            kept: all,
            not_kept,
            ..
        } = &counts.counts;
        count(if kept == Some(true) { all } else { not_kept });
    }

    /// The write of `record` was found to be done, with this answer.
    pub(super) async fn found(mut self, record: &IdempotencyRecord, kept: Kept) {
        if self.state == State::Unknown {
            self.advance(Event::Found);
        }
        count(&self.memory.counts.done);
        self.request_id.clone_from(&record.request_id);
        self.note(kept.status, Some(kept)).await;
    }

    /// The write of `record` was found not to be done: it is in hand, to be sent again.
    pub(super) fn absent(&mut self, record: &IdempotencyRecord) {
        self.advance(Event::Absent);
        count(&self.memory.counts.not_done);
        self.first_end = Some(record.expires_at);
    }

    /// Does what the store has to do, where it may block. `None` when it fails.
    async fn on_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn IdempotencyStore) -> Result<T, StoreError> + Send + 'static,
    ) -> Option<T> {
        let store = Arc::clone(&self.memory.store);
        match tokio::task::spawn_blocking(move || work(store.as_ref())).await {
            Ok(Ok(done)) => Some(done),
            Ok(Err(error)) => {
                tracing::error!(%error, "what became of a write can't be kept");
                None
            }
            Err(_) => None,
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let (memory, id) = (Arc::clone(&self.memory), self.named.id);
        let let_go = move || {
            memory.in_hand().remove(&id);
        };
        // Noted, and then held back: it never left.
        let held_back = self.state == State::Sent && !self.gone;
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if held_back => {
                let store = Arc::clone(&self.memory.store);
                let request = std::mem::take(&mut self.request_id);
                runtime.spawn_blocking(move || {
                    if let Err(error) = store.forget_idempotency(&id, &request) {
                        tracing::error!(%error, "what became of a write can't be kept");
                    }
                    let_go();
                });
            }
            _ => let_go(),
        }
    }
}

/// Reads a body: the source that gives all of it, and the bytes when they are all there and no more
/// than `most`.
async fn read(mut body: Source, most: usize, patience: Duration) -> (Source, Option<Bytes>) {
    let mut bytes = BytesMut::new();
    loop {
        let frame = match tokio::time::timeout(patience, body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(None) => {
                let bytes = bytes.freeze();
                return (Source::whole(bytes.clone()), Some(bytes));
            }
            Ok(Some(Err(_))) | Err(_) => return (Source::broken(bytes.freeze()), None),
        };
        if let Ok(data) = frame.into_data() {
            bytes.extend_from_slice(&data);
        }
        if bytes.len() > most {
            return (body.with_first(bytes.freeze()), None);
        }
    }
}

fn in_flight() -> Refusal {
    let why = "another call with this idempotency key is under way; wait for its answer, or repeat \
               this one to be given it";
    Refusal::new(StatusCode::CONFLICT, "idempotency_in_flight", why)
        .retry_after(Duration::from_secs(1))
}

fn reused() -> Refusal {
    Refusal::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "idempotency_key_reused",
        "this idempotency key stands for another request; use a new key for each write",
    )
}

fn full(until: Timestamp, now: Timestamp) -> Refusal {
    let wait = u64::try_from(until.millis_since(now)).unwrap_or_default();
    let why = "the client has as many idempotency keys as are remembered; wait until the first is \
               forgotten, or raise idempotency.records";
    Refusal::new(StatusCode::TOO_MANY_REQUESTS, "idempotency_full", why)
        .retry_after(Duration::from_millis(wait))
}

pub(super) fn unavailable() -> Refusal {
    let why = "what became of this idempotency key can't be read or kept, and so the call is not \
               carried out";
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "idempotency_unavailable",
        why,
    )
}
