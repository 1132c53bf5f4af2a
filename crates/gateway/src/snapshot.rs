//! All that a request is decided and sent by, in memory, swapped whole.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use doorward_catalog::{Op, Scope};
use doorward_condition::{Policies, PolicyText};
use doorward_keys::{KeyId, KeyRefused, Pepper};
use doorward_policy::Timestamp;
use doorward_secrets::{SecretRef, Secrets};
use doorward_store::{KeyRole, Known, Policy, UpstreamKeyState, Workspace};
use doorward_veil::{Redactor, Scrubber};
use secrecy::SecretString;

use crate::answers::known::KnownSecrets;
use crate::answers::redactors::Redactors;
use crate::error::Error;
use crate::pace::ids::PaceId;
use crate::request::limits::Limits;
use crate::sending::held_keys::HeldKeys;
use crate::sending::key_use::{KeyFigures, KeyUses};
use crate::sending::keychoice;
use crate::sending::names::Names;
use crate::sending::upstream::{BaseUrl, Pools, Upstream, UpstreamKey};

/// What the upstream keys are called among the known secrets.
const UPSTREAM_KEYS: &str = "upstream keys";

/// The state at one moment: clients, their keys and grants, and the workspaces with their
/// upstream keys' values. Made by [`SnapshotBuilder`].
pub struct Snapshot {
    state: doorward_store::Snapshot,
    pepper: Pepper,
    upstreams: HashMap<String, Arc<Upstream>>,
    scrubber: Option<Arc<Scrubber>>,
    redactors: Redactors,
    policies: Arc<Policies>,
    uses: KeyUses,
}

impl Snapshot {
    /// The store's generation it was made from.
    pub fn generation(&self) -> u64 {
        self.state.generation
    }

    /// How many workspaces there are, and how many of them have an upstream key that calls can go
    /// out on.
    pub fn workspaces(&self) -> (usize, usize) {
        let usable = |upstream: &&Arc<Upstream>| {
            let mut keys = upstream.keys.iter();
            keys.any(|key| key.state == UpstreamKeyState::Active)
        };
        let all = self.state.workspaces.len();
        (all, self.upstreams.values().filter(usable).count())
    }

    /// When it was read from the store, and its grants resolved.
    pub(crate) fn taken_at(&self) -> Timestamp {
        self.state.taken_at
    }

    /// The policies in force.
    pub(crate) fn policies(&self) -> &Policies {
        &self.policies
    }

    /// Whether these policies are the very ones of another snapshot.
    pub(crate) fn judges_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.policies, &other.policies)
    }

    pub(crate) fn authenticate(&self, presented: &str) -> Result<Known<'_>, KeyRefused> {
        self.state.authenticate(&self.pepper, presented)
    }

    /// Whose a key is that was taken before. Whether it may still be used is for the policy to say.
    pub(crate) fn known(&self, key: KeyId) -> Option<Known<'_>> {
        self.state.known(key)
    }

    /// Workspaces whose API is left alone for now, by Doorward's id.
    pub fn shut_workspaces(&self) -> Vec<&str> {
        let mut shut: Vec<&str> = self
            .upstreams
            .values()
            .filter(|upstream| upstream.line.is_open())
            .map(|upstream| &*upstream.workspace)
            .collect();
        shut.sort_unstable();
        shut
    }

    /// The id of the upstream key with this value, with or without its padding.
    pub(crate) fn holds(&self, value: &str) -> Option<Arc<str>> {
        let found = self.keys().find(|key| key.is(value));
        found.map(|key| Arc::clone(&key.id))
    }

    fn keys(&self) -> impl Iterator<Item = &Arc<UpstreamKey>> {
        let upstreams = self.upstreams.values();
        upstreams.flat_map(|upstream| upstream.keys.iter().chain(&upstream.aside))
    }

    /// How calls under the upstream key with that id of Doorward's went since this process began,
    /// whatever snapshot they were decided by.
    pub fn key_figures(&self, id: &str) -> KeyFigures {
        self.uses.figures(id)
    }

    /// The first bytes of the SHA-256 of the value that the upstream key with that id of Doorward's
    /// has here; `None` where it has none.
    pub fn key_print(&self, id: &str) -> Option<[u8; 8]> {
        self.keys().find(|key| *key.id == *id).map(|key| key.print)
    }

    /// Where calls to a workspace go; `None` if its base URL is not used.
    pub(crate) fn upstream(&self, workspace_id: &str) -> Option<&Arc<Upstream>> {
        self.upstreams.get(workspace_id)
    }

    /// Removes the secrets known at the time; `None` if it could not be made.
    pub(crate) fn scrubber(&self) -> Option<&Arc<Scrubber>> {
        self.scrubber.as_ref()
    }

    /// Redacts the answers to a client; `None` if its rules can't be followed.
    pub(crate) fn redactor(&self, client_id: &str) -> Option<&Arc<Redactor>> {
        self.redactors.of(client_id)
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot")
            .field("generation", &self.state.generation)
            .field("upstreams", &self.upstreams)
            .finish_non_exhaustive()
    }
}

/// Makes snapshots from the store's state. One lives as long as the gateway: it keeps the
/// connections to each workspace, and the upstream keys' values, from snapshot to snapshot.
pub struct SnapshotBuilder {
    pepper: Pepper,
    held: HeldKeys,
    pools: Pools,
    plain_http: bool,
    known: KnownSecrets,
    uses: KeyUses,
    /// The policies read last: what stays the same is not read again.
    policies: Mutex<Arc<Policies>>,
}

impl SnapshotBuilder {
    /// A builder that hashes client keys under `pepper` and reads upstream keys by `secrets`.
    pub fn new(pepper: Pepper, secrets: impl Into<Arc<Secrets>>, limits: &Limits) -> Self {
        Self {
            pepper,
            held: HeldKeys::new(secrets.into()),
            uses: KeyUses::default(),
            pools: Pools::new(limits),
            plain_http: false,
            known: KnownSecrets::new(),
            policies: Mutex::default(),
        }
    }

    /// Lets workspaces be on other machines without TLS: for a sandbox in a container's network.
    #[must_use]
    pub fn allow_plain_http(self, allow: bool) -> Self {
        Self {
            plain_http: allow,
            ..self
        }
    }

    /// Looks hosts up by these names rather than the system's.
    #[must_use]
    pub fn names(self, names: Arc<dyn Names>) -> Self {
        Self {
            pools: self.pools.names(names),
            ..self
        }
    }

    /// Keeps the upstream keys among secrets that are known elsewhere too: each snapshot scrubs
    /// answers of all that were known when it was made.
    #[must_use]
    pub fn known_secrets(self, known: KnownSecrets) -> Self {
        Self { known, ..self }
    }

    /// Makes a snapshot, with upstream keys that are new to it read first. Blocks while they are;
    /// not for the path of requests.
    ///
    /// What is faulty is left out and reported: see [`build_from_held`](Self::build_from_held).
    pub fn build(&self, state: doorward_store::Snapshot) -> (Snapshot, Vec<Error>) {
        self.take_in(&self.lacking(&state));
        self.build_from_held(state)
    }

    /// The references of upstream keys that were never read here.
    pub fn lacking(&self, state: &doorward_store::Snapshot) -> Vec<SecretRef> {
        self.held.lacking(state)
    }

    /// Reads upstream keys, for the snapshots from now on. One that can't be read is tried again
    /// behind the builder's back, as is one that can't be read any more. Blocks.
    pub fn take_in(&self, references: &[SecretRef]) {
        if !references.is_empty() {
            self.held.take_in(references);
        }
    }

    /// Reads all upstream keys again, for the snapshots from now on. Gives what could not be read:
    /// a value that was read before is used on while its provider is in trouble. Blocks.
    pub fn read_again(&self) -> Vec<doorward_secrets::Error> {
        self.held.read_again()
    }

    /// Whether upstream keys have other values by now than in the snapshot that was made last, so
    /// that another is to be made.
    pub fn moved(&self) -> bool {
        self.held.moved()
    }

    /// Makes a snapshot of the upstream keys' values that are held. Waits for no provider.
    ///
    /// What is faulty is left out and reported, so that one bad reference stops the calls that
    /// need it and no others: they are refused with `no_upstream_key_covers` or
    /// `workspace_unavailable`.
    pub fn build_from_held(&self, mut state: doorward_store::Snapshot) -> (Snapshot, Vec<Error>) {
        let mut faults = Vec::new();
        let policies = self.policies(std::mem::take(&mut state.policies), &mut faults);
        let mut upstreams = HashMap::with_capacity(state.workspaces.len());
        let mut secrets = Vec::new();
        for workspace in &state.workspaces {
            match self.upstream(workspace, &state, &mut secrets, &mut faults) {
                Ok(upstream) => {
                    upstreams.insert(workspace.id.clone(), Arc::new(upstream));
                }
                Err(fault) => faults.push(fault),
            }
        }
        self.pools
            .keep(|id, base| upstreams.get(id).is_some_and(|known| known.base == *base));
        let scrubber = self.known.set(UPSTREAM_KEYS, secrets);
        let scrubber = scrubber.map_err(|why| faults.push(Error::Scrubbing(why)));
        let redactors = Redactors::new(&state.clients, &self.pepper, &mut faults);
        self.uses.tidy();
        self.held.keep(&state);
        (
            Snapshot {
                state,
                pepper: self.pepper.clone(),
                upstreams,
                scrubber: scrubber.ok(),
                redactors,
                policies,
                uses: self.uses.clone(),
            },
            faults,
        )
    }

    fn policies(&self, stored: Vec<Policy>, faults: &mut Vec<Error>) -> Arc<Policies> {
        let mut last = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        let texts = stored.iter().map(|policy| PolicyText {
            name: &policy.name,
            text: &policy.text,
            schema: &policy.schema,
        });
        let policies = Policies::read(texts, Some(&last));
        // Where nothing has changed, what was judged by them holds.
        let policies = match policies.are_those_of(&last) {
            true => Arc::clone(&last),
            false => Arc::new(policies),
        };
        faults.extend(policies.faulty().map(|(name, why)| Error::Policy {
            name: name.to_owned(),
            why: why.first().map(ToString::to_string).unwrap_or_default(),
        }));
        *last = Arc::clone(&policies);
        policies
    }

    fn upstream(
        &self,
        workspace: &Workspace,
        state: &doorward_store::Snapshot,
        secrets: &mut Vec<SecretString>,
        faults: &mut Vec<Error>,
    ) -> Result<Upstream, Error> {
        let mut keys = Vec::with_capacity(workspace.upstream_keys.len());
        let mut aside = Vec::new();
        for key in &workspace.upstream_keys {
            if key.state == UpstreamKeyState::Retired {
                continue;
            }
            match self.key(workspace, key, secrets) {
                Ok(held) => match key.role {
                    KeyRole::Carries => keys.push(Arc::new(held)),
                    KeyRole::Manages => aside.push(Arc::new(held)),
                },
                Err(fault) => faults.push(fault),
            }
        }
        keychoice::order(&mut keys);
        let base = BaseUrl::parse(&workspace.base_url, workspace.kind, self.plain_http).map_err(
            |why| Error::BaseUrl {
                workspace: workspace.name.clone(),
                why,
            },
        )?;
        Ok(Upstream {
            workspace: workspace.id.as_str().into(),
            pool: self.pools.pool(&workspace.id, &base)?,
            pace: PaceId::of(workspace),
            line: self.pools.line(&workspace.id, &base),
            base,
            keys,
            aside,
            observed: observed(workspace, state),
        })
    }

    fn key(
        &self,
        workspace: &Workspace,
        key: &doorward_store::UpstreamKey,
        secrets: &mut Vec<SecretString>,
    ) -> Result<UpstreamKey, Error> {
        let unread = |source| Error::Secret {
            workspace: workspace.name.clone(),
            key: key.name.clone(),
            source: Box::new(source),
        };
        let reference: SecretRef = key.reference.parse().map_err(unread)?;
        let secret = self.held.value(&reference).map_err(unread)?;
        secrets.push(secret.clone());
        let held = UpstreamKey::new(&key.id, key.scope_set(), key.state, secret);
        held.map(|held| held.counted_by(&self.uses))
            .ok_or_else(|| Error::NotAKey {
                workspace: workspace.name.clone(),
                key: key.name.clone(),
            })
    }
}

/// What the API asked for on this workspace, by operation: what it asked for last.
fn observed(workspace: &Workspace, state: &doorward_store::Snapshot) -> HashMap<Op, Vec<Scope>> {
    let mut latest: HashMap<Op, (i64, Vec<Scope>)> = HashMap::new();
    for seen in state
        .observed_scopes
        .iter()
        .filter(|seen| seen.workspace_id == workspace.id)
    {
        let scopes: Vec<Scope> = seen
            .required
            .iter()
            .filter_map(|scope| Scope::parse(scope).ok())
            .collect();
        let at = seen.last_seen.millis();
        let newer = latest
            .get(&seen.operation)
            .is_none_or(|(before, _)| *before < at);
        if newer && !scopes.is_empty() {
            latest.insert(seen.operation, (at, scopes));
        }
    }
    latest
        .into_iter()
        .map(|(op, (_, scopes))| (op, scopes))
        .collect()
}

/// The snapshot in force. Cloning gives another handle to the same.
#[derive(Clone)]
pub struct SnapshotHandle(Arc<ArcSwap<Snapshot>>);

impl SnapshotHandle {
    /// A handle that starts with a snapshot.
    pub fn new(snapshot: Snapshot) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(snapshot)))
    }

    /// Puts another snapshot in force. Every request from now on is decided by it, on open
    /// connections too; one whose body is still arriving is decided again.
    pub fn swap(&self, snapshot: Snapshot) {
        self.0.store(Arc::new(snapshot));
    }

    /// Whether that very one is in force.
    pub(crate) fn is(&self, snapshot: &Arc<Snapshot>) -> bool {
        Arc::ptr_eq(&self.0.load(), snapshot)
    }

    /// The snapshot in force.
    pub fn load(&self) -> Arc<Snapshot> {
        self.0.load_full()
    }
}

impl std::fmt::Debug for SnapshotHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SnapshotHandle({})", self.load().generation())
    }
}
