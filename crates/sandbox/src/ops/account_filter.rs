//! Which accounts a call means: the filters of listAccount and of the warmup operations.

use std::collections::HashSet;

use serde_json::Value;

use crate::call::Call;
use crate::cx::Cx;
use crate::ops::accounts::resource_id;
use crate::ops::view::{flag, holds, number, text};

/// What is asked of an account; what is not asked for is left open.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    search: Option<String>,
    status: Option<i64>,
    provider: Option<i64>,
    state: Option<String>,
    /// Resource ids that one of the tags is on, and those that all of them are on.
    tagged: Vec<HashSet<String>>,
}

impl Filter {
    /// The filter in the query of listAccount.
    pub(crate) fn of_query(cx: &mut Cx<'_>, call: &Call) -> Filter {
        let mut filter = Filter {
            search: call.query_text("search").map(str::to_lowercase),
            status: call.query_number("status").map(|status| status as i64),
            provider: call.query_number("provider_code").map(|code| code as i64),
            state: call.query_text("filter").map(str::to_owned),
            tagged: Vec::new(),
        };
        if let Some(tags) = call.query_list("tag_ids") {
            filter.tagged.push(carriers(cx, &tags));
        }
        for tag in call.query_list("tag_ids_all").unwrap_or_default() {
            filter.tagged.push(carriers(cx, &[tag]));
        }
        filter
    }

    /// The filter in the body of enableWarmupForAccounts and disableWarmupForAccounts.
    pub(crate) fn of_body(cx: &mut Cx<'_>, call: &Call) -> Filter {
        let mut filter = Filter {
            search: call.field_text("search").map(str::to_lowercase),
            ..Filter::default()
        };
        if let Some(asked) = call.field("filter") {
            filter.state = Some(text(asked, "filter").to_owned()).filter(|state| !state.is_empty());
            let tag = text(asked, "tag_id");
            if !tag.is_empty() {
                filter.tagged.push(carriers(cx, &[tag.to_owned()]));
            }
        }
        filter
    }

    /// Does the account pass?
    pub(crate) fn takes(&self, account: &Value) -> bool {
        let wanted =
            |wanted: Option<i64>, name| wanted.is_none_or(|wanted| wanted == number(account, name));
        wanted(self.status, "status")
            && wanted(self.provider, "provider_code")
            && self.search.as_deref().is_none_or(|part| {
                ["email", "first_name", "last_name"]
                    .iter()
                    .any(|name| holds(text(account, name), part))
            })
            && self
                .state
                .as_deref()
                .is_none_or(|state| in_state(account, state))
            && self.is_tagged(account)
    }

    fn is_tagged(&self, account: &Value) -> bool {
        if self.tagged.is_empty() {
            return true;
        }
        let email = text(account, "email");
        let id = resource_id(email);
        self.tagged
            .iter()
            .all(|carriers| carriers.contains(&id) || carriers.contains(email))
    }
}

/// The resources that carry one of the tags.
fn carriers(cx: &mut Cx<'_>, tags: &[String]) -> HashSet<String> {
    cx.ws()
        .tag_mappings
        .iter()
        .filter(|mapping| tags.iter().any(|tag| tag == text(mapping, "tag_id")))
        .map(|mapping| text(mapping, "resource_id").to_owned())
        .collect()
}

/// Is the account in the state that the API's filter of that name means?
pub(crate) fn in_state(account: &Value, state: &str) -> bool {
    let status = number(account, "status");
    let warmup = number(account, "warmup_status");
    match state {
        "ACC_FILTER_PAUSED" => status == 2,
        "ACC_FILTER_ERROR" => status < 0,
        "ACC_FILTER_NO_CTD" => text(account, "tracking_domain_name").is_empty(),
        "ACC_FILTER_PW_ACCOUNTS" => flag(account, "_pre_warmed"),
        "ACC_FILTER_DFY" => flag(account, "is_managed_account"),
        "ACC_FILTER_DFY_SETUP_PENDING" => {
            flag(account, "is_managed_account") && flag(account, "setup_pending")
        }
        "ACC_FILTER_W_ACTIVE" => warmup == 1,
        "ACC_FILTER_W_PAUSED" => warmup == 0,
        "ACC_FILTER_W_ERROR" => warmup < 0,
        _ => false,
    }
}
