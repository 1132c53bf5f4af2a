//! Accounts, mail and what belongs to them.

mod beside;
mod threads;

use serde_json::{Map, Value, json};

use crate::clock::{DAY, Millis};
use crate::cx::Cx;
use crate::ops::accounts;
use crate::ops::view::{set, text};
use crate::ops::warmup;

/// A planted account.
struct Planted {
    first: &'static str,
    last: &'static str,
    provider: i64,
    /// `status`, `warmup_status`, days since the account was connected.
    state: (i64, i64, i64),
    /// What the server answered, of an account in error.
    said: Option<(&'static str, i64)>,
    tracked: bool,
}

const fn planted(
    first: &'static str,
    last: &'static str,
    provider: i64,
    state: (i64, i64, i64),
    said: Option<(&'static str, i64)>,
    tracked: bool,
) -> Planted {
    Planted {
        first,
        last,
        provider,
        state,
        said,
        tracked,
    }
}

/// Accounts in each status; the first four send.
const ACCOUNTS: &[Planted] = &[
    planted("Mara", "Quill", 2, (1, 1, 120), None, true),
    planted("Teo", "Brandt", 2, (1, 1, 90), None, true),
    planted("Ines", "Okafor", 3, (1, 1, 60), None, false),
    planted("Lena", "Voss", 1, (1, 0, 45), None, false),
    planted("Remy", "Stolz", 3, (2, 0, 80), None, false),
    planted("Ivo", "Castell", 2, (3, 1, 70), None, true),
    planted(
        "Dana",
        "Frost",
        1,
        (-1, 0, 50),
        Some(("535 5.7.8 Authentication failed", 535)),
        false,
    ),
    planted(
        "Oren",
        "Blake",
        2,
        (-2, -2, 40),
        Some(("450 4.2.1 Mailbox is over its rate", 450)),
        false,
    ),
    planted(
        "Tess",
        "Alder",
        4,
        (-3, -1, 30),
        Some(("550 5.4.5 Daily sending limit exceeded", 550)),
        false,
    ),
];

/// The domain of the workspace's own mail: its name in small letters.
fn domain(cx: &mut Cx<'_>) -> String {
    let name = text(&cx.ws().record, "name").to_lowercase();
    let words: Vec<&str> = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    format!(
        "{}.example",
        if words.is_empty() {
            "workspace".to_owned()
        } else {
            words.join("-")
        }
    )
}

/// Does something as if it were done at another time.
fn at<T>(cx: &mut Cx<'_>, time: Millis, what: impl FnOnce(&mut Cx<'_>) -> T) -> T {
    let now = std::mem::replace(&mut cx.now, time);
    let done = what(cx);
    cx.now = now;
    done
}

/// Plants the accounts of the workspace of `cx`; their addresses.
pub(crate) fn accounts(cx: &mut Cx<'_>) -> Vec<String> {
    let domain = domain(cx);
    let now = cx.now;
    ACCOUNTS
        .iter()
        .map(|planted| {
            at(cx, now - planted.state.2 * DAY, |cx| {
                account(cx, planted, &domain)
            })
        })
        .collect()
}

fn account(cx: &mut Cx<'_>, planted: &Planted, domain: &str) -> String {
    let email = format!("{}@{domain}", planted.first.to_lowercase());
    let names = (planted.first, planted.last);
    let (status, warmth, _) = planted.state;
    let mut account = accounts::fresh(cx, &email, names, planted.provider);
    if warmth != 0 {
        warmup::turn(&mut account, true, cx.now);
    }
    set(&mut account, "warmup_status", warmth);
    set(&mut account, "status", status);
    set(&mut account, "daily_limit", 40);
    set(
        &mut account,
        "signature",
        format!("{} {}", planted.first, planted.last),
    );
    if planted.tracked {
        set(
            &mut account,
            "tracking_domain_name",
            format!("track.{domain}"),
        );
        set(&mut account, "tracking_domain_status", "active");
    }
    if let Some((said, code)) = planted.said {
        set(
            &mut account,
            "status_message",
            json!({
                "code": if status == -1 { "EAUTH" } else { "EENVELOPE" },
                "command": if status == -1 { "AUTH PLAIN" } else { "DATA" },
                "response": said,
                "e_message": format!("error: {}", said.to_lowercase()),
                "responseCode": code,
            }),
        );
    }
    cx.ws().accounts.put(&email, account);
    email
}

/// A call that somebody might have made, for the operations that plant through themselves.
fn call(op: doorward_catalog::Op, body: Value) -> crate::call::Call {
    crate::call::Call {
        op,
        param: String::new(),
        query: Map::new(),
        body,
        address: "127.0.0.1".to_owned(),
        user_agent: None,
    }
}

/// Plants the rest, once campaigns and leads are there.
pub(crate) fn plant(cx: &mut Cx<'_>) {
    threads::plant(cx);
    beside::plant(cx);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::ops::view::{number, text};
    use crate::testing;

    #[test]
    fn there_is_an_account_in_every_status_and_mail_of_every_kind() {
        let world = testing::world();
        for ws in world.workspaces.values() {
            let statuses: BTreeSet<i64> = ws.accounts.iter().map(|a| number(a, "status")).collect();
            assert_eq!(statuses, BTreeSet::from([-3, -2, -1, 1, 2, 3]));
            let kinds: BTreeSet<i64> = ws.emails.iter().map(|e| number(e, "ue_type")).collect();
            assert_eq!(kinds, BTreeSet::from([1, 2, 3, 4]));
            for email in ws.emails.iter() {
                assert!(
                    ws.accounts.get(text(email, "eaccount")).is_some(),
                    "{email}"
                );
            }
            for (table, name) in [
                (&ws.verifications, "verifications"),
                (&ws.placement_tests, "placement tests"),
                (&ws.placement_analytics, "placement analytics"),
                (&ws.placement_reports, "placement reports"),
                (&ws.orders, "orders"),
                (&ws.order_accounts, "accounts of orders"),
                (&ws.phone_numbers, "phone numbers"),
                (&ws.enrichments, "enrichments"),
            ] {
                assert!(table.len() > 0, "no {name}");
            }
        }
    }
}
