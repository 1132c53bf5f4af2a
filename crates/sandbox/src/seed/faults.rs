//! Faults of the admin workspace, planted for whoever looks: people who should not be there or log in badly,
//! keys and webhooks nobody should have. Those that the rest of the seed has of itself (wide keys, a
//! subscription that is switched off, leads who unsubscribed) are not repeated here.
//!
//! It is planted after all else, so that nothing else has other ids for it.

use doorward_catalog::activity::Activity;
use serde_json::{Value, json};

use super::put;
use crate::clock::{self, DAY};
use crate::cx::Cx;

/// Somebody, and what the audit log has of them: days ago, what.
struct Person {
    email: &'static str,
    /// First and last name; none for one who has neither.
    name: Option<(&'static str, &'static str)>,
    role: &'static str,
    permissions: &'static [&'static str],
    /// Days since the invitation, and whether it was accepted.
    invited: (i64, bool),
    traces: &'static [(i64, Activity)],
}

const PEOPLE: [Person; 6] = [
    // Has not logged in for months, and manages.
    Person {
        email: "juno@larkspur.example",
        name: Some(("Juno", "Feld")),
        role: "admin",
        permissions: &[],
        invited: (500, true),
        traces: &[(140, Activity::MfaLoginSucceeded)],
    },
    // Switched the second factor off.
    Person {
        email: "kit@larkspur.example",
        name: Some(("Kit", "Moreau")),
        role: "admin",
        permissions: &[],
        invited: (210, true),
        traces: &[
            (60, Activity::TotpEnabled),
            (12, Activity::TotpDisabled),
            (2, Activity::UserLogin),
        ],
    },
    // An address of nobody's team, and a second factor that somebody guesses at.
    Person {
        email: "rafe@freelance.example",
        name: Some(("Rafe", "Osten")),
        role: "editor",
        permissions: &[],
        invited: (80, true),
        traces: &[
            (15, Activity::MfaLoginSucceeded),
            (4, Activity::MfaLoginChallengeFailed),
            (4, Activity::MfaLoginChallengeFailed),
            (4, Activity::MfaLoginChallengeFailed),
            (4, Activity::MfaLoginChallengeFailedTooManyTimes),
        ],
    },
    // Nobody knows whose it is, and it logs in with a password alone.
    Person {
        email: "sales@larkspur.example",
        name: None,
        role: "editor",
        permissions: &[],
        invited: (150, true),
        traces: &[(3, Activity::UserLogin)],
    },
    // Makes keys, and is in no list of admins.
    Person {
        email: "bea@larkspur.example",
        name: Some(("Bea", "Lund")),
        role: "editor",
        permissions: &["campaigns.view", "organization.integrations"],
        invited: (70, true),
        traces: &[(2, Activity::MfaLoginSucceeded)],
    },
    // Never came.
    Person {
        email: "otto@larkspur.example",
        name: Some(("Otto", "Wren")),
        role: "view",
        permissions: &[],
        invited: (40, false),
        traces: &[],
    },
];

/// Those of the seed who log in as they should.
const WELL: [&str; 3] = ["teo", "ines", "pavel"];

/// Plants them.
pub(super) fn plant(cx: &mut Cx<'_>) {
    people(cx);
    keys(cx);
    webhook(cx);
    // As a log is: by time.
    cx.ws().audit_logs.sort_by(|row| {
        let at = row.get("timestamp").and_then(Value::as_str);
        at.unwrap_or_default().to_owned()
    });
}

fn people(cx: &mut Cx<'_>) {
    let owner = cx.owner();
    for person in &PEOPLE {
        let (days, accepted) = person.invited;
        let user_id = cx.uuid();
        let (first, last) = person.name.unwrap_or_default();
        let member = json!({
            "email": person.email,
            "user_id": user_id,
            "user_email": accepted.then_some(person.email),
            "nickname": null,
            "name": { "first": first, "last": last },
            "role": person.role,
            "timestamp_created": clock::text(cx.now - days * DAY),
            "workspace_id": cx.workspace,
            "accepted": accepted,
            "issuer_id": owner,
            "permissions": person.permissions,
        });
        put(cx, |ws| &mut ws.members, member);
        let shown = match person.name {
            Some((first, last)) => format!("{first} {last}"),
            None => String::new(),
        };
        for (n, (days, activity)) in (0..).zip(person.traces) {
            trace(cx, (*days, n), *activity, &user_id, &shown);
        }
    }
    for name in WELL {
        let email = format!("{name}@larkspur.example");
        let user = {
            let mut members = cx.ws().members.iter();
            let member = members.find(|row| row.get("email") == Some(&json!(email)));
            let user = member.and_then(|row| row.get("user_id")?.as_str());
            user.map(str::to_owned)
        };
        if let Some(user) = user {
            trace(cx, (5, 0), Activity::MfaLoginSucceeded, &user, name);
        }
    }
}

/// What somebody did in the web application, so many days and minutes ago.
fn trace(cx: &mut Cx<'_>, (days, n): (i64, i64), activity: Activity, user: &str, name: &str) {
    let entry = json!({
        "timestamp": clock::text(cx.now - days * DAY + 3_600_000 + n * 60_000),
        "organization_id": cx.workspace,
        "activity_type": i64::from(activity),
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
        "user_id": user,
        "user_name": name,
        "ip_address": "192.0.2.23",
        "from_api": false,
        "api_key_id": null,
    });
    put(cx, |ws| &mut ws.audit_logs, entry);
}

/// A key whose name says nothing, and one that two programs use.
fn keys(cx: &mut Cx<'_>) {
    let mut made = Vec::new();
    for (name, scopes) in [("test 2", ["leads:read"]), ("site-forms", ["leads:create"])] {
        let at = clock::text(cx.now - 80 * DAY);
        let key = cx.world.ids.key(cx.now);
        let entity = json!({
            "name": name,
            "scopes": scopes,
            "key": key,
            "organization_id": cx.workspace,
            "timestamp_created": at,
            "timestamp_updated": at,
        });
        made.push(put(cx, |ws| &mut ws.api_keys, entity));
    }
    let shared = made.pop();
    for (days, agent) in [(50, "n8n/1.62.4"), (49, "python-requests/2.32.3")] {
        let entry = json!({
            "timestamp": clock::text(cx.now - days * DAY),
            "organization_id": cx.workspace,
            "activity_type": i64::from(Activity::LeadAdded),
            "user_agent": agent,
            "user_id": null,
            "user_name": null,
            "ip_address": "198.51.100.9",
            "from_api": true,
            "api_key_id": shared,
            "affected_count": 1,
        });
        put(cx, |ws| &mut ws.audit_logs, entry);
    }
}

/// A subscription in plain text.
fn webhook(cx: &mut Cx<'_>) {
    let webhook = json!({
        "organization": cx.workspace,
        "campaign": null,
        "name": "Site forms",
        "target_hook_url": "http://forms.larkspur.example/instantly",
        "custom_interest_value": null,
        "headers": { "x-hook-secret": format!("seeded-{}", cx.world.ids.below(1_000_000_000)) },
        "timestamp_created": clock::text(cx.now - 30 * DAY),
        "status": 1,
        "timestamp_error": null,
        "event_type": "lead_interested",
    });
    put(cx, |ws| &mut ws.webhooks, webhook);
}
