//! Changes of the records: made in the store, and said to the model where the store takes them.

use std::net::SocketAddr;
use std::sync::Arc;

use doorward_catalog::Environment;
use doorward_keys::{ClientKey, KeyId};
use doorward_policy::{Grant, WorkspaceKind};
use doorward_store::{
    ClientChange, Controls as StoredControls, NewClient, NewClientKey, NewUpstreamKey,
    NewWorkspace, PolicyStore, Store, UpstreamKeyState, WorkspaceChange,
};

use crate::grants::{self, GrantSpec};
use crate::pipeline::{at, value_of};
use crate::rules::{self, NAMES};
use crate::run::Play;
use crate::steps::Change;
use crate::upstream::{self, Script};
use crate::world::ClientKey as KnownKey;
use crate::world::{Client, Controls, HOUR, SECOND, UpstreamKey, Use, Workspace};

/// Two hosts for each of two workspaces, and one that no call may ever come to.
pub(crate) async fn hosts() -> (Arc<Script>, Vec<[SocketAddr; 2]>) {
    let script = Arc::new(Script::default());
    upstream::start(&script, None).await;
    let mut hosts = Vec::new();
    for workspace in 0..2 {
        let one = upstream::start(&script, Some((workspace, 0))).await;
        let two = upstream::start(&script, Some((workspace, 1))).await;
        hosts.push([one, two]);
    }
    (script, hosts)
}

fn grant(spec: &GrantSpec) -> Grant {
    let mut grant = Grant {
        use_cases: spec.use_cases.iter().map(ToString::to_string).collect(),
        operations: spec.operations.iter().map(ToString::to_string).collect(),
        scopes: spec.scopes.iter().map(ToString::to_string).collect(),
        sub_workspaces: spec.subs.iter().map(ToString::to_string).collect(),
        ..Grant::default()
    };
    if let Some(end) = spec.glass {
        grant = grant.with_break_glass("an incident", at(end));
    }
    if let Some(end) = spec.learning {
        grant = grant.learning_until(at(end));
    }
    grant
}

/// Scopes of upstream keys; of the last nobody said any.
const SCOPES: [Option<&[&str]>; 6] = [
    Some(&["all:all"]),
    Some(&["all:read"]),
    Some(&["leads:all", "lead_lists:read"]),
    Some(&["campaigns:read", "campaigns:update"]),
    Some(&["leads:create"]),
    None,
];

fn controls(networks: u8, limits: u8) -> Controls {
    Controls {
        networks: match networks % 4 {
            0 | 1 => vec![],
            2 => vec!["127.0.0.0/30"],
            _ => vec!["127.0.0.4/31", "127.0.0.64/27"],
        },
        at_once: (limits == 1 || limits == 5).then_some(1),
        per_day: (limits == 2 || limits == 5).then_some(3),
        leads_per_day: (limits == 3).then_some(2),
    }
}

impl Play {
    /// Two workspaces, a sandbox and a live one, each with a key that may do all.
    pub(crate) fn begin(&mut self) {
        for (n, live) in [(0, false), (1, true)] {
            let kind = if live {
                WorkspaceKind::Live
            } else {
                WorkspaceKind::Sandbox
            };
            let url = format!("http://{}", self.hosts[n][0]);
            let new = NewWorkspace::new(["acme", "beta"][n], kind, &url);
            let made = self
                .pipeline
                .store
                .create_workspace(&new, at(self.state.now));
            self.state.stored.workspaces.push(Workspace {
                id: made.unwrap().id,
                live,
                host: 0,
                keys: Vec::new(),
            });
            self.add_upstream_key(n, 0);
        }
    }

    fn add_upstream_key(&mut self, workspace: usize, scopes: u8) {
        let name = format!("up{}", self.made.0);
        self.made.0 += 1;
        let scopes = SCOPES[usize::from(scopes) % SCOPES.len()];
        let scopes = scopes.map(|scopes| scopes.iter().map(ToString::to_string).collect());
        let new = NewUpstreamKey {
            scopes,
            ..NewUpstreamKey::new(&name, &format!("env://{name}"))
        };
        let (value, tail) = value_of(&name);
        self.needles.upstream(&name, &value, &tail);
        let known = &mut self.state.stored.workspaces[workspace];
        let made = self
            .pipeline
            .store
            .add_upstream_key(&known.id, &new, at(self.state.now));
        known.keys.push(UpstreamKey {
            id: made.unwrap().id,
            value,
            scopes: new.scopes,
            used: Use::Active,
        });
    }

    fn new_key(&mut self, client: usize, ends: Option<i64>) {
        let who = &self.state.stored.clients[client];
        self.made.1 += 1;
        let random = [self.made.1; ClientKey::RANDOM_LEN];
        let key = ClientKey::generate(who.environment, &random);
        let new = NewClientKey::of(&key, &self.pipeline.pepper).expiring(ends.map(at));
        let store = &self.pipeline.store;
        if store
            .add_client_key(&who.id, &new, at(self.state.now))
            .is_err()
        {
            return;
        }
        let text = key.expose().to_owned();
        self.needles.client(&text);
        self.state.stored.keys.push(KnownKey {
            text,
            client,
            ends,
            revoked: false,
        });
    }

    fn ends(&self, pick: u8) -> Option<i64> {
        match pick % 4 {
            0 | 1 => None,
            2 => Some(self.state.now + SECOND),
            _ => Some(self.state.now + HOUR),
        }
    }

    /// Makes a change, in the store alone.
    pub(crate) fn change(&mut self, change: Change) {
        let store = Arc::clone(&self.pipeline.store);
        let (millis, now) = (self.state.now, at(self.state.now));
        let clients = self.state.stored.clients.len();
        let of = |n: u8, count: usize| usize::from(n).checked_rem(count);
        match change {
            Change::NewClient {
                workspace,
                name,
                environment,
                grant: pick,
            } => {
                let spec = grants::spec(pick, millis);
                let name = NAMES[usize::from(name)];
                let workspace = usize::from(workspace);
                let environment = Environment::ALL[usize::from(environment)];
                let id = &self.state.stored.workspaces[workspace].id;
                let new = NewClient::new(id, name, environment, grant(&spec));
                if let Ok(made) = store.create_client(&new, now) {
                    self.state.stored.clients.push(Client {
                        id: made.id,
                        name,
                        workspace,
                        environment,
                        grant: spec,
                        ends: None,
                        disabled: false,
                        controls: Controls::default(),
                    });
                    self.new_key(clients, None);
                }
            }
            Change::NewKey { client, ends } => {
                if let Some(client) = of(client, clients) {
                    self.new_key(client, self.ends(ends));
                }
            }
            Change::Grant { .. }
            | Change::Disable { .. }
            | Change::ClientEnds { .. }
            | Change::Control { .. } => self.change_client(change),
            Change::Revoke { key } => {
                let keys = &mut self.state.stored.keys;
                if let Some(n) = of(key, keys.len()) {
                    store.revoke_client_key(id_of(&keys[n].text), now).unwrap();
                    keys[n].revoked = true;
                }
            }
            Change::KeyEnds { key, ends } => {
                let ends = self.ends(ends);
                let keys = &mut self.state.stored.keys;
                if let Some(n) = of(key, keys.len()) {
                    let id = id_of(&keys[n].text);
                    store.set_client_key_expiry(id, ends.map(at)).unwrap();
                    keys[n].ends = ends;
                }
            }
            Change::AddUpstreamKey { workspace, scopes } => {
                self.add_upstream_key(usize::from(workspace), scopes);
            }
            Change::UseUpstreamKey {
                workspace,
                key,
                used,
            } => {
                let keys = &mut self.state.stored.workspaces[usize::from(workspace)].keys;
                let n = usize::from(key) % keys.len();
                let (used, state) = match used % 4 {
                    0 | 1 => (Use::Active, UpstreamKeyState::Active),
                    2 => (Use::Retiring, UpstreamKeyState::Retiring),
                    _ => (Use::Retired, UpstreamKeyState::Retired),
                };
                store.set_upstream_key_state(&keys[n].id, state).unwrap();
                keys[n].used = used;
            }
            Change::Move { workspace } => {
                let n = usize::from(workspace);
                let known = &mut self.state.stored.workspaces[n];
                known.host = 1 - known.host;
                let change = WorkspaceChange {
                    base_url: Some(format!("http://{}", self.hosts[n][known.host])),
                    ..WorkspaceChange::default()
                };
                store.change_workspace(&known.id, &change).unwrap();
            }
            Change::SaveRule { slot, rule, which } => {
                let rule = rules::pick(rule, which);
                let schema = doorward_condition::schema_digest();
                let name = format!("rule-{slot}");
                store.save_policy(&name, &rule.text(), schema, now).unwrap();
                self.state.stored.rules.insert(usize::from(slot), rule);
            }
            Change::DropRule { slot } => {
                let there = self.state.stored.rules.remove(&usize::from(slot)).is_some();
                let dropped = store.delete_policy(&format!("rule-{slot}")).is_ok();
                assert_eq!(there, dropped);
            }
        }
    }

    fn change_client(&mut self, change: Change) {
        let (Change::Grant { client, .. }
        | Change::Disable { client, .. }
        | Change::ClientEnds { client, .. }
        | Change::Control { client, .. }) = change
        else {
            return;
        };
        let Some(n) = usize::from(client).checked_rem(self.state.stored.clients.len()) else {
            return;
        };
        let mut after = self.state.stored.clients[n].clone();
        let mut wanted = ClientChange::default();
        match change {
            Change::Grant { grant: pick, .. } => {
                after.grant = grants::spec(pick, self.state.now);
                wanted.grant = Some(grant(&after.grant));
            }
            Change::Disable { off, .. } => {
                after.disabled = off;
                wanted.disabled = Some(off);
            }
            Change::ClientEnds { ends, .. } => {
                after.ends = self.ends(ends);
                wanted.expires_at = Some(after.ends.map(at));
            }
            Change::Control {
                networks, limits, ..
            } => {
                after.controls = controls(networks, limits);
                let count = |most: Option<u64>| most.map(|most| u32::try_from(most).unwrap());
                let networks = after.controls.networks.iter();
                wanted.controls = Some(StoredControls {
                    concurrency: after.controls.at_once,
                    per_day: count(after.controls.per_day),
                    leads_per_day: count(after.controls.leads_per_day),
                    sources: networks.map(|net| net.parse().unwrap()).collect(),
                    ..StoredControls::default()
                });
            }
            _ => {}
        }
        let store = &self.pipeline.store;
        if store
            .change_client(&after.id, &wanted, at(self.state.now))
            .is_ok()
        {
            self.state.stored.clients[n] = after;
        }
    }
}

fn id_of(text: &str) -> KeyId {
    ClientKey::parse(text).unwrap().id()
}
