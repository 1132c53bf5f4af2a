//! Leads and their history.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::clock::{DAY, Millis};
use crate::cx::Cx;
use crate::ops::campaigns::status;
use crate::ops::leads::{self, Target, Upload, Verify, uuid};
use crate::ops::subsequences;
use crate::ops::view::{number, text};
use crate::world::SendKind;

const HOUR: Millis = 3_600_000;

const FIRST: [&str; 24] = [
    "Amara", "Bence", "Chiara", "Dario", "Edda", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kaja",
    "Luca", "Mira", "Nils", "Olga", "Pedro", "Quinn", "Rhea", "Sven", "Tilda", "Uri", "Vera",
    "Wim", "Yara",
];

const LAST: [&str; 20] = [
    "Abel", "Brandt", "Castro", "Dunn", "Eriksen", "Fabre", "Gallo", "Hart", "Ivanov", "Jansen",
    "Keller", "Lind", "Moreau", "Novak", "Osei", "Petrov", "Quist", "Rossi", "Sato", "Toth",
];

const COMPANIES: [&str; 12] = [
    "Alder", "Basalt", "Cobalt", "Dune", "Ember", "Fjord", "Grove", "Harbor", "Iris", "Juniper",
    "Kestrel", "Lumen",
];

const TITLES: [&str; 5] = [
    "Head of Growth",
    "Founder",
    "Operations Manager",
    "VP Sales",
    "Office Manager",
];

/// One of the items, by the world's own dice.
fn pick(cx: &mut Cx<'_>, items: &[&'static str]) -> &'static str {
    let n = usize::try_from(cx.world.ids.below(items.len() as u64)).unwrap_or(0);
    items.get(n).copied().unwrap_or_default()
}

/// Whether something happens that does so in this many cases of a hundred.
fn chance(cx: &mut Cx<'_>, percent: u64) -> bool {
    cx.world.ids.below(100) < percent
}

/// A lead with invented details, added some weeks ago.
fn lead(cx: &mut Cx<'_>, target: Target) -> Uuid {
    let (first, last) = (pick(cx, &FIRST), pick(cx, &LAST));
    let company = pick(cx, &COMPANIES);
    let title = pick(cx, &TITLES);
    let n = cx.ws().leads.len();
    let host = company.to_lowercase();
    let fields = json!({
        "email": format!("{}.{}{n}@{host}.example", first.to_lowercase(), last.to_lowercase()),
        "first_name": first,
        "last_name": last,
        "company_name": format!("{company} Ltd"),
        "job_title": title,
        "phone": format!("+1555010{n:04}"),
        "website": format!("https://{host}.example"),
        "personalization": format!("I read what {company} wrote on onboarding."),
        "custom_variables": { "industry": if n.is_multiple_of(2) { "software" } else { "retail" } },
    });
    let id = leads::put(cx, &fields, target, None, Verify::No);
    let verified = [1, 1, 1, 1, -1, -2, -3, -4, 11, 12];
    let owner = uuid(&cx.owner());
    let made = cx.now - 40 * DAY;
    if let Some(lead) = cx.ws().leads.get_mut(id) {
        lead.created = made;
        lead.updated = made;
        lead.verification = verified.get(n % verified.len()).copied();
        lead.esg = u8::try_from(n % 7).ok().filter(|code| *code < 5);
        lead.enrichment = [Some(1), None, Some(-1), None, Some(11)]
            .get(n % 5)
            .copied()
            .flatten();
        lead.assigned_to = owner.filter(|_| n.is_multiple_of(3));
        lead.upload = match n % 9 {
            0 => Upload::Manual,
            1 => Upload::WebsiteVisitor,
            _ => Upload::Api,
        };
    }
    id
}

/// Plants a list's leads; a few of the first list are in a campaign as well.
pub(super) fn plant_list(cx: &mut Cx<'_>, list: &str, campaign: Option<&String>, count: usize) {
    for n in 0..count {
        let target = Target {
            campaign: campaign.filter(|_| n < 5).and_then(|id| uuid(id)),
            list: uuid(list),
        };
        lead(cx, target);
    }
}

/// Plants a campaign's leads with what its status lets have happened to them.
pub(super) fn plant_campaign(cx: &mut Cx<'_>, campaign: &str, state: i64, count: usize) {
    let target = Target {
        campaign: uuid(campaign),
        list: None,
    };
    for n in 0..count {
        let id = lead(cx, target);
        if state == status::DRAFT {
            continue;
        }
        // In a campaign that still runs, some leads wait for their turn.
        let waits = matches!(state, status::ACTIVE | status::PAUSED) && n % 5 == 4;
        if !waits {
            history(cx, id, state);
        }
        settle(cx, id, state, n);
    }
}

/// Runs something at a time in the past.
fn at(cx: &mut Cx<'_>, time: Millis, act: impl FnOnce(&mut Cx<'_>)) {
    let now = cx.now;
    cx.now = time.min(now);
    act(cx);
    cx.now = now;
}

fn happen(cx: &mut Cx<'_>, kind: SendKind, lead: Uuid, time: Millis) {
    at(cx, time, |cx| leads::replay(cx, kind, lead));
}

/// A lead's emails and what it did with them.
fn history(cx: &mut Cx<'_>, id: Uuid, state: i64) {
    let days = 14 + cx.world.ids.below(16);
    let mut time = cx.now - days as Millis * DAY + cx.world.ids.below(8) as Millis * HOUR;
    let steps = 1 + cx.world.ids.below(3);
    let bounces = if state == status::BOUNCE_PROTECT {
        40
    } else {
        4
    };
    for _ in 0..steps {
        happen(cx, SendKind::Sent, id, time);
        if chance(cx, bounces) {
            return happen(cx, SendKind::Bounced, id, time + HOUR / 60);
        }
        if chance(cx, 55) {
            happen(cx, SendKind::Opened, id, time + 2 * HOUR);
            if chance(cx, 25) {
                happen(cx, SendKind::Opened, id, time + 5 * HOUR);
            }
            if chance(cx, 20) {
                happen(cx, SendKind::Clicked, id, time + 2 * HOUR + HOUR / 10);
            }
        }
        if chance(cx, 4) {
            happen(cx, SendKind::AutoReplied, id, time + HOUR / 30);
            at(cx, time + HOUR, |cx| leads::set_interest(cx, id, Some(0)));
        }
        if chance(cx, 12) {
            happen(cx, SendKind::Replied, id, time + 6 * HOUR);
            return answered(cx, id, time + 7 * HOUR);
        }
        if chance(cx, 3) {
            return happen(cx, SendKind::Unsubscribed, id, time + 8 * HOUR);
        }
        time += 4 * DAY;
    }
    if steps == 3 {
        happen(cx, SendKind::Completed, id, time);
    }
}

/// What came of a reply.
fn answered(cx: &mut Cx<'_>, id: Uuid, time: Millis) {
    let paths: [&[i16]; 8] = [
        &[1],
        &[1, 2],
        &[1, 2, 3],
        &[1, 2, 3, 4],
        &[-1],
        &[-2],
        &[1, -3],
        &[2, -4],
    ];
    let n = usize::try_from(cx.world.ids.below(paths.len() as u64)).unwrap_or(0);
    for (days, interest) in paths.get(n).copied().unwrap_or_default().iter().enumerate() {
        let time = time + days as Millis * DAY;
        at(cx, time, |cx| leads::set_interest(cx, id, Some(*interest)));
    }
}

/// Puts a lead into the state its campaign is in.
fn settle(cx: &mut Cx<'_>, id: Uuid, state: i64, n: usize) {
    let time = cx.now - DAY;
    let finished = cx.ws().leads.get(id).is_none_or(leads::Lead::is_finished);
    match state {
        status::COMPLETED | status::RUNNING_SUBSEQUENCES if !finished => {
            happen(cx, SendKind::Completed, id, time);
            if state == status::RUNNING_SUBSEQUENCES {
                follow(cx, id, time);
            }
        }
        status::PAUSED if !finished && n.is_multiple_of(6) => {
            set_status(cx, id, leads::status::PAUSED)
        }
        status::ACTIVE if n % 10 == 4 => set_status(cx, id, leads::status::SKIPPED),
        _ => {}
    }
}

fn set_status(cx: &mut Cx<'_>, id: Uuid, status: i8) {
    if let Some(lead) = cx.ws().leads.get_mut(id) {
        lead.status = status;
    }
}

/// Puts a lead into its campaign's active subsequence and lets its first email go out.
fn follow(cx: &mut Cx<'_>, id: Uuid, time: Millis) {
    let ws = cx.ws();
    let campaign = ws.leads.get(id).and_then(|lead| lead.campaign);
    let found: Option<&Value> = ws.subsequences.iter().find(|entity| {
        uuid(text(entity, "parent_campaign")) == campaign
            && number(entity, "status") == status::ACTIVE
    });
    let Some(subsequence) = found.map(|entity| text(entity, "id").to_owned()) else {
        return;
    };
    at(cx, time, |cx| {
        // The subsequence was found as one of the lead's own campaign.
        let _ = subsequences::enter(cx, id, &subsequence);
    });
    happen(cx, SendKind::Sent, id, time + HOUR);
    if chance(cx, 40) {
        happen(cx, SendKind::Opened, id, time + 3 * HOUR);
    }
}
