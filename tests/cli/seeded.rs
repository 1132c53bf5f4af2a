//! The checks against the sandbox as it is seeded: each planted fault is found, and no other.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::harness::Server;
use crate::upstream::{MANAGER, World};

/// What a team would say of itself that has this workspace.
const SAID: &str = r#"
email_domains = ["larkspur.example"]
competitors = ["rival.example", "competitor.example"]
do_not_contact = ["ceo@bigcorp.example", "stop@nomail.example"]
webhook_hosts = ["larkspur.example"]
disk_percent = 0
disk_mib = 0
"#;

/// Each member as agreed on: Ines has been given more since.
const MEMBERS: [(&str, &str, &[&str]); 11] = [
    ("mara@larkspur.example", "owner", &[]),
    ("teo@larkspur.example", "admin", &[]),
    (
        "ines@larkspur.example",
        "view",
        &["campaigns.view", "campaigns.edit", "leadManagement.view"],
    ),
    ("pavel@larkspur.example", "view", &["analytics.view"]),
    ("suri@larkspur.example", "editor", &[]),
    ("juno@larkspur.example", "admin", &[]),
    ("kit@larkspur.example", "admin", &[]),
    ("rafe@freelance.example", "editor", &[]),
    ("sales@larkspur.example", "editor", &[]),
    (
        "bea@larkspur.example",
        "editor",
        &["campaigns.view", "organization.integrations"],
    ),
    ("otto@larkspur.example", "view", &[]),
];

/// The faults of the seed: the check, and the name of what it is at.
const PLANTED: [(&str, &str); 41] = [
    ("block_list.competitors", ""),
    ("block_list.do_not_contact", ""),
    ("block_list.own_domains", ""),
    ("block_list.unsubscribed", ""),
    ("group.undeclared", "Tern & Teasel"),
    ("keys.management_rotated", "full-automation"),
    ("keys.meaningless_name", "test 2"),
    ("keys.over_age", "analytics-dashboard"),
    ("keys.over_age", "lead-import"),
    ("keys.over_age", "reporting"),
    ("keys.over_age", "webhook-handler"),
    ("keys.reads_secrets", "webhook-handler"),
    ("keys.shared", "site-forms"),
    ("keys.unknown", "analytics-dashboard"),
    ("keys.unknown", "lead-import"),
    ("keys.unknown", "reporting"),
    ("keys.unknown", "site-forms"),
    ("keys.unknown", "test 2"),
    ("keys.unknown", "webhook-handler"),
    ("keys.wildcard", "full-automation"),
    ("keys.wildcard", "reporting"),
    ("people.manages_without_role", "bea@larkspur.example"),
    ("people.many_managers", "acme"),
    ("people.mfa_disabled", "kit@larkspur.example"),
    ("people.mfa_failing", "rafe@freelance.example"),
    ("people.mfa_missing", "sales@larkspur.example"),
    ("people.no_login", "juno@larkspur.example"),
    ("people.no_name", "sales@larkspur.example"),
    ("people.outside_domain", "rafe@freelance.example"),
    ("people.pending_invitation", "otto@larkspur.example"),
    ("people.wider_than_manifest", "ines@larkspur.example"),
    ("secrets.gitignore", ""),
    ("secrets.plain_configuration", ""),
    ("secrets.tracked_env", ""),
    ("secrets.world_readable", ""),
    ("webhooks.all_events", "CRM sync"),
    ("webhooks.disabled", "Old Zap"),
    ("webhooks.failing", "Old Zap"),
    ("webhooks.http_target", "Site forms"),
    ("webhooks.no_secret_header", "Old Zap"),
    ("webhooks.unknown_host", "Old Zap"),
];

/// Checks that look, and find nothing here.
const WELL: [&str; 13] = [
    // What was done before there was a ledger went around nothing.
    "audit.around",
    "audit.instantly_log_empty",
    "audit.ledger_unverified",
    "audit.review_overdue",
    "audit.disk_reserve",
    "group.admin_key",
    "keys.no_owner",
    "keys.revocation_owed",
    "keys.unused",
    "keys.wider_than_used",
    "secrets.provider_unreachable",
    "secrets.across_environments",
    "secrets.production_in_development",
];

/// Has a server that runs judge, by command.
fn checked(world: &World, words: &[&str]) -> Value {
    let words = [
        &["check", "--format", "json", "--fail-on", "never"][..],
        words,
    ]
    .concat();
    world.run(&words).ended(0).json()
}

/// A workspace whose manager and whose widest key Doorward holds, and a project beside it.
fn world() -> World {
    let world = World::with(&[]);
    let value = |name: &str| world.seeded(name)["key"].as_str().unwrap().to_owned();
    let (manager, wide) = (
        world.keep(MANAGER, &value(MANAGER)),
        world.keep("wide", &value("full-automation")),
    );
    let url = world.sandbox.text("url");
    let add = ["workspace", "add", "acme", "--base-url", &url, "--sandbox"];
    let add = [&add[..], &["--manages", "--key-from", &manager]].concat();
    world.run(&add).ended(0);
    let id = world.seeded("full-automation")["id"].as_str().unwrap();
    let adopt = [
        "upstream",
        "adopt",
        "full-automation",
        &wide,
        "--owner",
        "ann",
    ];
    let adopt = [&adopt[..], &["--id", id, "--scopes", "all:all"]].concat();
    world.run(&adopt).ended(0);
    world
        .run(&["upstream", "adopt", MANAGER, "--owner", "bob"])
        .ended(0);
    let config = world.path().join("doorward.toml");
    let mut said = format!("[check]{SAID}");
    for (email, role, permissions) in MEMBERS {
        said += &format!(
            "[[check.member]]\nemail = {email:?}\nrole = {role:?}\npermissions = {permissions:?}\n"
        );
    }
    let text = fs::read_to_string(&config).unwrap();
    let (before, rest) = text.split_once("[check]\n").unwrap();
    let (_, after) = rest.split_once("\n[metrics]").unwrap();
    fs::write(&config, format!("{before}{said}\n[metrics]{after}")).unwrap();
    world
}

/// A team's repository as it should not be.
fn project(world: &World) -> String {
    let folder = world.path().join("project");
    fs::create_dir(&folder).unwrap();
    let key = world.seeded("lead-import")["key"].as_str().unwrap();
    fs::write(folder.join("app.yaml"), format!("instantly: {key}\n")).unwrap();
    fs::write(folder.join(".env"), "MODE=debug\n").unwrap();
    for words in [&["init", "-q"][..], &["add", "-f", ".env"]] {
        let git = std::process::Command::new("git")
            .args(words)
            .current_dir(&folder)
            .status();
        assert!(git.unwrap().success());
    }
    folder.display().to_string()
}

fn found(ran: &Value) -> BTreeSet<(String, String)> {
    let findings = ran["findings"].as_array().unwrap().iter();
    let place = |finding: &Value| {
        let name = &finding["places"][0]["thing"]["name"];
        name.as_str().unwrap_or_default().to_owned()
    };
    findings
        .map(|finding| (finding["rule"].as_str().unwrap().to_owned(), place(finding)))
        .collect()
}

#[test]
fn each_planted_fault_is_found_and_no_other() {
    let world = world();
    let folder = project(&world);
    let server = Server::start(world.path(), &["serve", "--listen", "127.0.0.1:0"]);
    let ran = checked(&world, &["--repo", &folder]);
    let planted = PLANTED.map(|(rule, name)| (rule.to_owned(), name.to_owned()));
    let planted = BTreeSet::from(planted);
    let found = found(&ran);
    let told = &ran["not_looked_at"];
    assert_eq!(found, planted, "{told:#}\n{:#}", ran["findings"]);
    // All could be looked at, and what is well is said to be.
    assert!(told.is_null(), "{told:#}");
    let rules = ran["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 54);
    for rule in rules {
        let id = rule["id"].as_str().unwrap();
        assert_eq!(WELL.contains(&id), rule["outcome"] == "passed", "{rule:#}");
    }
    // No key, and no secret of a subscription, is in what was answered.
    let text = ran.to_string();
    for name in ["lead-import", "full-automation", MANAGER] {
        assert!(!text.contains(world.seeded(name)["key"].as_str().unwrap()));
    }
    assert!(!text.contains("seeded-"));
    // The same again, of one area.
    let again = checked(&world, &["--workspace", "acme", "--only", "people"]);
    assert_eq!(again["rules"].as_array().unwrap().len(), 10);
    assert_eq!(again["findings"].as_array().unwrap().len(), 10);
    drop(server);
}

#[test]
fn what_no_key_may_read_is_said_and_does_not_pass() {
    let world = World::with(&["lead-import"]);
    let _server = Server::start(world.path(), &["serve", "--listen", "127.0.0.1:0"]);
    let areas = ["people", "block_list", "keys.unknown", "group"];
    let only = areas.map(|area| ["--only", area]).concat();
    let ran = checked(&world, &only);
    assert_eq!(ran["findings"], json!([]), "{ran:#}");
    let rules = ran["rules"].as_array().unwrap();
    for rule in rules {
        let outcome = &rule["outcome"];
        let undeclared = outcome["not_applicable"].is_string();
        assert!(outcome["not_looked"].is_string() || undeclared, "{rule:#}");
    }
    let told = ran["rules"].to_string();
    assert!(
        told.contains("workspace_members:read") && told.contains("upstream adopt"),
        "{told}"
    );
}
