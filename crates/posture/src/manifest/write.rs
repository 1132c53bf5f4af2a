//! Writing what is there as a manifest.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::lasting::as_text;
use super::types::ControlsSpec;
use crate::block::BlockValue;
use crate::live::Seen;
use crate::plan::{ClientNow, DestinationNow, KeyNow, Present, SourceNow, WorkspaceNow};

/// Most values of a block list that stand in the manifest itself, when there is a file for more.
const INLINE_MAX: usize = 100;

/// A manifest that was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Its text.
    pub text: String,
    /// Other files that it names, and their texts.
    pub files: BTreeMap<String, String>,
}

/// Writes what is there as a manifest; planned again, nothing is to be done. What could not be looked at,
/// and what is not Doorward's to declare, is told in comments. With `files`, long block lists go into
/// files of their own.
pub fn write(present: &Present, files: bool) -> Written {
    let mut out = Out::default();
    out.line("# The declared state of Instantly workspaces; see `doorward plan --help`.");
    for (name, there) in &present.workspaces {
        out.workspace(name, there, files);
    }
    let names: BTreeMap<&str, &str> = present
        .workspaces
        .iter()
        .filter_map(|(name, there)| Some((there.instantly_id.as_deref()?, name.as_str())))
        .collect();
    for (name, there) in &present.destinations {
        out.destination(name, there, &names);
    }
    Written {
        text: out.text,
        files: out.files,
    }
}

#[derive(Default)]
struct Out {
    text: String,
    files: BTreeMap<String, String>,
}

fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

impl Out {
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.text, "{text}");
    }

    fn comment(&mut self, text: &str) {
        for line in text.lines() {
            let plain: String = line.chars().filter(|c| !c.is_control()).collect();
            self.line(&format!("# {plain}"));
        }
    }

    fn open(&mut self, header: &str) {
        self.line("");
        self.line(header);
    }

    fn text(&mut self, name: &str, value: &str) {
        self.line(&format!("{name} = {}", quote(value)));
    }

    fn some(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.text(name, value);
        }
    }

    fn list<'v>(&mut self, name: &str, values: impl IntoIterator<Item = &'v String>) {
        let values: Vec<String> = values.into_iter().map(|value| quote(value)).collect();
        let one = values.join(", ");
        match one.len() < 90 {
            true => self.line(&format!("{name} = [{one}]")),
            false => {
                self.line(&format!("{name} = ["));
                for value in values {
                    self.line(&format!("    {value},"));
                }
                self.line("]");
            }
        }
    }

    fn some_list(&mut self, name: &str, values: &BTreeSet<String>) {
        if !values.is_empty() {
            self.list(name, values);
        }
    }

    fn unseen<T>(&mut self, what: &str, seen: &Seen<T>) {
        if let Err(why) = seen.get() {
            self.line("");
            self.comment(&format!("The {what} could not be looked at: {}", why.told));
        }
    }

    fn workspace(&mut self, name: &str, there: &WorkspaceNow, files: bool) {
        self.open("[[workspace]]");
        self.text("name", name);
        if let Some(group) = there.group.looked().filter(|group| !group.is_empty()) {
            for (id, membership) in group {
                self.comment(&format!(
                    "{id} is '{}', {}",
                    membership.name, membership.status
                ));
            }
            self.list("sub_workspaces", group.keys());
        }
        for (name, key) in &there.keys {
            self.key(name, key);
        }
        for stranger in there.stranger_keys.looked().into_iter().flatten() {
            self.line("");
            self.comment(&format!(
                "Doorward does not hold the key '{}' ({}, {}): take it in with `doorward upstream adopt`, \
                 or revoke it",
                stranger.name,
                stranger.api_key_id,
                stranger.scopes.join(", ")
            ));
        }
        for (name, client) in &there.clients {
            self.client(name, client);
        }
        self.unseen("subscriptions", &there.sources);
        for (name, source) in there.sources.looked().into_iter().flatten() {
            self.source(name, source);
        }
        for stranger in there.stranger_subscriptions.looked().into_iter().flatten() {
            self.line("");
            self.comment(&format!(
                "The subscription '{}' ({}) leads to {}: take it over with `doorward webhook adopt`",
                stranger.name, stranger.id, stranger.target
            ));
        }
        self.unseen("members", &there.members);
        for (email, member) in there.members.looked().into_iter().flatten() {
            let known = ["owner", "admin", "editor", "view"].contains(&member.role.as_str());
            if !known || BlockValue::parse(email).is_err() {
                self.line("");
                self.comment(&format!(
                    "{email} has the role {}, which can't be declared",
                    member.role
                ));
                continue;
            }
            self.open("[[workspace.member]]");
            self.text("email", email);
            self.text("role", &member.role);
            self.some("nickname", &member.nickname);
            self.list("permissions", &member.permissions);
            if !member.accepted {
                self.comment("invited, not accepted yet");
            }
        }
        self.unseen("block list", &there.block_list);
        if let Some(blocked) = there.block_list.looked() {
            let values = blocked
                .iter()
                .filter_map(|one| BlockValue::parse(&one.value).ok());
            let values: BTreeSet<String> = values.map(BlockValue::into_string).collect();
            self.open("[workspace.block_list]");
            if files && values.len() > INLINE_MAX {
                let file = format!("{name}-block-list.txt");
                self.list("files", [&file]);
                let mut text: Vec<String> = values.into_iter().collect();
                text.push(String::new());
                self.files.insert(file, text.join("\n"));
            } else {
                self.list("values", &values);
            }
        }
    }

    fn key(&mut self, name: &str, key: &KeyNow) {
        self.open("[[workspace.upstream_key]]");
        self.text("name", name);
        match &key.scopes {
            Some(scopes) if !scopes.is_empty() => self.list("scopes", scopes),
            _ => self.comment("its scopes are not known"),
        }
        self.some("owner", &key.owner);
        if let Some(every) = key.rotate_every {
            self.text("rotate_every", &as_text(every));
        }
        if key.manages {
            self.line("manages = true");
        }
    }

    fn client(&mut self, name: &str, client: &ClientNow) {
        self.open("[[workspace.client]]");
        self.text("name", name);
        self.text("environment", client.environment.as_str());
        self.some("owner", &client.owner);
        self.some("purpose", &client.purpose);
        self.some_list("use_cases", &client.grant.use_cases);
        self.some_list("operations", &client.grant.operations);
        self.some_list("scopes", &client.grant.scopes);
        self.some_list("sub_workspaces", &client.grant.sub_workspaces);
        if client.grant.audit {
            self.line("audit = true");
        }
        if client.disabled {
            self.line("disabled = true");
        }
        self.controls(&client.controls);
    }

    fn controls(&mut self, controls: &ControlsSpec) {
        let ControlsSpec {
            class,
            weight,
            per_second,
            per_day,
            leads_per_day,
            concurrency,
            sources,
            redact,
        } = controls;
        let mut said = Vec::new();
        if let Some(class) = class.as_deref().filter(|class| *class != "default") {
            said.push(format!("class = {}", quote(class)));
        }
        let weight = weight.filter(|weight| *weight != 1);
        for (name, limit) in [
            ("weight", weight),
            ("per_second", *per_second),
            ("per_day", *per_day),
            ("leads_per_day", *leads_per_day),
            ("concurrency", *concurrency),
        ] {
            if let Some(most) = limit.filter(|most| *most > 0) {
                said.push(format!("{name} = {most}"));
            }
        }
        let list = |name: &str, all: Vec<&String>| {
            let all: Vec<String> = all.into_iter().map(|one| quote(one)).collect();
            (!all.is_empty()).then(|| format!("{name} = [{}]", all.join(", ")))
        };
        said.extend(list("sources", sources.iter().flatten().collect()));
        said.extend(list("redact", redact.iter().flatten().collect()));
        if !said.is_empty() {
            self.line(&format!("limits = {{ {} }}", said.join(", ")));
        }
    }

    fn source(&mut self, name: &str, source: &SourceNow) {
        let Some(event) = &source.event else {
            self.line("");
            self.comment(&format!(
                "The source '{name}' has a subscription to a custom label, or none: declare it with `label`"
            ));
            return;
        };
        self.open("[[workspace.subscription]]");
        self.text("name", name);
        self.text("event", event);
        if let Some(campaign) = &source.campaign {
            self.text("campaign", campaign);
        }
        self.text("proof", &source.proof);
        self.some_list("allow", &source.allow);
    }

    fn destination(&mut self, name: &str, there: &DestinationNow, names: &BTreeMap<&str, &str>) {
        self.open("[[destination]]");
        self.text("name", name);
        self.text("url", &there.url);
        self.some_list("events", &there.events);
        self.some_list("campaigns", &there.campaigns);
        let named = |id: &String| {
            names
                .get(id.as_str())
                .map_or(id.clone(), |&name| name.to_owned())
        };
        let workspaces: BTreeSet<String> = there.workspaces.iter().map(named).collect();
        self.some_list("workspaces", &workspaces);
        self.text("form", &there.form);
        if !there.headers.is_empty() {
            let headers = there.headers.iter();
            let headers: Vec<String> = headers
                .map(|(name, value)| format!("{} = {}", quote(name), quote(value)))
                .collect();
            self.line(&format!("headers = {{ {} }}", headers.join(", ")));
        }
        self.line(&format!("in_order = {}", there.in_order));
        self.line(&format!("concurrency = {}", there.concurrency));
        self.line(&format!("rate = {}", there.rate));
        let millis = i64::try_from(there.timeout_ms).unwrap_or(i64::MAX);
        self.text("timeout", &as_text(millis));
        if there.paused {
            self.line("paused = true");
        }
    }
}
