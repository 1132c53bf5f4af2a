//! Every table of the catalog held against the facts. The facts must be there: a missing folder
//! fails, it does not skip.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use doorward_catalog::activity::Activity;
use doorward_catalog::event::{self, EVENT_TYPES};
use doorward_catalog::limits::{self, LimitPer, OpLimit};
use doorward_catalog::people::{PERMISSIONS, Role};
use doorward_catalog::{Action, Basis, Op, Scope, ScopeSet};

fn facts_folder() -> PathBuf {
    std::env::var_os("DOORWARD_FACTS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/facts"),
        PathBuf::from,
    )
}

fn read(name: &str) -> String {
    let path = facts_folder().join(name);
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("the facts are needed, {}: {error}", path.display()))
}

/// The rows of a tab-separated table, each by its column's name.
fn table(name: &str) -> Vec<BTreeMap<String, String>> {
    let text = read(name);
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().expect("a header").split('\t').collect();
    let rows: Vec<_> = lines
        .map(|line| {
            let mut cells = line.split('\t').map(str::to_owned).collect::<Vec<_>>();
            cells.resize(names.len(), String::new());
            names.iter().map(|n| (*n).to_owned()).zip(cells).collect()
        })
        .collect();
    assert!(!rows.is_empty(), "{name} is empty");
    rows
}

#[test]
fn operations_are_the_vendors() {
    let rows = table("operations.tsv");
    assert_eq!(rows.len(), 173);
    assert_eq!(Op::ALL.len(), rows.len());
    for row in &rows {
        let op = Op::from_id(&row["operationId"]).expect(&row["operationId"]);
        let facts = op.facts();
        assert_eq!(facts.method.as_str(), row["method"], "{op}");
        assert_eq!(facts.path, row["path"], "{op}");
        let tags: Vec<String> = facts.tags.iter().map(|tag| format!("{tag:?}")).collect();
        assert_eq!(tags.join(","), row["tag"], "{op}");
        if row["accepted_scopes"].is_empty() {
            assert_ne!(facts.basis, Basis::Documented, "{op}");
        } else {
            assert_eq!(facts.basis, Basis::Documented, "{op}");
            let accepted = facts.accepted().map(|scope| scope.to_string()).join(",");
            assert_eq!(accepted, row["accepted_scopes"], "{op}");
        }
    }
}

#[test]
fn own_limits_are_the_vendors() {
    let published = |limits: &[&OpLimit]| -> BTreeSet<(u32, u32)> {
        limits
            .iter()
            .map(|limit| (limit.calls, limit.window_seconds))
            .collect()
    };
    for row in table("operations.tsv") {
        let op = Op::from_id(&row["operationId"]).expect("known");
        let stated: BTreeSet<(u32, u32)> = row["special_rate_limit"]
            .split(';')
            .map(str::trim)
            .filter(|limit| !limit.is_empty())
            .map(|limit| {
                let (calls, rest) = limit.split_once('/').expect("calls/window");
                let window = match rest.split(' ').next().expect("window") {
                    "min" => 60,
                    "hour" => 3_600,
                    "30d" => 30 * 86_400,
                    other => panic!("a window the test does not know: {other}"),
                };
                (calls.parse().expect("a number"), window)
            })
            .collect();
        assert_eq!(published(op.facts().limits), stated, "{op}");
        for limit in op.facts().limits {
            let by_address =
                row["special_rate_limit"].contains(&format!("{}/min per IP", limit.calls));
            assert_eq!(limit.per == LimitPer::Address, by_address, "{op}");
        }
    }
    let rows = table("limits.tsv");
    let stated = |subject: &str| -> Vec<String> {
        rows.iter()
            .filter(|r| r["subject"].starts_with(subject))
            .map(|r| r["limit"].clone())
            .collect()
    };
    assert_eq!(
        stated("all requests"),
        [
            limits::WORKSPACE_SECOND.calls.to_string(),
            limits::WORKSPACE_MINUTE.calls.to_string()
        ]
    );
    assert_eq!(
        stated("oauth session lifetime"),
        [(limits::OAUTH_SESSION_SECONDS / 60).to_string()]
    );
    assert_eq!(
        stated("list page size default"),
        [limits::PAGE_DEFAULT.to_string()]
    );
    assert_eq!(
        stated("list page size (general)"),
        [format!("1-{}", limits::PAGE_MAX)]
    );
    assert_eq!(
        stated("GET /api/v2/audit-logs"),
        [format!("1-{}", limits::AUDIT_LOG_PAGE_MAX)]
    );
    assert_eq!(
        stated("block-lists-entries"),
        [format!("1-{}", limits::BLOCK_LIST_BULK_MAX)]
    );
    assert_eq!(
        stated("workspace member nickname"),
        [limits::NICKNAME_MAX.to_string()]
    );
    assert_eq!(
        stated("workspace schedule-for-removal"),
        [limits::REMOVAL_DELAY_HOURS.to_string()]
    );
}

#[test]
fn assignable_scopes_are_the_178() {
    let text = read("scopes.txt");
    let stated: Vec<&str> = text.lines().filter(|line| line.contains(':')).collect();
    let ours: Vec<String> = Scope::assignable().map(|scope| scope.to_string()).collect();
    assert_eq!(ours.len(), 178);
    assert_eq!(ours, stated);
}

#[test]
fn scopes_no_key_can_have_are_known_as_such() {
    let text = read("scopes_used_not_in_enum.tsv");
    let stated: BTreeSet<&str> = text.lines().skip(1).collect();
    let ours: BTreeSet<String> = Scope::known()
        .filter(|s| !s.is_assignable())
        .map(|s| s.to_string())
        .collect();
    assert_eq!(
        ours.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        stated
    );
}

#[test]
fn scopes_without_operation_are_the_stated_ones() {
    let text = read("scopes_enum_without_operation.tsv");
    let stated: BTreeSet<String> = text.lines().skip(1).map(str::to_owned).collect();
    // As the table counts: a scope is asked for when a *documented* operation accepts it.
    let documented: ScopeSet = Op::ALL
        .into_iter()
        .filter(|op| op.facts().basis == Basis::Documented)
        .flat_map(|op| op.facts().accepted())
        .collect();
    let ours: BTreeSet<String> = Scope::assignable()
        .filter(|scope| !documented.contains(*scope))
        .map(|scope| scope.to_string())
        .collect();
    assert_eq!(ours, stated);
}

#[test]
fn undocumented_scopes_are_the_27() {
    let rows = table("scopes_undocumented.tsv");
    assert_eq!(rows.len(), 27);
    for row in &rows {
        let facts = Op::from_id(&row["operationId"]).expect("known").facts();
        match row["stated_elsewhere"].as_str() {
            "" => assert_eq!(facts.basis, Basis::Assumed, "{}", facts.id),
            scope => {
                assert_eq!(facts.basis, Basis::Guide, "{}", facts.id);
                assert_eq!(facts.scope.to_string(), scope, "{}", facts.id);
            }
        }
    }
    let undocumented = Op::ALL
        .iter()
        .filter(|op| op.facts().basis != Basis::Documented)
        .count();
    assert_eq!(undocumented, rows.len());
}

#[test]
fn actions_follow_the_scope_where_the_method_misleads() {
    let usual = |method: &str| match method {
        "GET" => Action::Read,
        "POST" => Action::Create,
        "PATCH" => Action::Update,
        _ => Action::Delete,
    };
    let stated: BTreeMap<String, String> = table("method_action_mismatch.tsv")
        .into_iter()
        .map(|row| (row["operationId"].clone(), row["narrow_scope"].clone()))
        .collect();
    for op in Op::ALL {
        let facts = op.facts();
        if facts.basis != Basis::Documented {
            continue;
        }
        let misleads = facts.scope.action != usual(facts.method.as_str());
        assert_eq!(misleads, stated.contains_key(facts.id), "{op}");
        if let Some(scope) = stated.get(facts.id) {
            assert_eq!(&facts.scope.to_string(), scope, "{op}");
        }
    }
}

#[test]
fn event_types_are_the_vendors() {
    for row in table("event_types_detail.tsv") {
        let name = row["subscribe_event_type"].as_str();
        if name.starts_with("(custom label") {
            assert_eq!(event::delivered_name("Hot lead"), "Hot lead");
            continue;
        }
        let subscribed = (name != "(none)").then_some(name);
        let delivered = Some(row["payload_event_type"].as_str()).filter(|d| *d != "(any)");
        let ours = EVENT_TYPES
            .iter()
            .find(|e| e.subscribed == subscribed && e.delivered == delivered)
            .unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!(
            ours.in_filter,
            row["in_list_filter_enum"] == "yes",
            "{name}"
        );
        assert_eq!(
            subscribed.is_some(),
            row["in_create_enum"] == "yes",
            "{name}"
        );
    }
    assert_eq!(table("event_types_detail.tsv").len() - 1, EVENT_TYPES.len());
}

#[test]
fn activities_are_the_vendors() {
    let rows = table("audit_activity_types.tsv");
    assert_eq!(rows.len(), 33);
    assert_eq!(Activity::KNOWN.len(), rows.len());
    for row in rows {
        let number: i64 = row["activity_type"].parse().expect("a number");
        let ours = Activity::from(number);
        assert_eq!(ours.describe(), row["description"]);
        assert_eq!(i64::from(ours), number);
    }
    assert_eq!(i64::from(Activity::from(4_711)), 4_711);
}

#[test]
fn roles_and_permissions_are_the_vendors() {
    let rows = table("member_roles_permissions.tsv");
    let named = |kind: &str| -> Vec<String> {
        rows.iter()
            .filter(|row| row["kind"] == kind)
            .map(|row| row["name"].clone())
            .collect()
    };
    assert_eq!(
        named("role"),
        Role::KNOWN.map(|role| role.as_str().to_owned())
    );
    assert_eq!(named("permission"), PERMISSIONS);
}
