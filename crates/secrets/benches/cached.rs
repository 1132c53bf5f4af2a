//! What it costs to read a secret that is kept.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use doorward_secrets::{Error, Found, Provider, Readers, Result, Scheme, SecretRef, Secrets, Seen};
use secrecy::ExposeSecret;

/// Answers at once.
struct Ready;

impl Provider for Ready {
    fn describe(&self) -> &'static str {
        "a constant"
    }

    fn read(&self, _: &SecretRef) -> Result<Found> {
        Ok(Found::only("x".repeat(68).into()))
    }

    fn inspect(&self, _: &SecretRef) -> Result<Seen> {
        Ok(Seen {
            place: "here".into(),
            changed_at: None,
            version: None,
            readers: Readers::Process,
            writable: false,
            warning: None,
        })
    }
}

fn read(criterion: &mut Criterion) {
    let secrets = Secrets::new().with(Scheme::Exec, Ready);
    let parsed: std::result::Result<SecretRef, Error> = "exec://ready?arg=main".parse();
    let Ok(reference) = parsed else { return };
    let Ok(held) = secrets.hold(&reference) else {
        return;
    };
    let mut secret = criterion.benchmark_group("secret");
    secret.bench_function("held", |bencher| {
        bencher.iter(|| black_box(held.get().map(|lent| lent.expose_secret().len())));
    });
    secret.bench_function("kept", |bencher| {
        let lend = || secrets.lend(black_box(&reference));
        bencher.iter(|| black_box(lend().map(|lent| lent.expose_secret().len())));
    });
    secret.finish();
}

criterion_group!(benches, read);
criterion_main!(benches);
