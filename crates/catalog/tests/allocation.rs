//! Matching a path and deciding a scope allocate nothing.

#![cfg(test)]

use doorward_catalog::{Op, UseCase, route};

#[test]
fn the_hot_path_allocates_nothing() {
    let granted = UseCase::CrmSync.scopes();
    let path = "/api/v2/accounts/someone%40mail.example/mark-fixed";
    assert!(
        route("POST", path).is_ok(),
        "the first call builds the routes"
    );
    let allocations = allocation_counter::measure(|| {
        let found = route("POST", path).map(|found| found.op);
        assert_eq!(found.ok(), Some(Op::MarkAccountFixed));
        assert!(granted.covers(Op::CreateLead));
        assert!(!granted.covers(Op::DeleteLead));
        assert!(route("GET", "/api/v2/nothing/../here").is_err());
    });
    assert_eq!(allocations.count_total, 0);
}
