//! Making a plan.

use doorward_catalog::Risk;
use doorward_policy::Timestamp;

use super::present::{Present, WorkspaceNow};
use super::step::{Act, Blind, Cannot, Changed, Plan, Sign, Step};
use super::{block_list, clients, destinations, group, keys, members, subscriptions};
use crate::live::Seen;
use crate::manifest::{Kind, Manifest, WorkspaceSpec};

/// What a plan is to be of: `member`, `member/ann@example.com`, `acme:member/…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    workspace: Option<String>,
    kind: Kind,
    name: Option<String>,
}

impl std::str::FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (workspace, rest) = match text.split_once(':') {
            Some((workspace, rest)) => (Some(workspace.to_owned()), rest),
            None => (None, text),
        };
        let (kind, name) = match rest.split_once('/') {
            Some((kind, name)) => (kind, Some(name.to_owned())),
            None => (rest, None),
        };
        let kind = Kind::parse(kind).ok_or_else(|| {
            let known: Vec<&str> = Kind::ALL.into_iter().map(Kind::as_str).collect();
            format!("write KIND or KIND/NAME, the kind of {}", known.join(", "))
        })?;
        Ok(Self {
            workspace,
            kind,
            name,
        })
    }
}

impl Target {
    /// The kind of things that are meant.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    fn has(&self, workspace: Option<&str>, kind: Kind, name: &str) -> bool {
        self.kind == kind
            && self.name.as_deref().is_none_or(|mine| mine == name)
            && (self.workspace.is_none() || self.workspace.as_deref() == workspace)
    }
}

/// Plans what leads from what is there to what is declared; with targets, only what they name.
pub fn make(manifest: &Manifest, present: &Present, targets: &[Target], now: Timestamp) -> Plan {
    let mut making = Making {
        plan: Plan::default(),
        targets,
        now,
    };
    for (name, spec) in &manifest.workspaces {
        let Some(there) = present.workspaces.get(name) else {
            making.plan.cannot.push(Cannot {
                workspace: Some(name.clone()),
                kind: Kind::UpstreamKey,
                name: String::new(),
                why: format!(
                    "Doorward has no workspace '{name}'; add it with `doorward workspace add {name} \
                     --key-from -`"
                ),
            });
            continue;
        };
        let mut of = Of {
            making: &mut making,
            name,
            spec,
            there,
        };
        keys::plan(&mut of);
        clients::plan(&mut of);
        subscriptions::plan(&mut of);
        members::plan(&mut of);
        group::plan(&mut of);
        block_list::plan(&mut of);
    }
    destinations::plan(&mut making, manifest, present);
    let mut plan = making.plan;
    plan.steps.sort_by_key(|step| step.rank);
    plan
}

/// A plan in the making.
pub(super) struct Making<'p> {
    pub(super) plan: Plan,
    targets: &'p [Target],
    pub(super) now: Timestamp,
}

/// The same, of one workspace.
pub(super) struct Of<'m, 'p, 's> {
    making: &'m mut Making<'p>,
    pub(super) name: &'s str,
    pub(super) spec: &'s WorkspaceSpec,
    pub(super) there: &'s WorkspaceNow,
}

/// A step before it has its place.
pub(super) struct Draft {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) sign: Sign,
    pub(super) risk: Risk,
    pub(super) rank: u16,
    pub(super) changes: Vec<Changed>,
    pub(super) told: Vec<String>,
    pub(super) act: Act,
}

impl Making<'_> {
    fn meant(&self, workspace: Option<&str>, kind: Kind, name: &str) -> bool {
        let mut targets = self.targets.iter();
        self.targets.is_empty() || targets.any(|target| target.has(workspace, kind, name))
    }

    pub(super) fn step(&mut self, workspace: Option<&str>, draft: Draft) {
        if !self.meant(workspace, draft.kind, &draft.name) {
            return;
        }
        let Draft {
            kind,
            name,
            sign,
            risk,
            rank,
            changes,
            told,
            act,
        } = draft;
        self.plan.steps.push(Step {
            workspace: workspace.map(str::to_owned),
            kind,
            name,
            sign,
            risk,
            changes,
            told,
            act,
            rank,
        });
    }

    pub(super) fn cannot(
        &mut self,
        workspace: Option<&str>,
        kind: Kind,
        name: &str,
        why: impl Into<String>,
    ) {
        if self.meant(workspace, kind, name) {
            self.plan.cannot.push(Cannot {
                workspace: workspace.map(str::to_owned),
                kind,
                name: name.to_owned(),
                why: why.into(),
            });
        }
    }

    pub(super) fn unmanaged(&mut self, kind: Kind) {
        *self.plan.unmanaged.entry(kind).or_default() += 1;
    }
}

impl Of<'_, '_, '_> {
    pub(super) fn step(&mut self, draft: Draft) {
        self.making.step(Some(self.name), draft);
    }

    pub(super) fn cannot(&mut self, kind: Kind, name: &str, why: impl Into<String>) {
        self.making.cannot(Some(self.name), kind, name, why);
    }

    pub(super) fn now(&self) -> Timestamp {
        self.making.now
    }

    /// Whether what is not declared of this kind goes; what stays is counted.
    pub(super) fn prunes(&mut self, kind: Kind) -> bool {
        let prunes = self.spec.prune.contains(&kind);
        if !prunes {
            self.making.unmanaged(kind);
        }
        prunes
    }

    /// What was looked at. Where it was not and something is declared of it, that is told.
    pub(super) fn looked<'t, T>(
        &mut self,
        kind: Kind,
        seen: &'t Seen<T>,
        wanted: bool,
    ) -> Option<&'t T> {
        match seen.get() {
            Ok(it) => Some(it),
            Err(why) => {
                let mut targets = self.making.targets.iter();
                let meant =
                    self.making.targets.is_empty() || targets.any(|target| target.kind == kind);
                let blind = Blind {
                    workspace: self.name.to_owned(),
                    kind,
                    why: why.told.clone(),
                };
                if wanted && meant && !self.making.plan.blind.contains(&blind) {
                    self.making.plan.blind.push(blind);
                }
                None
            }
        }
    }
}

/// Notes a field that is declared and differs.
pub(super) fn differ<T: PartialEq>(
    changes: &mut Vec<Changed>,
    field: &'static str,
    there: &T,
    declared: Option<&T>,
    show: impl Fn(&T) -> String,
) -> bool {
    match declared {
        Some(declared) if declared != there => {
            changes.push(Changed {
                field,
                from: show(there),
                to: show(declared),
            });
            true
        }
        _ => false,
    }
}

/// A list for people.
pub(super) fn shown<'i>(items: impl IntoIterator<Item = &'i String>) -> String {
    let items: Vec<&str> = items.into_iter().map(String::as_str).collect();
    match items.is_empty() {
        true => "(none)".to_owned(),
        false => items.join(", "),
    }
}

/// A text for people.
pub(super) fn quoted<T: AsRef<str>>(text: &T) -> String {
    match text.as_ref() {
        "" => "(none)".to_owned(),
        text => text.to_owned(),
    }
}

/// A set for people.
pub(super) fn shown_set(items: &std::collections::BTreeSet<String>) -> String {
    shown(items)
}
