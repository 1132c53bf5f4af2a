//! Plays a history to the gateway and to the model, and holds the two against each other.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;

use doorward_keys::ClientKey;

use crate::caller::{Answer, Line};
use crate::judge::{self, Expect};
use crate::outputs::{Needles, take_logs};
use crate::pipeline::{Pipeline, value_of};
use crate::records;
use crate::requests::{CallSpec, Shows};
use crate::steps::{History, Step};
use crate::upstream::{Reply, Script};
use crate::world::{Approval, BEGIN, DAY, HOUR, SECOND, State};

/// How often what came of calls.
#[derive(Debug, Default)]
pub(crate) struct Seen(pub(crate) BTreeMap<String, u64>);

impl Seen {
    pub(crate) fn add(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            *self.0.entry(what.clone()).or_default() += count;
        }
    }

    pub(crate) fn one(&mut self, what: &str) {
        *self.0.entry(what.to_owned()).or_default() += 1;
    }

    /// Every way in which a call may end was met.
    pub(crate) fn must_be_telling(&self) {
        for what in [
            "sent",
            "replayed",
            "malformed",
            "unauthorized",
            "upstream_key_presented",
            "source_not_allowed",
            "client_disabled",
            "workspace_not_granted",
            "scope_missing",
            "denied_by_policy",
            "policy_failed",
            "approval_required",
            "no_upstream_key_covers",
            "client_limit",
            "approved",
            "unsettled",
            "sent beside another",
            "idempotency_key_reused",
        ] {
            assert!(
                self.0.contains_key(what),
                "no call ended with {what}: {self:#?}"
            );
        }
    }
}

/// One history as it goes on.
pub(crate) struct Play {
    pub(crate) pipeline: Pipeline,
    pub(crate) script: Arc<Script>,
    /// The two hosts of each workspace.
    pub(crate) hosts: Vec<[SocketAddr; 2]>,
    pub(crate) state: State,
    pub(crate) needles: Needles,
    pub(crate) seen: Seen,
    /// Names of upstream keys so far, and client keys so far.
    pub(crate) made: (usize, u8),
    lines: HashMap<u8, Line>,
    /// The calls so far, and those that were told to wait.
    calls: Vec<CallSpec>,
    waiting: Vec<CallSpec>,
}

/// Plays a history; what was seen, or what is wrong.
pub(crate) async fn play(history: &History) -> Result<Seen, String> {
    let _ = take_logs();
    let (script, hosts) = records::hosts().await;
    let mut play = Play {
        pipeline: Pipeline::start().await,
        script,
        hosts,
        state: State {
            now: BEGIN,
            ..State::default()
        },
        needles: Needles::default(),
        seen: Seen::default(),
        made: (0, 0),
        lines: HashMap::new(),
        calls: Vec::new(),
        waiting: Vec::new(),
    };
    play.begin();
    for change in &history.0 {
        play.change(*change);
    }
    play.reload()?;
    for step in &history.1 {
        let stepped = play.step(step).await;
        stepped.map_err(|why| format!("{why}\nat {step:?}"))?;
    }
    for (place, bytes) in play.pipeline.leavings() {
        play.needles.absent_from(&bytes, place)?;
    }
    play.needles.absent_from(&take_logs(), "the log")?;
    Ok(play.seen)
}

impl Play {
    pub(crate) fn reload(&mut self) -> Result<(), String> {
        self.state.reload();
        self.pipeline.reload()
    }

    async fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Change(change, now) => {
                self.change(*change);
                if *now {
                    self.reload()?;
                }
                Ok(())
            }
            Step::Reload => self.reload(),
            Step::Wait(which) => {
                let times = [
                    1,
                    59 * SECOND,
                    61 * SECOND,
                    10 * 60 * SECOND,
                    HOUR,
                    5 * HOUR,
                    DAY,
                ];
                self.state.now += times[usize::from(*which) % times.len()];
                self.pipeline.set_time(self.state.now);
                Ok(())
            }
            Step::Decide { which, yes } => self.decide(*which, *yes),
            Step::Call(spec, reply) => self.call(*spec, *reply).await,
            Step::Again(back, reply) => {
                let at = self.calls.len().checked_sub(1 + usize::from(*back));
                match at.map(|at| self.calls[at]) {
                    Some(spec) => self.call(spec, *reply).await,
                    None => Ok(()),
                }
            }
            Step::Approve(reply) => self.approve(*reply).await,
            Step::Held(spec, reply, changes) => self.held(*spec, *reply, changes).await,
            Step::Pair(first, reply, changes, second, after) => {
                self.pair((*first, *reply), changes, (*second, *after))
                    .await
            }
        }
    }

    fn decide(&mut self, which: u8, yes: bool) -> Result<(), String> {
        let ids = self.state.approvals.keys();
        let which = usize::from(which).checked_rem(ids.len()).unwrap_or(0);
        match { ids }.nth(which).cloned() {
            Some(id) => self.decide_one(&id, yes),
            None => Ok(()),
        }
    }

    fn decide_one(&mut self, id: &str, yes: bool) -> Result<(), String> {
        let now = self.state.now;
        let approval = self.state.approvals.get_mut(id).unwrap();
        let open = !approval.given && now < approval.ends;
        if self.pipeline.decide(id, yes) != open {
            return Err(format!("approval {id} was open: {open}"));
        }
        if open {
            approval.given = yes;
            approval.ends = if yes { now + HOUR } else { now };
        }
        Ok(())
    }

    /// The key that a call shows.
    pub(crate) fn key(&self, shows: Shows) -> Option<String> {
        let issued = |n: u8| {
            let keys = &self.state.stored.keys;
            let key = keys.get(usize::from(n).checked_rem(keys.len())?)?;
            Some(key.text.clone())
        };
        match shows {
            Shows::Issued(n) => issued(n),
            Shows::Garbled(n) => issued(n).map(|key| {
                let (start, end) = key.split_at(key.len() - 1);
                format!("{start}{}", if end == "a" { "b" } else { "a" })
            }),
            Shows::Unknown => {
                let random = [0xee; ClientKey::RANDOM_LEN];
                let production = doorward_catalog::Environment::Production;
                Some(ClientKey::generate(production, &random).expose().to_owned())
            }
            Shows::Real(n) => Some(value_of(&format!("up{}", usize::from(n) % self.made.0)).0),
            Shows::Nothing => None,
        }
    }

    async fn line(&mut self, source: u8) -> Line {
        match self.lines.remove(&source) {
            Some(line) if line.is_open() => line,
            _ => Line::open(self.pipeline.door, source).await,
        }
    }

    async fn call(&mut self, spec: CallSpec, reply: Reply) -> Result<(), String> {
        let (key, asked) = (self.key(spec.shows), spec.asked());
        let expect = judge::judge(&self.state, key.as_deref(), &asked);
        self.calls.push(spec);
        if matches!(expect, Expect::Waits(_)) {
            self.waiting.push(spec);
        }
        self.script.say(reply, None);
        let (head, body) = spec.bytes(key.as_deref());
        let answer = if asked.flawed {
            let mut line = Line::open(self.pipeline.door, spec.source).await;
            line.send(&head, &body).await
        } else {
            let mut line = self.line(spec.source).await;
            let answer = line.send(&head, &body).await;
            self.lines.insert(spec.source, line);
            answer
        };
        self.settle(&expect, &asked, &answer)
    }

    /// The call that was told to wait last is approved, and made again until it needs another.
    async fn approve(&mut self, reply: Reply) -> Result<(), String> {
        let Some(spec) = self.waiting.pop() else {
            return Ok(());
        };
        let now = self.state.now;
        let ids: Vec<String> = self.state.approvals.keys().cloned().collect();
        for id in ids {
            let approval = &self.state.approvals[&id];
            if approval.exact.target == spec.asked().target && now < approval.ends {
                self.decide_one(&id, true)?;
            }
        }
        self.call(spec, reply).await?;
        self.call(spec, Reply::Well).await
    }

    /// A call whose body comes after the records have changed.
    async fn held(
        &mut self,
        spec: CallSpec,
        reply: Reply,
        changes: &[crate::steps::Change],
    ) -> Result<(), String> {
        let (key, asked) = (self.key(spec.shows), spec.asked());
        let (head, body) = spec.bytes(key.as_deref());
        if asked.flawed || body.is_empty() {
            changes.iter().for_each(|change| self.change(*change));
            self.reload()?;
            return self.call(spec, reply).await;
        }
        self.script.say(reply, None);
        let before = judge::head(&self.state, key.as_deref(), &asked);
        let mut line = Line::open(self.pipeline.door, spec.source).await;
        line.write(&format!("{head}Expect: 100-continue\r\n\r\n"))
            .await;
        let first = line.read().await;
        changes.iter().for_each(|change| self.change(*change));
        self.reload()?;
        match before {
            Err(expect) => self.settle(&expect, &asked, &first),
            Ok(_) if first.status != 100 => Err(format!(
                "a head that may pass was answered {}",
                first.status
            )),
            Ok(_) => {
                let expect = judge::judge(&self.state, key.as_deref(), &asked);
                line.write(&body).await;
                let answer = line.read().await;
                self.settle(&expect, &asked, &answer)
            }
        }
    }

    /// A call during which the records change and another call is made.
    async fn pair(
        &mut self,
        (first, reply): (CallSpec, Reply),
        changes: &[crate::steps::Change],
        (second, after): (CallSpec, Reply),
    ) -> Result<(), String> {
        let (key, asked) = (self.key(first.shows), first.asked());
        let expect = judge::judge(&self.state, key.as_deref(), &asked);
        let Expect::Goes(goes) = &expect else {
            self.call(first, reply).await?;
            return self.call(second, after).await;
        };
        let shut = self
            .state
            .tallies
            .get(&goes.workspace)
            .is_some_and(|tally| tally.open);
        if shut || !asked.op.facts().limits.is_empty() {
            return self.call(second, after).await;
        }
        let (open, gate) = tokio::sync::oneshot::channel();
        self.script.say(reply, Some(gate));
        let (head, body) = first.bytes(key.as_deref());
        let mut line = Line::open(self.pipeline.door, first.source).await;
        let sent = tokio::spawn(async move { line.send(&head, &body).await });
        self.script.arrival().await?;
        // It counts from here on; how it went is known only at its end.
        let arrived = self.script.take();
        self.went(goes, &asked, &arrived)?;
        // Calls are counted from when there is a limit.
        let limited = self.state.force.clients[goes.client]
            .controls
            .at_once
            .is_some();
        *self.state.under_way.entry(goes.client).or_default() += u32::from(limited);
        if let Some(name) = &goes.name {
            let exact = judge::exact(goes.client, &asked);
            self.state.in_hand.insert(name.clone(), exact);
        }
        changes.iter().for_each(|change| self.change(*change));
        self.reload()?;
        // What never answers would be longer about it than the first may take.
        let after = match after {
            Reply::Silence => Reply::Drop,
            other => other,
        };
        let other = self.call(second, after).await;
        let _ = open.send(());
        let answer = sent.await.map_err(|error| error.to_string())?;
        self.state.under_way.remove(&goes.client);
        if let Some(name) = &goes.name {
            self.state.in_hand.remove(name);
        }
        other?;
        if answer.status != 200 || !self.script.take().is_empty() {
            return Err(format!(
                "a call that was under way ended with {}",
                answer.status
            ));
        }
        self.seen.one("sent beside another");
        self.needles.absent_from(&answer.raw, "an answer")
    }

    /// Keeps the approval that an answer names.
    pub(crate) fn keep_approval(&mut self, answer: &Answer, exact: crate::world::Exact) {
        let json = answer.json();
        if let Some(id) = json["doorward"]["approval"]["id"].as_str() {
            let ends = self.state.now + HOUR;
            let approval = Approval {
                exact,
                given: false,
                ends,
            };
            self.state
                .approvals
                .entry(id.to_owned())
                .or_insert(approval);
        }
    }
}
