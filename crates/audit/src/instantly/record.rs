//! What is kept of a record of Instantly's audit log.

use std::collections::BTreeSet;

use doorward_catalog::wire::AuditLog;
use serde_json::Value;

use crate::reconcile::{ObjectKind, Objects, TheirRecord};

/// Most accounts that a record is kept with; one with more says nothing about accounts.
const ACCOUNTS_MAX: usize = 100;
/// Longest id or address that is kept.
const TEXT_MAX: usize = 64;
/// Stands for an account that the ledger has never heard of.
const NOBODY: &str = "nobody";

/// The record as it is kept: no names, no e-mail addresses, no user agent. `subject` gives what the
/// ledger calls an account's address, if it knows it. `None` for what can't be a record.
pub(super) fn kept(
    item: &Value,
    mut subject: impl FnMut(&str) -> Option<String>,
) -> Option<TheirRecord> {
    let entry: AuditLog = serde_json::from_value(item.clone()).ok()?;
    let id = plain(&entry.id)?;
    let agent = entry.user_agent.as_deref();
    let mut objects = Objects::new();
    for (kind, value) in [
        (ObjectKind::Campaign, &entry.campaign_id),
        (ObjectKind::Webhook, &entry.webhook_id),
        (ObjectKind::Subsequence, &entry.subsequence_id),
        (ObjectKind::List, &entry.list_id),
    ] {
        if let Some(value) = value.as_deref().and_then(plain) {
            objects.insert(kind, BTreeSet::from([value]));
        }
    }
    let about = entry.extra.get("audit_metadata");
    let text = |name: &str| {
        about
            .and_then(|about| about.get(name))
            .and_then(Value::as_str)
    };
    if let Some(key) = text("api_key_id").and_then(plain) {
        objects.insert(ObjectKind::ApiKey, BTreeSet::from([key]));
    }
    let many = about
        .and_then(|about| about.get("emails"))
        .and_then(Value::as_array);
    let many = many.into_iter().flatten().filter_map(Value::as_str);
    let emails: Vec<&str> = text("email")
        .into_iter()
        .chain(many)
        .take(ACCOUNTS_MAX + 1)
        .collect();
    if (1..=ACCOUNTS_MAX).contains(&emails.len()) {
        let subjects = emails
            .into_iter()
            .map(|email| subject(email).unwrap_or_else(|| NOBODY.to_owned()));
        objects.insert(ObjectKind::Account, subjects.collect());
    }
    Some(TheirRecord {
        id,
        at: entry.timestamp.parse().ok()?,
        activity: entry.activity_type,
        place: plain(&entry.organization_id),
        from_api: entry.from_api,
        api_key: entry.api_key_id.as_deref().and_then(plain),
        address: entry
            .ip_address
            .chars()
            .filter(|c| c.is_ascii_graphic())
            .take(TEXT_MAX)
            .collect(),
        mark: agent.and_then(mark),
        foreign_agent: agent.is_some_and(|agent| !agent.starts_with("doorward/")),
        objects,
    })
}

/// The call's name in a user agent of Doorward's: `doorward/0.1.0 req_` and 32 digits.
fn mark(agent: &str) -> Option<String> {
    let (program, name) = agent.rsplit_once(' ')?;
    let digits = name.strip_prefix("req_")?;
    let well_formed = digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    (program.starts_with("doorward/") && well_formed).then(|| name.to_owned())
}

/// An id, if it looks like one.
fn plain(text: &str) -> Option<String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    ((1..=TEXT_MAX).contains(&text.len()) && text.bytes().all(allowed)).then(|| text.to_owned())
}

/// The names of keys that are shown: bounded, one line.
pub(super) fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

/// Codes (scopes, roles, permissions) as they are kept: those that look like codes.
pub(super) fn codes<'a>(all: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let code = |text: &&str| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b':' | b'.' | b'_' | b'-');
        text.len() <= TEXT_MAX && text.bytes().all(allowed)
    };
    all.filter(code).take(200).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_catalog::activity::Activity;
    use proptest::prelude::*;
    use serde_json::json;

    fn item() -> Value {
        json!({
            "id": "019a0000-0000-7000-8000-000000000001",
            "timestamp": "2027-01-15T08:00:00.020Z",
            "organization_id": "019a0000-0000-7000-8000-0000000000ff",
            "activity_type": 36,
            "user_agent": "doorward/0.1.0 req_0123456789abcdef0123456789abcdef",
            "user_id": null,
            "user_name": "Ann Example",
            "ip_address": "203.0.113.7",
            "from_api": true,
            "api_key_id": "019a0000-0000-7000-8000-0000000000aa",
            "affected_count": 2,
            "audit_metadata": { "emails": ["ann@acme.example", "bob@acme.example"] },
        })
    }

    #[test]
    fn people_are_left_out_and_accounts_are_subjects() {
        let known = |email: &str| (email == "ann@acme.example").then(|| "sub_1".to_owned());
        let record = kept(&item(), known).unwrap();
        assert_eq!(record.activity, Activity::AccountUpdate);
        assert_eq!(
            record.mark.as_deref(),
            Some("req_0123456789abcdef0123456789abcdef")
        );
        let accounts: Vec<_> = record.objects[&ObjectKind::Account].iter().collect();
        assert_eq!(accounts, [NOBODY, "sub_1"]);
        let text = serde_json::to_string(&record).unwrap();
        assert!(!text.contains("acme") && !text.contains("Ann"), "{text}");
        let again: TheirRecord = serde_json::from_str(&text).unwrap();
        assert_eq!(again, record);
    }

    #[test]
    fn only_a_user_agent_of_doorwards_names_a_call() {
        let name = "req_0123456789abcdef0123456789abcdef";
        assert_eq!(
            mark(&format!("doorward/0.1.0 {name}")).as_deref(),
            Some(name)
        );
        for not in [
            name.to_owned(),
            format!("curl/8 {name}"),
            "doorward/0.1.0".to_owned(),
            "doorward/0.1.0 req_1".to_owned(),
            format!("doorward/0.1.0 {name}0"),
        ] {
            assert_eq!(mark(&not), None, "{not}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_bounded(
            id in "\\PC{0,80}",
            ip in "\\PC{0,200}",
            about in prop::collection::vec("\\PC{0,40}", 0..120),
            time in "[0-9TZ:.+-]{0,40}",
        ) {
            let mut item = item();
            item["id"] = json!(id);
            item["ip_address"] = json!(ip);
            item["audit_metadata"] = json!({ "emails": about, "api_key_id": id });
            let mut timed = item.clone();
            timed["timestamp"] = json!(time);
            let _ = kept(&timed, |_| None);
            if let Some(record) = kept(&item, |email| Some(shown(email))) {
                prop_assert!(record.id.len() <= TEXT_MAX && record.address.len() <= TEXT_MAX);
            }
        }
    }
}
