//! What rotations ask of Instantly: keys listed, made and deleted, each change in the ledger before it
//! is made and after.

use std::sync::Arc;
use std::time::Instant;

use doorward_audit::Draft;
use doorward_catalog::wire::ApiKey;
use doorward_catalog::{Op, ScopeSet};
use doorward_keys::rotation::Failure;
use doorward_ledger::{Act, Actor, ActorKind, Event, LeafId, Verdict};
use doorward_secrets::SecretRef;
use doorward_store::{UpstreamKey, Workspace};
use doorward_upstream::resources::NewApiKey;
use doorward_upstream::{Client, Error, Outcome, USER_AGENT};

use super::parts::{Parts, blocking};
use crate::scrubbed::scrub;

/// Most keys of a workspace that are looked through.
const KEYS_MAX: usize = 10_000;

/// Why a step was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    /// What is known of it.
    pub(super) how: Failure,
    /// For people; holds no secret.
    pub(super) why: String,
}

impl Trouble {
    /// It was not done; another try may do it.
    pub(super) fn passing(why: impl ToString) -> Self {
        Self {
            how: Failure::Temporary,
            why: scrub(why.to_string()),
        }
    }

    /// It was not done, and no try will do it.
    pub(super) fn lasting(why: impl ToString) -> Self {
        Self {
            how: Failure::Permanent,
            why: scrub(why.to_string()),
        }
    }
}

impl From<&Error> for Trouble {
    fn from(error: &Error) -> Self {
        let how = match (error.outcome(), error) {
            (Outcome::Unknown | Outcome::Done, _) => Failure::Uncertain,
            (
                _,
                Error::Invalid { .. }
                | Error::WrongScope { .. }
                | Error::DeadKey { .. }
                | Error::Forbidden { .. }
                | Error::NoPlan { .. }
                | Error::BadCall { .. }
                | Error::Config { .. },
            ) => Failure::Permanent,
            _ => Failure::Temporary,
        };
        let why = scrub(error.to_string());
        Self { how, why }
    }
}

/// A workspace's keys, under the key that manages them.
pub(super) struct Keys<'a> {
    pub(super) parts: &'a Arc<Parts>,
    pub(super) workspace: &'a Workspace,
    /// The key that manages.
    pub(super) manager: &'a UpstreamKey,
}

impl Keys<'_> {
    /// A client under the managing key, with a name of its own for each call, which Instantly's audit
    /// log keeps.
    async fn client(&self, name: &str) -> Result<Client, Trouble> {
        let reference: SecretRef = self.manager.reference.parse().map_err(Trouble::lasting)?;
        let (parts, read) = (Arc::clone(self.parts), reference.clone());
        let value = blocking(move || parts.secrets.read(&read)).await;
        let value = value.map_err(|error| {
            let why = format!("the key '{}' that manages: {error}", self.manager.name);
            Trouble::passing(why)
        })?;
        let agent = format!("{USER_AGENT} {name}");
        let client = self.parts.client(self.workspace, value, &agent);
        client.map_err(Trouble::lasting)
    }

    /// Every key of the workspace.
    pub(super) async fn list(&self) -> Result<Vec<ApiKey>, Trouble> {
        let client = self.client(&call_name()?).await?;
        let keys = client.api_keys().list().all(KEYS_MAX + 1).await;
        let keys = keys.map_err(|error| Trouble::from(&error))?;
        match keys.len() > KEYS_MAX {
            true => Err(Trouble::lasting(format_args!(
                "the workspace has more than {KEYS_MAX} keys; delete what is not needed"
            ))),
            false => Ok(keys),
        }
    }

    /// Makes a key.
    pub(super) async fn create(&self, name: String, scopes: ScopeSet) -> Result<ApiKey, Trouble> {
        let new = NewApiKey { name, scopes };
        let name = call_name()?;
        let client = self.client(&name).await?;
        let noted = self.begin(Op::CreateAPIKey, name, None).await?;
        let made = client.api_keys().create(&new).await;
        self.ended(&noted, made.as_ref().err()).await;
        made.map_err(|error| Trouble::from(&error))
    }

    /// Deletes a key; that there is none is as good.
    pub(super) async fn delete(&self, api_key_id: &str) -> Result<(), Trouble> {
        let name = call_name()?;
        let client = self.client(&name).await?;
        let noted = self.begin(Op::DeleteAPIKey, name, Some(api_key_id)).await?;
        let deleted = client.api_keys().delete(api_key_id).await;
        self.ended(&noted, deleted.as_ref().err()).await;
        match deleted {
            Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(Trouble::from(&error)),
        }
    }

    /// Records that a call is about to be made; without that, none is.
    async fn begin(
        &self,
        op: Op,
        name: String,
        api_key_id: Option<&str>,
    ) -> Result<Noted, Trouble> {
        let mut noted = Noted {
            op,
            name,
            api_key_id: api_key_id.map(str::to_owned),
            intent: None,
            since: Instant::now(),
        };
        let event = Event::Intent {
            operation: op.id().to_owned(),
            body: None,
            inputs: None,
        };
        let recorded = self.record(&noted, Verdict::Pending, event).await;
        noted.intent = Some(recorded.map_err(|why| {
            Trouble::passing(format_args!(
                "it can't be recorded, and so is not done: {why}"
            ))
        })?);
        noted.since = Instant::now();
        Ok(noted)
    }

    /// Records how a call ended. What can't be is left to the next look through the ledger, which
    /// takes an intent without an end for a call of which nobody knows.
    async fn ended(&self, noted: &Noted, error: Option<&Error>) {
        let verdict = match error.map(Error::outcome) {
            None | Some(Outcome::Done) => Verdict::Success,
            Some(Outcome::NotDone) => Verdict::Failure,
            Some(Outcome::Unknown) => Verdict::Unknown,
        };
        let event = Event::Outcome {
            intent: noted.intent,
            operation: Some(noted.op.id().to_owned()),
            status: error.map_or(Some(200), status_of),
            latency_us: u64::try_from(noted.since.elapsed().as_micros()).unwrap_or(u64::MAX),
            body: None,
            answer: None,
        };
        if let Err(why) = self.record(noted, verdict, event).await {
            tracing::warn!(
                why,
                operation = noted.op.id(),
                "how a call ended is not recorded"
            );
        }
    }

    async fn record(
        &self,
        noted: &Noted,
        verdict: Verdict,
        event: Event,
    ) -> Result<LeafId, String> {
        let mut act = Act::new(noted.op.id(), verdict);
        act.actor = Some(Actor::of(ActorKind::Doorward));
        act.workspace = Some(self.workspace.id.clone());
        act.upstream_key = Some(self.manager.id.clone());
        act.request_id = Some(noted.name.clone());
        if verdict == Verdict::Failure && matches!(&event, Event::Outcome { status: None, .. }) {
            act.reason = Some("upstream_unreachable".to_owned());
        }
        let parts = Arc::clone(self.parts);
        let audit = blocking(move || (parts.audit)()).await;
        let audit = audit.map_err(|error| error.message)?;
        let draft = Draft::new(audit.now(), act, event);
        let draft = match &noted.api_key_id {
            Some(id) => draft.id("id", id),
            None => draft,
        };
        let recorded = audit.record(draft).await;
        recorded
            .map(|recorded| recorded.leaf)
            .map_err(|error| error.to_string())
    }
}

/// A call that is recorded.
struct Noted {
    op: Op,
    name: String,
    api_key_id: Option<String>,
    intent: Option<LeafId>,
    since: Instant,
}

/// The name of one call: `req_` and 32 hexadecimal digits, as those of clients' calls.
pub(super) fn call_name() -> Result<String, Trouble> {
    let random = crate::secret::random::<16>().map_err(Trouble::passing)?;
    let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("req_{digits}"))
}

fn status_of(error: &Error) -> Option<u16> {
    match error {
        Error::WrongScope { .. } | Error::DeadKey { .. } => Some(401),
        Error::NoPlan { .. } => Some(402),
        Error::EdgeBlocked { .. } | Error::Forbidden { .. } => Some(403),
        Error::NotFound { .. } => Some(404),
        Error::Conflict { .. } => Some(409),
        Error::Limit { .. } => Some(429),
        Error::Invalid { status, .. }
        | Error::Server { status, .. }
        | Error::Refused { status, .. }
        | Error::Redirect { status, .. }
        | Error::BadAnswer { status, .. }
        | Error::TooLarge { status, .. } => Some(*status),
        Error::OutcomeUnknown { status, .. } => *status,
        _ => None,
    }
}
