//! Which code looks for what.

use doorward_policy::Timestamp;

use super::verdict::Verdict;
use super::{
    audit, block_list, environment, group, keys, keys_used, login, people, secrets, webhooks,
    webhooks_here,
};
use crate::Thresholds;
use crate::here::Facts;

/// What a check looks at.
pub(super) struct Look<'a> {
    pub(super) facts: &'a Facts,
    pub(super) thresholds: &'a Thresholds,
    pub(super) now: Timestamp,
}

/// The code of a check.
pub(super) type Code = fn(&Look<'_>) -> Verdict;

/// The code of the check of that id.
pub(super) fn code(id: &str) -> Option<Code> {
    CODE.iter()
        .find(|(known, _)| *known == id)
        .map(|(_, code)| *code)
}

pub(super) const CODE: [(&str, Code); 54] = [
    ("keys.wildcard", keys::wildcard),
    ("keys.wider_than_used", keys_used::wider_than_used),
    ("keys.shared", keys_used::shared),
    ("keys.over_age", keys::over_age),
    ("keys.unused", keys_used::unused),
    ("keys.unknown", keys::unknown),
    ("keys.no_owner", keys::no_owner),
    ("keys.management_rotated", keys::management_rotated),
    ("keys.meaningless_name", keys::meaningless_name),
    ("keys.reads_secrets", keys_used::reads_secrets),
    ("keys.revocation_owed", keys::revocation_owed),
    ("secrets.plain_configuration", secrets::plain_configuration),
    ("secrets.world_readable", secrets::world_readable),
    ("secrets.tracked_env", secrets::tracked_env),
    ("secrets.gitignore", secrets::gitignore),
    (
        "secrets.provider_unreachable",
        secrets::provider_unreachable,
    ),
    ("secrets.across_environments", secrets::across_environments),
    (
        "secrets.production_in_development",
        secrets::production_in_development,
    ),
    ("webhooks.no_secret_header", webhooks::no_secret_header),
    ("webhooks.http_target", webhooks::http_target),
    ("webhooks.disabled", webhooks::disabled),
    ("webhooks.failing", webhooks::failing),
    ("webhooks.unknown_host", webhooks::unknown_host),
    ("webhooks.secret_over_age", webhooks_here::secret_over_age),
    ("webhooks.all_events", webhooks::all_events),
    ("webhooks.no_allow_list", webhooks_here::no_allow_list),
    (
        "webhooks.quarantine_growing",
        webhooks_here::quarantine_growing,
    ),
    (
        "webhooks.reconciliation_old",
        webhooks_here::reconciliation_old,
    ),
    ("audit.review_overdue", audit::review_overdue),
    ("audit.ledger_unverified", audit::ledger_unverified),
    ("audit.witness_lag", audit::witness_lag),
    ("audit.sink_lag", audit::sink_lag),
    ("audit.instantly_log_empty", audit::instantly_log_empty),
    ("audit.around", audit::around),
    ("audit.disk_reserve", audit::disk_reserve),
    ("people.many_managers", people::many_managers),
    ("people.outside_domain", people::outside_domain),
    ("people.pending_invitation", people::pending_invitation),
    ("people.wider_than_manifest", people::wider_than_manifest),
    ("people.no_name", people::no_name),
    ("people.manages_without_role", people::manages_without_role),
    ("people.no_login", login::no_login),
    ("people.mfa_missing", login::mfa_missing),
    ("people.mfa_disabled", login::mfa_disabled),
    ("people.mfa_failing", login::mfa_failing),
    ("group.undeclared", group::undeclared),
    ("group.admin_key", group::admin_key),
    ("block_list.own_domains", block_list::own_domains),
    ("block_list.competitors", block_list::competitors),
    ("block_list.do_not_contact", block_list::do_not_contact),
    ("block_list.unsubscribed", block_list::unsubscribed),
    (
        "environment.development_writes",
        environment::development_writes,
    ),
    (
        "environment.production_wildcard",
        environment::production_wildcard,
    ),
    (
        "environment.approval_missing",
        environment::approval_missing,
    ),
];
