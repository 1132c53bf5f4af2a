//! Reading, refusing, and the schema.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// A manifest with everything that can be declared.
pub(crate) const FULL: &str = r#"
prune_destinations = true

[[workspace]]
name = "acme"
prune = ["member", "block_list"]
own_domains = ["Acme.example"]
competitor_domains = ["bücher.example"]
sub_workspaces = ["019b76da-a800-7e55-b2fb-eea293f80bc9"]

[[workspace.upstream_key]]
name = "reader"
scopes = ["campaigns:read", "leads:read"]
owner = "ann@acme.example"
rotate_every = "30d"
manages = false
kept_at = "age://secrets.age#reader"

[[workspace.client]]
name = "dashboard"
environment = "production"
owner = "ann"
purpose = "figures"
use_cases = ["analytics-dashboard"]
operations = ["listCampaign"]
scopes = ["accounts:read"]
sub_workspaces = ["019b76da-a800-7e55-b2fb-eea293f80bc9"]
audit = true
disabled = false
limits = { class = "batch", weight = 3, per_second = 5, per_day = 100, leads_per_day = 10, concurrency = 2, sources = ["10.0.0.0/8", "192.0.2.1"], redact = ["email=mask", "/items/*/phone=drop"] }

[[workspace.subscription]]
name = "replies"
event = "reply_received"
campaign = "019b76da-a800-7e55-b2fb-eea293f80bc9"
proof = "header:X-Mine"
allow = ["203.0.113.0/24"]
public_url = "https://hooks.acme.example"
kept_at = "file:webhooks/replies"

[[workspace.subscription]]
name = "hot"
label = 10

[[workspace.member]]
email = "Ann@Acme.example"
role = "editor"
permissions = ["campaigns.view"]
nickname = "Ann"

[workspace.block_list]
values = ["Rival.com", "rival.com", "x@y.example"]
files = ["more.txt"]

[[destination]]
name = "crm"
url = "https://crm.acme.example/hooks"
events = ["reply_received"]
campaigns = ["019b76da-a800-7e55-b2fb-eea293f80bc9"]
workspaces = ["acme"]
form = "normalised"
headers = { X-Tenant = "acme", Authorization = "file:///run/secrets/crm" }
in_order = true
concurrency = 4
rate = 50
timeout = "15s"
paused = false
kept_at = "age://secrets.age#crm"

[thresholds]
max_managers = 2
look_back_days = 90
unused_days = 30
key_days = 90
secret_days = 90
invitation_days = 14
login_days = 90
mfa_failures = 5
failing_percent = 5
failing_of = 20
reconcile_hours = 24
quarantine = 10
witness_leaves = 1000
sink_minutes = 15
disk_percent = 10
disk_mib = 1024
email_domains = ["acme.example"]
webhook_hosts = ["hooks.acme.example"]
"#;

fn source(name: &str, text: &str) -> Source {
    Source {
        name: name.to_owned(),
        text: text.to_owned(),
    }
}

fn no_files(_: &str, path: &str) -> Result<String, String> {
    match path {
        "more.txt" => Ok("more.example\n".to_owned()),
        _ => Err(format!("there is no file {path}")),
    }
}

fn parse(text: &str) -> Result<Manifest, Faults> {
    read(&[source("workspace.toml", text)], &no_files)
}

#[test]
fn everything_that_can_be_declared_is_read_in_one_form() {
    let manifest = parse(FULL).unwrap();
    let acme = &manifest.workspaces["acme"];
    assert_eq!(acme.prune, BTreeSet::from([Kind::Member, Kind::BlockList]));
    assert_eq!(
        acme.upstream_keys["reader"].rotate_every,
        Some(30 * 86_400_000)
    );
    let client = &acme.clients["dashboard"];
    let sources: Vec<&String> = client.controls.sources.iter().flatten().collect();
    assert_eq!(sources, ["10.0.0.0/8", "192.0.2.1/32"]);
    assert!(client.grant.audit && client.grant.operations.contains("listCampaign"));
    assert_eq!(acme.subscriptions["hot"].label, Some(10.0));
    assert_eq!(acme.members["ann@acme.example"].role, "editor");
    assert_eq!(
        acme.blocked().unwrap(),
        [
            "acme.example",
            "more.example",
            "rival.com",
            "x@y.example",
            "xn--bcher-kva.example"
        ]
    );
    let crm = &manifest.destinations["crm"];
    assert_eq!(crm.timeout_ms, Some(15_000));
    assert!(crm.headers.as_ref().unwrap().contains_key("authorization"));
    assert_eq!(manifest.thresholds.numbers.len(), 16);
    assert!(manifest.prune_destinations);
}

#[test]
fn all_faults_are_told_at_once_with_line_column_and_help() {
    let text = "\
[[workspace]]
name = \"Acme Inc\"
prune = [\"members\"]

[[workspace.member]]
email = \"ann\"
role = \"boss\"
permissons = []

[[workspace.client]]
name = \"crm\"
use_cases = [\"everything\"]

[[workspace.upstream_key]]
scopes = [\"leads:fly\"]
rotate_every = \"1m\"

[[workspace.subscription]]
name = \"s\"
kept_at = \"hunter2\"

[[destination]]
name = \"d\"
url = \"ftp://x\"
headers = { authorization = \"Bearer abc\" }
rate = 99999
";
    let faults = parse(text).unwrap_err();
    let told: Vec<String> = faults
        .0
        .iter()
        .map(|one| format!("{} {}", one.place(), one.why))
        .collect();
    for (place, why) in [
        ("workspace.toml:2:8", "workspace.name does not fit"),
        ("workspace.toml:3:10", "workspace.prune does not fit"),
        ("workspace.toml:6:9", "workspace.member.email does not fit"),
        ("workspace.toml:7:8", "workspace.member.role does not fit"),
        (
            "workspace.toml:8:1",
            "workspace.member.permissons is nothing that can be declared",
        ),
        (
            "workspace.toml:10:1",
            "workspace.client.environment is missing",
        ),
        (
            "workspace.toml:12:14",
            "workspace.client.use_cases does not fit",
        ),
        (
            "workspace.toml:14:1",
            "workspace.upstream_key.name is missing",
        ),
        (
            "workspace.toml:15:11",
            "workspace.upstream_key.scopes does not fit",
        ),
        (
            "workspace.toml:16:16",
            "workspace.upstream_key.rotate_every does not fit",
        ),
        (
            "workspace.toml:18:1",
            "workspace.subscription.event is missing",
        ),
        (
            "workspace.toml:20:11",
            "workspace.subscription.kept_at does not fit",
        ),
        ("workspace.toml:24:7", "destination.url does not fit"),
        (
            "workspace.toml:22:1",
            "destination.headers.authorization is missing",
        ),
        ("workspace.toml:26:8", "destination.rate does not fit"),
    ] {
        let line = format!("{place} {why}");
        assert!(told.contains(&line), "{line}\n{told:#?}");
    }
    let text = faults.to_string();
    assert!(text.contains("help: did you mean permissions?"), "{text}");
    assert!(
        text.contains("help: choose owner, admin, editor, view"),
        "{text}"
    );
    assert!(
        !text.contains("hunter2") && !text.contains("Bearer"),
        "{text}"
    );
}

#[test]
fn files_are_taken_together_and_nothing_is_declared_twice() {
    let one = "[[workspace]]\nname = \"acme\"\n[[workspace.member]]\nemail = \"a@b.example\"\nrole = \"view\"\n";
    let two = "[[workspace]]\nname = \"acme\"\ncompetitor_domains = [\"r.example\"]\n";
    let both = read(&[source("1.toml", one), source("2.toml", two)], &no_files).unwrap();
    let acme = &both.workspaces["acme"];
    assert!(acme.members.len() == 1 && acme.competitors.len() == 1);
    let twice = read(&[source("1.toml", one), source("2.toml", one)], &no_files).unwrap_err();
    assert!(
        twice.to_string().contains("declared at 1.toml:3 already"),
        "{twice}"
    );
    assert!(
        parse("")
            .unwrap_err()
            .to_string()
            .contains("nothing is declared")
    );
    let missing = "[[workspace]]\nname = \"a\"\n[workspace.block_list]\nfiles = [\"gone\"]\n";
    assert!(
        parse(missing)
            .unwrap_err()
            .to_string()
            .contains("no file gone")
    );
    assert!(
        parse("[[workspace]\n")
            .unwrap_err()
            .to_string()
            .contains("not TOML")
    );
}

#[test]
fn a_secret_in_a_manifest_is_refused_and_not_repeated() {
    let key = "dwk_p_8jtPHNY1aF55_2krmvGOJI0hZW5sWBl9DjvQjy4KEYz5wdoIgTNQYsM503A13b";
    for (secret, line) in [(key, 3), ("whsec_abcdef", 3)] {
        let text = format!("[[workspace]]\nname = \"acme\"\n# {secret}\n");
        let told = parse(&text).unwrap_err().to_string();
        assert!(
            told.contains(&format!("workspace.toml:{line}:1: a secret stands here")),
            "{told}"
        );
        assert!(!told.contains(secret), "{told}");
    }
}

/// A manifest as the schema sees it.
fn as_json(text: &str) -> Value {
    let table: toml::Table = toml::from_str(text).unwrap();
    serde_json::to_value(table).unwrap()
}

#[test]
fn the_schema_has_what_is_read_and_nothing_else() {
    let schema = schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let full = as_json(FULL);
    let errors: Vec<String> = validator
        .iter_errors(&full)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");

    // Whatever the schema has is in the full manifest, which is read: no name is in one alone.
    fn walk(schema: &Value, found: &[&Value], path: &str) {
        if let Some(properties) = schema["properties"].as_object() {
            for (name, below) in properties {
                let here: Vec<&Value> = found.iter().filter_map(|one| one.get(name)).collect();
                assert!(
                    !here.is_empty(),
                    "{path}{name} is in no manifest that is read"
                );
                walk(below, &here, &format!("{path}{name}."));
            }
        }
        if schema["items"].is_object() {
            let items: Vec<&Value> = found
                .iter()
                .flat_map(|one| one.as_array().unwrap())
                .collect();
            walk(&schema["items"], &items, path);
        }
    }
    walk(&schema, &[&full], "");
    for wrong in [
        "[[workspace]]\nname = \"a\"\nprun = true\n",
        "[[workspace]]\n",
        "[[workspace]]\nname = \"a\"\n[[workspace.member]]\nemail = \"a@b.example\"\nrole = \"boss\"\n",
        "[[workspace]]\nname = \"a\"\n[[workspace.client]]\nname = \"c\"\nenvironment = \"moon\"\n",
    ] {
        assert!(
            parse(wrong).is_err() && !validator.is_valid(&as_json(wrong)),
            "{wrong}"
        );
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        let _ = parse(&text);
    }

    #[test]
    fn no_damage_to_a_manifest_makes_it_panic(at in 0..FULL.len(), put in "[\\x00-\\x7f]{0,3}") {
        if FULL.is_char_boundary(at) {
            let damaged = format!("{}{put}{}", &FULL[..at], &FULL[at..]);
            if let Err(faults) = parse(&damaged) {
                prop_assert!(!faults.0.is_empty() && faults.0.iter().all(|one| one.line > 0));
            }
        }
    }

    #[test]
    fn times_are_written_as_they_are_read(seconds in 1..100_000_000_i64) {
        let millis = seconds * 1_000;
        prop_assert_eq!(parse_lasting(&lasting_text(millis)), Some(millis));
    }
}
