//! Where approvals are asked for, decided, looked up and spent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use doorward_audit::{Audit, Draft};
use doorward_ledger::{Act, Actor, ActorKind, Change, Event, Verdict};
use doorward_policy::{Approval, Timestamp};
use doorward_store::{ApprovalRecord, ApprovalState, AskedFor, Store, StoreError};
use secrecy::SecretString;
use tokio::sync::broadcast;

use super::asks::Asks;
use super::kept::{Exact, KeptRequest, Keys};
use crate::clients::shares::Places;
use crate::error::Error;

/// Calls that may be held at once until somebody decides.
const HELD_MAX: usize = 64;
/// How long one that ended is kept.
const KEPT_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
/// Most approvals that are in force at once.
const GRANTED_MAX: usize = 100_000;

/// Bounds on approvals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalSettings {
    /// How long one waits for its decision.
    pub pending: Duration,
    /// How long one that was given can be used.
    pub approved: Duration,
    /// Most that may wait of one client.
    pub per_client: u32,
    /// Largest body that is kept to be shown.
    pub body_bytes: usize,
    /// How long a call is held when it says nothing.
    pub hold: Duration,
    /// How long a call may ask to be held.
    pub hold_most: Duration,
}

impl Default for ApprovalSettings {
    fn default() -> Self {
        Self {
            pending: Duration::from_secs(60 * 60),
            approved: Duration::from_secs(60 * 60),
            per_client: 100,
            body_bytes: 1024 * 1024,
            hold: Duration::ZERO,
            hold_most: Duration::from_secs(60),
        }
    }
}

type Told = Box<dyn Fn(&ApprovalRecord) + Send + Sync>;

/// Approvals of one store. Calls that reach the store block.
pub struct ApprovalDesk {
    pub(super) store: Arc<dyn Store>,
    keys: Keys,
    settings: RwLock<ApprovalSettings>,
    /// What was asked for lately.
    pub(super) asks: Asks,
    /// Given and not used, by the request's digest.
    granted: Mutex<HashMap<[u8; 32], Approval>>,
    /// Tells calls that are held what was decided: id, and whether it is a yes.
    pub(super) decided: broadcast::Sender<(Arc<str>, bool)>,
    pub(super) held: Places,
    audit: Option<Arc<Audit>>,
    told: Told,
}

impl std::fmt::Debug for ApprovalDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApprovalDesk").finish_non_exhaustive()
    }
}

/// What became of a decision.
#[derive(Debug)]
pub enum Ended {
    /// It holds.
    Decided(ApprovalRecord),
    /// It was decided, used or over before.
    Before(ApprovalRecord),
}

/// A request that needs an approval.
pub(crate) struct Ask {
    pub(super) record: ApprovalRecord,
    pub(super) request: KeptRequest,
    pub(super) request_id: String,
}

impl ApprovalDesk {
    /// Approvals of a store, sealed under keys derived from the audit key. Those that were given
    /// and not used are in force.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn open(
        store: Arc<dyn Store>,
        audit_key: &SecretString,
        settings: ApprovalSettings,
    ) -> Result<Self, Error> {
        let failed = |why: String| Error::Approvals(why);
        let open = store
            .approvals(false, GRANTED_MAX)
            .map_err(|error| failed(error.to_string()))?;
        let granted = open
            .iter()
            .filter(|record| record.state == ApprovalState::Approved)
            .map(|record| (record.digest, in_force(record)))
            .collect();
        let keys = Keys::derive(audit_key);
        Ok(Self {
            store,
            keys: keys.ok_or_else(|| failed("no keys can be derived".to_owned()))?,
            settings: RwLock::new(settings),
            asks: Asks::default(),
            granted: Mutex::new(granted),
            decided: broadcast::channel(64).0,
            held: Places::new(HELD_MAX),
            audit: None,
            told: Box::new(|_| {}),
        })
    }

    /// The same, recording in a ledger what it does by itself, and telling `told` of each new one.
    #[must_use]
    pub fn telling(
        self,
        audit: Arc<Audit>,
        told: impl Fn(&ApprovalRecord) + Send + Sync + 'static,
    ) -> Self {
        Self {
            audit: Some(audit),
            told: Box::new(told),
            ..self
        }
    }

    /// The bounds in force.
    pub(super) fn settings(&self) -> ApprovalSettings {
        let settings = self.settings.read();
        settings.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Other bounds from now on. What was asked and decided by then keeps its times.
    pub fn set(&self, settings: ApprovalSettings) {
        let mut in_force = self
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *in_force = settings;
    }

    /// Approvals without their requests, the newest first: the open ones, or all.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn list(&self, all: bool, limit: usize) -> Result<Vec<ApprovalRecord>, StoreError> {
        let mut records = self.store.approvals(all, limit)?;
        records.iter_mut().for_each(|record| self.count(record));
        Ok(records)
    }

    /// Adds how often it was asked for that the store was not told of.
    fn count(&self, record: &mut ApprovalRecord) {
        let untold = self.asks.untold(&record.digest);
        if record.state == ApprovalState::Pending {
            record.asked = record.asked.saturating_add(untold);
        }
    }

    /// One approval, and the request that it is for while it is open.
    ///
    /// # Errors
    /// When there is none, or the store can't be read.
    pub fn show(&self, id: &str) -> Result<(ApprovalRecord, Option<KeptRequest>), StoreError> {
        let mut record = self.store.approval(id)?;
        self.count(&mut record);
        let request = self.keys.open(&record.request, &record.digest);
        Ok((record, request))
    }

    /// Decides a pending one in the name of an approver. Who may, is for the caller to say.
    ///
    /// # Errors
    /// When there is none, the reason does not fit, or the store can't be written.
    pub fn decide(
        &self,
        id: &str,
        yes: bool,
        by: &str,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<Ended, StoreError> {
        let until = yes.then(|| after(now, self.settings().approved));
        let digest = self.store.approval(id)?.digest;
        let untold = self.asks.decided(&digest);
        if untold > 0 {
            self.store.count_asks(&[(id.to_owned(), untold)])?;
        }
        let decided = self.store.decide_approval(id, until, by, reason, now)?;
        // Somebody may have asked for it in between, and been told that it waits.
        self.asks.decided(&digest);
        let Some(record) = decided else {
            return self.store.approval(id).map(Ended::Before);
        };
        if yes {
            self.granted().insert(record.digest, in_force(&record));
        }
        // Nobody may be waiting.
        let _ = self.decided.send((record.id.as_str().into(), yes));
        Ok(Ended::Decided(record))
    }

    /// Ends those whose time is over, and forgets those that ended a week ago.
    ///
    /// # Errors
    /// When the store can't be written.
    pub fn tidy(&self, now: Timestamp) -> Result<(), StoreError> {
        let untold = self.asks.take_untold(now);
        if !untold.is_empty() {
            self.store.count_asks(&untold)?;
        }
        let forget = now.plus_millis(KEPT_MS.saturating_neg());
        let ended = self.store.expire_approvals(now, forget)?;
        self.granted()
            .retain(|_, approval| now < approval.expires_at);
        for record in &ended {
            self.record(record, "approval.expire", Change::Expired, None, now);
        }
        Ok(())
    }

    pub(super) fn digest(&self, exact: &Exact<'_>) -> [u8; 32] {
        self.keys.digest(exact)
    }

    /// The approval of a request, unused as far as is known.
    pub(crate) fn lookup(&self, digest: &[u8; 32]) -> Option<Approval> {
        self.granted().get(digest).cloned()
    }

    /// Asks for an approval, or joins one that is there.
    pub(crate) fn ask(&self, ask: &Ask, now: Timestamp) -> Result<AskedFor, StoreError> {
        let unsealed = || StoreError::Field {
            field: "the request to be approved".to_owned(),
            fault: "can't be sealed",
        };
        let settings = self.settings();
        let digest = &ask.record.digest;
        let request = self.keys.seal(&ask.request, digest).ok_or_else(unsealed)?;
        let record = ApprovalRecord {
            asked_at: now,
            expires_at: after(now, settings.pending),
            request,
            ..ask.record.clone()
        };
        let most = settings.per_client;
        let decisions = self.asks.decisions();
        let asked = self.store.ask_approval(&record, most, now)?;
        if let AskedFor::New(record) | AskedFor::There(record) = &asked {
            self.asks.remember(record, now, decisions);
        }
        if let AskedFor::New(record) = &asked {
            let id = Some(ask.request_id.as_str());
            self.record(record, "approval.ask", Change::Requested, id, now);
            (self.told)(record);
        }
        Ok(asked)
    }

    pub(super) fn granted(&self) -> MutexGuard<'_, HashMap<[u8; 32], Approval>> {
        self.granted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn record(
        &self,
        record: &ApprovalRecord,
        action: &str,
        change: Change,
        request_id: Option<&str>,
        now: Timestamp,
    ) {
        let Some(audit) = &self.audit else {
            return;
        };
        let mut act = Act::new(action, Verdict::Success);
        act.actor = Some(Actor::of(match change {
            Change::Expired => ActorKind::Doorward,
            _ => ActorKind::Client,
        }));
        act.client = Some(record.client.clone());
        act.workspace = Some(record.workspace_id.clone());
        act.request_id = request_id.map(str::to_owned);
        let metadata = &mut act.metadata;
        metadata.insert("operation".to_owned(), record.operation.id().into());
        metadata.insert("policy".to_owned(), record.policy.clone().into());
        let event = Event::Approval {
            approval: record.id.clone(),
            change,
        };
        audit.note(Draft::new(now, act, event));
    }
}

pub(super) fn in_force(record: &ApprovalRecord) -> Approval {
    Approval {
        id: record.id.as_str().into(),
        expires_at: record.expires_at,
    }
}

fn after(now: Timestamp, time: Duration) -> Timestamp {
    now.plus_millis(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use doorward_catalog::{Environment, Op};
    use doorward_policy::{Grant, WorkspaceKind};
    use doorward_store::{NewClient, NewWorkspace, SqliteStore};

    pub(in crate::approvals) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    pub(in crate::approvals) fn open(path: &std::path::Path) -> ApprovalDesk {
        let store = Arc::new(SqliteStore::open(path).unwrap());
        let key = "0123456789abcdef0123456789abcdef".into();
        ApprovalDesk::open(store, &key, ApprovalSettings::default()).unwrap()
    }

    /// Gives it a client.
    pub(in crate::approvals) fn peopled(desk: &ApprovalDesk) {
        let new = NewWorkspace::new("acme", WorkspaceKind::Sandbox, "http://127.0.0.1:4010");
        let workspace = desk.store.create_workspace(&new, NOW).unwrap().id;
        let grant = Grant::for_use_case("lead-import");
        let new = NewClient::new(&workspace, "importer", Environment::Production, grant);
        desk.store.create_client(&new, NOW).unwrap();
    }

    pub(in crate::approvals) fn ask(desk: &ApprovalDesk) -> Ask {
        let request = KeptRequest {
            method: "POST".to_owned(),
            target: "/api/v2/leads".to_owned(),
            as_workspace: None,
            body: Some("{\"email\":\"ann@example.com\"}".to_owned()),
        };
        let client = &desk.store.clients(None).unwrap()[0];
        Ask {
            record: ApprovalRecord {
                id: String::new(),
                digest: [7; 32],
                client_id: client.id.clone(),
                client: client.name.clone(),
                owner: String::new(),
                workspace_id: client.workspace_id.clone(),
                operation: Op::CreateLead,
                policy: "p".to_owned(),
                state: ApprovalState::Pending,
                asked: 1,
                asked_at: NOW,
                expires_at: NOW,
                decided_by: None,
                decided_at: None,
                reason: None,
                spent_at: None,
                request: Vec::new(),
            },
            request,
            request_id: "req_1".to_owned(),
        }
    }

    pub(in crate::approvals) fn asked(desk: &ApprovalDesk) -> ApprovalRecord {
        match desk.ask(&ask(desk), NOW).unwrap() {
            AskedFor::New(record) | AskedFor::There(record) => record,
            AskedFor::Full => panic!("full"),
        }
    }

    #[test]
    fn what_is_given_outlives_a_crash_and_what_is_spent_stays_spent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let desk = open(&path);
        peopled(&desk);

        let record = asked(&desk);
        assert_eq!(asked(&desk).id, record.id);
        assert_eq!(desk.lookup(&[7; 32]), None);
        assert!(
            desk.spend(&record.id, "req_2", NOW).is_err(),
            "nobody said yes"
        );
        let (_, request) = desk.show(&record.id).unwrap();
        assert_eq!(request.unwrap(), ask(&desk).request);
        let decided = desk.decide(&record.id, true, "bob", None, NOW).unwrap();
        assert!(matches!(decided, Ended::Decided(_)));
        drop(desk);

        let desk = open(&path);
        let approval = desk.lookup(&[7; 32]).unwrap();
        assert_eq!(*approval.id, *record.id);
        // Of many at once, one can.
        let spent = std::thread::scope(|scope| {
            let (desk, id) = (&desk, &record.id);
            let all: Vec<_> = (0..8)
                .map(|_| scope.spawn(move || desk.spend(id, "req_3", NOW).is_ok()))
                .collect();
            all.into_iter()
                .map(|one| one.join().unwrap())
                .filter(|it| *it)
                .count()
        });
        assert_eq!(spent, 1);
        drop(desk);

        // Killed before the call left: it is spent all the same.
        let desk = open(&path);
        assert_eq!(desk.lookup(&[7; 32]), None);
        assert_ne!(asked(&desk).id, record.id);
    }

    #[test]
    fn what_is_decided_while_it_is_asked_for_waits_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let desk = open(&folder.path().join("store.db"));
        peopled(&desk);
        // The store has answered that it waits; before that is noted, somebody says no.
        let decisions = desk.asks.decisions();
        let record = asked(&desk);
        desk.decide(&record.id, false, "bob", None, NOW).unwrap();
        desk.asks.remember(&record, NOW, decisions);
        assert_eq!(desk.asks.again(&record.digest, NOW), None);
    }

    #[test]
    fn what_is_over_is_worth_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let desk = open(&folder.path().join("store.db"));
        peopled(&desk);
        let record = asked(&desk);
        desk.decide(&record.id, true, "bob", None, NOW).unwrap();
        let over = after(NOW, desk.settings().approved);
        assert!(desk.spend(&record.id, "req_2", over).is_err());
        desk.tidy(over).unwrap();
        assert_eq!(desk.lookup(&[7; 32]), None);
        assert!(desk.list(false, 9).unwrap().is_empty());
        let again = desk.decide(&record.id, true, "bob", None, over).unwrap();
        assert!(matches!(again, Ended::Before(_)));
    }
}
