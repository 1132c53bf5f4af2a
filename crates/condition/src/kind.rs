//! The things of a workspace whose ids policies speak of.

/// A kind of thing that has an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A campaign, by its id.
    Campaign = 1,
    /// A list of leads, by its id.
    List = 2,
    /// A sending account, by its address.
    Account = 4,
    /// A lead, by its id, or by its address where the API has it so.
    Lead = 8,
    /// A subsequence, by its id.
    Subsequence = 16,
    /// A custom tag, by its id.
    Tag = 32,
    /// Another workspace, by Instantly's id.
    Workspace = 64,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 7] = [
        Kind::Campaign,
        Kind::List,
        Kind::Account,
        Kind::Lead,
        Kind::Subsequence,
        Kind::Tag,
        Kind::Workspace,
    ];

    /// Its set in the context of a policy.
    pub const fn field(self) -> &'static str {
        match self {
            Kind::Campaign => "campaigns",
            Kind::List => "lists",
            Kind::Account => "accounts",
            Kind::Lead => "leads",
            Kind::Subsequence => "subsequences",
            Kind::Tag => "tags",
            Kind::Workspace => "workspaces",
        }
    }

    /// Words in the name of a member that make it look like an id of this kind.
    const fn words(self) -> &'static [&'static str] {
        match self {
            Kind::Campaign => &["campaign"],
            Kind::List => &["list"],
            Kind::Account => &["account", "email", "inbox", "sender"],
            Kind::Lead => &["lead", "contact"],
            Kind::Subsequence => &["subsequence"],
            Kind::Tag => &["tag"],
            Kind::Workspace => &["workspace", "organization"],
        }
    }
}

/// A set of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Kinds(u8);

impl Kinds {
    pub(crate) const NONE: Kinds = Kinds(0);
    pub(crate) const ALL: Kinds = Kinds(127);

    pub(crate) const fn contains(self, kind: Kind) -> bool {
        self.0 & kind as u8 != 0
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn insert(&mut self, kind: Kind) {
        self.0 |= kind as u8;
    }

    pub(crate) const fn union(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }

    /// The kinds that a member of this name, unknown to the catalog, may hold ids of. Some names
    /// could be anything's.
    pub(crate) fn hinted(name: &str) -> Kinds {
        const ANY: [&str; 9] = [
            "id",
            "ids",
            "uuid",
            "uuids",
            "resource",
            "resourceid",
            "resourceids",
            "entityid",
            "entityids",
        ];
        let plain: String = name
            .chars()
            .filter(|c| !matches!(c, '-' | ' ' | '_'))
            .flat_map(char::to_lowercase)
            .collect();
        // Some readers take `ids[0]`, `filter[id]` and `filter.id` for what is inside.
        let mut parts = plain.split(['[', ']', '.']);
        if parts.any(|part| ANY.contains(&part)) {
            return Kinds::ALL;
        }
        let mut kinds = Kinds::NONE;
        for kind in Kind::ALL {
            if kind.words().iter().any(|word| plain.contains(word)) {
                kinds.insert(kind);
            }
        }
        kinds
    }
}
