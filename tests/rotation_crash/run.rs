//! One case, from a key that is rotated under load to what is left of it.

use std::fs::File;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cases::{Case, Kill, Route, Way, number};
use crate::check;
use crate::faults::Struck;
use crate::load::Load;
use crate::tally::Tally;
use crate::world::{KEY, World};

/// How long a step is waited for, and an end.
const REACHED_WITHIN: Duration = Duration::from_secs(60);
const OVER_WITHIN: Duration = Duration::from_secs(150);
/// For so long a call is held whose answer must not be there yet.
const HELD_MS: u64 = 400;
/// What a command needs to come to a server that stands still.
const COMMAND: Duration = Duration::from_millis(400);

/// How a case ended.
pub(crate) struct Ended {
    pub(crate) case: Case,
    /// Where the rotation ended.
    pub(crate) end: Option<String>,
    /// The step that was durable when the server was killed.
    pub(crate) landed: Option<String>,
    pub(crate) tally: Tally,
    pub(crate) took: Duration,
    /// What does not hold.
    pub(crate) wrong: Vec<String>,
}

/// A case under way.
struct Running {
    case: Case,
    world: World,
    struck: Option<(Struck, Instant)>,
    /// Whether a wish to go back was taken.
    back: bool,
    asked: Vec<(Child, bool)>,
    landed: Option<String>,
    /// Whether the folder of secrets is locked until the server is killed where it writes there.
    hold: bool,
    /// Where it had ended already when the server was killed.
    ended: Option<String>,
}

/// What is said where the step of a case was gone by before the server could be stopped there.
const MISSED: &str = "never came to";

/// Runs a case; once more, held at its step, where a busy machine let it go by.
pub(crate) fn run(case: Case, seed: &str) -> Ended {
    let ended = attempt(case, seed, false);
    match ended.wrong.iter().any(|why| why.starts_with(MISSED)) {
        true => attempt(case, seed, true),
        false => ended,
    }
}

fn attempt(case: Case, seed: &str, hold: bool) -> Ended {
    let from = Instant::now();
    let world = World::new(&case);
    let load = Load::start(world.aim());
    std::thread::sleep(Duration::from_millis(200));
    let mut running = Running {
        case,
        world,
        struck: None,
        back: false,
        asked: Vec::new(),
        landed: None,
        hold,
        ended: None,
    };
    let mut wrong = Vec::new();
    let mut end = None;
    match running.drive(seed) {
        Ok(over) => end = Some(over),
        Err(why) => wrong.push(why),
    }
    running.lift();
    let calls = load.end();
    let Running {
        mut world,
        back,
        landed,
        ..
    } = running;
    let tally = Tally::of(&calls, &world.downs, case.fault);
    wrong.extend(tally.wrong());
    if let Some(end) = &end {
        wrong.extend(check::wrong(&mut world, &case, end, back));
    }
    if !wrong.is_empty() {
        let steps = world.watch.steps().join(" ");
        wrong.push(format!("steps: {steps}; see {}", world.keep().display()));
    }
    Ended {
        case,
        end,
        landed,
        tally,
        took: from.elapsed(),
        wrong,
    }
}

impl Running {
    fn drive(&mut self, seed: &str) -> Result<String, String> {
        self.reach()?;
        self.strike();
        self.kill(seed)?;
        let until = Instant::now() + OVER_WITHIN;
        loop {
            let over = self.world.watch.over(Duration::from_millis(200));
            if let Some(over) = over.or(self.ended.take()) {
                self.hear();
                self.make_room()?;
                return Ok(over);
            }
            self.lift_if_due()?;
            self.world.control.keys();
            if !self.world.is_up() {
                return Err("the server ended by itself".to_owned());
            }
            if Instant::now() > until {
                let id = self.id();
                let status = self.world.run(&["upstream", "status", &id, "--json"]);
                return Err(format!("no end within {OVER_WITHIN:?}: {}", status.stdout));
            }
        }
    }

    fn id(&self) -> String {
        self.world.watch.id().unwrap_or_default()
    }

    /// Brings the rotation to the step, where the server stands still.
    fn reach(&mut self) -> Result<(), String> {
        let step = self.case.phase.as_str();
        let watch = self.world.watch.clone();
        let stopped = |at: &str| match watch.stopped(REACHED_WITHIN) {
            true => Ok(()),
            false => Err(format!("{MISSED} {at}")),
        };
        match self.case.route() {
            Route::Plain => watch.arm(step),
            Route::LostCreation => {
                let lost =
                    json!({ "kind": "lost_response", "operation": "createAPIKey", "count": 1 });
                self.world.control.faults(lost);
                watch.arm(step);
            }
            Route::KilledIn(phase) => watch.arm(phase.as_str()),
            Route::TurnedBack => watch.arm("drain"),
        }
        let writers = File::open(self.world.keys()).unwrap();
        if self.hold && matches!(self.case.route(), Route::KilledIn(_)) {
            writers.lock().unwrap();
        }
        let id = self.world.old.0.clone();
        let rotate = [
            "upstream",
            "rotate",
            KEY,
            "--id",
            &id,
            "--no-wait",
            "--json",
        ];
        // It is followed for a moment, as long as anything is answered; the server goes on without.
        let answer = [
            "leak", "respond", "--key", KEY, "--id", &id, "--yes", "--wait", "1s", "--report",
            "reports",
        ];
        let begun = match self.case.way {
            Way::Leak => self.world.spawn(&answer),
            Way::Forward | Way::Back => self.world.spawn(&rotate),
        };
        self.asked.push((begun, false));
        match self.case.route() {
            Route::Plain | Route::LostCreation => {}
            Route::KilledIn(phase) => {
                stopped(phase.as_str())?;
                watch.arm(step);
                self.world.kill();
                drop(writers);
                // It may come to the step before it is ready.
                self.world.begin_start();
            }
            Route::TurnedBack => {
                stopped("drain")?;
                watch.arm(step);
                self.ask_back();
                self.world.go_on()?;
            }
        }
        stopped(step)
    }

    /// Has somebody ask to go back, of a server that stands still.
    fn ask_back(&mut self) {
        let back = ["upstream", "rollback", &self.id(), "--no-wait", "--json"];
        let asked = self.world.spawn(&back);
        self.asked.push((asked, true));
        std::thread::sleep(COMMAND);
    }

    /// Hears what came of what was asked.
    fn hear(&mut self) {
        for (child, is_back) in std::mem::take(&mut self.asked) {
            let ran = self.world.ended(child);
            self.back |= is_back && ran.code == 0;
        }
    }

    fn strike(&mut self) {
        let Case {
            call, fault, kill, ..
        } = self.case;
        let control = &self.world.control;
        control.keys();
        let outside = self.world.path().join("outside");
        let places = (&*self.world.keys(), &*outside, &*self.world.data());
        let struck = Struck::strike(fault, call, (control, &self.world.hook), places);
        self.struck = Some((struck, Instant::now()));
        let asks = self.case.way == Way::Back && !self.case.phase.is_back();
        if let Some(call) = call.filter(|_| asks || kill != Kill::Never) {
            let held = json!({ "kind": "latency", "ms": HELD_MS, "operation": call, "count": 1 });
            control.faults(held);
        }
        if asks {
            self.ask_back();
        }
    }

    fn kill(&mut self, seed: &str) -> Result<(), String> {
        let Case { call, kill, .. } = self.case;
        if kill == Kill::Never {
            self.world.go_on()?;
            return Ok(());
        }
        if kill != Kill::Before {
            let last = self.world.control.last();
            self.world.go_on()?;
            let micros = number(seed, &self.case.to_string()) % 6_000;
            let (wait, least) = match (kill, call) {
                (Kill::After, Some(_)) => (true, HELD_MS * 1_000),
                (_, Some(_)) => (true, 0),
                (Kill::After, None) => (false, 4_000),
                (_, None) => (false, 0),
            };
            if let Some(call) = call.filter(|_| wait) {
                let control = &self.world.control;
                control.wait_for(call, last, Duration::from_secs(3));
            }
            std::thread::sleep(Duration::from_micros(least + micros));
        }
        self.world.control.keys();
        self.world.kill();
        self.hear();
        self.start_again()
    }

    fn start_again(&mut self) -> Result<(), String> {
        let id = self.id();
        let status = self.world.run(&["upstream", "status", &id, "--json"]);
        let view: Value = serde_json::from_str(&status.stdout).unwrap_or_default();
        self.landed = view["step"].as_str().map(str::to_owned);
        // Nothing is told of it by the next start then.
        self.ended = self.landed.clone().filter(|_| view["open"] == false);
        if let Err(why) = self.world.start() {
            // With no room it may refuse to start.
            let full = matches!(self.struck, Some((Struck::Full { .. }, _)));
            if !full {
                return Err(format!("it does not start again: {why}"));
            }
            self.lift();
            self.world.start()?;
        }
        if self.case.way == Way::Back && !self.back && !self.case.phase.is_back() {
            // Nobody may be able to answer.
            self.ask_back();
            self.hear();
        }
        Ok(())
    }

    fn lift_if_due(&mut self) -> Result<(), String> {
        let lasts = self.case.fault.lasts();
        if matches!(&self.struck, Some((_, since)) if since.elapsed() >= lasts) {
            self.make_room()?;
            self.lift();
        }
        Ok(())
    }

    /// Where the disk is full, does what the ledger says: free some room, then start again.
    fn make_room(&mut self) -> Result<(), String> {
        if matches!(self.struck, Some((Struck::Full { .. }, _))) {
            self.lift();
            self.world.end();
            self.world.start()?;
        }
        Ok(())
    }

    fn lift(&mut self) {
        if let Some((struck, _)) = self.struck.take() {
            struck.lift(&self.world.control, &self.world.hook);
        }
    }
}
