//! One run of an inbox placement test: a mail from each sender to each recipient, and where each
//! landed.
//!
//! Whether a mail lands in spam follows from the sender's domain (see `vitals`), the words of the
//! mail and chance that depends on nothing but sender, recipient and time. The rows of mail that is
//! under way carry a time to come and are not shown before.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use crate::clock::{self, DAY, Millis};
use crate::cx::Cx;
use crate::ops::placement_tests::{AUTOMATED, status};
use crate::ops::view::{domain_of, flag, hash, holds, number, percent, set, text, unset};
use crate::ops::vitals::Vitals;
use crate::ops::{accounts, due};

/// Senders of one run, runs that are made up for in one go, rows kept in a workspace.
const SENDERS: usize = 10;
const CATCH_UP: usize = 31;
const ROWS: usize = 20_000;

/// A kind of recipient.
#[derive(Debug)]
pub(crate) struct Label {
    region: &'static str,
    sub_region: &'static str,
    /// As the API numbers countries.
    geo: i64,
    kind: &'static str,
    esp: &'static str,
    esp_code: i64,
}

const fn label(
    region: &'static str,
    sub_region: &'static str,
    geo: i64,
    kind: &'static str,
    esp: &'static str,
    esp_code: i64,
) -> Label {
    Label {
        region,
        sub_region,
        geo,
        kind,
        esp,
        esp_code,
    }
}

/// The recipients there are.
pub(crate) static LABELS: &[Label] = &[
    label("North America", "US", 1, "Professional", "Google", 1),
    label("North America", "US", 1, "Professional", "Microsoft", 2),
    label("North America", "US", 1, "Personal", "Google", 1),
    label("North America", "US", 1, "Personal", "Microsoft", 2),
    label("Europe", "Italy", 2, "Professional", "Google", 1),
    label("Europe", "Italy", 2, "Personal", "Libero.it", 13),
    label("Europe", "Germany", 3, "Professional", "Microsoft", 2),
    label("Europe", "Germany", 3, "Personal", "Web.de", 12),
    label("Europe", "France", 4, "Professional", "Google", 1),
    label("Europe", "France", 4, "Professional", "Microsoft", 2),
];

impl Label {
    pub(crate) fn shown(&self) -> Value {
        json!({
            "region": self.region,
            "sub_region": self.sub_region,
            "type": self.kind,
            "esp": self.esp,
        })
    }

    pub(crate) fn address(&self) -> String {
        format!(
            "{}.{}.{}@placement.example",
            self.sub_region, self.kind, self.esp
        )
        .to_lowercase()
    }

    fn is(&self, asked: &Value) -> bool {
        [
            ("region", self.region),
            ("sub_region", self.sub_region),
            ("type", self.kind),
            ("esp", self.esp),
        ]
        .iter()
        .all(|(name, value)| text(asked, name).eq_ignore_ascii_case(value))
    }
}

/// The recipients that a body names; all when it names none. Kinds there are not are passed over.
pub(crate) fn labels_of(asked: Option<&Value>) -> Vec<&'static Label> {
    match asked.and_then(Value::as_array) {
        Some(asked) if !asked.is_empty() => LABELS
            .iter()
            .filter(|label| asked.iter().any(|asked| label.is(asked)))
            .collect(),
        _ => LABELS.iter().collect(),
    }
}

/// The first time after `after` that a schedule names, by the clock of its time zone; every day at
/// nine when it says nothing.
pub(crate) fn next_slot(schedule: Option<&Value>, after: Millis) -> Millis {
    let days = schedule.and_then(|schedule| schedule.get("days"));
    let is_on = |weekday: i8| {
        let named = days.and_then(|days| days.get(weekday.to_string()));
        named.is_none_or(|on| on.as_bool() == Some(true)) && (named.is_some() || !names_a_day(days))
    };
    let start = schedule
        .and_then(|schedule| schedule.pointer("/timing/from"))
        .and_then(Value::as_str)
        .and_then(time_of_day)
        .unwrap_or(Time::constant(9, 0, 0, 0));
    let zone = schedule
        .and_then(|schedule| TimeZone::get(text(schedule, "timezone")).ok())
        .unwrap_or(TimeZone::UTC);
    let today = Timestamp::from_millisecond(after).map(|now| now.to_zoned(zone.clone()).date());
    today
        .iter()
        .flat_map(|today| today.series(1.day()))
        .take(8)
        .filter(|date| is_on(date.weekday().to_sunday_zero_offset()))
        .filter_map(|date| date.to_datetime(start).to_zoned(zone.clone()).ok())
        .map(|slot| slot.timestamp().as_millisecond())
        .find(|at| *at > after)
        .unwrap_or(after.saturating_add(7 * DAY))
}

fn names_a_day(days: Option<&Value>) -> bool {
    days.and_then(Value::as_object)
        .is_some_and(|days| days.values().any(|on| on.as_bool() == Some(true)))
}

/// The time of day that `HH:MM` names.
fn time_of_day(text: &str) -> Option<Time> {
    let (hours, minutes) = text.split_once(':')?;
    Time::new(hours.parse().ok()?, minutes.parse().ok()?, 0, 0).ok()
}

/// Sets when a test runs next.
pub(crate) fn plan(test: &mut Value, next: Option<Millis>) {
    set(test, "_next", next);
    let told = next
        .filter(|_| number(test, "type") == AUTOMATED)
        .map(clock::text);
    set(test, "timestamp_next_run", told);
}

/// Makes up for the runs that are due by now.
pub(crate) fn settle(cx: &mut Cx<'_>) {
    let now = cx.now;
    let next_of = |test: &Value| test.get("_next").and_then(Value::as_i64);
    let planned: Vec<Value> = cx
        .ws()
        .placement_tests
        .iter()
        .filter(|test| number(test, "status") == status::ACTIVE && next_of(test).is_some())
        .cloned()
        .collect();
    for mut test in planned {
        let mut next = next_of(&test);
        if let Some(next) = next.filter(|next| *next > now) {
            due::wake(cx, next);
            continue;
        }
        let automated = number(&test, "type") == AUTOMATED;
        for _ in 0..CATCH_UP {
            let Some(at) = next.filter(|at| *at <= now) else {
                break;
            };
            run(cx, &mut test, at);
            next = automated.then(|| next_slot(test.get("schedule"), at));
        }
        if automated && next.is_some_and(|at| at <= now) {
            next = Some(next_slot(test.get("schedule"), now));
        }
        if let Some(next) = next {
            due::wake(cx, next);
        }
        plan(&mut test, next);
        let id = text(&test, "id").to_owned();
        cx.ws().placement_tests.put(&id, test);
    }
}

/// A sender of a test.
struct Sender {
    email: String,
    esp: Option<i64>,
}

/// Those that can send: from Instantly, the connected accounts that are named or tagged; from
/// outside, whoever is named.
fn senders(cx: &mut Cx<'_>, test: &Value) -> Vec<Sender> {
    let outside = number(test, "sending_method") == 2;
    let listed = |name: &str| -> Vec<String> {
        test.get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|value| value.as_str().map(str::to_owned))
            .take(1_000)
            .collect()
    };
    let tags = listed("tags");
    let ws = cx.ws();
    let mut emails: Vec<String> = listed("emails")
        .iter()
        .map(|email| accounts::key(email))
        .collect();
    if !tags.is_empty() {
        let tagged = |email: &str| {
            let id = accounts::resource_id(email);
            ws.tag_mappings.iter().any(|mapping| {
                text(mapping, "resource_id") == id
                    && tags.iter().any(|tag| tag == text(mapping, "tag_id"))
            })
        };
        emails.extend(
            ws.accounts
                .iter()
                .map(|account| text(account, "email"))
                .filter(|email| tagged(email))
                .map(str::to_owned),
        );
    }
    let mut seen = std::collections::HashSet::new();
    emails
        .into_iter()
        .filter(|email| seen.insert(email.clone()))
        .filter_map(|email| {
            let account = ws.accounts.get(&email);
            let esp = account.and_then(|account| match number(account, "provider_code") {
                2 => Some(1),
                3 => Some(2),
                8 | 11 => Some(8),
                _ => None,
            });
            let can_send = account.is_some_and(|account| number(account, "status") > 0);
            (outside || can_send).then_some(Sender { email, esp })
        })
        .take(SENDERS)
        .collect()
}

/// Runs a test at a time: its rows, its reports, and what its automations then do.
pub(crate) fn run(cx: &mut Cx<'_>, test: &mut Value, at: Millis) {
    let senders = senders(cx, test);
    if senders.is_empty() {
        set(test, "not_sending_status", "other");
        return;
    }
    unset(test, "not_sending_status");
    let labels = labels_of(test.get("recipients_labels"));
    let (mut received, mut in_inbox, mut ends) = (0_u64, 0_u64, at);
    for sender in &senders {
        for label in &labels {
            let landed = land(test, sender, label, at);
            let arrives = at + landed.takes;
            ends = ends.max(arrives);
            received += 1;
            in_inbox += u64::from(!landed.spam && !landed.category);
            put_rows(cx, test, sender, label, at, &landed);
        }
    }
    let mut domains: Vec<&str> = senders
        .iter()
        .map(|sender| domain_of(&sender.email))
        .collect();
    domains.sort_unstable();
    domains.dedup();
    let mut listed = 0;
    for domain in domains {
        listed += crate::ops::placement_reports::put(cx, test, domain, at);
    }
    set(test, "_ends", ends);
    forget_oldest(cx);
    let inbox_percent = (in_inbox * 100).checked_div(received).unwrap_or(100) as i64;
    automate(cx, test, &senders, inbox_percent, listed > 0);
}

/// Where one mail landed.
struct Landed {
    spam: bool,
    category: bool,
    vitals: Vitals,
    /// ms on the way.
    takes: Millis,
}

fn land(test: &Value, sender: &Sender, label: &Label, at: Millis) -> Landed {
    let vitals = Vitals::of(domain_of(&sender.email));
    let lacking = [vitals.mx, vitals.spf, vitals.dkim, vitals.dmarc];
    let lacking = lacking.into_iter().filter(|has| !has).count() as u64;
    let risk = 6 + 25 * lacking + 10 * spam_words(test) + if label.esp_code == 2 { 6 } else { 0 };
    let way = format!("{}/{}/{at}", sender.email, label.address());
    let spam = percent(&way) < risk;
    let category = !spam && label.esp_code == 1 && percent(&format!("{way}/category")) < 12;
    let takes = 5_000 + (hash(&way) % 55) as i64 * 1_000;
    Landed {
        spam,
        category,
        vitals,
        takes,
    }
}

/// How many words that filters dislike the test's mail has.
pub(crate) fn spam_words(test: &Value) -> u64 {
    const WORDS: &[&str] = &[
        "100% free",
        "winner",
        "act now",
        "risk-free",
        "click here",
        "cash",
    ];
    let mail = format!(
        "{} {}",
        text(test, "email_subject"),
        text(test, "email_body")
    );
    WORDS.iter().filter(|word| holds(&mail, word)).count() as u64
}

fn put_rows(
    cx: &mut Cx<'_>,
    test: &Value,
    sender: &Sender,
    label: &Label,
    at: Millis,
    landed: &Landed,
) {
    let Vitals {
        spf, dkim, dmarc, ..
    } = landed.vitals;
    let authentic = spf && dkim && dmarc;
    let word = |pass: bool| if pass { "pass" } else { "fail" };
    for (record, when) in [(1, at), (2, at + landed.takes)] {
        let received = record == 2;
        let id = cx.world.ids.uuid(when);
        let found = |value: bool| received.then_some(value);
        let failures = (received && !authentic).then(|| {
            json!({
                "authentication_results": format!(
                    "spf={} dkim={} dmarc={}", word(spf), word(dkim), word(dmarc)
                ),
                "received_spf": word(spf),
            })
        });
        let mut row = json!({
            "id": id,
            "timestamp_created": clock::text(when),
            "timestamp_created_date": clock::day(when),
            "organization_id": cx.workspace,
            "test_id": text(test, "id"),
            "is_spam": found(landed.spam),
            "has_category": found(landed.category),
            "sender_email": sender.email,
            "recipient_email": label.address(),
            "recipient_esp": label.esp_code,
            "recipient_geo": label.geo,
            "recipient_type": if label.kind == "Professional" { 1 } else { 2 },
            "spf_pass": found(spf),
            "dkim_pass": found(dkim),
            "dmarc_pass": found(dmarc),
            "smtp_ip_blacklist_report": null,
            "authentication_failure_results": failures,
            "record_type": record,
            "_at": when,
        });
        // May be absent but not null.
        if let Some(esp) = sender.esp.filter(|_| received) {
            set(&mut row, "sender_esp", esp);
        }
        cx.ws().placement_analytics.put(&id, row);
    }
}

/// Drops the oldest rows of a workspace that has too many.
fn forget_oldest(cx: &mut Cx<'_>) {
    let rows = &mut cx.ws().placement_analytics;
    let mut surplus = rows.len().saturating_sub(ROWS);
    if surplus > 0 {
        rows.remove_where(|_| {
            let gone = surplus > 0;
            surplus = surplus.saturating_sub(1);
            gone
        });
    }
}

/// Does what the test's automations say of a run.
fn automate(cx: &mut Cx<'_>, test: &Value, senders: &[Sender], inbox_percent: i64, listed: bool) {
    let automations = test.get("automations").and_then(Value::as_array);
    for automation in automations.into_iter().flatten().take(100) {
        let Some(when) = automation.get("when") else {
            continue;
        };
        let value = number(when, "condition_value");
        let holds = match text(when, "condition") {
            "placement_goes_below" => inbox_percent < value,
            "placement_goes_above" => inbox_percent > value,
            "added_to_blacklists" => listed,
            _ => false,
        };
        let Some(then) = automation.get("then").filter(|_| holds) else {
            continue;
        };
        for sender in senders {
            let Some(account) = cx.ws().accounts.get_mut(&sender.email) else {
                continue;
            };
            if flag(then, "pause") {
                set(account, "status", accounts::status::PAUSED);
            }
            if flag(then, "enable_slow_ramp") || flag(then, "disable_slow_ramp") {
                set(account, "enable_slow_ramp", flag(then, "enable_slow_ramp"));
            }
        }
    }
}
