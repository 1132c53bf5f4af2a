//! `doorward member` and `doorward blocklist`, against the emulated Instantly.

use std::fs;

use serde_json::{Value, json};

use crate::harness::Ran;
use crate::upstream::World;

/// The sandbox's members or block list, as it has them itself.
fn there(world: &World, resource: &str) -> Vec<Value> {
    let key = world.seeded("full-automation")["key"].as_str().unwrap();
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("/{resource}?limit=100{after}");
        let (status, page) = world.instantly(key, "GET", &path, None);
        assert_eq!(status, 200, "{page}");
        let items = page["items"].as_array().unwrap();
        all.extend(items.iter().cloned());
        match page["next_starting_after"].as_str() {
            Some(next) if !items.is_empty() => after = format!("&starting_after={next}"),
            _ => return all,
        }
    }
}

pub(crate) fn roles(world: &World) -> Vec<(String, String)> {
    let text = |one: &Value, field: &str| one[field].as_str().unwrap().to_owned();
    let members = there(world, "workspace-members");
    let mut all: Vec<_> = members
        .iter()
        .map(|one| (text(one, "email"), text(one, "role")))
        .collect();
    all.sort();
    all
}

pub(crate) fn blocked(world: &World) -> Vec<String> {
    let entries = there(world, "block-lists-entries");
    let values = entries.iter().map(|one| one["bl_value"].as_str().unwrap());
    let mut all: Vec<String> = values.map(str::to_owned).collect();
    all.sort();
    all
}

/// A workspace with a key that may do everything; that can't be found out of it, so it is said.
pub(crate) fn world() -> World {
    let world = World::with(&[]);
    let value = world.seeded("full-automation")["key"].as_str().unwrap();
    let reference = world.keep("full-automation", value);
    let url = world.sandbox.text("url");
    let add = [
        "workspace",
        "add",
        "acme",
        "--sandbox",
        "--scopes",
        "all:all",
    ];
    let add = [&add[..], &["--base-url", &url, "--key-from", &reference]].concat();
    world.run(&add).ended(0);
    world
}

#[test]
fn people_are_listed_invited_changed_and_removed_but_never_the_last_owner() {
    let world = world();
    let listed = world.run(&["member", "list", "--json"]).ended(0).json();
    let members = listed[0]["members"].as_array().unwrap();
    assert_eq!(members.len(), 11, "{listed:#}");
    let suri = members
        .iter()
        .find(|one| one["email"] == "suri@larkspur.example")
        .unwrap();
    assert_eq!(suri["accepted"], false);
    let table = world.run(&["member", "list"]).ended(0).stdout;
    assert!(table.contains("mara@larkspur.example") && table.contains("invited"));

    // Nothing is done by a dry run.
    let before = roles(&world);
    let dry = ["member", "set-role", "pavel@larkspur.example", "admin"];
    let dry = world.run(&[&dry[..], &["--dry-run"]].concat()).ended(0);
    assert!(dry.stdout.contains("view → admin"), "{dry:?}");
    let gone = ["member", "remove", "pavel@larkspur.example", "--dry-run"];
    world.run(&gone).ended(0);
    assert_eq!(roles(&world), before);

    world
        .run(&["member", "set-role", "Pavel@Larkspur.example", "editor"])
        .ended(0);
    let invite = [
        "member",
        "invite",
        "New@Larkspur.example",
        "--role",
        "view",
        "--permission",
        "analytics.view",
    ];
    world.run(&invite).ended(0);
    let twice = world.run(&invite).ended(2);
    assert!(twice.stderr.contains("invited already"), "{twice:?}");
    // Nobody is here to be asked.
    world
        .run(&["member", "remove", "suri@larkspur.example"])
        .ended(2);
    world
        .run(&["member", "remove", "suri@larkspur.example", "--yes"])
        .ended(0);
    let now = roles(&world);
    let is = |email: &str, role: &str| now.contains(&(email.to_owned(), role.to_owned()));
    assert!(is("pavel@larkspur.example", "editor") && is("new@larkspur.example", "view"));
    assert!(!now.iter().any(|(email, _)| email.starts_with("suri")));

    for (arguments, says) in [
        (
            vec!["set-role", "mara@larkspur.example", "view"],
            "last owner",
        ),
        (
            vec!["remove", "mara@larkspur.example", "--yes"],
            "last owner",
        ),
        (
            vec!["set-role", "teo@larkspur.example", "owner"],
            "made an owner",
        ),
        (
            vec!["set-role", "teo@larkspur.example", "client"],
            "customers",
        ),
        (
            vec!["set-role", "teo@larkspur.example", "boss"],
            "admin, editor or view",
        ),
        (
            vec!["set-role", "nobody@larkspur.example", "view"],
            "no such member",
        ),
        (
            vec!["invite", "nobody", "--role", "view"],
            "no mail address",
        ),
        (
            vec!["invite", "a@b.example", "--role", "owner"],
            "made an owner",
        ),
        (
            vec![
                "invite",
                "a@b.example",
                "--role",
                "view",
                "--permission",
                "all",
            ],
            "campaigns.view",
        ),
    ] {
        let refused = world.run(&[&["member"], arguments.as_slice()].concat());
        let refused = refused.ended(2);
        assert!(refused.stderr.contains(says), "{arguments:?}: {refused:?}");
    }
    assert_eq!(roles(&world), now);
}

#[test]
fn what_is_done_to_people_is_recorded_and_their_addresses_are_sealed() {
    let world = world();
    world
        .run(&["member", "set-role", "pavel@larkspur.example", "editor"])
        .ended(0);
    world
        .run(&["member", "remove", "suri@larkspur.example", "--yes"])
        .ended(0);
    for action in ["member.set", "member.remove"] {
        let recorded = world.recorded(action);
        assert_eq!(recorded.len(), 2, "{action}: {recorded:#?}");
        let text = json!(recorded).to_string();
        assert!(text.contains("member_id"), "{text}");
    }
    world.holds_nowhere("pavel@larkspur.example", "nothing");
    world.holds_nowhere("suri@larkspur.example", "nothing");
    // A key that somebody pastes in the wrong place is not kept either.
    let key = world.seeded("reporting")["key"].as_str().unwrap();
    world.run(&["member", "remove", key, "--yes"]).ended(2);
    world.holds_nowhere(key, "nothing");
}

#[test]
fn a_review_tells_what_to_look_at_and_is_recorded() {
    let world = world();
    let review = world.run(&["member", "review", "--json"]);
    // Somebody is of no domain of the owner's.
    let looked = review.ended(1).json();
    assert_eq!(looked.as_array().unwrap().len(), 11);
    let other = ["member", "review", "--domain", "elsewhere.example"];
    let told = world.run(&other).ended(1).stdout;
    assert!(told.contains("outside elsewhere.example"), "{told}");
    assert_eq!(world.recorded("member.review").len(), 4);
}

#[test]
fn values_are_blocked_once_in_one_form_and_unblocked_by_their_entries() {
    let world = world();
    let add = |values: &[&str]| world.run(&[&["blocklist", "add", "--json"], values].concat());
    let added = add(&[
        "Rival.COM",
        "rival.com",
        "bücher.example",
        "competitor.example",
    ]);
    let added = added.ended(0).json();
    assert_eq!(
        (&added["added"], &added["there_already"]),
        (&json!(2), &json!(1))
    );
    let again = add(&["RIVAL.com"]).ended(0).json();
    assert_eq!(
        (&again["added"], &again["there_already"]),
        (&json!(0), &json!(1))
    );
    let mut is = blocked(&world);
    is.retain(|value| value.contains("rival") || value.contains("cher"));
    assert_eq!(is, ["rival.com", "xn--bcher-kva.example"]);
    let faulty = add(&["com", "*.rival.com", "fine.example"]).ended(2);
    assert!(faulty.stderr.contains("'com'") && faulty.stderr.contains("'*.rival.com'"));

    let check = [
        "blocklist",
        "check",
        "ann@rival.com",
        "ann@ours.example",
        "--json",
    ];
    let checked = world.run(&check).ended(1).json();
    assert_eq!(checked[0]["blocked"], false);
    assert_eq!(checked[1]["by"], "rival.com");
    world.run(&["blocklist", "check", "rival.com"]).ended(0);

    let count = blocked(&world).len();
    world
        .run(&["blocklist", "remove", "Rival.com", "--dry-run"])
        .ended(0);
    assert_eq!(blocked(&world).len(), count);
    world.run(&["blocklist", "remove", "rival.com"]).ended(2);
    let removed = [
        "blocklist",
        "remove",
        "Rival.com",
        "not-there.example",
        "--yes",
    ];
    let removed = world.run(&removed).ended(1);
    assert!(
        removed.stderr.contains("not-there.example is not"),
        "{removed:?}"
    );
    let left = blocked(&world);
    assert_eq!(left.len(), count - 1);
    assert!(!left.contains(&"rival.com".to_owned()));
}

#[test]
fn a_file_is_brought_in_whole_or_not_at_all_and_in_bulks() {
    let world = world();
    let path = world.path().join("list.csv");
    let import = |more: &[&str]| -> Ran {
        world.run(&[&["blocklist", "import", "list.csv", "--json"], more].concat())
    };
    let mut text = "Blocked Email,Date\n".to_owned();
    for n in 0..2_300 {
        text.push_str(&format!("lead{n}@x{}.example,2026-01-01\n", n % 7));
    }
    fs::write(&path, format!("{text}LEAD1@X1.example,\nnonsense\n")).unwrap();
    let refused = import(&[]).ended(2);
    assert!(refused.stderr.contains("list.csv:2303:"), "{refused:?}");
    assert_eq!(blocked(&world).len(), 5);
    let dry = import(&["--skip-faulty", "--dry-run"]).ended(0).json();
    assert_eq!(dry["would_add"].as_array().unwrap().len(), 2_300);
    assert_eq!(blocked(&world).len(), 5);
    let done = import(&["--skip-faulty"]).ended(0).json();
    assert_eq!(
        (&done["added"], &done["repeated"], &done["faulty"]),
        (&json!(2_300), &json!(1), &json!(1))
    );
    let all = blocked(&world);
    assert_eq!(all.len(), 2_305);
    assert_eq!(world.recorded("block_list.add").len(), 6);
    // What is there is not added again.
    let again = import(&["--skip-faulty"]).ended(0).json();
    assert_eq!(
        (&again["added"], &again["there_already"]),
        (&json!(0), &json!(2_300))
    );

    let listed = world.run(&["blocklist", "list", "--json"]).ended(0).stdout;
    let mut values: Vec<String> = listed
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|entry| entry["value"].as_str().unwrap().to_owned())
        .collect();
    values.sort();
    assert_eq!(values, all);
    let domains = [
        "blocklist",
        "list",
        "--domains",
        "--search",
        "competitor",
        "--json",
    ];
    let domains = world.run(&domains).ended(0).stdout;
    assert_eq!(domains.lines().count(), 1, "{domains}");
    world.holds_nowhere("lead17@x3.example", "nothing");
    let looked = world.run(&["blocklist", "check", "--json"]).ended(0).json();
    assert_eq!(looked["entries"], 2_305);
}

#[test]
fn without_a_key_that_may_it_is_said_which_scopes_are_missing() {
    let world = World::with(&["lead-import"]);
    for (arguments, scope) in [
        (&["member", "list"][..], "workspace_members:read"),
        (&["blocklist", "list"][..], "block_list_entries:read"),
    ] {
        let refused = world.run(arguments).ended(1);
        assert!(refused.stderr.contains(scope), "{refused:?}");
    }
}
