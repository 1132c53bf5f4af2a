//! Who gets the slots when there are too few.

#![cfg(test)]

use std::collections::HashMap;
use std::time::Duration;

use doorward_catalog::Op;
use doorward_pace::{
    Ask, Class, ClientId, Config, Pacer, Spends, Start, Ticket, Turn, Verdict, WorkspaceId,
};

const HOME: WorkspaceId = WorkspaceId(1);

/// Clients who each keep `depth` calls waiting, whatever comes.
struct Crowd {
    pacer: Pacer,
    now: Duration,
    asks: Vec<(Ask, usize)>,
    whose: HashMap<Ticket, usize>,
    served: Vec<u64>,
    refused: Vec<u64>,
    longest: Vec<Duration>,
    last: Vec<Duration>,
}

impl Crowd {
    fn new(config: Config, asks: Vec<(Ask, usize)>) -> Crowd {
        let n = asks.len();
        Crowd {
            pacer: Pacer::new(config, Start::Idle, Duration::ZERO).unwrap(),
            now: Duration::ZERO,
            asks,
            whose: HashMap::new(),
            served: vec![0; n],
            refused: vec![0; n],
            longest: vec![Duration::ZERO; n],
            last: vec![Duration::ZERO; n],
        }
    }

    fn serve(&mut self, who: usize) {
        self.served[who] += 1;
        let gap = self.now - self.last[who];
        self.longest[who] = self.longest[who].max(gap);
        self.last[who] = self.now;
    }

    fn submit(&mut self, who: usize) {
        loop {
            match self.pacer.ask(self.now, &self.asks[who].0) {
                Verdict::Go => self.serve(who),
                Verdict::Wait { ticket, .. } => {
                    self.whose.insert(ticket, who);
                    break;
                }
                Verdict::Refuse(_) => {
                    self.refused[who] += 1;
                    break;
                }
            }
        }
    }

    fn run(&mut self, until: Duration) {
        for who in 0..self.asks.len() {
            for _ in 0..self.asks[who].1 {
                self.submit(who);
            }
        }
        let mut turns = Vec::new();
        while let Some(next) = self.pacer.next_due() {
            if next > until {
                break;
            }
            self.now = self.now.max(next);
            self.pacer.due(self.now, &mut turns);
            let mut again = Vec::new();
            for turn in turns.drain(..) {
                match turn {
                    Turn::Go(ticket) => {
                        let who = self.whose.remove(&ticket).unwrap();
                        self.serve(who);
                        again.push(who);
                    }
                    Turn::Refuse(ticket, _) => {
                        let who = self.whose.remove(&ticket).unwrap();
                        self.refused[who] += 1;
                        again.push(who);
                    }
                }
            }
            for who in again {
                self.submit(who);
            }
        }
    }
}

fn ask(client: u128, class: Class, spends: Spends) -> Ask {
    Ask {
        client: ClientId(client),
        class,
        op: Op::ListCampaign,
        spends,
    }
}

fn patient() -> Config {
    Config {
        max_wait: Duration::from_secs(3_600),
        ..Config::default()
    }
}

#[test]
fn a_thousand_clients_use_the_whole_budget_and_share_it() {
    let asks = (0..1_000)
        .map(|client| (ask(client, Class::Default, Spends::one(HOME)), 2))
        .collect();
    let mut crowd = Crowd::new(patient(), asks);
    crowd.run(Duration::from_secs(300));
    let served: u64 = crowd.served.iter().sum();
    let budget = 300 * 90 + 90;
    assert!(served <= budget, "{served}");
    assert!(served * 100 >= budget * 98, "{served} of {budget}");
    let (least, most) = (
        crowd.served.iter().min().unwrap(),
        crowd.served.iter().max().unwrap(),
    );
    // The first few found the window empty and took all of it.
    assert!(*least >= 26 && *most - *least <= 91, "{least} to {most}");
    let later = crowd.served.iter().filter(|n| **n > least + 1).count();
    assert!(later <= 1, "{later}");
}

#[test]
fn weights_are_kept_and_a_greedy_client_gains_nothing() {
    let home = Spends::one(HOME);
    let asks = vec![
        (ask(1, Class::Default, home), 200),
        (ask(2, Class::Default, home), 3),
        (ask(3, Class::Default, home), 3),
    ];
    let mut crowd = Crowd::new(patient(), asks);
    crowd.pacer.set_weight(ClientId(2), 2);
    crowd.pacer.set_weight(ClientId(3), 3);
    // A queue shorter than its share of a burst would run dry within it.
    crowd.asks[1].1 = 60;
    crowd.asks[2].1 = 90;
    crowd.run(Duration::from_secs(120));
    let all: u64 = crowd.served.iter().sum::<u64>() - 90;
    for (who, weight) in [(1, 2), (2, 3)] {
        let want = all * weight / 6;
        assert!(
            crowd.served[who].abs_diff(want) <= all / 50,
            "{:?}",
            crowd.served
        );
    }
}

#[test]
fn nobody_starves_beside_heavy_ones() {
    let home = Spends::one(HOME);
    let asks = (0..20)
        .map(|c| (ask(c, Class::Default, home), 40))
        .collect();
    let mut crowd = Crowd::new(patient(), asks);
    for heavy in 1..20 {
        crowd.pacer.set_weight(ClientId(heavy), 1_000);
    }
    crowd.run(Duration::from_secs(200));
    let all: u64 = crowd.served.iter().sum();
    // By weight alone it would get 1 of 19,001; its floor is a tenth of a twentieth.
    let first_burst = 90;
    assert!(
        (crowd.served[0] - first_burst) * 20 * 12 >= all,
        "{} of {all}",
        crowd.served[0] - first_burst
    );
    assert!(
        crowd.longest[0] <= Duration::from_secs(4),
        "{:?}",
        crowd.longest[0]
    );
}

#[test]
fn classes_go_before_one_another_and_none_starves() {
    let home = Spends::one(HOME);
    let asks = vec![
        (ask(1, Class::Batch, home), 250),
        (ask(2, Class::Default, home), 250),
        (ask(3, Class::Interactive, home), 250),
    ];
    let mut crowd = Crowd::new(patient(), asks);
    crowd.run(Duration::from_secs(100));
    let [batch, default, interactive] = crowd.served[..] else {
        unreachable!()
    };
    let batch = batch - 90;
    let near = |n: u64, of: u64| n.abs_diff(batch * of) <= batch * of / 20 + 20;
    assert!(
        batch > 350 && near(default, 4) && near(interactive, 16),
        "{:?}",
        crowd.served
    );
}

#[test]
fn a_late_interactive_call_takes_the_next_slot() {
    let home = Spends::one(HOME);
    let mut crowd = Crowd::new(patient(), vec![(ask(1, Class::Batch, home), 250)]);
    crowd.run(Duration::from_millis(5_500));
    let late = ask(2, Class::Interactive, home);
    let now = Duration::from_millis(5_500);
    let Verdict::Wait { ticket, .. } = crowd.pacer.ask(now, &late) else {
        panic!("the window is full")
    };
    let next = crowd.pacer.next_due().unwrap();
    let mut turns = Vec::new();
    crowd.pacer.due(next, &mut turns);
    assert_eq!(turns.first(), Some(&Turn::Go(ticket)));
}

#[test]
fn a_call_of_two_budgets_is_not_starved_by_calls_of_one() {
    // Both workspaces are saturated by calls of their own, in bursts that never meet.
    let (sub, admin) = (WorkspaceId(2), WorkspaceId(3));
    let asks = vec![
        (ask(1, Class::Default, Spends::one(sub)), 200),
        (ask(2, Class::Default, Spends::one(admin)), 200),
        (ask(3, Class::Default, Spends::both(sub, admin)), 5),
    ];
    let mut crowd = Crowd::new(patient(), asks);
    // The sub-workspace's bursts first, the admin's half a second later.
    let early = crowd.asks.remove(0);
    let rest = std::mem::replace(&mut crowd.asks, vec![early]);
    crowd.run(Duration::from_millis(500));
    crowd.now = Duration::from_millis(500);
    crowd.asks.extend(rest);
    crowd.asks[0].1 = 0;
    crowd.run(Duration::from_secs(60));
    assert!(crowd.served[2] >= 10, "{:?}", crowd.served);
    assert!(
        crowd.longest[2] <= Duration::from_secs(5),
        "{:?}",
        crowd.longest[2]
    );
    // And the budgets are used.
    let [sub, admin, both] = crowd.served[..] else {
        panic!("three ask")
    };
    assert!(
        sub + both >= 59 * 88 && admin + both >= 58 * 88,
        "{:?}",
        crowd.served
    );
    assert!(sub >= 59 * 80 && admin >= 58 * 80, "{:?}", crowd.served);
}

#[test]
fn queues_are_bounded_and_say_when_to_come_again() {
    let config = Config {
        client_queue: 3,
        queue: 5,
        ..Config::default()
    };
    let mut pacer = Pacer::new(config, Start::Unknown, Duration::ZERO).unwrap();
    let why = |pacer: &mut Pacer, client| match pacer.ask(
        Duration::ZERO,
        &ask(client, Class::Default, Spends::one(HOME)),
    ) {
        Verdict::Refuse(refused) => Some((refused.why.as_str(), refused.retry_after_seconds())),
        _ => None,
    };
    let answers: Vec<_> = [1, 1, 1, 1, 2, 2, 2].map(|c| why(&mut pacer, c)).to_vec();
    let none = None;
    assert_eq!(
        answers,
        [
            none,
            none,
            none,
            Some(("client_queue", 2)),
            none,
            none,
            Some(("queue", 2))
        ]
    );
    let email = Ask {
        op: Op::ListEmail,
        ..ask(9, Class::Interactive, Spends::one(HOME))
    };
    let Verdict::Refuse(refused) = pacer.ask(Duration::ZERO, &email) else {
        panic!("a minute's window is taken for full")
    };
    assert_eq!(
        (refused.why.as_str(), refused.retry_after_seconds()),
        ("window", 61)
    );
}

#[test]
fn a_complaint_halves_the_pace_and_successes_bring_it_back() {
    let home = Spends::one(HOME);
    let mut crowd = Crowd::new(patient(), vec![(ask(1, Class::Default, home), 200)]);
    crowd.run(Duration::from_secs(3));
    let before = crowd.served[0];
    crowd.now = Duration::from_secs(3);
    crowd.asks[0].1 = 0;
    crowd.pacer.saw_429(
        crowd.now,
        home,
        Op::ListCampaign,
        Some(Duration::from_secs(5)),
    );
    crowd.run(Duration::from_millis(7_990));
    assert_eq!(crowd.served[0], before, "silence for the Retry-After");
    crowd.run(Duration::from_millis(8_900));
    assert_eq!(crowd.served[0], before + 45, "half the budget after it");
    for second in 9..20 {
        crowd.now = Duration::from_secs(second);
        crowd.pacer.saw_ok(crowd.now, home, Op::ListCampaign);
        crowd.run(crowd.now);
    }
    let limits = crowd.pacer.rate_limits(crowd.now, home, Op::ListEmail);
    let quotas: Vec<_> = limits.windows.iter().map(|w| (w.name, w.quota)).collect();
    assert_eq!(quotas, [("second", 90), ("minute", 5_400), ("op-1", 18)]);
    assert!(
        limits
            .header()
            .starts_with("\"second\";r=0;t=1, \"minute\";r=")
    );
}
