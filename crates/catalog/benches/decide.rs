//! Path matching and scope decision: what stands on every request's way.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use doorward_catalog::{Op, ScopeSet, UseCase, route};

fn paths(c: &mut Criterion) {
    for (name, method, path) in [
        ("route/short", "GET", "/api/v2/campaigns"),
        (
            "route/param",
            "PATCH",
            "/api/v2/leads/0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f",
        ),
        (
            "route/deepest",
            "POST",
            "/api/v2/accounts/someone%40mail.example/mark-fixed",
        ),
        ("route/unknown", "GET", "/api/v2/campaigns/0195f3a2/unknown"),
    ] {
        c.bench_function(name, |b| {
            b.iter(|| route(black_box(method), black_box(path)).is_ok())
        });
    }
}

fn scopes(c: &mut Criterion) {
    let narrow = UseCase::CrmSync.scopes();
    let wide: ScopeSet = UseCase::FullAutomation.scopes();
    c.bench_function("covers/narrow", |b| {
        b.iter(|| narrow.covers(black_box(Op::CreateLead)))
    });
    c.bench_function("covers/wide", |b| {
        b.iter(|| wide.covers(black_box(Op::GetEnrichmentHistory)))
    });
    c.bench_function("covers/all-173", |b| {
        b.iter(|| {
            Op::ALL
                .iter()
                .filter(|op| narrow.covers(**black_box(op)))
                .count()
        });
    });
}

criterion_group!(benches, paths, scopes);
criterion_main!(benches);
