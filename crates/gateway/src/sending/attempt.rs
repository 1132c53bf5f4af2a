//! A request under one key and, when that is dead, under another; answers given again; and reads of
//! Doorward's own.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use doorward_catalog::Op;
use doorward_policy::Authorized;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use tokio::time::timeout;

use crate::answers::answer::Answer;
use crate::answers::veil::Veil;
use crate::answers::whole::is_short;
use crate::idempotency::{Before, Kept, Told};
use crate::pace::turns::Going;
use crate::records::observe::KeyRefusedUpstream;
use crate::records::record::Call;
use crate::request::canonical::ForwardRequest;
use crate::request::request_id::RequestId;
use crate::sending::connection::Arriving;
use crate::sending::forward::{Failure, Forwarder, Named, note, respond};
use crate::sending::key_use::KeyInUse;
use crate::sending::keychoice;
use crate::sending::keyhealth::says_dead_key;
use crate::sending::upstream::Upstream;
use crate::wire::source::Source;

/// Most bytes of an answer to a read of Doorward's own.
const LOOK_MAX: usize = 4 * 1024 * 1024;

impl Forwarder {
    /// Sends the request, and once more under another key when the API says that the key is dead:
    /// then it did nothing. Gives the key that was answered, too.
    pub(crate) async fn attempt(
        &self,
        authorized: &Authorized<Box<ForwardRequest>>,
        upstream: &Upstream,
        mut key: KeyInUse,
        call: &mut Call,
        going: &Going,
    ) -> (Result<Response<Source>, Failure>, KeyInUse) {
        let name = Named::of(call.facts().request_id, call.facts().trace);
        let first = self.exchange(authorized, upstream, &mut key, &name, going);
        let first = first.await;
        let (first, dead) = match first {
            Ok(response) if response.status() != StatusCode::UNAUTHORIZED => {
                (Source::live(response), false)
            }
            Ok(response) => Box::pin(self.examine(response)).await,
            Err(failure) => return (Err(failure), key),
        };
        if !dead {
            if first.status().is_success() {
                key.used.accepted();
            }
            return (Ok(first), key);
        }
        key.used.refused();
        let news = self.health.refused(&key, Instant::now());
        let next = keychoice::successor(upstream, authorized.op(), &key, &self.health);
        self.observer.upstream_key_refused(&KeyRefusedUpstream {
            workspace: authorized.workspace(),
            upstream_key: &key.id,
            successor: next.map(|next| &*next.id),
            news,
            at: authorized.decided_at(),
        });
        let Some(mut next) = next.map(KeyInUse::of) else {
            return (Ok(first), key);
        };
        if Box::pin(self.turns.take(going)).await.is_err() {
            return (Ok(first), key);
        }
        call.facts_mut().upstream_key = Some(Arc::clone(&next.id));
        let second = self.exchange(authorized, upstream, &mut next, &name, going);
        let second = Box::pin(second).await;
        let second = match second {
            Ok(response) => {
                let (response, dead) = Box::pin(self.examine(response)).await;
                if dead {
                    next.used.refused();
                    self.health.refused(&next, Instant::now());
                } else if response.status().is_success() {
                    next.used.accepted();
                }
                Ok(response)
            }
            Err(failure) => Err(failure),
        };
        (second, next)
    }

    /// Whether an answer says that the key is dead.
    async fn examine(&self, response: Response<Arriving>) -> (Response<Source>, bool) {
        let response = Source::live(response);
        let unauthorized = response.status() == StatusCode::UNAUTHORIZED;
        if !unauthorized || !is_short(response.body()) {
            return (response, false);
        }
        let (parts, body) = response.into_parts();
        match self.read_lesson(body).await {
            Some(bytes) => {
                let dead = says_dead_key(parts.status, &bytes);
                (Response::from_parts(parts, Source::whole(bytes)), dead)
            }
            None => (
                Response::from_parts(parts, Source::broken(Bytes::new())),
                false,
            ),
        }
    }

    /// The answer to a write that was sent before.
    pub(crate) async fn tell_of(&self, before: Before, call: Call) -> Response<Answer> {
        let Before {
            op,
            way,
            kept,
            told,
        } = before;
        self.give_again(kept, told, call, op, &way.veil).await
    }

    /// An answer of the API's that was given before, or found.
    pub(crate) async fn give_again(
        &self,
        kept: Kept,
        told: Told,
        mut call: Call,
        op: Op,
        veil: &Veil,
    ) -> Response<Answer> {
        // Nothing goes out under a key.
        call.facts_mut().upstream_key = None;
        note(&mut call, |outcome| outcome.allowed = true);
        let body = match self.answers.hold(kept.body, veil.client()) {
            Ok(body) => body,
            Err(why) => return respond(&mut call, &why.refusal(op, kept.status)),
        };
        let mut response = Response::new(Source::whole(body));
        *response.status_mut() = kept.status;
        for (name, value) in [
            (CONTENT_TYPE, kept.content_type),
            (CONTENT_ENCODING, kept.content_encoding),
        ] {
            if let Some(value) = value {
                response.headers_mut().insert(name, value);
            }
        }
        self.pass_on(response, call, op, None, veil, Some(told))
            .await
    }

    /// A read of Doorward's own, which takes its turn as the client's would: head and body of an
    /// answer of 200.
    pub(crate) async fn look(
        &self,
        request: &ForwardRequest,
        upstream: &Upstream,
        key: &KeyInUse,
        call: RequestId,
        going: &Going,
    ) -> Option<(HeaderMap, Bytes)> {
        self.turns.take(going).await.ok()?;
        let name = Named::of(call, None);
        let mut key = key.clone();
        let sent = self.send(request, upstream, &mut key, &name, going).await;
        let (parts, body) = sent.ok()?.into_parts();
        let read = Limited::new(body, LOOK_MAX).collect();
        let read = timeout(self.limits.load().response_idle, read).await;
        let bytes = read.ok()?.ok()?.to_bytes();
        (parts.status == StatusCode::OK).then_some((parts.headers, bytes))
    }

    async fn read_lesson(&self, body: Source) -> Option<Bytes> {
        let read = timeout(self.limits.load().response_idle, body.collect());
        Some(read.await.ok()?.ok()?.to_bytes())
    }
}
