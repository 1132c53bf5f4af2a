//! Holding a call until somebody decides.

use std::sync::Arc;
use std::time::Duration;

use doorward_policy::{Approvals, Decision, Judgement, decide};
use doorward_store::{ApprovalState, AskedFor};
use http::HeaderMap;
use http::request::Parts;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout_at};

use super::asking::Waiting;
use super::desk::{ApprovalDesk, Ask};
use crate::decision::conditions::Judgeable;
use crate::decision::decide::{identify, request_facts};
use crate::decision::refusal::Refusal;
use crate::gateway::Inner;
use crate::records::record::CallFacts;
use crate::request::body::HeldBody;
use crate::request::canonical::Head;

/// Asks for a call to be held, in seconds.
const WAIT: &str = "doorward-wait";

impl Inner {
    /// Holds a call that needs an approval, if it or the configuration says so: until it is decided
    /// or the time is over. What comes of it is for the decision that follows.
    pub(crate) async fn hold(
        &self,
        parts: &Parts,
        head: &Head,
        body: Option<&HeldBody>,
        facts: &mut CallFacts,
    ) -> Result<(), Refusal> {
        let Some(desk) = &self.approvals else {
            return Ok(());
        };
        let wait = asked(&parts.headers, desk)?;
        if wait.is_zero() {
            return Ok(());
        }
        let Some(ask) = self.would_ask(desk, parts, head, body, facts)? else {
            return Ok(());
        };
        // With too many held already, it is answered at once.
        let Some(_place) = desk.held.take(&ask.record.client_id.as_str().into()) else {
            return Ok(());
        };
        let until = Instant::now() + wait;
        // Before it is asked for, so that no decision is missed.
        let mut decided = desk.decided.subscribe();
        let (asking, now) = (Arc::clone(desk), self.clock.now());
        let digest = ask.record.digest;
        let record = if let Some(record) = desk.asks.again(&digest, now) {
            record
        } else if desk.asks.may_ask(&ask.record.client_id, now) {
            let asked = tokio::task::spawn_blocking(move || asking.ask(&ask, now)).await;
            let Ok(Ok(AskedFor::New(record) | AskedFor::There(record))) = asked else {
                return Ok(());
            };
            record
        } else {
            return Ok(());
        };
        if record.state != ApprovalState::Pending {
            return Ok(());
        }
        loop {
            match timeout_at(until, decided.recv()).await {
                Ok(Ok((id, _))) if *id == *record.id => return Ok(()),
                Ok(Ok(_)) => {}
                Ok(Err(RecvError::Lagged(_))) if desk.lookup(&digest).is_none() => {}
                _ => return Ok(()),
            }
        }
    }

    /// What would have to be asked for, as things are now.
    fn would_ask(
        &self,
        desk: &ApprovalDesk,
        parts: &Parts,
        head: &Head,
        body: Option<&HeldBody>,
        facts: &mut CallFacts,
    ) -> Result<Option<Box<Ask>>, Refusal> {
        let snapshot = self.snapshot.load();
        let Ok(op) = head.op else {
            return Ok(None);
        };
        if snapshot.policies().is_empty() {
            return Ok(None);
        }
        let known = identify(&snapshot, parts, facts)?;
        let client = known.view();
        match decide(&client, &request_facts(&client, head, facts)) {
            Decision::Allow => {}
            _ => return Ok(None),
        }
        let call = Judgeable::of(head, body, facts);
        let asked = (facts.source, self.today(&snapshot, &known, facts));
        let judged = self.judge(&snapshot, &known, (op, self.clock.now()), &call, asked);
        let Judgement::NeedsApproval(policy) = judged.judgement() else {
            return Ok(None);
        };
        let waiting = call.waiting(Some(desk), &known, op);
        if waiting.granted().is_some() {
            return Ok(None);
        }
        Ok(waiting.ask(policy, facts))
    }
}

impl Judgeable {
    /// The same call, as far as its approval goes.
    pub(crate) fn waiting<'a>(
        &'a self,
        desk: Option<&'a ApprovalDesk>,
        known: &'a doorward_store::Known<'a>,
        op: doorward_catalog::Op,
    ) -> Waiting<'a> {
        Waiting {
            desk,
            known,
            op,
            target: &self.target,
            as_workspace: self.as_workspace.as_deref(),
            body: &self.body,
        }
    }
}

/// How long the call is to be held.
fn asked(headers: &HeaderMap, desk: &ApprovalDesk) -> Result<Duration, Refusal> {
    let mut lines = headers.get_all(WAIT).iter();
    let (Some(line), more) = (lines.next(), lines.next()) else {
        return Ok(desk.settings().hold);
    };
    let seconds = line.to_str().ok().filter(|text| text.len() <= 5);
    match (seconds.and_then(|text| text.parse::<u16>().ok()), more) {
        (Some(seconds), None) => {
            Ok(Duration::from_secs(seconds.into()).min(desk.settings().hold_most))
        }
        _ => Err(Refusal::bad_request(
            "wait_malformed",
            "doorward-wait must be given once and hold a number of seconds",
        )),
    }
}
