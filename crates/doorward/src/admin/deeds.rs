//! What is recorded of requests that change something.

use std::path::Path;

use doorward_catalog::UpstreamKeyFormat;
use doorward_ledger::{Act, Actor, ActorKind, Change, Event, Resource, Text, Verdict};
use doorward_secrets::SecretRef;
use serde::Serialize;
use serde_json::Value;

use super::carry::Who;
use super::makers::Gives;
use super::types::{
    AskReady, BackupTake, Call, ClientCreate, ClientDelete, ClientList, ClientSet, ClientShow,
    IssuedKey, KeyIssue, KeyList, KeyRevoke, Reload, Reloaded, Status, WorkspaceAdd,
    WorkspaceAdded, WorkspaceKeyRemove, WorkspaceList, WorkspaceRemove, WorkspaceShow,
};
use super::views::{ClientView, KeyView, UpstreamKeyView, WorkspaceView};

/// An administrative act as it is recorded, before and after.
#[derive(Debug, Clone)]
pub(crate) struct Deed {
    /// What is done, and to whom.
    pub(crate) act: Act,
    /// Its kind.
    pub(crate) event: Event,
    /// Who it is about, by the name of the parameter: sealed.
    pub(super) about: Vec<(&'static str, String)>,
}

/// Stands for what was typed and could be a secret or somebody's words.
pub(super) const NOT_SAID: &str = "(not shown)";
/// Longest name that is recorded as typed.
const SAID_MAX: usize = 64;

/// Longest address that is recorded.
const ABOUT_MAX: usize = 320;
/// Longest run of letters and digits that is no piece of a key. Doorward's own ids have 16.
const WORD_MAX: usize = 20;
const CLIENT_KEY_BEGINS: &str = "dwk_";

/// A name as it was typed, if it can be nothing worse: it may not be checked yet, and people paste
/// keys where names belong.
fn said(typed: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || " ._:/-*".contains(c);
    if typed.len() <= SAID_MAX && !may_be_secret(typed) && typed.chars().all(plain) {
        typed.to_owned()
    } else {
        NOT_SAID.to_owned()
    }
}

/// Whether a text may hold a key, or a part of one that was not copied whole.
pub(crate) fn may_be_secret(typed: &str) -> bool {
    let run = |word: &str| {
        let random = word.bytes().any(|byte| byte.is_ascii_digit())
            && word.bytes().any(|byte| byte.is_ascii_alphabetic());
        random && word.len() > WORD_MAX
    };
    typed.contains(CLIENT_KEY_BEGINS)
        || UpstreamKeyFormat::matches(typed)
        || typed.split(|c: char| !c.is_ascii_alphanumeric()).any(run)
}

fn screen(value: &mut Value) {
    match value {
        Value::String(text) => *text = said(text),
        Value::Array(items) => items.iter_mut().for_each(screen),
        Value::Object(members) => members.values_mut().for_each(screen),
        _ => {}
    }
}

/// A request with what is recorded of it.
pub(crate) trait Acts: Call {
    /// What is about to be done; `None` for a request that only looks.
    fn deed(&self) -> Option<Deed> {
        None
    }

    /// Told who asks: for what writes leaves of its own kind and names them.
    fn done_by(&mut self, who: &Who) {
        let _ = who;
    }

    /// The client that is given something: whoever asks for that must not approve what it asks for.
    fn gives_to(&self) -> Option<Gives<'_>> {
        None
    }

    /// Adds what is known once it is done.
    fn complete(deed: &mut Deed, answer: &Self::Answer) {
        let _ = (deed, answer);
    }
}

impl Deed {
    /// One of this action on a thing of this kind.
    pub(crate) fn new(action: &str, kind: &str, event: Event) -> Self {
        let mut act = Act::new(action, Verdict::Pending);
        act.actor = Some(Actor::of(ActorKind::Admin));
        act.resource = Some(Resource {
            kind: kind.to_owned(),
            ..Resource::default()
        });
        Self {
            act,
            event,
            about: Vec::new(),
        }
    }

    /// A name or id of Doorward's own as it was typed: an account's, no person's.
    pub(crate) fn id(mut self, name: &str, typed: &str) -> Self {
        self.set_id(name, &said(typed));
        self
    }

    /// As [`id`](Self::id).
    pub(crate) fn set_id(&mut self, name: &str, value: &str) {
        let resource = self.act.resource.get_or_insert_with(Resource::default);
        resource
            .ids
            .insert(name.to_owned(), Text::Clear(value.to_owned()));
    }

    /// A person it is about, such as by an address: sealed.
    pub(crate) fn about(mut self, name: &'static str, typed: &str) -> Self {
        let typed = typed.trim();
        let unfit = typed.len() > ABOUT_MAX || may_be_secret(typed);
        let typed = if unfit { NOT_SAID } else { typed };
        self.about.push((name, typed.to_owned()));
        self
    }

    /// What else was typed: names, codes and numbers.
    pub(crate) fn with(mut self, name: &str, value: &impl Serialize) -> Self {
        let mut value = serde_json::to_value(value).unwrap_or_default();
        if value != Value::Null {
            screen(&mut value);
            self.act.metadata.insert(name.to_owned(), value);
        }
        self
    }

    /// On a client by the name that was typed.
    pub(crate) fn of_client_named(mut self, typed: &str) -> Self {
        self.act.client = Some(said(typed));
        self
    }

    /// On a client that is known.
    pub(crate) fn of_client(deed: &mut Self, client: &ClientView) {
        deed.set_id("client_id", &client.id);
        deed.act.client = Some(client.name.clone());
        deed.act.environment = Some(client.environment.as_str().to_owned());
        deed.act.workspace = Some(client.workspace_id.clone());
    }

    /// On a client key that is known.
    pub(super) fn of_key(deed: &mut Self, key: &KeyView) {
        deed.set_id("client_id", &key.client_id);
        deed.act.client = Some(key.client.clone());
        deed.act.client_key = Some(key.id.clone());
        deed.act.workspace = Some(key.workspace_id.clone());
    }

    fn of_workspace(deed: &mut Self, workspace: &WorkspaceView) {
        deed.act.workspace = Some(workspace.id.clone());
    }
}

impl Acts for Status {}
impl Acts for AskReady {}
impl Acts for WorkspaceList {}
impl Acts for WorkspaceShow {}
impl Acts for ClientList {}
impl Acts for ClientShow {}
impl Acts for KeyList {}

impl Acts for BackupTake {
    fn deed(&self) -> Option<Deed> {
        Some(Deed::new("backup.take", "server", Event::Admin))
    }
}

impl Acts for Reload {
    fn deed(&self) -> Option<Deed> {
        let event = Event::Configuration {
            changed: Vec::new(),
            commitment: None,
        };
        Some(Deed::new("server.reload", "server", event))
    }

    fn complete(deed: &mut Deed, answer: &Reloaded) {
        deed.event = Event::Configuration {
            changed: answer.changed.clone(),
            commitment: None,
        };
        let metadata = &mut deed.act.metadata;
        let restart = answer.restart_needed.clone().into();
        metadata.insert("restart_needed".to_owned(), restart);
    }
}

impl Acts for WorkspaceAdd {
    fn deed(&self) -> Option<Deed> {
        let event = Event::UpstreamKey {
            change: Change::Created,
        };
        let mut deed = Deed::new("workspace.add", "workspace", event)
            .id("name", &self.name)
            .with("sandbox", &self.sandbox);
        // What is no reference may be the key itself.
        let references = self.references.iter().map(|text| {
            SecretRef::parse_in(text, Path::new("/"))
                .map_or_else(|_| NOT_SAID.to_owned(), |reference| reference.to_string())
        });
        let references = references.collect::<Vec<_>>().into();
        deed.act
            .metadata
            .insert("references".to_owned(), references);
        Some(deed)
    }

    fn complete(deed: &mut Deed, answer: &WorkspaceAdded) {
        Deed::of_workspace(deed, &answer.workspace);
        let metadata = &mut deed.act.metadata;
        metadata.insert("added_keys".to_owned(), answer.added_keys.clone().into());
        let base_url = answer.workspace.base_url.clone().into();
        metadata.insert("base_url".to_owned(), base_url);
    }
}

impl Acts for WorkspaceRemove {
    fn deed(&self) -> Option<Deed> {
        Some(Deed::new("workspace.remove", "workspace", Event::Admin).id("name", &self.name))
    }

    fn complete(deed: &mut Deed, answer: &WorkspaceView) {
        Deed::of_workspace(deed, answer);
    }
}

impl Acts for WorkspaceKeyRemove {
    fn deed(&self) -> Option<Deed> {
        let event = Event::UpstreamKey {
            change: Change::Deleted,
        };
        Some(
            Deed::new("upstream_key.remove", "upstream_key", event)
                .id("workspace", &self.workspace)
                .id("name", &self.key),
        )
    }

    fn complete(deed: &mut Deed, answer: &UpstreamKeyView) {
        deed.act.upstream_key = Some(answer.id.clone());
        let reference = Value::from(answer.reference.clone());
        deed.act.metadata.insert("reference".to_owned(), reference);
    }
}

impl Acts for ClientCreate {
    fn deed(&self) -> Option<Deed> {
        let event = Event::Client {
            change: Change::Created,
        };
        let mut deed = Deed::new("client.create", "client", event)
            .with("grant", &self.grant)
            .with("expires_at", &self.expires_at)
            .with(
                "controls",
                &Some(&self.controls).filter(|said| !said.is_empty()),
            );
        deed.act.client = Some(said(&self.name));
        deed.act.environment = Some(self.environment.as_str().to_owned());
        Some(deed)
    }

    fn done_by(&mut self, who: &Who) {
        self.by = who.names();
    }

    fn complete(deed: &mut Deed, answer: &ClientView) {
        Deed::of_client(deed, answer);
    }
}

impl Acts for ClientSet {
    fn deed(&self) -> Option<Deed> {
        let others = !self.controls.is_empty() || self.described().is_some() || self.end.is_some();
        let (action, change) = match (self.disabled, &self.grant) {
            _ if others => ("client.set", Change::Updated),
            (Some(true), None) => ("client.disable", Change::Disabled),
            (Some(false), None) => ("client.enable", Change::Enabled),
            (None, Some(_)) => ("client.grant", Change::Updated),
            _ => ("client.set", Change::Updated),
        };
        let mut deed = Deed::new(action, "client", Event::Client { change })
            .with("grant", &self.grant)
            .with("disabled", &self.disabled)
            .with(
                "controls",
                &Some(&self.controls).filter(|said| !said.is_empty()),
            )
            .with("end", &self.end)
            .with("changed", &self.described());
        deed.act.client = Some(said(&self.name));
        Some(deed)
    }

    fn gives_to(&self) -> Option<Gives<'_>> {
        self.gives_to()
    }

    fn complete(deed: &mut Deed, answer: &ClientView) {
        Deed::of_client(deed, answer);
    }
}

impl ClientSet {
    /// Which of a client's descriptions change. They are people's words, and so not told.
    fn described(&self) -> Option<Vec<&'static str>> {
        let said = [("owner", &self.owner), ("purpose", &self.purpose)];
        let said = said.iter().filter(|(_, text)| text.is_some());
        let names: Vec<_> = said.map(|(name, _)| *name).collect();
        (!names.is_empty()).then_some(names)
    }
}

impl Acts for ClientDelete {
    fn deed(&self) -> Option<Deed> {
        let event = Event::Client {
            change: Change::Deleted,
        };
        let mut deed = Deed::new("client.delete", "client", event);
        deed.act.client = Some(said(&self.name));
        Some(deed)
    }

    fn complete(deed: &mut Deed, answer: &ClientView) {
        Deed::of_client(deed, answer);
    }
}

impl Acts for KeyIssue {
    fn deed(&self) -> Option<Deed> {
        let event = Event::ClientKey {
            change: Change::Created,
        };
        let mut deed =
            Deed::new("client_key.issue", "client_key", event).with("expires_at", &self.expires_at);
        deed.act.client = Some(said(&self.client));
        Some(deed)
    }

    fn gives_to(&self) -> Option<Gives<'_>> {
        self.gives_to()
    }

    fn complete(deed: &mut Deed, answer: &IssuedKey) {
        Deed::of_key(deed, &answer.record);
    }
}

impl Acts for KeyRevoke {
    fn deed(&self) -> Option<Deed> {
        let event = Event::ClientKey {
            change: Change::Revoked,
        };
        // What was typed is kept only if it is a key's id: it could be the key itself.
        let id = self.key_id.parse::<doorward_keys::KeyId>().ok();
        let mut deed = Deed::new("client_key.revoke", "client_key", event);
        deed.act.client_key = id.map(|id| id.to_string());
        Some(deed)
    }

    fn complete(deed: &mut Deed, answer: &KeyView) {
        Deed::of_key(deed, answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ids_are_said_and_pieces_of_keys_are_not() {
        for name in [
            "crm-sync",
            "ws_7a8780e7c0acfba1",
            "019b76da-a800-7e55-b2fb-eea293f80bc9",
            "getInboxPlacementTestAnalyticsByEmail",
            "2026-11-22T21:31:42Z",
            "campaigns:read",
            "10.0.0.0/8",
            "/items/*/phone",
            "",
        ] {
            assert_eq!(said(name), name);
        }
        for key in [
            "dwk_p_8jtPHNY1aF55_2krmvGOJI0hZW5sWBl9DjvQjy4KEYz5wdoIgTNQYsM503A13b",
            "dwk_p_8jtPHNY1aF55_2krmv",
            "2krmvGOJI0hZW5sWBl9DjvQjy4KEYz5wdoIgTNQYsM503A13b",
            "MDFhMjA1MmMtMGI1ZS03OTc5LTlmMWUtYWU5NzdhZDc2MjhlOk41YmoxUFFwVExPNw",
            "MDFhMjA1MmMtMGI1ZS03OTc5LTlm",
            "ann@example.com",
            "a\nb",
        ] {
            assert_eq!(said(key), NOT_SAID, "{key}");
        }
    }
}
