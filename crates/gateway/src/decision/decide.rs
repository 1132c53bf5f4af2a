//! From a request's head to what the policy is asked, and what is noted of it.

use std::sync::Arc;

use doorward_policy::{ClientView, Decision, DenyReason, Inputs, RequestFacts, Timestamp, decide};
use doorward_store::Known;
use http::request::Parts;

use crate::clients::auth::{self, Stranger, UPSTREAM_KEY};
use crate::clients::remembered::Remembered;
use crate::decision::refusal::Refusal;
use crate::gateway::Inner;
use crate::records::observe::UpstreamKeyPresented;
use crate::records::record::CallFacts;
use crate::request::canonical::Head;
use crate::snapshot::Snapshot;

/// Whose key is presented, noted in the facts.
pub(crate) fn identify<'s>(
    snapshot: &'s Snapshot,
    parts: &Parts,
    facts: &mut CallFacts,
) -> Result<Known<'s>, Refusal> {
    noted(auth::authenticate(snapshot, &parts.headers), facts)
}

/// The same on a connection that remembers whose key it was last.
pub(crate) fn identify_again<'s>(
    snapshot: &'s Arc<Snapshot>,
    remembered: &Remembered,
    parts: &Parts,
    facts: &mut CallFacts,
) -> Result<Known<'s>, Refusal> {
    noted(remembered.authenticate(snapshot, &parts.headers), facts)
}

fn noted<'s>(
    known: Result<Known<'s>, Stranger>,
    facts: &mut CallFacts,
) -> Result<Known<'s>, Refusal> {
    match known {
        Ok(known) => {
            facts.client_key_id = Some(known.key_id);
            facts.client = Some(Arc::clone(&known.client.name));
            facts.environment = Some(known.client.record.environment);
            facts.workspace = Some(Arc::clone(&known.client.workspace_id));
            Ok(known)
        }
        Err(stranger) => {
            facts.client_key_id = stranger.key_id;
            facts.stranger = Some(stranger.reason);
            // Nothing of Doorward's is told by that, and its holder has to know.
            Err(if stranger.reason == UPSTREAM_KEY {
                Refusal::upstream_key()
            } else {
                Refusal::unauthorized()
            })
        }
    }
}

impl Inner {
    /// Tells of a real key in the place of a client key.
    pub(crate) fn tell_of_upstream_key(&self, parts: &Parts, facts: &CallFacts) {
        if facts.stranger != Some(UPSTREAM_KEY) {
            return;
        }
        if let Some(key) = auth::bearer(&parts.headers) {
            let snapshot = self.snapshot.load();
            self.observer.upstream_key_presented(&UpstreamKeyPresented {
                key,
                held: snapshot.holds(key).as_deref(),
                source: facts.source,
                at: facts.at,
            });
        }
    }
}

/// What is asked, as of the moment the request came.
pub(crate) fn request_facts<'a>(
    client: &ClientView<'a>,
    head: &'a Head,
    facts: &CallFacts,
) -> RequestFacts<'a> {
    RequestFacts {
        op: head.op.ok(),
        workspace: client.workspace,
        as_workspace: head.as_workspace(),
        now: facts.at,
    }
}

/// What a decision on `asked` depends on, to be kept with it.
pub(crate) fn inputs(known: &Known<'_>, asked: &RequestFacts<'_>, taken_at: Timestamp) -> Inputs {
    Inputs::new(
        &known.view(),
        asked,
        &known.client.record.grant,
        known.workspace.kind,
        taken_at,
    )
}

/// Whether the key itself is no good any more. Judged before anything of the request, so that its
/// holder learns no more than one without a key.
pub(crate) fn client_is_out(client: &ClientView<'_>, facts: &mut CallFacts) -> bool {
    let asked = RequestFacts {
        op: None,
        workspace: client.workspace,
        as_workspace: None,
        now: facts.at,
    };
    match decide(client, &asked) {
        Decision::Deny(denial) if denial.reason().is_of_the_key() => {
            facts.stranger = Some(denial.reason().code());
            true
        }
        _ => false,
    }
}

/// Notes for the record what a caller with a key that is no good is not told.
pub(crate) fn note(facts: &mut CallFacts, reason: DenyReason, refusal: Refusal) -> Refusal {
    if reason.is_of_the_key() {
        facts.stranger = Some(reason.code());
    }
    refusal
}
