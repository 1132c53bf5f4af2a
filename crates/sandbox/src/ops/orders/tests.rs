use serde_json::{Value, json};

use crate::ops::fitting::{call, items, ok};
use crate::ops::view::{number, text};
use crate::testing;
use crate::world::World;

const ORDERS: &str = "/api/v2/dfy-email-account-orders";

fn check(world: &mut World, domain: &str) -> Value {
    let path = format!("{ORDERS}/domains/check");
    ok(world, "POST", &path, Some(json!({ "domains": [domain] })))["results"][0].clone()
}

fn free_domain(world: &mut World) -> String {
    let path = format!("{ORDERS}/domains/similar");
    let similar = ok(
        world,
        "POST",
        &path,
        Some(json!({ "domain": "lanternfish.com" })),
    );
    text(&json!({ "d": similar["domains"][0] }), "d").to_owned()
}

fn mailbox(prefix: &str) -> Value {
    json!({ "email_address_prefix": prefix, "first_name": "Ada", "last_name": "Berg" })
}

fn order(world: &mut World, kind: &str, items: Value, simulation: bool) -> Value {
    let body = json!({ "order_type": kind, "items": items, "simulation": simulation });
    ok(world, "POST", ORDERS, Some(body))
}

#[test]
fn similar_domains_can_be_had_and_ordered_ones_no_longer() {
    let mut world = testing::world();
    let path = format!("{ORDERS}/domains/similar");
    let similar = ok(
        &mut world,
        "POST",
        &path,
        Some(json!({ "domain": "acme.com", "tlds": ["org"] })),
    );
    let similar = similar["domains"].as_array().unwrap().clone();
    assert!(similar.len() > 20 && similar.len() <= 67);
    for domain in &similar {
        let domain = domain.as_str().unwrap();
        assert!(domain.ends_with(".org"));
        assert_eq!(check(&mut world, domain)["available"], true);
    }
    let refused = call(
        &mut world,
        "POST",
        &path,
        Some(json!({ "domain": "mygoogle.com" })),
    );
    assert_eq!((refused.0, &refused.1["keyword"]), (400, &json!("google")));
    assert_eq!(
        check(&mut world, "mygoogle.com")["unavailable_reason"],
        "restricted"
    );
    assert_eq!(check(&mut world, "acme.net")["available"], false);
    let domain = similar[0].as_str().unwrap();
    let placed = order(
        &mut world,
        "dfy",
        json!([{ "domain": domain, "accounts": [mailbox("ada")] }]),
        false,
    );
    assert_eq!(placed["order_placed"], true);
    assert_eq!(check(&mut world, domain)["available"], false);
}

#[test]
fn a_simulation_prices_and_changes_nothing() {
    let mut world = testing::world();
    let domain = free_domain(&mut world);
    let before = serde_json::to_string(&world.workspaces[0]).unwrap();
    let item = json!([{ "domain": domain, "accounts": [mailbox("a"), mailbox("b")] }]);
    let quote = order(&mut world, "dfy", item, true);
    assert_eq!(quote["order_placed"], false);
    assert_eq!(quote["order_is_valid"], true);
    assert_eq!(number(&quote, "total_accounts_price_per_month"), 10);
    assert_eq!(
        number(&quote, "total_price"),
        10 + number(&quote, "price_per_domain_per_year")
    );
    assert_eq!(quote["price_per_account_per_month"], 5);
    assert_eq!(serde_json::to_string(&world.workspaces[0]).unwrap(), before);
}

#[test]
fn faults_are_told_and_nothing_is_placed() {
    let mut world = testing::world();
    let domain = free_domain(&mut world);
    let one = || json!([mailbox("ada")]);
    let six: Value = ["a", "b", "c", "d", "e", "f"]
        .into_iter()
        .map(mailbox)
        .collect();
    let nameless = json!([{ "email_address_prefix": "x", "first_name": " ", "last_name": "B" }]);
    let orders = world.workspaces[0].orders.len();
    for (kind, item, error, list) in [
        (
            "dfy",
            json!({ "domain": "nonsense", "accounts": one() }),
            "invalid_domains",
            "invalid_domains",
        ),
        (
            "dfy",
            json!({ "domain": "mygoogle.com", "accounts": one() }),
            "blacklist_domains",
            "blacklist_keywords",
        ),
        (
            "dfy",
            json!({ "domain": domain }),
            "domains_without_accounts",
            "domains_without_accounts",
        ),
        (
            "dfy",
            json!({ "domain": domain, "accounts": six }),
            "invalid_accounts",
            "invalid_accounts",
        ),
        (
            "dfy",
            json!({ "domain": domain, "accounts": nameless }),
            "invalid_accounts",
            "invalid_accounts",
        ),
        (
            "dfy",
            json!({ "domain": domain, "accounts": one(), "email_provider": 3 }),
            "invalid_accounts",
            "invalid_accounts",
        ),
        (
            "dfy",
            json!({ "domain": domain, "accounts": one(), "forwarding_domain": domain }),
            "invalid_forwarding_domains",
            "invalid_forwarding_domains",
        ),
        (
            "pre_warmed_up",
            json!({ "domain": domain }),
            "unavailable_domains",
            "unavailable_domains",
        ),
        (
            "extra_accounts",
            json!({ "domain": domain, "accounts": one() }),
            "missing_domain_orders",
            "missing_domain_orders",
        ),
    ] {
        let answer = order(&mut world, kind, json!([item]), false);
        assert_eq!(answer["order_is_valid"], false, "{item}");
        assert_eq!(answer["order_error"], error, "{item}");
        assert_eq!(answer[list].as_array().unwrap().len(), 1, "{item}");
        assert_eq!(answer["order_placed"], false);
    }
    assert_eq!(world.workspaces[0].orders.len(), orders);
}

#[test]
fn an_order_makes_accounts_that_a_cancellation_ends() {
    let mut world = testing::world();
    let domain = free_domain(&mut world);
    let item = json!([{ "domain": domain, "accounts": [mailbox("ada"), mailbox("bela")], "email_provider": 2 }]);
    assert_eq!(order(&mut world, "dfy", item, false)["order_placed"], true);
    assert_eq!(
        items(&ok(&mut world, "GET", ORDERS, None))[0]["domain"],
        json!(domain)
    );
    let account = format!("/api/v2/accounts/ada@{domain}");
    assert_eq!(ok(&mut world, "GET", &account, None)["setup_pending"], true);
    let listed = format!("{ORDERS}/accounts?with_passwords=true&limit=2");
    let passwords = |world: &mut World| -> Vec<String> {
        items(&ok(world, "GET", &listed, None))
            .iter()
            .map(|row| text(row, "password").to_owned())
            .collect()
    };
    assert_eq!(passwords(&mut world), ["", ""]);
    world.clock.advance(super::SETUP);
    assert_eq!(
        ok(&mut world, "GET", &account, None)["setup_pending"],
        false
    );
    assert!(
        passwords(&mut world)
            .iter()
            .all(|password| password.len() == 12)
    );
    let plain = items(&ok(&mut world, "GET", &format!("{ORDERS}/accounts"), None));
    assert!(plain.iter().all(|row| row.get("password").is_none()));

    // Extra mailboxes join the same provider only, up to five.
    let extra = |provider: i64, prefixes: &[&str]| {
        let accounts: Value = prefixes.iter().map(|prefix| mailbox(prefix)).collect();
        json!([{ "domain": domain, "accounts": accounts, "email_provider": provider }])
    };
    assert_eq!(
        order(&mut world, "extra_accounts", extra(1, &["cleo"]), false)["order_error"],
        "provider_mismatch"
    );
    assert_eq!(
        order(&mut world, "extra_accounts", extra(2, &["ada"]), false)["order_error"],
        "invalid_accounts"
    );
    assert_eq!(
        order(
            &mut world,
            "extra_accounts",
            extra(2, &["c", "d", "e", "f"]),
            false
        )["order_error"],
        "invalid_accounts"
    );
    let placed = order(&mut world, "extra_accounts", extra(2, &["cleo"]), false);
    assert_eq!(
        (&placed["order_placed"], &placed["total_price"]),
        (&json!(true), &json!(4))
    );

    let emails: Vec<String> = ["ada", "bela", "cleo"]
        .iter()
        .map(|name| format!("{name}@{domain}"))
        .collect();
    let path = format!("{ORDERS}/accounts/cancel");
    let answer = ok(
        &mut world,
        "POST",
        &path,
        Some(json!({ "accounts": emails })),
    );
    assert_eq!(items(&answer).len(), 3);
    assert_eq!(call(&mut world, "GET", &account, None).0, 404);
    assert!(items(&ok(&mut world, "GET", ORDERS, None))[0]["timestamp_cancelled"].is_string());
    assert_eq!(
        call(
            &mut world,
            "POST",
            &path,
            Some(json!({ "accounts": emails }))
        )
        .0,
        404
    );
}

#[test]
fn pre_warmed_domains_are_sold_once() {
    let mut world = testing::world();
    let path = format!("{ORDERS}/domains/pre-warmed-up-list");
    let list = ok(
        &mut world,
        "POST",
        &path,
        Some(json!({ "extensions": ["com"] })),
    );
    let domain = list["domains"][0].clone();
    let placed = order(
        &mut world,
        "pre_warmed_up",
        json!([{ "domain": domain }]),
        false,
    );
    assert_eq!(placed["order_placed"], true);
    let list = ok(&mut world, "POST", &path, None);
    assert!(!list["domains"].as_array().unwrap().contains(&domain));
    let warm = ok(
        &mut world,
        "GET",
        "/api/v2/accounts?filter=ACC_FILTER_PW_ACCOUNTS&limit=100",
        None,
    );
    assert!(
        items(&warm)
            .iter()
            .any(|account| text(account, "email").ends_with(domain.as_str().unwrap()))
    );
    let none = ok(
        &mut world,
        "POST",
        &path,
        Some(json!({ "search": "nothing is named so" })),
    );
    assert_eq!(none["domains"], json!([]));
}

#[test]
fn the_card_is_declined_when_it_bears_no_more() {
    let mut world = testing::world();
    world.workspaces[0]
        .notes
        .insert("dollars_spent".into(), json!(super::CARD - 5));
    let domain = free_domain(&mut world);
    let answer = order(
        &mut world,
        "dfy",
        json!([{ "domain": domain, "accounts": [mailbox("ada")] }]),
        false,
    );
    assert_eq!(answer["order_is_valid"], true);
    assert_eq!(answer["order_placed"], false);
    assert_eq!(answer["order_error"], "payment_failed");
}
