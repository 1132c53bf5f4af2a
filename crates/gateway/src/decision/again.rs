//! A call that was allowed, asked about again: by what is in force when it is to leave.

use std::sync::Arc;
use std::time::Instant;

use doorward_condition::Day;
use doorward_policy::{Approval, Approvals, Authorized, RequestFacts, Terms, Timestamp, authorize};

use crate::clients::caller::Caller;
use crate::clients::client_limits::check_source;
use crate::decision::conditions::{Judgeable, with_conditions};
use crate::decision::decide::inputs;
use crate::decision::refusal::Refusal;
use crate::gateway::Inner;
use crate::records::record::CallFacts;
use crate::request::canonical::ForwardRequest;
use crate::sending::way::Way;

/// How long a decision holds while nothing changes but the time, in milliseconds.
const HOLDS_MS: i64 = 1_000;

/// An approval that is there already: spent, or not asked for yet.
pub(crate) struct Given(Option<Approval>);

impl Given {
    /// The approval of that id, if there is one, whatever has become of it.
    pub(crate) fn of(id: Option<&Arc<str>>, now: Timestamp) -> Self {
        Self(id.map(|id| Approval {
            id: Arc::clone(id),
            expires_at: now.plus_millis(1),
        }))
    }
}

impl Approvals for Given {
    fn granted(&self) -> Option<Approval> {
        self.0.clone()
    }
}

impl Inner {
    /// Whether a decision of `at` and the way that was chosen by it stand: nothing has changed since.
    pub(crate) fn stands(&self, way: &Way, at: Timestamp) -> bool {
        let age = self.clock.now().millis_since(at);
        self.snapshot.is(&way.snapshot)
            && (0..HOLDS_MS).contains(&age)
            && !self.forwarder.health.is_suspect(&way.key, Instant::now())
    }

    /// Decides on a call anew, by what is in force now and what its client had used of the day before
    /// it, and gives the way that it goes by that. An approval that it has counts as given.
    ///
    /// # Errors
    /// As at the door.
    pub(crate) fn ask_again(
        &self,
        authorized: &Authorized<Box<ForwardRequest>>,
        caller: &Caller,
        today: Day,
        facts: &mut CallFacts,
    ) -> Result<(Way, Timestamp), Refusal> {
        let (snapshot, now) = (self.snapshot.load(), self.clock.now());
        let op = authorized.op();
        let known = snapshot.known(caller.key).filter(|known| {
            known.client.id == caller.id && known.client.workspace_id == *authorized.workspace()
        });
        let known = known.ok_or_else(Refusal::unauthorized)?;
        let client = known.view();
        let as_workspace = facts.as_workspace.clone();
        let asked = RequestFacts {
            op: Some(op),
            workspace: client.workspace,
            as_workspace: as_workspace.as_deref(),
            now,
        };
        let call = Judgeable::again(authorized.request(), facts);
        let judged = self.judge(&snapshot, &known, (op, now), &call, (facts.source, today));
        let terms = Terms {
            conditions: &judged,
            approvals: &Given::of(authorized.approval(), now),
        };
        let allowed = authorize(&client, &asked, &terms, ());
        if let Err(denial) = allowed {
            let inputs = inputs(&known, &asked, snapshot.taken_at());
            facts.inputs = Some(Arc::new(with_conditions(inputs, &judged, &call)));
            facts.policy = denial.policy().map(Arc::from);
            return Err(Refusal::denial(&denial));
        }
        check_source(&known.client.record.controls, facts.source)?;
        if facts.writes() {
            let inputs = inputs(&known, &asked, snapshot.taken_at());
            facts.inputs = Some(Arc::new(with_conditions(inputs, &judged, &call)));
        }
        let whose = (&**client.workspace, &*caller.id);
        let way = Way::of(&snapshot, whose, op, &self.forwarder.health)?;
        facts.upstream_key = Some(Arc::clone(&way.key.id));
        Ok((way, now))
    }
}
