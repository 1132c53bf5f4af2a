//! Holds what came of a call against the model's word, and keeps what follows from it.

use crate::caller::Answer;
use crate::judge::{self, Expect, Goes};
use crate::requests::Asked;
use crate::run::Play;
use crate::upstream::{Arrival, Reply};
use crate::world::{Fate, Written};

/// The only headers that may reach the API.
const HEADERS: [&str; 7] = [
    "host",
    "authorization",
    "user-agent",
    "accept",
    "content-type",
    "content-length",
    "x-as-workspace",
];

macro_rules! ensure {
    ($holds:expr, $($why:tt)+) => {
        if !$holds {
            return Err(format!($($why)+));
        }
    };
}

impl Play {
    /// Holds answer and arrivals against what was expected.
    pub(crate) fn settle(
        &mut self,
        expect: &Expect,
        asked: &Asked,
        answer: &Answer,
    ) -> Result<(), String> {
        let arrived = self.script.take();
        self.needles.absent_from(&answer.raw, "an answer")?;
        let reason = answer.reason();
        match expect {
            Expect::Refused(why) => {
                ensure!(arrived.is_empty(), "{expect:?} came out: {arrived:?}");
                let decided = answer.headers.get("doorward-decision").map(String::as_str);
                let denied = decided == Some("denied") && answer.status >= 400;
                // Bytes that are no request end the connection.
                ensure!(
                    denied || (asked.flawed && matches!(answer.status, 0 | 400..)),
                    "{expect:?} was answered {answer:?}"
                );
                ensure!(
                    why.is_empty() || why.contains(&&*reason),
                    "{expect:?} was refused for {reason}"
                );
                self.seen
                    .one(if asked.flawed { "malformed" } else { &reason });
                Ok(())
            }
            Expect::Waits(client) => {
                ensure!(arrived.is_empty(), "{expect:?} came out: {arrived:?}");
                ensure!(
                    reason == "approval_required",
                    "{expect:?} was answered {answer:?}"
                );
                self.keep_approval(answer, judge::exact(*client, asked));
                self.seen.one(&reason);
                Ok(())
            }
            Expect::Replayed => {
                ensure!(
                    arrived.is_empty(),
                    "a stored answer was fetched: {arrived:?}"
                );
                let told = answer
                    .headers
                    .get("doorward-idempotency")
                    .map(String::as_str);
                ensure!(told == Some("replayed"), "no stored answer: {answer:?}");
                self.seen.one("replayed");
                Ok(())
            }
            Expect::Unsettled {
                client,
                looks,
                may_go,
            } => {
                // Found not to be done, it is asked about like any other.
                self.keep_approval(answer, judge::exact(*client, asked));
                let is_write =
                    |arrival: &&Arrival| arrival.line.contains(&format!(" {} ", asked.target));
                let writes: Vec<Arrival> = arrived.iter().filter(is_write).cloned().collect();
                for look in arrived.iter().filter(|arrival| !is_write(arrival)) {
                    let key = look.all("authorization").join(",");
                    let ours = look.line.starts_with("POST /api/v2/leads/list ");
                    let covered = looks.iter().any(|value| key == format!("Bearer {value}"));
                    ensure!(ours && covered, "{look:?} came out to look for a write");
                }
                self.seen.one("unsettled");
                match may_go {
                    _ if writes.is_empty() => Ok(()),
                    Some(goes) => self.went(goes, asked, &writes),
                    None => Err(format!(
                        "a write whose answer was lost went again: {writes:?}"
                    )),
                }
            }
            Expect::Goes(goes) if arrived.is_empty() => {
                let tally = self.state.tallies.get(&goes.workspace);
                let shut =
                    reason == "upstream_unavailable" && tally.is_some_and(|tally| tally.open);
                let paced = reason == "paced" && !asked.op.facts().limits.is_empty();
                ensure!(
                    shut || paced,
                    "a call that may go did not: {} {}",
                    answer.status,
                    String::from_utf8_lossy(&answer.raw)
                );
                self.seen.one(&reason);
                Ok(())
            }
            Expect::Goes(goes) => {
                self.seen.one("sent");
                self.went(goes, asked, &arrived)
            }
        }
    }

    /// Holds what came out against how it may, and counts it.
    pub(crate) fn went(
        &mut self,
        goes: &Goes,
        asked: &Asked,
        arrived: &[Arrival],
    ) -> Result<(), String> {
        let facts = asked.op.facts();
        let line = format!("{} {} HTTP/1.1", facts.method.as_str(), asked.target);
        for (n, arrival) in arrived.iter().enumerate() {
            let at = (goes.workspace, goes.host);
            ensure!(
                arrival.at == Some(at),
                "it came to {:?}, not {at:?}",
                arrival.at
            );
            ensure!(arrival.line == line, "{} came out for {line}", arrival.line);
            ensure!(arrival.body == asked.body, "its body is {}", arrival.body);
            let key = arrival.all("authorization").join(",");
            let is = |value: &String| key == format!("Bearer {value}");
            ensure!(
                goes.keys.iter().any(is),
                "it came out under {key}: {goes:?}"
            );
            let first = n == 0 && !self.state.dead.contains(&goes.workspace);
            ensure!(
                !first || goes.best.iter().any(is),
                "{key} is not the narrowest: {goes:?}"
            );
            let sub: Vec<&str> = asked.as_workspace.into_iter().collect();
            ensure!(
                arrival.all("x-as-workspace") == sub,
                "it acts on another workspace"
            );
            for (name, value) in &arrival.headers {
                ensure!(HEADERS.contains(&&**name), "{name} came out");
                if name != "authorization" {
                    self.needles.absent_from(value.as_bytes(), name)?;
                }
            }
            self.needles
                .absent_from(arrival.line.as_bytes(), "a line")?;
            self.needles
                .absent_from(arrival.body.as_bytes(), "a body")?;
        }
        let writes = facts.scope.action.as_str() != "read";
        for pair in arrived.windows(2) {
            let again = match pair[0].gave {
                Reply::DeadKey => true,
                Reply::Drop | Reply::TooMany => !writes,
                _ => false,
            };
            ensure!(again, "it was sent again after {:?}", pair[0].gave);
        }
        ensure!(arrived.len() <= 4, "it was sent {} times", arrived.len());
        self.count(goes, asked, arrived);
        if let Some(last) = arrived.last().filter(|_| writes) {
            self.remember(goes, asked, last.gave);
        }
        Ok(())
    }

    fn count(&mut self, goes: &Goes, asked: &Asked, arrived: &[Arrival]) {
        // Leads are counted from when somebody asks how many there were.
        let force = &self.state.force;
        let limited = force.clients[goes.client].controls.leads_per_day.is_some();
        let asks = limited || force.rules.values().any(|rule| rule.asks_for_today());
        self.state
            .use_up(goes.client, if asks { asked.leads } else { 0 });
        if let Some(id) = &goes.approval {
            self.state.approvals.remove(id);
            self.seen.one("approved");
        }
        for arrival in arrived {
            let nowhere = matches!(arrival.gave, Reply::Drop | Reply::Silence);
            let tally = self.state.tallies.entry(goes.workspace).or_default();
            tally.count(!nowhere, !nowhere && arrival.gave != Reply::Broken);
            if arrival.gave == Reply::DeadKey {
                self.state.dead.insert(goes.workspace);
            }
        }
    }

    /// What is remembered of a named write after the last answer to it.
    fn remember(&mut self, goes: &Goes, asked: &Asked, gave: Reply) {
        let Some(name) = &goes.name else {
            return;
        };
        let fate = match gave {
            Reply::Well | Reply::Echo | Reply::EchoInError | Reply::NotThere => {
                Fate::Answered(true)
            }
            Reply::Short => Fate::Answered(false),
            Reply::DeadKey | Reply::WrongScope | Reply::TooMany => {
                self.state.writes.remove(name);
                return;
            }
            Reply::Broken | Reply::Redirect | Reply::Drop | Reply::Silence => Fate::Lost,
        };
        let now = self.state.now;
        let before = self.state.writes.get(name);
        let first = before
            .filter(|before| now < before.first + crate::world::DAY)
            .map_or(now, |before| before.first);
        self.state.writes.insert(
            name.clone(),
            Written {
                exact: judge::exact(goes.client, asked),
                fate,
                sent: now,
                first,
            },
        );
    }
}
