//! The driver under a clock that is moved by hand.

use std::collections::BTreeMap;

use doorward_pace::Rate;
use proptest::prelude::*;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn settings(second: u32, minute: u32, max_wait: u64) -> PaceSettings {
    PaceSettings {
        pace: Config {
            workspace: [
                Rate {
                    calls: second,
                    window: SECOND,
                },
                Rate {
                    calls: minute,
                    window: 10 * SECOND,
                },
            ],
            max_wait: Duration::from_secs(max_wait),
            ..Config::default()
        },
        ..PaceSettings::default()
    }
}

fn asking(client: u128, weight: u32, workspace: &Arc<str>) -> Asking<'_> {
    let number = WorkspaceId(workspace.bytes().map(u128::from).sum());
    Asking {
        ask: Ask {
            client: ClientId(client),
            class: Class::Default,
            op: Op::ListCampaign,
            spends: Spends::one(number),
        },
        weight,
        workspace,
        number,
    }
}

/// Whether a call waits for its turn.
async fn waits(pacing: &Pacing, asking: &Asking<'_>) -> Result<bool, Refused> {
    pacing.turn(asking).await.map(|had| had.waited)
}

/// Runs under a clock that jumps to whatever is waited for next.
fn paused<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(test)
}

/// Most of those moments in any stretch of that length.
fn most_in(moments: &[Instant], length: Duration) -> usize {
    let within = |first: &Instant| {
        let in_it = moments.iter().filter(|at| *at >= first);
        in_it.filter(|at| **at < *first + length).count()
    };
    moments.iter().map(within).max().unwrap_or(0)
}

#[test]
fn who_waits_goes_by_weight_and_a_full_window_is_used() {
    paused(async {
        let pacing = Pacing::new(settings(100, 6_000, 60), Past::Nothing).unwrap();
        let workspace: Arc<str> = "ws".into();
        let begin = Instant::now();
        let mut tasks = JoinSet::new();
        for (client, weight) in [(1, 1), (2, 3)] {
            for _ in 0..200 {
                let (pacing, workspace) = (pacing.clone(), Arc::clone(&workspace));
                tasks.spawn(async move {
                    pacing
                        .turn(&asking(client, weight, &workspace))
                        .await
                        .unwrap();
                    (client, Instant::now())
                });
            }
        }
        let went = tasks.join_all().await;
        let at: Vec<Instant> = went.iter().map(|(_, at)| *at).collect();
        assert_eq!(most_in(&at, SECOND), 90);
        let took = at.iter().max().unwrap().duration_since(begin);
        assert!(took < Duration::from_millis(4_600), "{took:?}");
        // The second that both waited for.
        let second = |(_, at): &&(u128, Instant)| {
            let at = at.duration_since(begin);
            at > Duration::from_millis(500) && at < Duration::from_millis(1_500)
        };
        let mut shares = BTreeMap::<u128, usize>::new();
        for (client, _) in went.iter().filter(second) {
            *shares.entry(*client).or_default() += 1;
        }
        assert!((60..=75).contains(&shares[&2]), "{shares:?}");
        let figures = pacing.figures();
        assert_eq!(
            (figures.at_once, figures.waited, figures.waiting),
            (90, 310, 0)
        );
    });
}

#[test]
fn a_run_goes_on_where_the_one_before_stopped() {
    paused(async {
        let workspace: Arc<str> = "ws".into();
        for (ended, least) in [(true, 400), (false, 1_000)] {
            let before = Pacing::new(settings(100, 6_000, 10), Past::Nothing).unwrap();
            for _ in 0..90 {
                assert_eq!(waits(&before, &asking(1, 1, &workspace)).await, Ok(false));
            }
            sleep(Duration::from_millis(600)).await;
            let state = before.state();
            drop(before);
            let past = Past::Saved {
                state: &state,
                ended,
                ago: Duration::ZERO,
            };
            let after = Pacing::new(settings(100, 6_000, 10), past).unwrap();
            let begin = Instant::now();
            assert_eq!(waits(&after, &asking(2, 1, &workspace)).await, Ok(true));
            let waited = begin.elapsed().as_millis();
            assert!(
                (least..least + 10).contains(&waited),
                "{waited} ms, {ended}"
            );
        }
        let faulty = Past::Saved {
            state: "{",
            ended: true,
            ago: Duration::ZERO,
        };
        let after = Pacing::new(settings(100, 6_000, 10), faulty).unwrap();
        assert_eq!(waits(&after, &asking(1, 1, &workspace)).await, Ok(true));
    });
}

#[test]
fn what_turns_out_to_be_one_workspace_has_one_budget() {
    paused(async {
        let pacing = Pacing::new(settings(10, 600, 10), Past::Nothing).unwrap();
        let workspace: Arc<str> = "ws".into();
        let old = asking(1, 1, &workspace);
        for _ in 0..9 {
            assert_eq!(waits(&pacing, &old).await, Ok(false));
        }
        let mut new = old;
        new.number = WorkspaceId(77);
        new.ask.spends = Spends::one(new.number);
        let waiting = tokio::spawn({
            let pacing = pacing.clone();
            async move {
                let workspace: Arc<str> = "ws".into();
                pacing.turn(&asking(2, 1, &workspace)).await.unwrap();
                Instant::now()
            }
        });
        tokio::task::yield_now().await;
        let begin = Instant::now();
        assert_eq!(
            waits(&pacing, &new).await,
            Ok(true),
            "the old number's calls count"
        );
        assert!(begin.elapsed() >= SECOND);
        waiting.await.unwrap();
        // And who still comes by the old number spends the new one's.
        let mut went = 0;
        while waits(&pacing, &old).await == Ok(false) {
            went += 1;
        }
        assert!(went < 9, "{went}");
    });
}

#[test]
fn a_waiter_of_the_old_number_does_not_turn_it_back() {
    paused(async {
        let pacing = Pacing::new(settings(100, 6_000, 10), Past::Nothing).unwrap();
        let workspace: Arc<str> = "ws".into();
        let old = asking(1, 1, &workspace);
        let new = |number| Asking {
            ask: Ask {
                spends: Spends::one(WorkspaceId(number)),
                ..old.ask
            },
            number: WorkspaceId(number),
            ..old
        };
        // Calls of before and after the change come by turns, and each counts once.
        let begin = Instant::now();
        for n in 0..30 {
            for asking in [&old, &new(77), &new(78)].iter().take(2 + n / 29) {
                assert_eq!(waits(&pacing, asking).await, Ok(false), "call {n}");
            }
        }
        let one = pacing.figures().workspaces.remove(0).1;
        assert_eq!(one.limits.windows[0].used, 61);
        for _ in 61..90 {
            assert_eq!(waits(&pacing, &old).await, Ok(false));
        }
        assert_eq!(waits(&pacing, &new(77)).await, Ok(true), "that was all");
        assert!(begin.elapsed() < 2 * SECOND, "{:?}", begin.elapsed());
    });
}

#[test]
fn a_place_that_is_given_up_costs_nothing() {
    paused(async {
        let pacing = Pacing::new(settings(10, 600, 10), Past::Nothing).unwrap();
        let workspace: Arc<str> = "ws".into();
        for _ in 0..9 {
            pacing.turn(&asking(1, 1, &workspace)).await.unwrap();
        }
        for _ in 0..50 {
            let ask = asking(1, 1, &workspace);
            let gone = tokio::time::timeout(Duration::from_millis(1), pacing.turn(&ask)).await;
            assert!(gone.is_err());
        }
        assert_eq!(pacing.figures().waiting, 0);
        sleep(Duration::from_millis(1_200)).await;
        for n in 0..9 {
            assert_eq!(
                waits(&pacing, &asking(2, 1, &workspace)).await,
                Ok(false),
                "{n}"
            );
        }
    });
}

#[test]
fn calls_that_were_held_up_do_not_go_beside_the_next() {
    paused(async {
        let pacing = Pacing::new(settings(10, 600, 10), Past::Nothing).unwrap();
        let workspace: Arc<str> = "ws".into();
        let ask = asking(1, 1, &workspace);
        let mut went = Vec::new();
        let mut held = Vec::new();
        for _ in 0..9 {
            held.push(pacing.turn(&ask).await.unwrap().at);
        }
        // Within the guard nothing is asked.
        sleep(Duration::from_millis(4)).await;
        assert!(pacing.may_still_go(&ask, held.pop().unwrap()));
        went.push(Instant::now());
        sleep(Duration::from_millis(900)).await;
        for at in held.drain(..4) {
            assert!(pacing.may_still_go(&ask, at));
            went.push(Instant::now());
        }
        sleep(Duration::from_millis(250)).await;
        // The first five slots: four were used late, and others take what is free.
        for _ in 0..4 {
            assert_eq!(waits(&pacing, &ask).await, Ok(false));
            went.push(Instant::now());
        }
        for mut at in held {
            while !pacing.may_still_go(&ask, at) {
                at = pacing.turn(&ask).await.unwrap().at;
            }
            went.push(Instant::now());
        }
        assert_eq!(went.len(), 13);
        assert!(most_in(&went, SECOND) <= 9);
    });
}

#[test]
fn other_settings_let_those_who_wait_go_at_once() {
    paused(async {
        let pacing = Pacing::new(settings(10, 100, 20), Past::Nothing).unwrap();
        let workspace = Arc::<str>::from("ws");
        let ask = asking(1, 1, &workspace);
        for _ in 0..9 {
            assert_eq!(waits(&pacing, &ask).await, Ok(false));
        }
        let (waiting, of) = (pacing.clone(), Arc::clone(&workspace));
        let began = Instant::now();
        let waiter = tokio::spawn(async move {
            let waited = waits(&waiting, &asking(1, 1, &of)).await;
            (waited, Instant::now())
        });
        sleep(Duration::from_millis(10)).await;
        let standing = pacing.figures().workspaces.remove(0).1;
        assert_eq!((standing.budget, standing.waiting), ([9, 90], 1));
        assert_eq!(standing.limits.windows[0].used, 9);
        assert!(pacing.set(settings(0, 100, 20)).is_err(), "out of bounds");
        let mut other = settings(20, 100, 20);
        other.as_workspace = AsWorkspace::Sub;
        pacing.set(other).unwrap();
        let (waited, at) = waiter.await.unwrap();
        assert_eq!(waited, Ok(true));
        assert!(
            at - began < 20 * Duration::from_millis(1),
            "{:?}",
            at - began
        );
        assert_eq!(pacing.figures().workspaces[0].1.budget, [18, 90]);
        let admin = PaceId::of(&doorward_store::Workspace {
            id: "ws".to_owned(),
            name: "ws".to_owned(),
            instantly_id: None,
            kind: doorward_policy::WorkspaceKind::Live,
            base_url: "https://x".to_owned(),
            environments: Default::default(),
            upstream_keys: Vec::new(),
            created_at: doorward_policy::Timestamp::from_seconds(0),
        });
        let spends = pacing.spends(&admin, Some("sub"));
        assert_eq!(spends.workspaces().count(), 1, "the sub-workspace's alone");
    });
}

#[test]
fn a_complaint_shuts_the_workspace_and_refuses_who_would_wait_too_long() {
    paused(async {
        let pacing = Pacing::new(settings(10, 600, 10), Past::Nothing).unwrap();
        let workspace: Arc<str> = "ws".into();
        let ask = asking(1, 1, &workspace);
        pacing.turn(&ask).await.unwrap();
        assert_eq!(pacing.changed(false), None, "that can wait");
        pacing.answered(ask.ask.spends, ask.ask.op, 429, Some(30 * SECOND));
        assert!(pacing.changed(false).is_some(), "and that can't");
        let refused = pacing.would_refuse(&ask).unwrap();
        assert_eq!(
            (refused.why, refused.retry_after_seconds()),
            (Why::Window, 30)
        );
        assert_eq!(pacing.turn(&ask).await.unwrap_err().why, Why::Window);
        sleep(25 * SECOND).await;
        assert_eq!(pacing.would_refuse(&ask), None);
        assert_eq!(waits(&pacing, &ask).await, Ok(true));
        let figures = pacing.figures();
        assert_eq!((figures.complaints, figures.refused[0]), (1, ("window", 2)));
        assert_eq!(figures.workspaces[0].0, "ws");
    });
}

/// A call: whose, when it comes, how long its caller has patience, and how long it is held up on its
/// way after its turn.
#[derive(Debug, Clone)]
struct Made {
    client: u128,
    weight: u32,
    class: Class,
    at: u64,
    patience: u64,
    held_up: u64,
}

fn made() -> impl Strategy<Value = Made> {
    let class = prop_oneof![
        Just(Class::Interactive),
        Just(Class::Default),
        Just(Class::Batch)
    ];
    let held_up = prop_oneof![3 => Just(0_u64), 1 => 0_u64..1_500];
    (
        1_u128..5,
        1_u32..20,
        class,
        0_u64..6_000,
        0_u64..4_000,
        held_up,
    )
        .prop_map(|(client, weight, class, at, patience, held_up)| Made {
            client,
            weight,
            class,
            at,
            patience,
            held_up,
        })
}

/// When the call went, if it did, and whether it was kept waiting for longer than was promised.
async fn carry(now: Arc<Mutex<Pacing>>, made: Made) -> (Option<Instant>, bool) {
    sleep(Duration::from_millis(made.at)).await;
    let pacing = now.lock().unwrap().clone();
    let workspace: Arc<str> = "ws".into();
    let mut ask = asking(made.client, made.weight, &workspace);
    ask.ask.class = made.class;
    let (mut late, mut held_up) = (false, made.held_up);
    loop {
        let begin = Instant::now();
        let patience = Duration::from_millis(made.patience);
        let turn = tokio::time::timeout(patience, pacing.turn(&ask)).await;
        late |= begin.elapsed() > Duration::from_millis(3_010);
        let Ok(Ok(had)) = turn else {
            return (None, late);
        };
        sleep(Duration::from_millis(std::mem::take(&mut held_up))).await;
        // Its process has ended.
        if !Arc::ptr_eq(&now.lock().unwrap().0, &pacing.0) {
            return (None, late);
        }
        if pacing.may_still_go(&ask, had.at) {
            return (Some(Instant::now()), late);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whoever asks, waits, is held up, goes away or restarts the process: no stretch of time has
    /// more calls than the budget, and everybody who stays has an answer in the time that was
    /// promised.
    #[test]
    fn no_window_is_exceeded(
        calls in proptest::collection::vec(made(), 1..150),
        restart in proptest::option::of((500_u64..6_000, any::<bool>())),
    ) {
        let (went, late) = paused(async {
            let mut settings = settings(10, 60, 3);
            settings.pace.client_queue = 20;
            let pacing = Pacing::new(settings.clone(), Past::Nothing).unwrap();
            let pacing = Arc::new(Mutex::new(pacing));
            let mut tasks = JoinSet::new();
            for made in calls {
                tasks.spawn(carry(Arc::clone(&pacing), made));
            }
            if let Some((at, ended)) = restart {
                sleep(Duration::from_millis(at)).await;
                // Who waits is cut off, as by the end of the process.
                let mut held = pacing.lock().unwrap();
                let state = held.state();
                held.0.lock().waiting.clear();
                let past = Past::Saved { state: &state, ended, ago: Duration::ZERO };
                *held = Pacing::new(settings, past).unwrap();
            }
            let ended = tasks.join_all().await;
            let late = ended.iter().any(|(_, late)| *late);
            (ended.into_iter().filter_map(|(at, _)| at).collect::<Vec<_>>(), late)
        });
        prop_assert!(most_in(&went, SECOND) <= 9);
        prop_assert!(most_in(&went, 10 * SECOND) <= 54);
        prop_assert!(!late);
    }
}
