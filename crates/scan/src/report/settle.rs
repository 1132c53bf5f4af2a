//! From what was gathered to findings.

use doorward_finding::{Finding, Mute, Place, Remedy, Standing};
use secrecy::{ExposeSecret, SecretString};

use super::allow::{AllowRules, Said};
use super::baseline::Baseline;
use super::collect::{Gathered, Group, Sighting};
use super::day::Day;
use super::fingerprint::fingerprint;
use super::inline::{Inline, inline};
use super::mask::mask;
use crate::InlineAllow;

/// Most allowances of one finding that are told to have ended.
const LAPSED_MAX: usize = 10;

/// What decides on which findings count.
pub struct Settings<'a> {
    /// Rules that allow places.
    pub allow: &'a AllowRules,
    /// Whether what lines say of themselves is heard.
    pub inline: bool,
    /// What was there before.
    pub baseline: &'a Baseline,
    /// Today.
    pub today: Day,
}

/// A finding, with its secret beside it.
pub struct Secret {
    /// The finding: no secret is in it.
    pub finding: Finding,
    /// The secret.
    pub secret: SecretString,
}

/// What was found, and what is to be said of it.
#[derive(Default)]
pub struct Settled {
    /// The findings, the worst first.
    pub found: Vec<Secret>,
    /// What was not looked at, and why.
    pub not_looked_at: Vec<String>,
}

/// Makes findings: one a secret. Those places of it that nobody allowed are told; where all are allowed,
/// the finding is muted, and all are.
pub fn settle(gathered: Gathered, settings: &Settings<'_>) -> Settled {
    let found = gathered
        .groups
        .into_iter()
        .filter(|group| !group.sightings.is_empty())
        .map(|group| settle_one(group, settings))
        .collect();
    let mut settled = Settled {
        found,
        not_looked_at: gathered.notes,
    };
    settled.sort();
    settled
}

impl Settled {
    /// Puts the worst first.
    pub fn sort(&mut self) {
        self.found.sort_by_cached_key(|one| {
            (
                std::cmp::Reverse(one.finding.severity),
                one.finding.rule.clone(),
                one.finding.places.first().map(Place::shown),
                one.finding.fingerprint.clone(),
            )
        });
    }
}

fn settle_one(mut group: Group, settings: &Settings<'_>) -> Secret {
    let secret = group.secret.expose_secret();
    group.sightings.sort_by(|a, b| order(a).cmp(&order(b)));
    let first = group.sightings.first().map(|one| one.place.path.as_str());
    let print = fingerprint(secret, first.unwrap_or_default());
    let mut open = Vec::new();
    let mut muted: Vec<(Sighting, Mute)> = Vec::new();
    let mut lapsed = Vec::new();
    for sighting in group.sightings {
        match allowed(&sighting, (&group.rule.id, &print), settings, &mut lapsed) {
            Some(mute) => muted.push((sighting, mute)),
            None => open.push(sighting),
        }
    }
    let allowed_count = muted.len();
    let (sightings, standing) = match (open.is_empty(), muted.first()) {
        (true, Some((_, mute))) => {
            let standing = Standing::Muted(mute.clone());
            (
                muted.into_iter().map(|(sighting, _)| sighting).collect(),
                standing,
            )
        }
        _ if settings.baseline.has(&print) => (open, Standing::Known),
        _ => (open, Standing::Open),
    };
    let mut evidence = vec![("secret".to_owned(), mask(secret))];
    let mut add = |name: &str, seen: String| evidence.push((name.to_owned(), seen));
    let hidden: Vec<&str> = sightings
        .first()
        .map(|first| first.via.clone())
        .unwrap_or_default();
    if !hidden.is_empty() {
        add("hidden_by", hidden.join(", "));
    }
    let places = sightings.len() as u64 + group.more;
    if places > 1 {
        add("places", places.to_string());
    }
    if allowed_count > 0 && !matches!(standing, Standing::Muted(_)) {
        add("allowed_places", allowed_count.to_string());
    }
    for what in lapsed.into_iter().take(LAPSED_MAX) {
        add("allowance", what);
    }
    let mut message = format!("{} {}", group.rule.title, mask(secret));
    if !hidden.is_empty() {
        message.push_str(&format!(" (hidden by {})", hidden.join(", ")));
    }
    if places > 1 {
        message.push_str(&format!(", in {places} places"));
    }
    let finding = Finding {
        rule: group.rule.id,
        severity: group.rule.severity,
        message,
        places: sightings
            .into_iter()
            .map(|sighting| Place::File(Box::new(sighting.place)))
            .collect(),
        evidence,
        remedy: Remedy {
            text: group.rule.help,
            command: None,
        },
        fingerprint: print,
        standing,
    };
    Secret {
        finding,
        secret: group.secret,
    }
}

/// Places of today before those that a history alone has, then by name.
fn order(sighting: &Sighting) -> (bool, &str, Option<u64>, Option<u64>, Option<&str>) {
    let place = &sighting.place;
    let commit = place.introduced.as_ref().map(|by| by.commit.as_str());
    (
        place.last_seen.is_some(),
        &place.path,
        place.line,
        place.column,
        commit,
    )
}

/// Who allows a place, if somebody does. Allowances that do not hold are noted.
fn allowed(
    sighting: &Sighting,
    (detector, print): (&str, &str),
    settings: &Settings<'_>,
    lapsed: &mut Vec<String>,
) -> Option<Mute> {
    let place = Place::File(Box::new(sighting.place.clone())).shown();
    let until = |mute: &Mute| mute.until.clone().unwrap_or_default();
    let mut note = |what: String| lapsed.push(what);
    let area = detector.split('.').next().unwrap_or(detector);
    let is_for = |said: &&InlineAllow| {
        let mut named = said.detectors.iter();
        settings.inline
            && (said.detectors.is_empty() || named.any(|id| id == detector || id == area))
    };
    if let Some(said) = sighting.allowed.as_ref().filter(is_for) {
        let (stands, mute) = inline(&said.reason, said.until.as_deref(), settings.today);
        match stands {
            Inline::Holds => return Some(mute),
            Inline::Expired => note(format!(
                "{place}: allowed by its line until {} ({}), and counts again",
                until(&mute),
                mute.reason
            )),
            Inline::Unfit => note(format!(
                "{place}: its line allows it without a reason or a day, and counts: write \
                 `doorward:allow REASON until YYYY-MM-DD`"
            )),
        }
    }
    match settings
        .allow
        .of((&sighting.place.path, detector, print), settings.today)
    {
        Some(Said::Allowed(mute)) => Some(mute),
        Some(Said::Expired(mute)) => {
            note(format!(
                "{place}: allowed until {} by {} ({}), and counts again",
                until(&mute),
                mute.owner.as_deref().unwrap_or("nobody"),
                mute.reason
            ));
            None
        }
        None => None,
    }
}
