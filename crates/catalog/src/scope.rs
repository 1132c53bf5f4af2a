//! Scopes: `resource:action`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! resources {
    ($($variant:ident = $name:literal,)*) => {
        /// What a scope speaks of, in the vendor's order. `All` stands for every resource.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Resource { $(#[doc = concat!("`", $name, "`")] $variant,)* }

        impl Resource {
            /// Every resource, in the vendor's order; the one that no key can be given is last.
            pub const ALL: [Resource; [$($name),*].len()] = [$(Resource::$variant),*];

            /// The name as the vendor spells it (two resources have a hyphen).
            pub const fn as_str(self) -> &'static str {
                match self { $(Resource::$variant => $name,)* }
            }

            /// The resource of that name.
            pub fn parse(name: &str) -> Option<Resource> {
                match name { $($name => Some(Resource::$variant),)* _ => None }
            }
        }
    };
}

resources! {
    All = "all",
    AiAgents = "ai_agents",
    ApiKeys = "api_keys",
    AuditLogs = "audit_logs",
    CustomPromptTemplates = "custom_prompt_templates",
    AccountCampaignMappings = "account_campaign_mappings",
    Campaigns = "campaigns",
    InboxPlacementTests = "inbox_placement_tests",
    InboxPlacementAnalytics = "inbox_placement_analytics",
    InboxPlacementReports = "inbox_placement_reports",
    LeadLists = "lead_lists",
    Leads = "leads",
    BackgroundJobs = "background-jobs",
    CustomTags = "custom_tags",
    CustomTagMappings = "custom_tag_mappings",
    CrmActions = "crm_actions",
    Accounts = "accounts",
    BlockListEntries = "block_list_entries",
    LeadLabels = "lead-labels",
    EmailVerifications = "email_verifications",
    Emails = "emails",
    EmailTemplates = "email_templates",
    Workspaces = "workspaces",
    WorkspaceBilling = "workspace_billing",
    WorkspaceGroupMembers = "workspace_group_members",
    WorkspaceMembers = "workspace_members",
    Subsequences = "subsequences",
    AiSdr = "ai_sdr",
    AiSdrReplies = "ai_sdr_replies",
    AiInboxManagerAnalytics = "ai_inbox_manager_analytics",
    SalesFlows = "sales_flows",
    Webhooks = "webhooks",
    WebhookEvents = "webhook_events",
    SecurityTokens = "security_tokens",
    DfyEmailAccountOrders = "dfy_email_account_orders",
    Auth = "auth",    SupersearchEnrichments = "supersearch_enrichments",
}

/// What a scope lets be done. `All` stands for every action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Action {
    /// `all`
    All,
    /// `create`
    Create,
    /// `read`
    Read,
    /// `update`
    Update,
    /// `delete`
    Delete,
}

impl Action {
    /// Every action, in the vendor's order.
    pub const ALL: [Action; 5] = [
        Action::All,
        Action::Create,
        Action::Read,
        Action::Update,
        Action::Delete,
    ];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Action::All => "all",
            Action::Create => "create",
            Action::Read => "read",
            Action::Update => "update",
            Action::Delete => "delete",
        }
    }

    /// The action of that name.
    pub fn parse(name: &str) -> Option<Action> {
        Action::ALL
            .into_iter()
            .find(|action| action.as_str() == name)
    }
}

/// A scope: a resource and an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// What it speaks of.
    pub resource: Resource,
    /// What it lets be done.
    pub action: Action,
}

impl Scope {
    /// `all:all`: everything.
    pub const ALL_ALL: Scope = Scope::new(Resource::All, Action::All);

    /// The scope of that resource and action. Not every pair is one that a key can be given: see
    /// [`Scope::is_assignable`].
    pub const fn new(resource: Resource, action: Action) -> Scope {
        Scope { resource, action }
    }

    /// The scope `resource:action` spells, also one that operations ask for but no key can be given.
    ///
    /// # Errors
    /// When the text is no scope of the API.
    pub fn parse(text: &str) -> Result<Scope, ParseScopeError> {
        let parsed = text.split_once(':').and_then(|(resource, action)| {
            Some(Scope::new(
                Resource::parse(resource)?,
                Action::parse(action)?,
            ))
        });
        parsed
            .filter(|scope| scope.exists())
            .ok_or_else(|| ParseScopeError::new(text))
    }

    /// Whether the vendor knows this pair at all.
    pub const fn exists(self) -> bool {
        match self.resource {
            Resource::EmailVerifications => !matches!(self.action, Action::Update | Action::Delete),
            Resource::SupersearchEnrichments => {
                matches!(self.action, Action::All | Action::Create | Action::Read)
            }
            _ => true,
        }
    }

    /// Whether a key can be given this scope: one of the vendor's 178. The
    /// `supersearch_enrichments` scopes are asked for but can't be given; only `all:read`,
    /// `all:create` or `all:all` covers their operations.
    pub const fn is_assignable(self) -> bool {
        self.exists() && !matches!(self.resource, Resource::SupersearchEnrichments)
    }

    /// Whether it stands for every resource.
    pub const fn is_wildcard(self) -> bool {
        matches!(self.resource, Resource::All)
    }

    /// The scopes that cover an operation asking for this one, narrowest first.
    pub const fn accepted(self) -> [Scope; 4] {
        [
            self,
            Scope::new(self.resource, Action::All),
            Scope::new(Resource::All, self.action),
            Scope::ALL_ALL,
        ]
    }

    /// Every scope a key can be given, in the vendor's order.
    pub fn assignable() -> impl Iterator<Item = Scope> {
        Scope::known().filter(|scope| scope.is_assignable())
    }

    /// Every scope that exists, also those that no key can be given.
    pub fn known() -> impl Iterator<Item = Scope> {
        Resource::ALL
            .into_iter()
            .flat_map(|resource| {
                Action::ALL
                    .into_iter()
                    .map(move |a| Scope::new(resource, a))
            })
            .filter(|scope| scope.exists())
    }

    /// A number below 256, its own for each scope.
    pub(crate) const fn index(self) -> usize {
        self.resource as usize * Action::ALL.len() + self.action as usize
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.resource.as_str(), self.action.as_str())
    }
}

impl FromStr for Scope {
    type Err = ParseScopeError;

    fn from_str(text: &str) -> Result<Scope, ParseScopeError> {
        Scope::parse(text)
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Scope, D::Error> {
        let text = String::deserialize(deserializer)?;
        Scope::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A text that is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a scope of the Instantly API{}", hint(.nearest))]
pub struct ParseScopeError {
    text: String,
    nearest: Option<String>,
}

fn hint(nearest: &Option<String>) -> String {
    match nearest {
        Some(scope) => format!("; did you mean `{scope}`?"),
        None => "; `doorward scopes list` shows them all".to_owned(),
    }
}

impl ParseScopeError {
    fn new(text: &str) -> ParseScopeError {
        let shown = crate::shown::shown(text);
        let squeezed = squeeze(&shown);
        let nearest = Scope::known()
            .map(|s| s.to_string())
            .find(|known| squeeze(known) == squeezed);
        ParseScopeError {
            text: shown,
            nearest,
        }
    }
}

/// Folds what people get wrong: hyphen for underscore, case, plural.
fn squeeze(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == ':')
        .collect::<String>()
        .to_ascii_lowercase()
        .replace("s:", ":")
}
