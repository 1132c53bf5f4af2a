//! Narrower keys.

use std::collections::BTreeMap;

use doorward_catalog::{Op, ScopeSet};
use doorward_keys::inventory::{Act, Count, Evidence, Narrowed, NotNarrowed, Uses, narrow};
use doorward_policy::Timestamp;

fn scopes(text: &str) -> ScopeSet {
    text.parse().unwrap()
}

fn used(ops: &[Op]) -> Evidence<'static> {
    let mut uses = Uses::default();
    for op in ops {
        uses.add(*op, Timestamp::from_seconds(1));
    }
    Evidence {
        uses,
        ..Evidence::default()
    }
}

fn narrowed(granted: &str, evidence: &Evidence<'_>) -> Narrowed {
    narrow(scopes(granted), evidence).unwrap()
}

#[test]
fn a_wide_key_becomes_what_it_was_used_for() {
    let found = narrowed(
        "all:all",
        &used(&[Op::ListLeads, Op::ListLeads, Op::CreateLead]),
    );
    assert_eq!(found.scopes, scopes("leads:read,leads:create"));
    assert_eq!(found.dropped, scopes("all:all"));
    let calls: Vec<_> = found.kept.iter().map(|kept| kept.calls).collect();
    assert_eq!(calls.iter().sum::<u64>(), 3);

    let found = narrowed("leads:all,campaigns:read", &used(&[Op::ListLeads]));
    assert_eq!(found.scopes, scopes("leads:read"));
}

#[test]
fn an_operation_whose_scope_no_key_can_be_given_keeps_the_wildcard_and_no_more() {
    let found = narrowed(
        "all:all",
        &used(&[Op::GetEnrichmentHistory, Op::ListLeads, Op::CreateLead]),
    );
    assert_eq!(found.scopes, scopes("all:read,leads:create"));
    // What the wildcard covers counts for it.
    let wide = found.kept.iter().find(|kept| kept.scope.is_wildcard());
    assert_eq!(wide.map(|kept| kept.calls), Some(2));
}

#[test]
fn what_others_and_doorward_itself_do_with_it_is_kept() {
    let mut evidence = used(&[Op::ListLeads]);
    evidence.outside.insert(
        "Lead added".to_owned(),
        Act {
            count: Count {
                calls: 4,
                last: Timestamp::from_seconds(9),
            },
            could: [Op::CreateLead, Op::BulkAddLeads].into_iter().collect(),
        },
    );
    evidence.own = vec![(
        "read the audit log",
        [Op::ListAuditLog].into_iter().collect(),
    )];
    let found = narrowed("leads:all,audit_logs:read,webhooks:all", &evidence);
    assert_eq!(
        found.scopes,
        scopes("leads:read,leads:create,audit_logs:read")
    );
    let create = found.kept.iter().find(|kept| kept.records > 0).unwrap();
    assert_eq!((create.records, create.calls), (4, 0));
    assert!(
        found
            .kept
            .iter()
            .any(|kept| kept.own == ["read the audit log"])
    );
}

#[test]
fn an_act_that_may_have_come_of_a_wildcard_keeps_none() {
    let mut evidence = used(&[Op::ListLeads]);
    let could = [Op::CreateLead, Op::EnrichLeadsFromSupersearch];
    evidence.outside.insert(
        "Lead added".to_owned(),
        Act {
            count: Count::once(Timestamp::from_seconds(9)),
            could: could.into_iter().collect(),
        },
    );
    let found = narrowed("all:all", &evidence);
    assert_eq!(found.scopes, scopes("leads:read,leads:create"));
    assert_eq!(found.doubts["Lead added"].to_string(), "all:create");
    // Where nothing else can have left it, it stays.
    let could = [Op::EnrichLeadsFromSupersearch].into_iter().collect();
    evidence.outside.get_mut("Lead added").unwrap().could = could;
    let found = narrowed("all:all", &evidence);
    assert_eq!(found.scopes, scopes("leads:read,all:create"));
    assert!(found.doubts.is_empty());
}

#[test]
fn what_was_called_and_is_not_known_to_be_covered_keeps_what_may_cover_it() {
    // The key made this call, whatever the documents say.
    let found = narrowed(
        "leads:read,leads:update,campaigns:read",
        &used(&[Op::CreateLead]),
    );
    assert_eq!(found.scopes, scopes("leads:read,leads:update"));
    assert!(found.kept.iter().all(|kept| kept.to_be_safe));

    let mut told = used(&[Op::CreateLead]);
    told.asked = BTreeMap::from([(Op::CreateLead, scopes("leads:update"))]);
    let found = narrowed("leads:read,leads:update,campaigns:read", &told);
    assert_eq!(found.scopes, scopes("leads:update"));
}

#[test]
fn a_key_that_nothing_used_or_all_of_which_was_used_is_left_alone() {
    let granted = scopes("leads:read,campaigns:read");
    assert_eq!(narrow(granted, &used(&[])), Err(NotNarrowed::Unused));
    assert_eq!(
        narrow(granted, &used(&[Op::ListLeads, Op::ListCampaign])),
        Err(NotNarrowed::AllUsed)
    );
}
