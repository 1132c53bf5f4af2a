//! Adding leads: where to, which are refused, and what a campaign learns from them.

use std::collections::HashSet;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::filter::uuid;
use super::row::Lead;
use super::table::fold;
use crate::cx::Cx;
use crate::ops::verification;
use crate::reply::Refusal;
use crate::table::Table;
use crate::world::Workspace;

/// Where leads are put.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) campaign: Option<Uuid>,
    pub(crate) list: Option<Uuid>,
}

impl Target {
    /// Reads the ids, or 404 where one names nothing.
    pub(crate) fn read(
        cx: &mut Cx<'_>,
        campaign: Option<&str>,
        list: Option<&str>,
    ) -> Result<Target, Refusal> {
        let named = |table: &Table, id: Option<&str>, kind: &str| match id {
            None => Ok(None),
            Some(id) => uuid(id)
                .filter(|id| table.get(&id.to_string()).is_some())
                .map(Some)
                .ok_or_else(|| Refusal::not_found(kind)),
        };
        let ws = cx.ws();
        Ok(Target {
            campaign: named(&ws.campaigns, campaign, "Campaign")?,
            list: named(&ws.lead_lists, list, "Lead list")?,
        })
    }

    /// The fields of an audit entry about leads here.
    pub(crate) fn about(self, affected: usize) -> Value {
        json!({
            "campaign_id": self.campaign,
            "list_id": self.list,
            "affected_count": affected,
        })
    }

    /// Whether a lead is here already.
    pub(crate) fn holds(self, lead: &Lead) -> bool {
        (self.campaign.is_some() && lead.campaign == self.campaign)
            || (self.list.is_some() && lead.list == self.list)
    }
}

/// Whether an imported address is to be verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verify {
    Yes,
    No,
}

/// The addresses and domains of a block list.
#[derive(Debug, Default)]
pub(crate) struct Block {
    values: HashSet<String>,
}

impl Block {
    pub(crate) fn new(entries: &Table) -> Block {
        Block {
            values: entries
                .iter()
                .filter_map(|entry| entry.get("bl_value")?.as_str())
                .map(fold)
                .collect(),
        }
    }

    /// Whether the address or its domain is blocked.
    pub(crate) fn holds(&self, email: &str) -> bool {
        let email = fold(email);
        let domain = email.rsplit_once('@').map(|(_, domain)| domain);
        self.values.contains(&email) || domain.is_some_and(|domain| self.values.contains(domain))
    }
}

/// What becomes of one lead of a bulk import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Add,
    InvalidEmail,
    /// No email and no name: only for lists.
    Incomplete,
    /// The address came before in the same request.
    RepeatedInRequest,
    Blocked,
    /// A `skip_if_in_…` flag took it out.
    Skipped,
    /// Already in this very campaign or list.
    AlreadyHere,
}

/// The rules of one bulk import.
#[derive(Debug)]
pub(crate) struct AddRules {
    pub(crate) target: Target,
    pub(crate) block: Block,
    pub(crate) skip_in_workspace: bool,
    pub(crate) skip_in_campaign: bool,
    pub(crate) skip_in_list: bool,
    pub(crate) taken: HashSet<String>,
}

/// A lead that was added.
#[derive(Debug)]
pub(crate) struct Added {
    /// Its place in the request.
    pub(crate) index: usize,
    pub(crate) id: Uuid,
}

impl AddRules {
    /// What becomes of a lead. Each lead has one outcome, so the counts of an answer add up.
    pub(crate) fn judge(&mut self, ws: &Workspace, lead: &Value) -> Outcome {
        let text = |name: &str| {
            lead.get(name)
                .and_then(Value::as_str)
                .map(str::trim)
                .filter(|text| !text.is_empty())
        };
        let Some(email) = text("email") else {
            return if self.target.campaign.is_some() {
                Outcome::InvalidEmail
            } else if text("first_name").is_none() && text("last_name").is_none() {
                Outcome::Incomplete
            } else {
                Outcome::Add
            };
        };
        if !is_address(email) {
            return Outcome::InvalidEmail;
        }
        if !self.taken.insert(fold(email)) {
            return Outcome::RepeatedInRequest;
        }
        if self.block.holds(email) {
            return Outcome::Blocked;
        }
        let mut skipped = false;
        for held in ws.leads.with_email(email) {
            if self.target.holds(held) {
                return Outcome::AlreadyHere;
            }
            skipped |= self.skip_in_workspace
                || (self.skip_in_campaign && held.campaign.is_some())
                || (self.skip_in_list && held.list.is_some());
        }
        if skipped {
            Outcome::Skipped
        } else {
            Outcome::Add
        }
    }
}

/// Whether a text can be an address at all: one `@`, something before it, a dotted domain after.
pub(crate) fn is_address(text: &str) -> bool {
    let text = text.trim();
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    text.len() <= 254
        && (1..=64).contains(&local.len())
        && local
            .chars()
            .all(|c| !c.is_whitespace() && !c.is_control() && !"()<>[],;:\\\"@".contains(c))
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && domain.contains('.')
        && domain.split('.').all(label)
}

/// Puts one lead, unconditionally, and lets its campaign know its variables.
pub(crate) fn put(
    cx: &mut Cx<'_>,
    fields: &Value,
    target: Target,
    assign_to: Option<Uuid>,
    verify: Verify,
) -> Uuid {
    let id = uuid(&cx.uuid()).unwrap_or_default();
    let mut lead = Lead::new(id, cx.now);
    lead.campaign = target.campaign;
    lead.list = target.list;
    lead.email = fields
        .get("email")
        .and_then(Value::as_str)
        .map(|email| email.trim().into());
    lead.assigned_to = assign_to;
    lead.take_fields(fields);
    lead.interest = fields
        .get("lt_interest_status")
        .and_then(Value::as_f64)
        .map(|value| value as i16);
    lead.esp = lead.email.as_deref().map(esp);
    if verify == Verify::Yes {
        lead.verification = lead.email.as_deref().map(verification);
    }
    cx.ws().leads.insert(lead);
    if let (Some(campaign), Some(variables)) = (target.campaign, fields.get("custom_variables")) {
        allow_variables(cx, campaign, variables);
    }
    id
}

/// Lets a campaign's other leads have these custom variables too.
pub(crate) fn allow_variables(cx: &mut Cx<'_>, campaign: Uuid, variables: &Value) {
    let Some(variables) = variables
        .as_object()
        .filter(|variables| !variables.is_empty())
    else {
        return;
    };
    let Some(campaign) = cx
        .ws()
        .campaigns
        .get_mut(&campaign.to_string())
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    let held = campaign
        .entry("custom_variables")
        .or_insert_with(|| Value::Object(Map::new()));
    if held.is_null() {
        *held = Value::Object(Map::new());
    }
    if let Some(held) = held.as_object_mut() {
        for name in variables.keys() {
            if !held.contains_key(name) {
                held.insert(name.clone(), name.clone().into());
            }
        }
    }
}

/// Who hosts an address, by its domain: the sandbox asks no name server.
fn esp(email: &str) -> u16 {
    match fold(email).rsplit_once('@').map(|(_, domain)| domain) {
        Some("gmail.com" | "googlemail.com") => 1,
        Some("outlook.com" | "hotmail.com" | "live.com") => 2,
        Some("zoho.com") => 3,
        Some("yahoo.com") => 9,
        Some("yandex.com" | "yandex.ru") => 10,
        Some("web.de") => 12,
        Some("libero.it") => 13,
        Some(domain) if domain.ends_with(".invalid") => 1000,
        _ => 999,
    }
}

/// What verifying an address finds; a shared mailbox is risky.
fn verification(email: &str) -> i8 {
    let folded = fold(email);
    let local = folded
        .split_once('@')
        .map_or(folded.as_str(), |(local, _)| local);
    if !verification::is_deliverable(&folded) {
        -1
    } else if verification::is_catch_all(&folded) {
        -3
    } else if matches!(local, "info" | "admin" | "sales" | "support" | "contact") {
        -2
    } else {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_addresses_from_other_texts() {
        for good in [
            "a@example.com",
            "first.last+tag@mail.example.org",
            "ü@exämple.de",
        ] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "@example.com",
            "a@",
            "a@example",
            "a@@example.com",
            "a b@example.com",
            "a@exa mple.com",
            ".a@example.com",
            "a..b@example.com",
            "a@-x.com",
            "a@x..com",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
