//! A plan and its steps.

use std::collections::BTreeSet;

use doorward_catalog::Risk;
use doorward_policy::Grant;
use serde::Serialize;

use crate::manifest::{ClientSpec, DestinationSpec, KeySpec, Kind, MemberSpec, SubscriptionSpec};

/// What is to be done, in order, and what can't be.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Plan {
    /// The steps, in the order that they are to be taken in.
    pub steps: Vec<Step>,
    /// What is declared and can't be brought about.
    pub cannot: Vec<Cannot>,
    /// What is declared and could not be looked at.
    pub blind: Vec<Blind>,
    /// Things that are there and not declared, and stay: how many of each kind.
    pub unmanaged: std::collections::BTreeMap<Kind, usize>,
}

impl Plan {
    /// Whether what is declared is there, as far as it was looked at.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.cannot.is_empty()
    }
}

/// Whether something is made, changed, made anew or removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// It is made.
    Make,
    /// It is changed.
    Change,
    /// It is removed and made again.
    Anew,
    /// It is removed.
    Remove,
}

impl Sign {
    /// `+`, `~`, `±` or `-`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Sign::Make => "+",
            Sign::Change => "~",
            Sign::Anew => "±",
            Sign::Remove => "-",
        }
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// Name of the workspace; none for a destination.
    pub workspace: Option<String>,
    /// What kind of thing.
    pub kind: Kind,
    /// Which.
    pub name: String,
    /// What becomes of it.
    pub sign: Sign,
    /// How much harm it can do.
    pub risk: Risk,
    /// What changes, for people.
    pub changes: Vec<Changed>,
    /// What should be known before it is done.
    pub told: Vec<String>,
    /// What is done.
    pub act: Act,
    /// Where it stands in the order.
    #[serde(skip)]
    pub(crate) rank: u16,
}

impl Step {
    /// Its name among all steps, like `acme/member/ann@example.com`.
    pub fn id(&self) -> String {
        match &self.workspace {
            Some(workspace) => format!("{workspace}/{}/{}", self.kind, self.name),
            None => format!("{}/{}", self.kind, self.name),
        }
    }

    /// Whether it needs an approval of its own.
    pub fn is_dangerous(&self) -> bool {
        self.risk >= Risk::High
    }
}

/// A field that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// Its name.
    pub field: &'static str,
    /// What it is.
    pub from: String,
    /// What it becomes.
    pub to: String,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// Makes a key.
    KeyMake(KeySpec),
    /// Replaces a key by one with other scopes.
    KeyReplace {
        /// The scopes.
        scopes: BTreeSet<String>,
    },
    /// Notes who answers for a key, when it is rotated and what it is there for.
    KeyNote(KeySpec),
    /// Revokes a key at Instantly.
    KeyRevoke {
        /// Instantly's id of it, for one that Doorward does not hold or knows by it.
        api_key_id: Option<String>,
    },
    /// Creates a client.
    ClientCreate(ClientSpec),
    /// Changes a client to what is declared.
    ClientChange {
        /// What is declared.
        spec: ClientSpec,
        /// The grant to be set, with what is there for a limited time; none leaves it.
        grant: Option<Grant>,
    },
    /// Deletes a client.
    ClientDelete,
    /// Makes a source and its subscription.
    SubscriptionMake(SubscriptionSpec),
    /// Brings the subscription of a source that is there to what is declared.
    SubscriptionAlign(SubscriptionSpec),
    /// Sets from where deliveries may come.
    SubscriptionAllow {
        /// The networks.
        allow: BTreeSet<String>,
    },
    /// Ends a subscription and removes its source.
    SubscriptionRemove,
    /// Ends a subscription that leads elsewhere.
    SubscriptionEnd {
        /// Instantly's id of it.
        id: String,
    },
    /// Adds a destination.
    DestinationAdd(DestinationSpec),
    /// Sets a destination to what is declared.
    DestinationSet(DestinationSpec),
    /// Removes a destination.
    DestinationRemove,
    /// Invites somebody.
    MemberInvite(MemberSpec),
    /// Sets role and nickname.
    MemberSet(MemberSpec),
    /// Removes somebody and invites them again.
    MemberAnew {
        /// Instantly's id of the membership that goes.
        id: String,
        /// As what they are invited.
        spec: MemberSpec,
    },
    /// Removes somebody.
    MemberRemove {
        /// Instantly's id of the membership.
        id: String,
    },
    /// Invites a workspace into the group.
    SubWorkspaceInvite,
    /// Ends a membership of the group.
    SubWorkspaceRemove {
        /// Instantly's id of the membership.
        id: String,
    },
    /// Blocks addresses and domains.
    Block {
        /// The values.
        values: Vec<String>,
    },
    /// Lets addresses and domains be written to again.
    Unblock {
        /// Instantly's ids of the entries.
        ids: Vec<String>,
    },
}

/// Something that is declared and can't be brought about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cannot {
    /// Name of the workspace.
    pub workspace: Option<String>,
    /// What kind of thing.
    pub kind: Kind,
    /// Which.
    pub name: String,
    /// Why, and what to do.
    pub why: String,
}

/// Something that is declared and could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Blind {
    /// Name of the workspace.
    pub workspace: String,
    /// What kind of things.
    pub kind: Kind,
    /// Why.
    pub why: String,
}
