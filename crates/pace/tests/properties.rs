//! No schedule exceeds a window, no slot stays idle while somebody could use it: held against a slow
//! reference that counts every call ever sent.

#![cfg(test)]

use std::collections::HashMap;
use std::time::Duration;

use doorward_catalog::Op;
use doorward_catalog::limits::LimitPer;
use doorward_pace::{
    Ask, Class, ClientId, Config, Pacer, Rate, Saved, Spends, Start, Ticket, Turn, Verdict,
    WorkspaceId,
};
use proptest::prelude::*;

const OPS: [Op; 4] = [
    Op::ListCampaign,
    Op::ListEmail,
    Op::SendTestEmail,
    Op::InitGoogleOAuth,
];
const ADMIN: WorkspaceId = WorkspaceId(1);
const SUB: WorkspaceId = WorkspaceId(u128::MAX - 1);
const OTHER: WorkspaceId = WorkspaceId(3);

fn spends(which: u8) -> Spends {
    match which % 5 {
        0 => Spends::one(ADMIN),
        1 => Spends::one(SUB),
        2 => Spends::both(SUB, ADMIN),
        3 => Spends::both(OTHER, ADMIN),
        _ => Spends::one(OTHER),
    }
}

/// Small windows, soon met: 4 a second and 27 in ten.
fn small(patience: Duration) -> Config {
    Config {
        workspace: [
            Rate {
                calls: 5,
                window: Duration::from_secs(1),
            },
            Rate {
                calls: 30,
                window: Duration::from_secs(10),
            },
        ],
        max_wait: Duration::from_secs(5),
        client_queue: 8,
        queue: 20,
        guard: Duration::from_millis(5),
        patience,
        ..Config::default()
    }
}

/// Every window a call counts in: whose, calls allowed, length.
type Counted = (Option<WorkspaceId>, u32, Duration);

fn counted(config: &Config, ask: &Ask) -> Vec<Counted> {
    let mut all = Vec::new();
    for workspace in ask.spends.workspaces() {
        for rate in config.workspace {
            all.push((Some(workspace), rate.calls * 9 / 10, rate.window));
        }
        // The whole limit in a window that is longer by the share.
        let [short, _] = config.workspace;
        all.push((Some(workspace), short.calls, short.window * 100 / 90));
        for limit in ask.op.facts().limits {
            let whose = (limit.per != LimitPer::Address).then_some(workspace);
            let window = Duration::from_secs(limit.window_seconds.into());
            all.push((whose, limit.calls * 9 / 10, window));
        }
    }
    all.sort();
    all.dedup();
    all
}

/// All calls ever sent.
#[derive(Default)]
struct Reference {
    sent: Vec<(Duration, Ask)>,
}

impl Reference {
    fn in_window(&self, config: &Config, window: &Counted) -> Vec<Duration> {
        self.sent
            .iter()
            .filter(|(_, ask)| counted(config, ask).contains(window))
            .map(|(at, _)| *at)
            .collect()
    }

    fn admits(&self, config: &Config, ask: &Ask, now: Duration) -> bool {
        counted(config, ask).iter().all(|window| {
            let inside = self
                .in_window(config, window)
                .into_iter()
                .filter(|at| *at + window.2 + config.guard > now)
                .count();
            inside < window.1 as usize
        })
    }

    fn check(&self, config: &Config) {
        let mut windows: Vec<Counted> = self
            .sent
            .iter()
            .flat_map(|(_, ask)| counted(config, ask))
            .collect();
        windows.sort();
        windows.dedup();
        for window in windows {
            let times = self.in_window(config, &window);
            for pair in times.windows(window.1 as usize + 1) {
                let within = *pair.last().unwrap() - pair[0];
                assert!(
                    within >= window.2,
                    "{window:?} held {} in {within:?}",
                    pair.len()
                );
            }
        }
    }
}

#[derive(Debug, Clone)]
enum Act {
    Ask {
        client: u8,
        class: u8,
        op: u8,
        spends: u8,
        times: u8,
    },
    Pass {
        ms: u16,
    },
    Cancel {
        which: u8,
    },
    Complaint {
        op: u8,
        spends: u8,
        retry_after: Option<u8>,
    },
    Good {
        op: u8,
        spends: u8,
    },
    Save,
    Restart {
        how: u8,
        late_ms: u16,
    },
}

fn act(all: bool) -> BoxedStrategy<Act> {
    let ask = (0..6_u8, 0..3_u8, 0..8_u8, 0..5_u8, 1..7_u8).prop_map(
        |(client, class, op, spends, times)| Act::Ask {
            client,
            class,
            op,
            spends,
            times,
        },
    );
    let pass =
        prop_oneof![0..300_u16, 900..1_100_u16, 0..12_000_u16].prop_map(|ms| Act::Pass { ms });
    let cancel = any::<u8>().prop_map(|which| Act::Cancel { which });
    if !all {
        return prop_oneof![6 => ask, 4 => pass, 1 => cancel].boxed();
    }
    let complaint =
        (0..8_u8, 0..5_u8, proptest::option::of(0..4_u8)).prop_map(|(op, spends, retry_after)| {
            Act::Complaint {
                op,
                spends,
                retry_after,
            }
        });
    let good = (0..8_u8, 0..5_u8).prop_map(|(op, spends)| Act::Good { op, spends });
    let restart = (0..3_u8, 0..2_000_u16).prop_map(|(how, late_ms)| Act::Restart { how, late_ms });
    prop_oneof![
        8 => ask, 6 => pass, 2 => cancel, 1 => complaint, 1 => good, 1 => Just(Act::Save), 1 => restart
    ]
    .boxed()
}

struct World {
    config: Config,
    pacer: Pacer,
    /// True time, and when the running pacer's clock started.
    now: Duration,
    zero: Duration,
    saved: Option<(Saved, Duration)>,
    waiting: HashMap<Ticket, (Ask, Duration)>,
    reference: Reference,
    /// Whether the pacer may be stricter than the reference.
    strict: bool,
}

impl World {
    fn new(config: Config, strict: bool) -> World {
        World {
            pacer: Pacer::new(config.clone(), Start::Idle, Duration::ZERO).unwrap(),
            config,
            now: Duration::ZERO,
            zero: Duration::ZERO,
            saved: None,
            waiting: HashMap::new(),
            reference: Reference::default(),
            strict,
        }
    }

    fn clock(&self) -> Duration {
        self.now - self.zero
    }

    fn op(op: u8) -> Op {
        *OPS.get(usize::from(op)).unwrap_or(&Op::ListCampaign)
    }

    fn collect(&mut self) {
        let mut turns = Vec::new();
        self.pacer.due(self.clock(), &mut turns);
        for turn in turns {
            match turn {
                Turn::Go(ticket) => {
                    let (ask, deadline) = self.waiting.remove(&ticket).expect("one turn a ticket");
                    assert!(self.now <= deadline);
                    self.reference.sent.push((self.now, ask));
                }
                Turn::Refuse(ticket, refused) => {
                    let (_, deadline) = self.waiting.remove(&ticket).expect("one turn a ticket");
                    assert!(self.now >= deadline, "refused before its time");
                    assert!(refused.retry_after > Duration::ZERO);
                }
            }
        }
        assert_eq!(self.pacer.waiting(), self.waiting.len());
        assert!(self.pacer.next_due().is_some() != self.waiting.is_empty());
        if !self.strict {
            for (ask, deadline) in self.waiting.values() {
                assert!(
                    !self.reference.admits(&self.config, ask, self.now),
                    "{ask:?} waits until {deadline:?} at {:?} though there is room",
                    self.now
                );
            }
        }
    }

    fn advance(&mut self, to: Duration) {
        while let Some(next) = self.pacer.next_due().map(|at| at + self.zero) {
            if next > to {
                break;
            }
            assert!(next >= self.now || self.pacer.next_due() == Some(Duration::ZERO));
            self.now = self.now.max(next);
            self.collect();
        }
        self.now = to;
    }

    fn run(&mut self, act: &Act) {
        match *act {
            Act::Ask {
                client,
                class,
                op,
                spends: which,
                times,
            } => {
                let ask = Ask {
                    client: ClientId(client.into()),
                    class: [Class::Interactive, Class::Default, Class::Batch][usize::from(class)],
                    op: Self::op(op),
                    spends: spends(which),
                };
                for _ in 0..times {
                    let room = self.reference.admits(&self.config, &ask, self.now);
                    match self.pacer.ask(self.clock(), &ask) {
                        Verdict::Go => {
                            assert!(room);
                            self.reference.sent.push((self.now, ask));
                        }
                        Verdict::Wait { ticket, deadline } => {
                            assert!(self.strict || !room);
                            assert_eq!(deadline, self.clock() + self.config.max_wait);
                            self.waiting.insert(ticket, (ask, deadline + self.zero));
                        }
                        Verdict::Refuse(refused) => {
                            assert!(self.strict || !room);
                            assert!(refused.retry_after_seconds() >= 1);
                            if refused.why == doorward_pace::Why::Window && !self.strict {
                                // Truthful: a moment before it, there is still no room.
                                let before =
                                    self.now + refused.retry_after - Duration::from_nanos(1);
                                assert!(!self.reference.admits(&self.config, &ask, before));
                            }
                        }
                    }
                    // Each of the three workspaces has a queue.
                    assert!(self.pacer.waiting() <= 3 * self.config.queue);
                }
                self.collect();
            }
            Act::Pass { ms } => self.advance(self.now + Duration::from_millis(ms.into())),
            Act::Cancel { which } => {
                let mut tickets: Vec<Ticket> = self.waiting.keys().copied().collect();
                tickets.sort();
                if let Some(ticket) = tickets.get(usize::from(which) % tickets.len().max(1)) {
                    assert!(self.pacer.cancel(*ticket));
                    assert!(!self.pacer.cancel(*ticket));
                    self.waiting.remove(ticket);
                    self.collect();
                }
            }
            Act::Complaint {
                op,
                spends: which,
                retry_after,
            } => {
                let retry_after = retry_after.map(|s| Duration::from_secs(s.into()));
                self.pacer
                    .saw_429(self.clock(), spends(which), Self::op(op), retry_after);
                self.collect();
            }
            Act::Good { op, spends: which } => {
                self.pacer.saw_ok(self.clock(), spends(which), Self::op(op));
                self.collect();
            }
            Act::Save => self.saved = Some((self.pacer.save(self.clock()), self.now)),
            Act::Restart { how, late_ms } => {
                let last = self.pacer.save(self.clock());
                let stopped = self.now;
                self.now += Duration::from_millis(late_ms.into());
                self.zero = self.now;
                let start = match (how, &self.saved) {
                    (0, _) => Start::Resumed {
                        saved: &last,
                        ago: self.now - stopped,
                    },
                    (1, Some((saved, at))) => Start::Crashed {
                        saved,
                        ago: self.now - *at,
                    },
                    _ => Start::Unknown,
                };
                self.pacer = Pacer::new(self.config.clone(), start, Duration::ZERO).unwrap();
                self.saved = None;
                self.waiting.clear();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_window_is_ever_exceeded(acts in proptest::collection::vec(act(true), 1..120)) {
        let mut world = World::new(small(Duration::from_millis(500)), true);
        for act in &acts {
            world.run(act);
        }
        world.reference.check(&world.config);
    }

    #[test]
    fn nobody_waits_while_there_is_room(acts in proptest::collection::vec(act(false), 1..100)) {
        let mut world = World::new(small(Duration::from_secs(3_600)), false);
        for act in &acts {
            world.run(act);
        }
        world.reference.check(&world.config);
    }

    #[test]
    fn late_timers_waste_but_never_exceed(
        acts in proptest::collection::vec((act(true), 0..2_500_u16), 1..60)
    ) {
        // Time passes without `due`: turns are given late, at the time they are given.
        let mut world = World::new(small(Duration::from_millis(500)), true);
        world.config.max_wait = Duration::from_secs(86_000);
        world.pacer = Pacer::new(world.config.clone(), Start::Idle, Duration::ZERO).unwrap();
        for (act, late) in &acts {
            if !matches!(act, Act::Pass { .. }) {
                world.run(act);
            }
            world.now += Duration::from_millis((*late).into());
        }
        world.collect();
        world.reference.check(&world.config);
    }

    #[test]
    fn saved_state_of_any_shape_is_refused_or_used(
        sent in proptest::collection::vec((any::<u64>(), 0..2_000_000_u32), 0..6),
        pace in any::<u32>(), blocked_ms in any::<u64>(), version in 0..3_u32,
        limit in proptest::option::of((any::<u32>(), any::<u32>())), ago in any::<u64>(),
    ) {
        let window = doorward_pace::SavedWindow {
            workspace: Some(ADMIN), limit, sent, pace: pace % 1_100, blocked_ms,
        };
        let saved = Saved { version, unknown_ms: limit.map(|l| u64::from(l.0)), windows: vec![window] };
        let start = Start::Resumed { saved: &saved, ago: Duration::from_secs(ago) };
        if let Ok(mut pacer) = Pacer::new(Config::default(), start, Duration::MAX) {
            let ask = Ask {
                client: ClientId(1), class: Class::Default, op: Op::ListEmail, spends: Spends::one(ADMIN),
            };
            let _ = pacer.ask(Duration::MAX, &ask);
            prop_assert_eq!(version, 1);
        }
    }
}

#[test]
fn saved_state_survives_text() {
    let mut pacer = Pacer::new(Config::default(), Start::Idle, Duration::ZERO).unwrap();
    let ask = Ask {
        client: ClientId(1),
        class: Class::Default,
        op: Op::ListEmail,
        spends: Spends::both(SUB, ADMIN),
    };
    for _ in 0..18 {
        assert_eq!(pacer.ask(Duration::from_secs(3), &ask), Verdict::Go);
    }
    let saved = pacer.save(Duration::from_secs(5));
    let text = serde_json::to_string(&saved).unwrap();
    let read: Saved = serde_json::from_str(&text).unwrap();
    assert_eq!(read, saved);
    let start = Start::Resumed {
        saved: &read,
        ago: Duration::from_secs(50),
    };
    let mut next = Pacer::new(Config::default(), start, Duration::ZERO).unwrap();
    let shut = next.ask(Duration::from_secs(7), &ask);
    assert!(
        matches!(shut, Verdict::Wait { .. }),
        "{shut:?}: 59 of 60 seconds have passed"
    );
    assert_eq!(next.next_due(), Some(Duration::from_millis(8_005)));
}
