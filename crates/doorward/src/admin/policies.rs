//! Policies: conditions beyond grants.

use doorward_alert::{Alert, AlertKind};
use doorward_condition::{Bearing, PolicyFault, check, loosened, schema_digest, text_digest};
use doorward_ledger::Event;
use doorward_policy::Timestamp;
use doorward_store::{Policy, StoreError};
use serde::{Deserialize, Serialize};

use super::deeds::{Acts, Deed};
use super::error::AdminError;
use super::service::{Admin, Handle, now};

/// Saves a policy, in the place of the one of that name.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PolicyAdd {
    /// Its name.
    pub(crate) name: String,
    /// Its text.
    pub(crate) text: String,
}

/// Every policy.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PolicyList {}

/// One policy.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PolicyShow {
    /// Its name.
    pub(crate) name: String,
}

/// Removes a policy; answers what it was.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PolicyRemove {
    /// Its name.
    pub(crate) name: String,
}

/// A policy for people and programs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PolicyView {
    /// Its name.
    pub(crate) name: String,
    /// Its text.
    pub(crate) text: String,
    /// Tells the text from others.
    pub(crate) digest: String,
    /// What each of its rules bears on; none if it can't be read any more.
    pub(crate) rules: Vec<RuleView>,
    /// Clients that its rules name and that are not there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) unknown_clients: Vec<String>,
    /// What is wrong with it now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) faults: Vec<PolicyFault>,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When it was changed last.
    pub(crate) updated_at: Timestamp,
}

/// What a rule bears on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RuleView {
    /// The name that refusals say.
    pub(crate) name: String,
    /// `forbid`, or `approval` where a person's approval lifts it.
    pub(crate) effect: String,
    /// The one client; none for any.
    pub(crate) client: Option<String>,
    /// The operations.
    pub(crate) operations: Vec<String>,
    /// Whether these are all.
    pub(crate) all_operations: bool,
}

impl RuleView {
    pub(crate) fn of(rule: Bearing) -> Self {
        let effect = if rule.approval { "approval" } else { "forbid" };
        Self {
            name: rule.name,
            effect: effect.to_owned(),
            client: rule.client,
            all_operations: rule.operations == doorward_catalog::OpSet::all(),
            operations: rule
                .operations
                .iter()
                .map(|op| op.id().to_owned())
                .collect(),
        }
    }
}

impl PolicyView {
    fn of(policy: Policy, clients: &[String]) -> Self {
        let (rules, faults) = match check(&policy.name, &policy.text) {
            Ok(rules) => (rules.into_iter().map(RuleView::of).collect(), Vec::new()),
            Err(faults) => (Vec::new(), faults),
        };
        let rules: Vec<RuleView> = rules;
        let mut unknown: Vec<String> = rules
            .iter()
            .filter_map(|rule| rule.client.clone())
            .filter(|name| !clients.contains(name))
            .collect();
        unknown.sort();
        unknown.dedup();
        Self {
            digest: text_digest(&policy.text),
            name: policy.name,
            text: policy.text,
            rules,
            unknown_clients: unknown,
            faults,
            created_at: policy.created_at,
            updated_at: policy.updated_at,
        }
    }
}

calls! {
    PolicyAdd, "policy/add" => PolicyView;
    PolicyList, "policy/list" => Vec<PolicyView>;
    PolicyShow, "policy/show" => PolicyView;
    PolicyRemove, "policy/remove" => PolicyView;
}

impl Acts for PolicyList {}
impl Acts for PolicyShow {}

impl Acts for PolicyAdd {
    fn deed(&self) -> Option<Deed> {
        Some(Deed::new("policy.add", "policy", Event::Admin).id("name", &self.name))
    }

    fn complete(deed: &mut Deed, answer: &PolicyView) {
        with_digest(deed, answer);
    }
}

impl Acts for PolicyRemove {
    fn deed(&self) -> Option<Deed> {
        Some(Deed::new("policy.remove", "policy", Event::Admin).id("name", &self.name))
    }

    fn complete(deed: &mut Deed, answer: &PolicyView) {
        with_digest(deed, answer);
    }
}

fn with_digest(deed: &mut Deed, answer: &PolicyView) {
    let digest = answer.digest.clone().into();
    deed.act.metadata.insert("digest".to_owned(), digest);
}

/// What is wrong with a text, for people.
pub(crate) fn told(faults: &[PolicyFault]) -> String {
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    told.join("\n\n")
}

impl Admin {
    fn client_names(&self) -> Result<Vec<String>, AdminError> {
        let clients = self.store().clients(None)?;
        Ok(clients.into_iter().map(|client| client.name).collect())
    }

    /// Alerts that something may pass from now on that did not, before it does.
    fn alert_loosened(
        &self,
        name: &str,
        title: &str,
        text: Option<&str>,
    ) -> Result<(), AdminError> {
        let digest = text.map_or_else(|| "none".to_owned(), text_digest);
        let action = text.map_or("policy.remove", |_| "policy.add");
        self.alert(
            Alert::new(AlertKind::PolicyLoosened, title, now())
                .text(format!(
                    "Who does it: doorward audit search --action {action}"
                ))
                .fact("policy", name)
                .fact("digest", &digest)
                // Each is told at once.
                .key(format_args!("{name}/{digest}/{}", now().millis())),
        )
    }
}

impl Handle<PolicyAdd> for Admin {
    fn handle(&self, call: PolicyAdd) -> Result<PolicyView, AdminError> {
        check(&call.name, &call.text).map_err(|faults| {
            AdminError::usage(format_args!("the policy is not saved:\n{}", told(&faults)))
        })?;
        match self.store().policy(&call.name) {
            Ok(before) if loosened(&before.text, &call.text) => {
                let title = format!("the policy {} may forbid less than it did", call.name);
                self.alert_loosened(&call.name, &title, Some(&call.text))?;
            }
            Ok(_) | Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let policy = self
            .store()
            .save_policy(&call.name, &call.text, schema_digest(), now())?;
        self.changed()?;
        Ok(PolicyView::of(policy, &self.client_names()?))
    }
}

impl Handle<PolicyList> for Admin {
    fn handle(&self, _: PolicyList) -> Result<Vec<PolicyView>, AdminError> {
        let clients = self.client_names()?;
        let policies = self.store().policies()?.into_iter();
        Ok(policies
            .map(|policy| PolicyView::of(policy, &clients))
            .collect())
    }
}

impl Handle<PolicyShow> for Admin {
    fn handle(&self, call: PolicyShow) -> Result<PolicyView, AdminError> {
        let policy = self.store().policy(&call.name)?;
        Ok(PolicyView::of(policy, &self.client_names()?))
    }
}

impl Handle<PolicyRemove> for Admin {
    fn handle(&self, call: PolicyRemove) -> Result<PolicyView, AdminError> {
        let there = self.store().policy(&call.name)?;
        let title = format!("the policy {} was removed", there.name);
        self.alert_loosened(&there.name, &title, None)?;
        let policy = self.store().delete_policy(&call.name)?;
        self.changed()?;
        Ok(PolicyView::of(policy, &self.client_names()?))
    }
}
