//! What a decision costs with 10,000 clients: `cargo run --release -p doorward-pace --example pace_bench`.

#![expect(
    clippy::print_stdout,
    reason = "a measurement's answer is what it prints"
)]

use std::time::{Duration, Instant};

use doorward_catalog::Op;
use doorward_pace::{Ask, Class, ClientId, Config, Pacer, Spends, Start, Turn, WorkspaceId};

const CLIENTS: u128 = 10_000;

fn ask(client: u128) -> Ask {
    Ask {
        client: ClientId(client),
        class: match client % 3 {
            0 => Class::Interactive,
            1 => Class::Default,
            _ => Class::Batch,
        },
        op: Op::ListCampaign,
        spends: Spends::one(WorkspaceId(1)),
    }
}

fn per_call(what: &str, calls: u64, took: Duration) {
    let nanos = took.as_nanos() / u128::from(calls.max(1));
    println!("{what}: {nanos} ns a decision ({calls} decisions)");
}

fn main() -> Result<(), doorward_pace::Error> {
    let config = Config {
        queue: 100_000,
        max_wait: Duration::from_secs(3_600),
        ..Config::default()
    };

    // Room for all: 80 a second come, 90 may.
    let mut pacer = Pacer::new(config.clone(), Start::Idle, Duration::ZERO)?;
    let calls = 1_000_000_u64;
    let begun = Instant::now();
    for call in 0..calls {
        let now = Duration::from_micros(12_500 * call);
        let _ = std::hint::black_box(pacer.ask(now, &ask(u128::from(call) % CLIENTS)));
    }
    per_call("with room", calls, begun.elapsed());

    // Every client has a call waiting; each that goes asks again.
    let mut pacer = Pacer::new(config, Start::Idle, Duration::ZERO)?;
    for client in 0..CLIENTS {
        let _ = pacer.ask(Duration::ZERO, &ask(client));
    }
    let mut turns: Vec<Turn> = Vec::new();
    let (mut decisions, mut took) = (0_u64, Duration::ZERO);
    let mut client = 0;
    while decisions < 1_000_000 {
        let Some(next) = pacer.next_due() else {
            break;
        };
        let begun = Instant::now();
        pacer.due(next, &mut turns);
        for _ in turns.drain(..) {
            client = (client + 1) % CLIENTS;
            let _ = pacer.ask(next, &ask(client));
            decisions += 2;
        }
        took += begun.elapsed();
    }
    per_call("saturated, 10,000 waiting", decisions, took);
    Ok(())
}
