//! A call that names a write: it goes, is given the answer that there is, or it is found out first
//! whether the write was carried out.

use std::time::Duration;

use bytes::Bytes;
use doorward_audit::Draft;
use doorward_ledger::{Act, Actor, ActorKind, Event as LedgerEvent, Verdict};
use doorward_policy::Timestamp;
use doorward_store::{IdempotencyRecord, IdempotencyState};
use http::header::{DATE, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use tokio::time::timeout;

use super::carry::About;
use super::guard::{Begun, Guard, Named};
use super::natural::{Page, Wanted};
use super::seal::Kept;
use crate::clock;
use crate::decision::refusal::Refusal;
use crate::gateway::Inner;
use crate::records::record::CallFacts;
use crate::request::body::HeldBody;
use crate::request::canonical::ForwardRequest;
use crate::sending::key_use::KeyInUse;
use crate::sending::keychoice;

/// Most pages that are looked through.
const PAGES_MAX: usize = 5;
/// When to ask again after looking failed.
const AGAIN: Duration = Duration::from_secs(5);
/// How long a search waits for another one on the same workspace.
const PATIENCE: Duration = Duration::from_secs(5);

/// How an answer came about that is not fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// It was given before.
    Replayed,
    /// The answer was lost, and what it told of was found.
    Reconciled,
}

impl Told {
    /// In the header `doorward-idempotency`.
    pub(crate) fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Replayed => "replayed",
            Self::Reconciled => "reconciled",
        })
    }

    /// In the record.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Replayed => "idempotency_replayed",
            Self::Reconciled => "idempotency_reconciled",
        }
    }
}

/// What becomes of a call that names a write.
pub(crate) enum Guarded {
    /// It goes on, under this guard.
    Go(Guard),
    /// It gets this answer.
    Answer(Kept, Told),
}

impl Inner {
    /// Takes the write in hand that a call names, or gives what became of it.
    pub(crate) async fn guard(
        &self,
        about: About<'_>,
        named: Named,
        facts: &CallFacts,
    ) -> Result<Guarded, Refusal> {
        let Some(idempotency) = &self.idempotency else {
            return Err(super::guard::unavailable());
        };
        match idempotency.begin(named, self.clock.now()).await? {
            Begun::Go(guard) => Ok(Guarded::Go(guard)),
            Begun::Replay(kept) => Ok(Guarded::Answer(kept, Told::Replayed)),
            Begun::Settle(guard, record) => self.settle(about, guard, record, facts).await,
        }
    }

    /// Finds out whether a write was carried out whose answer is not there.
    async fn settle(
        &self,
        about: About<'_>,
        mut guard: Guard,
        record: IdempotencyRecord,
        facts: &CallFacts,
    ) -> Result<Guarded, Refusal> {
        let op = record.operation;
        let wanted = about.body.and_then(|body| Wanted::of(op, body.bytes()));
        let Some(wanted) = wanted else {
            return Err(unknown(&record, "look whether it was", None));
        };
        let shown = self.search(about, &wanted, &guard, &record, facts).await;
        let done = match shown {
            Ok(Some(_)) => Verdict::Success,
            Ok(None) => Verdict::Failure,
            Err(why) => return Err(unknown(&record, why, Some(AGAIN))),
        };
        if done == Verdict::Failure && record.state != IdempotencyState::Answered {
            let settle = guard.memory.settings().settle;
            let settle = settle.max(self.limits().response_head);
            // Of one that has no end nobody knows when it had its turn.
            let late = match record.state {
                IdempotencyState::Sent => self.forwarder.turns.pacing.max_wait(),
                _ => Duration::ZERO,
            };
            let settle = settle.saturating_add(late);
            let settle = i64::try_from(settle.as_millis()).unwrap_or(i64::MAX);
            let wait = settle - self.clock.now().millis_since(record.sent_at);
            if let Ok(wait @ 1..) = u64::try_from(wait) {
                let why = "it is not there, but may still be on its way";
                return Err(unknown(&record, why, Some(Duration::from_millis(wait))));
            }
        }
        if done == Verdict::Failure && record.state == IdempotencyState::Answered {
            return Err(unknown(&record, "what it made is not there any more", None));
        }
        let recorded = self.recorder.act(settled(&record, done, facts)).await;
        let why = "what was found out can't be recorded, and so nothing is done";
        recorded.map_err(|_| Refusal::ledger(why))?;
        match shown.ok().flatten() {
            Some(body) => {
                let kept = Kept {
                    status: StatusCode::OK,
                    content_type: Some(HeaderValue::from_static("application/json; charset=utf-8")),
                    content_encoding: None,
                    body,
                };
                guard.found(&record, kept.clone()).await;
                Ok(Guarded::Answer(kept, Told::Reconciled))
            }
            None => {
                guard.absent(&record);
                Ok(Guarded::Go(guard))
            }
        }
    }

    /// Looks for what a write would have made: once at a time for a client, and for a workspace.
    async fn search(
        &self,
        about: About<'_>,
        wanted: &Wanted,
        guard: &Guard,
        record: &IdempotencyRecord,
        facts: &CallFacts,
    ) -> Result<Option<Bytes>, &'static str> {
        let busy = "others are looked for just now";
        let looking = &guard.memory.looking;
        let _one = looking.begin(&about.caller.id).ok_or(busy)?;
        let search = &about.way.upstream.line.search;
        let Ok(Ok(_place)) = timeout(PATIENCE, search.acquire()).await else {
            return Err(busy);
        };
        self.look(about, wanted, guard, record, facts).await
    }

    /// Looks for what a write would have made, by a read of Doorward's own under a key that covers
    /// it. `None` when it is not there; an error when that can't be told.
    async fn look(
        &self,
        about: About<'_>,
        wanted: &Wanted,
        guard: &Guard,
        record: &IdempotencyRecord,
        facts: &CallFacts,
    ) -> Result<Option<Bytes>, &'static str> {
        let (upstream, health) = (&about.way.upstream, &self.forwarder.health);
        let key = keychoice::choose(upstream, wanted.op(), health)
            .map(KeyInUse::of)
            .ok_or("no upstream key may look for it")?;
        let sent = guard.memory.settings().first_sent(record);
        let mut after: Option<String> = None;
        let turns = &self.forwarder.turns;
        // The client needs no right to the read: what it may is the write.
        let going = turns.going(about, facts).looking_by(wanted.op());
        for _ in 0..PAGES_MAX {
            let unclear = "whether it was can't be told";
            let (target, body) = wanted.request(after.as_deref()).ok_or(unclear)?;
            let request = ForwardRequest {
                method: body.as_ref().map_or(Method::GET, |_| Method::POST),
                target,
                accept: None,
                as_workspace: about.as_workspace.cloned(),
                body: body.map(HeldBody::own),
            };
            let failed = "looking for it failed";
            let id = facts.request_id;
            let looked = self.forwarder.look(&request, upstream, &key, id, &going);
            let (headers, page) = looked.await.ok_or(failed)?;
            match wanted.on_page(&page, sent, self.clock.now(), api_time(&headers)) {
                Page::Found(item) => return Ok(Some(item)),
                Page::Absent => return Ok(None),
                Page::Unclear => return Err(failed),
                Page::Next(next) => after = Some(next),
            }
        }
        Err("there is too much to look through")
    }
}

/// 409 for a write of which nobody can tell.
fn unknown(record: &IdempotencyRecord, why: &str, wait: Option<Duration>) -> Refusal {
    let id = record.id;
    let (reason, what) = match record.state {
        IdempotencyState::Answered => (
            "answer_not_kept",
            "was answered, and the answer could not be kept",
        ),
        _ => (
            "outcome_unknown",
            "may have been carried out: its answer was lost",
        ),
    };
    let message = format!(
        "the call with this idempotency key {what}; {why}. Look at Instantly, and then let go of \
         the key with `doorward idempotency release {id}` if the call is to be sent again"
    );
    let refusal = Refusal::new(StatusCode::CONFLICT, reason, message);
    match wait {
        Some(wait) => refusal.retry_after(wait),
        None => refusal,
    }
}

/// What was found out of a write, as it is recorded.
fn settled(record: &IdempotencyRecord, done: Verdict, facts: &CallFacts) -> Draft {
    let mut act = Act {
        actor: Some(Actor::of(ActorKind::Doorward)),
        client: facts.client.as_deref().map(str::to_owned),
        workspace: facts.workspace.as_deref().map(str::to_owned),
        sub_workspace: record.as_workspace.clone(),
        request_id: Some(facts.request_id.to_string()),
        reason: Some(
            if done == Verdict::Success {
                "found"
            } else {
                "not_there"
            }
            .to_owned(),
        ),
        ..Act::new("idempotency.settle", done)
    };
    for (name, value) in [
        ("operation", record.operation.id()),
        ("sent_by", record.request_id.as_str()),
        ("record", &record.id.to_string()),
    ] {
        act.metadata.insert(name.to_owned(), value.into());
    }
    Draft::new(facts.at, act, LedgerEvent::Admin)
}

/// The API's clock, as its answer has it.
fn api_time(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(DATE)?.to_str().ok()?;
    Some(clock::at(httpdate::parse_http_date(text).ok()?))
}
